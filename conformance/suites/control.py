"""The control interface of a target: orders made to measure, moved time, faults on demand, and the ledger."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from conformance.exceptions import TargetError
from conformance.exchange import Headers, Request
from conformance.simulator.service import Simulator
from conformance.suites.stops import NotMeasuredError, TargetGoneError
from conformance.suites.wire import UNANSWERED, Limits, Wire

__all__ = ["ControlPort", "EmbeddedControl", "HttpControl"]


_NOT_OFFERED = frozenset({404, 405, 501})
_SHOWN = 60
# It is there, and does not do what it is asked for.
_WILL_NOT = frozenset({400, 422})

# Each request without an answer costs all the time that an answer has, and any case may ask several.
_PATIENCE = 5


class ControlPort(Protocol):
    """What a driver may ask of a target that it cannot ask of the API.

    Every method raises TargetError on refusal, TargetGoneError when too much was left unanswered, and NotMeasuredError
    where the target does not offer it. All but making orders may be missing.
    """

    def create_order(self, **fields: Any) -> str:
        """Make an order with these fields of the API and return its id."""
        ...

    def advance(self, seconds: float) -> None:
        """Move the target's clock forward."""
        ...

    def now(self) -> datetime | None:
        """Read the target's clock (aware); None when the interface does not show it."""
        ...

    def provoke(self, fault: Mapping[str, Any]) -> None:
        """Order a fault; the fields are those of ``POST /faults``."""
        ...

    def clear(self) -> None:
        """Take back every fault."""
        ...

    def ledger(self, order_id: str) -> dict[str, Any]:
        """Read what really happened to an order."""
        ...

    @property
    def shows_ledger(self) -> bool:
        """Whether the ledger can be read, as far as is known."""
        ...

    def reset(self) -> None:
        """Forget every order."""
        ...

    def merchants(self) -> list[dict[str, str]]:
        """Name the merchants that the target knows."""
        ...

    def close(self) -> None:
        """Give back what the port holds."""
        ...


class EmbeddedControl:
    """The control interface of a simulator in the same process: plain calls, no JSON in between."""

    shows_ledger = True

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def create_order(self, **fields: Any) -> str:
        """Make an order with these fields of the API and return its id."""
        return self._simulator.create_order(fields)

    def advance(self, seconds: float) -> None:
        """Move the simulator's clock forward."""
        self._simulator.advance(seconds)

    def now(self) -> datetime | None:
        """Read the simulator's clock."""
        return self._simulator.clock.now

    def provoke(self, fault: Mapping[str, Any]) -> None:
        """Order a fault; the fields are those of ``POST /faults``."""
        self._simulator.provoke(fault)

    def clear(self) -> None:
        """Take back every fault."""
        self._simulator.clear_faults()

    def ledger(self, order_id: str) -> dict[str, Any]:
        """Read what really happened to an order."""
        return self._simulator.ledger(order_id)

    def reset(self) -> None:
        """Forget every order."""
        self._simulator.reset()

    def merchants(self) -> list[dict[str, str]]:
        """Name the simulator's merchants."""
        known = self._simulator.credentials.merchants
        return [
            {"username": merchant.username, "password": merchant.password, "merchant_id": merchant.merchant_id}
            for merchant in known
        ]

    def close(self) -> None:
        """Nothing is held."""


class HttpControl:
    """The control interface at an address."""

    def __init__(self, control_url: str, limits: Limits | None = None) -> None:
        self._wire = Wire(control_url, limits)
        self._now: datetime | None = None
        self._shows_clock = True
        self.shows_ledger = True
        self._ledger_read = False
        self._unanswered = 0

    def create_order(self, **fields: Any) -> str:
        """Make an order with these fields of the API and return its id."""
        made = self._ask("POST", "/orders", fields)
        order_id = made.get("order_id") if isinstance(made, dict) else None
        if not isinstance(order_id, str) or not order_id:
            raise TargetError("the control interface made an order without an order_id")
        return order_id

    def advance(self, seconds: float) -> None:
        """Move the target's clock forward."""
        self._now = _time_of(self._ask("POST", "/clock", {"advance_s": seconds}))

    def now(self) -> datetime | None:
        """Read the target's clock; it is asked once and after each move, since it moves by those alone."""
        if self._now is None and self._shows_clock:
            try:
                told = self._ask("GET", "/clock")
            except (TargetError, NotMeasuredError):
                told = None
            self._now = _time_of(told)
            self._shows_clock = self._now is not None
        return self._now

    def provoke(self, fault: Mapping[str, Any]) -> None:
        """Order a fault; the fields are those of ``POST /faults``."""
        self._ask("POST", "/faults", dict(fault))

    def clear(self) -> None:
        """Take back every fault."""
        self._ask("DELETE", "/faults")

    def ledger(self, order_id: str) -> dict[str, Any]:
        """Read what really happened to an order."""
        try:
            ledger = self._ask("GET", f"/ledger/{order_id}")
        except NotMeasuredError as missing:
            if self._ledger_read:
                raise TargetError(f"the control interface has no ledger of the order {order_id}") from missing
            self.shows_ledger = False
            raise
        self._ledger_read = True
        if not isinstance(ledger, dict):
            raise TargetError("the control interface gave a ledger that is not an object")
        return ledger

    def reset(self) -> None:
        """Forget every order."""
        self._ask("POST", "/reset", {})
        self._now = None

    def merchants(self) -> list[dict[str, str]]:
        """Name the merchants that the target knows; empty when the interface does not say."""
        try:
            merchants = self._ask("GET", "/merchants")
        except NotMeasuredError:
            return []
        usable = merchants if isinstance(merchants, list) else []
        return [
            merchant
            for merchant in usable
            if isinstance(merchant, dict)
            and isinstance(merchant.get("username"), str)
            and isinstance(merchant.get("password"), str)
        ]

    def close(self) -> None:
        """Close the connection."""
        self._wire.close()

    def _ask(self, method: str, path: str, fields: Mapping[str, Any] | None = None) -> Any:
        body = b"" if fields is None else json.dumps(fields, ensure_ascii=False).encode()
        headers = Headers([("Content-Type", "application/json")] if body else [])
        if self._unanswered >= _PATIENCE:
            raise TargetGoneError(f"the control interface at {self._wire.base_url} gave no answer {_PATIENCE} times")
        # A second order or fault that nobody asked for does no harm; a run that stops for a closed connection does.
        exchange = self._wire.send(Request(method, self._wire.prefix + path, headers, body), repeatable=True)
        response = exchange.response
        if response is None:
            self._unanswered += exchange.failure.startswith(UNANSWERED)
            raise TargetError(f"the control interface at {self._wire.base_url} cannot be reached: {exchange.failure}")
        if response.status in _NOT_OFFERED and path != "/orders":
            raise NotMeasuredError(f"the control interface does not offer {method} /{path.split('/')[1]}")
        if not 200 <= response.status < 300:
            reason = response.body[:200].decode("utf-8", "replace")
            told = f"the control interface answers {method} {path} with {response.status}: {reason}"
            raise NotMeasuredError(told) if response.status in _WILL_NOT else TargetError(told)
        if not response.body:
            return None
        try:
            return json.loads(response.body)
        except (ValueError, RecursionError) as error:
            message = f"the control interface answers {method} {path} with something that is not JSON"
            raise TargetError(message) from error


def _time_of(answer: Any) -> datetime | None:
    """Read the time out of what ``/clock`` answers."""
    told = answer.get("now") if isinstance(answer, dict) else None
    if told is None:
        return None
    try:
        now = datetime.fromisoformat(told) if isinstance(told, str) else None
    except ValueError:
        now = None
    if now is None or now.tzinfo is None:
        shown = json.dumps(told)[:_SHOWN]
        raise TargetError(f"the control interface tells the time as {shown}; it has to be ISO 8601 with a zone")
    return now
