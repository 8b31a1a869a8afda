"""An order behind a mock, and what a test may claim of the money that moved on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from conformance.mocks.call import Call
from conformance.simulator.service import Simulator

__all__ = ["LedgerVerdict", "OrderMock"]


class LedgerVerdict:
    """Whether a claim holds, with what really happened: ``assert`` shows it when the claim fails."""

    __slots__ = ("_holds", "_story")

    def __init__(self, holds: bool, story: str) -> None:
        self._holds = holds
        self._story = story

    def __bool__(self) -> bool:
        return self._holds

    def __repr__(self) -> str:
        return f"<{'holds' if self._holds else 'does not hold'}: {self._story}>"


class OrderMock:
    """One order of the simulator behind a mock; amounts are integers in minor units.

    What the preparation of the order did does not count as done by the client.
    """

    def __init__(
        self, order_id: str, simulator: Simulator, requests: Callable[[str | None, str | None], tuple[Call, ...]]
    ) -> None:
        self.id = order_id
        self._simulator = simulator
        self._requests = requests

    @property
    def ledger(self) -> Mapping[str, Any]:
        """Every movement of the order's money and the sums."""
        return self._simulator.ledger(self.id)

    @property
    def status(self) -> str:
        """The state of the order in the lifecycle's words."""
        return str(self.ledger["status"])

    @property
    def captured(self) -> int:
        """The sum of all captures."""
        return int(self.ledger["captured"])

    @property
    def refunded(self) -> int:
        """The sum of all refunds."""
        return int(self.ledger["refunded"])

    @property
    def authorised(self) -> int:
        """The order's amount."""
        return int(self.ledger["authorised"])

    @property
    def remaining(self) -> int:
        """What may still be captured."""
        return int(self.ledger["remaining"])

    def requests(self, operation: str | None = None) -> tuple[Call, ...]:
        """Return the requests about this order, oldest first, of one operation id or of all; each has its ``key``."""
        return self._requests(operation, self.id)

    def captured_once(self, amount: int | None = None) -> LedgerVerdict:
        """Claim that exactly one capture was made, of this amount if one is named."""
        return self._made_once("capture", "captured", "captureOrder", amount)

    def refunded_once(self, amount: int | None = None) -> LedgerVerdict:
        """Claim that exactly one refund was made, of this amount if one is named."""
        return self._made_once("refund", "refunded", "refundOrder", amount)

    def cancelled(self) -> LedgerVerdict:
        """Claim that the order was cancelled by a request."""
        moved = self._movements("cancel")
        return LedgerVerdict(bool(moved), "cancelled" if moved else f"not cancelled, {self._asked('cancelOrder')}")

    def released(self) -> LedgerVerdict:
        """Claim that the remaining authorisation was given back by a request."""
        moved = self._movements("release")
        operation = "releaseRemainingAuthorization"
        return LedgerVerdict(
            bool(moved), f"released {moved[0]['amount']}" if moved else f"not released, {self._asked(operation)}"
        )

    def untouched(self) -> LedgerVerdict:
        """Claim that no request changed anything: no money moved and no write was carried out."""
        moved = [f"{_plain(entry)} by {entry['kind']}" for entry in self._movements()]
        done = [f"{call.operation} was carried out" for call in self.requests() if call.carried_out and call.is_write]
        return LedgerVerdict(not moved and not done, "; ".join(moved + done) or "nothing was changed")

    def kept_key(self, operation: str) -> LedgerVerdict:
        """Claim that every request of an operation carried one and the same idempotency key, and that there was one."""
        calls = self.requests(operation)
        keys = {call.key for call in calls}
        holds = len(keys) == 1 and None not in keys and "" not in keys
        return LedgerVerdict(holds, self._asked(operation))

    def __repr__(self) -> str:
        ledger = self.ledger
        sums = ", ".join(f"{name} {ledger[name]}" for name in ("authorised", "captured", "refunded", "remaining"))
        return f"<order {self.id}: {ledger['status']}, {sums}>"

    def _movements(self, kind: str | None = None) -> list[Mapping[str, Any]]:
        # Number 0 is the preparation and the clock.
        return [entry for entry in self.ledger["entries"] if entry["request"] and kind in (None, entry["kind"])]

    def _made_once(self, kind: str, verb: str, operation: str, amount: int | None) -> LedgerVerdict:
        moved = self._movements(kind)
        if not moved:
            return LedgerVerdict(False, f"not {verb}, {self._asked(operation)}")
        if len(moved) > 1:
            each = ", ".join(_plain(entry) for entry in moved)
            return LedgerVerdict(False, f"{verb} {len(moved)} times, not once: {each}")
        if amount is not None and moved[0]["amount"] != amount:
            return LedgerVerdict(False, f"{verb} once, but {moved[0]['amount']} and not {amount}")
        return LedgerVerdict(True, f"{verb} once: {_plain(moved[0])}")

    def _asked(self, operation: str) -> str:
        calls = self.requests(operation)
        if not calls:
            return f"{operation} was never asked for"
        each = ", ".join(f"{call.outcome} ({_key(call.key)})" for call in calls)
        return f"{operation} was asked for {len(calls)} time{'s' if len(calls) > 1 else ''}: {each}"


def _plain(entry: Mapping[str, Any]) -> str:
    return f"{entry['amount']} ({_key(entry['idempotency_key'])})"


def _key(key: str | None) -> str:
    return "no key" if not key else f"key {key!r}"
