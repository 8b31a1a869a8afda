"""An order with its captures and refunds, kept next to the JSON that shows it so that no read writes it anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from conformance.simulator.clock import timestamp
from conformance.simulator.ledger import Movement
from conformance.simulator.request_body import parse
from conformance.simulator.shape import LINE, ORDER_FIELDS, SHIPPING_INFO, encode, listed, project

__all__ = ["Capture", "Order", "Refund", "lines_json"]

_FIELDS = tuple((name, name.encode()) for name in ORDER_FIELDS)

# How long an asynchronous allocation of a refund to its captures takes; recordings show it undone within a second.
_ALLOCATION_TAKES = timedelta(seconds=1)


def lines_json(lines: Sequence[Mapping[str, Any]]) -> bytes:
    """Write order lines the way they are read back."""
    return encode([project(line, LINE) for line in lines])


class Capture:
    """One capture. Its addresses are those that the order had when it was captured.

    ``given`` is the request's body as it was written, a JSON object. It is looked into when somebody first reads the
    capture: most captures are never read, and what was parsed takes five times the memory.
    """

    __slots__ = (
        "_addresses",
        "_after",
        "_before",
        "_given",
        "_json",
        "_shipping_info",
        "capture_id",
        "captured_amount",
        "captured_at",
        "extended_days",
        "klarna_reference",
        "refunded_amount",
    )

    def __init__(
        self,
        capture_id: str,
        klarna_reference: str,
        captured_amount: int,
        captured_at: str,
        given: bytes,
        addresses: Mapping[str, bytes],
    ) -> None:
        self.capture_id = capture_id
        self.klarna_reference = klarna_reference
        self.captured_amount = captured_amount
        self.captured_at = captured_at
        self.refunded_amount = 0
        self.extended_days: tuple[int, ...] = ()
        self._given = given
        self._addresses = addresses
        self._before = b""
        self._after = b""
        self._shipping_info: list[bytes] = []
        self._json = b""

    @property
    def room(self) -> int:
        """What of the capture is not refunded yet."""
        return self.captured_amount - self.refunded_amount

    def allocate(self, amount: int) -> None:
        """Charge a part of a refund to this capture."""
        self.refunded_amount += amount
        self._json = b""

    def append_shipping_info(self, entries: Sequence[Mapping[str, Any]]) -> None:
        """Add shipping details behind those that are there."""
        self._encode_given()
        self._shipping_info.extend(encode(project(entry, SHIPPING_INFO)) for entry in entries)
        self._json = b""

    def encoded(self) -> bytes:
        """Return the capture as JSON."""
        if not self._json:
            self._encode_given()
            amount = b"%d" % self.refunded_amount
            self._json = b"".join((self._before, amount, self._after, b",".join(self._shipping_info), b"]}"))
        return self._json

    def _encode_given(self) -> None:
        if not self._given:
            return
        given = parse(self._given)
        shown: dict[str, Any] = {
            "capture_id": self.capture_id,
            "klarna_reference": self.klarna_reference,
            "captured_amount": self.captured_amount,
            "captured_at": self.captured_at,
            "description": given.get("description", ""),
        }
        if "reference" in given:
            shown["reference"] = given["reference"]
        lines = lines_json(given.get("order_lines", ()))
        self._before = encode(shown)[:-1] + b',"order_lines":' + lines + b',"refunded_amount":'
        addresses = [
            b',"%s":%s' % (name.encode(), self._addresses[name])
            for name in ("billing_address", "shipping_address")
            if name in self._addresses
        ]
        self._after = b"".join(addresses) + b',"shipping_info":['
        self._shipping_info = [encode(project(entry, SHIPPING_INFO)) for entry in given.get("shipping_info", ())]
        self._given = b""


class Refund:
    """One refund. ``returns_reference`` says whether reading it shows the reference that was sent.

    ``given`` is the request's body as it was written, looked into when somebody first reads the refund.
    """

    __slots__ = ("_given", "_json", "_returns_reference", "refund_id", "refunded_amount", "refunded_at")

    def __init__(
        self,
        refund_id: str,
        refunded_amount: int,
        refunded_at: str,
        given: bytes,
        *,
        returns_reference: bool,
    ) -> None:
        self.refund_id = refund_id
        self.refunded_amount = refunded_amount
        self.refunded_at = refunded_at
        self._returns_reference = returns_reference
        self._given = given
        self._json = b""

    def encoded(self) -> bytes:
        """Return the refund as JSON."""
        if self._given:
            given = parse(self._given)
            shown: dict[str, Any] = {
                "refund_id": self.refund_id,
                "refunded_amount": self.refunded_amount,
                "refunded_at": self.refunded_at,
                "description": given.get("description", ""),
            }
            if self._returns_reference and "reference" in given:
                shown["reference"] = given["reference"]
            lines = lines_json(given.get("order_lines", ()))
            self._json = encode(shown)[:-1] + b',"order_lines":' + lines + b',"credit_invoice":false}'
            self._given = b""
        return self._json


# Shared by all orders that have none, so that a million fresh orders stay small.
_NO_CAPTURES: dict[str, Capture] = {}
_NO_REFUNDS: dict[str, Refund] = {}
_NO_MOVEMENTS: list[Movement] = []
_NO_TRANSACTIONS: dict[str, tuple[bytes, str]] = {}
_NO_SHIPPING_INFO: list[bytes] = []


class Order:
    """One order of one merchant.

    ``state`` is the lifecycle's, ``status`` what the API shows for it. ``details`` holds the encoded JSON of every
    field that no amount or state depends on; orders made alike share one mapping, so it is replaced, never changed.
    ``order_lines`` is encoded too; None stands for the one line that an order gets when none was asked for.
    """

    __slots__ = (
        "_captures_json",
        "_captures_refunded",
        "_json",
        "_pending_refunds",
        "_shipping_info",
        "_transactions",
        "captured_amount",
        "captures",
        "created_at",
        "details",
        "expires_at",
        "fraud_status",
        "klarna_reference",
        "merchant_id",
        "movements",
        "order_amount",
        "order_id",
        "order_lines",
        "original_order_amount",
        "payment_method",
        "purchase_country",
        "purchase_currency",
        "refunded_amount",
        "refunds",
        "remaining_authorized_amount",
        "state",
        "status",
        "transaction_count",
    )

    def __init__(
        self,
        order_id: str,
        merchant_id: str,
        order_amount: int,
        created_at: datetime,
        expires_at: datetime,
        klarna_reference: str,
        details: Mapping[str, bytes],
        payment_method: str,
        purchase_currency: str,
        purchase_country: str,
        order_lines: bytes | None = None,
    ) -> None:
        self.order_id = order_id
        self.merchant_id = merchant_id
        self.state = "AUTHORIZED"
        self.status = "AUTHORIZED"
        self.fraud_status = "ACCEPTED"
        self.order_amount = order_amount
        self.original_order_amount = order_amount
        self.captured_amount = 0
        self.refunded_amount = 0
        self.remaining_authorized_amount = order_amount
        self.created_at = created_at
        self.expires_at = expires_at
        self.klarna_reference = klarna_reference
        self.details = details
        self.payment_method = payment_method
        self.purchase_currency = purchase_currency
        self.purchase_country = purchase_country
        self.order_lines = order_lines
        self._shipping_info = _NO_SHIPPING_INFO
        self.captures = _NO_CAPTURES
        self.refunds = _NO_REFUNDS
        self.movements = _NO_MOVEMENTS
        self.transaction_count = 0
        self._transactions = _NO_TRANSACTIONS
        self._captures_refunded = 0
        self._pending_refunds: tuple[tuple[datetime, int], ...] = ()
        self._json = b""
        self._captures_json = b""

    def changed(self) -> None:
        """Say that something which the order shows is no longer as it was written."""
        self._json = b""

    def captures_changed(self) -> None:
        """Say that a capture is no longer as it was written."""
        self._json = b""
        self._captures_json = b""

    def record(self, movement: Movement) -> None:
        """Enter a movement of money."""
        if self.movements is _NO_MOVEMENTS:
            self.movements = []
        self.movements.append(movement)

    def add_capture(self, capture: Capture) -> None:
        """Take in a new capture; the amounts are the interpreter's business."""
        if self.captures is _NO_CAPTURES:
            self.captures = {}
        self.captures[capture.capture_id] = capture
        self._captures_json = b""

    def add_refund(self, refund: Refund, now: datetime, *, at_once: bool) -> None:
        """Take in a new refund and charge it to captures, at once or when time has passed."""
        if self.refunds is _NO_REFUNDS:
            self.refunds = {}
        self.refunds[refund.refund_id] = refund
        if at_once:
            self._allocate(refund.refunded_amount)
        else:
            self._pending_refunds += ((now, refund.refunded_amount),)

    def settle(self, now: datetime) -> None:
        """Charge the refunds that waited long enough to captures."""
        while self._pending_refunds and now > self._pending_refunds[0][0] + _ALLOCATION_TAKES:
            self._allocate(self._pending_refunds[0][1])
            self._pending_refunds = self._pending_refunds[1:]

    def append_shipping_info(self, entries: Sequence[Mapping[str, Any]]) -> None:
        """Add shipping details of the whole order behind those that are there."""
        if self._shipping_info is _NO_SHIPPING_INFO:
            self._shipping_info = []
        self._shipping_info.extend(encode(project(entry, SHIPPING_INFO)) for entry in entries)
        self._json = b""

    def repeated(self, action: str, fingerprint: bytes) -> str | None:
        """Return the transaction id of the last such action when it asked for exactly the same."""
        last = self._transactions.get(action)
        return last[1] if last is not None and last[0] == fingerprint else None

    def remember(self, action: str, fingerprint: bytes, transaction_id: str) -> None:
        """Keep what the last action of a kind asked for, with its transaction id."""
        if self._transactions is _NO_TRANSACTIONS:
            self._transactions = {}
        self._transactions[action] = (fingerprint, transaction_id)

    def encoded(self) -> bytes:
        """Return the order as JSON."""
        if not self._json:
            self._json = self._written()
        return self._json

    def encoded_captures(self) -> bytes:
        """Return the list of captures as JSON."""
        if not self._captures_json:
            self._captures_json = listed([capture.encoded() for capture in self.captures.values()])
        return self._captures_json

    def _allocate(self, amount: int) -> None:
        # Oldest capture first. Which capture the service picks without matching lines is not known.
        for capture in islice(self.captures.values(), self._captures_refunded, None):
            part = min(amount, capture.room)
            capture.allocate(part)
            amount -= part
            if capture.room:
                break
            self._captures_refunded += 1
        self.captures_changed()

    def _written(self) -> bytes:
        values = {
            **self.details,
            "order_id": b'"%s"' % self.order_id.encode(),
            "status": b'"%s"' % self.status.encode(),
            "fraud_status": b'"%s"' % self.fraud_status.encode(),
            "order_amount": b"%d" % self.order_amount,
            "original_order_amount": b"%d" % self.original_order_amount,
            "captured_amount": b"%d" % self.captured_amount,
            "refunded_amount": b"%d" % self.refunded_amount,
            "remaining_authorized_amount": b"%d" % self.remaining_authorized_amount,
            "order_lines": self._default_lines() if self.order_lines is None else self.order_lines,
            "klarna_reference": encode(self.klarna_reference),
            "created_at": b'"%s"' % timestamp(self.created_at).encode(),
            "expires_at": b'"%s"' % timestamp(self.expires_at).encode(),
            "captures": self.encoded_captures(),
            "refunds": listed([refund.encoded() for refund in self.refunds.values()]),
        }
        if self._shipping_info:
            values["shipping_info"] = listed(self._shipping_info)
        return b"{" + b",".join([b'"%s":%s' % (key, values[name]) for name, key in _FIELDS if name in values]) + b"}"

    def _default_lines(self) -> bytes:
        amount = self.original_order_amount
        return lines_json(
            [
                {
                    "reference": "ITEM-1",
                    "type": "physical",
                    "quantity": 1,
                    "name": "Item",
                    "total_amount": amount,
                    "unit_price": amount,
                }
            ]
        )
