"""The moves that every case is made of: get an order ready, ask, read back what was written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conformance.suites.bodies import AMOUNT_FIELD, ORDER, BodyMaker
from conformance.suites.conversation import Conversation, Key
from conformance.suites.preparation import follow, prepare
from conformance.suites.prepared_order import PreparedOrder
from conformance.suites.reply import Expected, Reply
from conformance.suites.stops import NotMeasuredError

__all__ = ["Scene"]

_READ_ONE = {"captureOrder": ("getCapture", "capture_id"), "refundOrder": ("get", "refund_id")}


class Scene:
    """One prepared order in one conversation, and the operation that a case is about.

    ``any_order`` is for questions that are refused whatever the order: where none can be had, an id that belongs to
    nobody will do.
    """

    def __init__(self, conversation: Conversation, operation: str, state: str, *, any_order: bool = False) -> None:
        self.conversation = conversation
        self.operation = operation
        self.described = conversation.contract.operations[operation]
        try:
            self.order: PreparedOrder = prepare(conversation, state)
        except NotMeasuredError:
            if not any_order or conversation.exchanges:
                raise
            self.order = PreparedOrder(conversation.new_id(), ORDER["order_amount"], ORDER["order_amount"])

    @property
    def ids(self) -> dict[str, str]:
        """The ids that the operation's path takes: the latest capture or refund, or one that does not exist."""
        wanted = {"order_id": self.order.order_id}
        if "{capture_id}" in self.described.path:
            wanted["capture_id"] = self.order.captures[-1] if self.order.captures else self.conversation.new_id()
        if "{refund_id}" in self.described.path:
            wanted["refund_id"] = self.order.refunds[-1] if self.order.refunds else self.conversation.new_id()
        return wanted

    def body(self, amount: int | None = None) -> dict[str, Any] | None:
        """Make a valid body; the number of days is one that the target offers."""
        body = BodyMaker(self.order).valid(self.operation, amount)
        if self.operation == "extendDueDate" and body is not None and self.order.captures:
            body["number_of_days"] = next(iter(self.offers()), 10)
        return body

    def ask(
        self,
        body: Any = None,
        *,
        ids: Mapping[str, str] | None = None,
        key: Key | str = Key.FRESH,
        expected: Expected | None = None,
        **others: Any,
    ) -> Reply:
        """Send the operation's request about the prepared order, and follow the amounts if it succeeds."""
        reply = self.conversation.call(self.operation, ids or self.ids, body, key=key, expected=expected, **others)
        if reply.ok and isinstance(body, dict):
            amount = body.get(AMOUNT_FIELD.get(self.operation, ""), 0)
            if isinstance(amount, int):
                follow(self.order, self.operation, amount, reply)
        return reply

    def read(self) -> Reply:
        """Read the whole order."""
        return self.conversation.call("getOrder", {"order_id": self.order.order_id})

    def read_all(self) -> None:
        """Read the order in every way in which it can be read."""
        order = {"order_id": self.order.order_id}
        self.read()
        if self.order.captures:
            self.conversation.call("getCaptures", order)
        for operation, name, made in (
            ("getCapture", "capture_id", self.order.captures),
            ("get", "refund_id", self.order.refunds),
        ):
            for each in made:
                self.conversation.call(operation, {**order, name: each})

    def read_back(self, reply: Reply) -> None:
        """Read everything that an answered write may have changed: the order, and what it made."""
        if not self.described.writes:
            return
        self.read()
        if not reply.ok:
            return
        order_id = self.order.order_id
        if self.operation in _READ_ONE:
            operation, name = _READ_ONE[self.operation]
            made = (self.order.captures if self.operation == "captureOrder" else self.order.refunds)[-1:]
            if made and made[0]:
                self.conversation.call(operation, {"order_id": order_id, name: made[0]})
            if self.operation == "captureOrder":
                self.conversation.call("getCaptures", {"order_id": order_id})
        elif "{capture_id}" in self.described.path:
            self.conversation.call("getCapture", self.ids)

    def offers(self, ids: Mapping[str, str] | None = None) -> list[int]:
        """Ask by how many days the due date of a capture may be extended."""
        options = self.conversation.call("getOptionsForExtendDueDate", ids or self.ids).json()
        offers = options.get("options") if isinstance(options, dict) else None
        found = [offer.get("number_of_days") for offer in offers or () if isinstance(offer, dict)]
        return [days for days in found if isinstance(days, int) and not isinstance(days, bool)]
