"""Orders in a wanted state: made to measure where the target lets us, otherwise taken from those that were given."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from conformance.contract.contract import Contract
from conformance.suites.bodies import ORDER, SHIPMENT, TEXT, BodyMaker
from conformance.suites.conversation import Conversation
from conformance.suites.order_source import OrderSource
from conformance.suites.prepared_order import PreparedOrder
from conformance.suites.reply import Reply
from conformance.suites.stops import NotMeasuredError
from conformance.suites.target import Target
from conformance.suites.target_clock import written
from conformance.suites.tidying import read_order
from conformance.suites.told_control import ToldControl

__all__ = [
    "DEEP_STATES",
    "STATES",
    "OrderPool",
    "PreparedState",
    "Step",
    "follow",
    "keeps_state",
    "learned",
    "prepare",
]

LARGEST_AMOUNT = 200_000_000
_NOT_FOUND = 404


@dataclass(frozen=True, slots=True)
class Step:
    """One real API call on the way to a state; ``share`` is a part of the order's amount in hundredths.

    For a capture it is what is captured, for a refund what is refunded, for an update the new total; at least one
    minor unit.
    """

    operation: str
    share: int = 0


@dataclass(frozen=True, slots=True)
class PreparedState:
    """How an order comes into a state: the fields that it is made with, then steps.

    ``lifecycle`` is the state of the lifecycle table that it stands for. ``made`` says that only a control interface
    brings it about; the others are reached from an authorised order through the API alone. ``age_days`` is how long
    ago it was made, where the target's time is known: on its first day an extension would move nothing.
    """

    name: str
    lifecycle: str
    steps: tuple[Step, ...] = ()
    fields: Mapping[str, Any] = field(default_factory=dict)
    age_days: int = 0

    @property
    def made(self) -> bool:
        """Whether it takes a control interface."""
        return bool(self.fields) or self.age_days > 0


def _captures(number: int, share: int) -> tuple[Step, ...]:
    return tuple(Step("captureOrder", share) for _ in range(number))


def _refunds(*shares: int) -> tuple[Step, ...]:
    return tuple(Step("refundOrder", share) for share in shares)


_CARD = {"initial_payment_method": {"type": "CARD", "description": "Card"}}

# Something in every field that a write must leave alone: what is not there cannot be seen to vanish.
_FURNISHED: Mapping[str, Any] = {
    "merchant_reference2": "WAREHOUSE-7",
    "merchant_data": '{"till": "7"}',
    "selected_shipping_option": {"id": "express-1", "name": "Express", "type": "Home", "price": 490, "tax_rate": 1_900},
    "shipping_info": [dict(SHIPMENT)],
}
_FURNISHED_CAPTURED: Mapping[str, Any] = {
    **_FURNISHED,
    "captures": [{"captured_amount": 2_000, "description": TEXT, "shipping_info": [dict(SHIPMENT)]}],
    "refunds": [{"refunded_amount": 300, "description": TEXT}],
}

STATES: Mapping[str, PreparedState] = {
    state.name: state
    for state in (
        PreparedState("fresh", "AUTHORIZED"),
        PreparedState("part_captured", "PART_CAPTURED", _captures(1, 40)),
        PreparedState("fully_captured", "CAPTURED", _captures(1, 100)),
        PreparedState("part_captured_refunded", "PART_CAPTURED", _captures(1, 40) + _refunds(30)),
        PreparedState("part_refunded", "CAPTURED", _captures(1, 100) + _refunds(30)),
        PreparedState("fully_refunded", "CAPTURED", _captures(1, 100) + _refunds(30, 70)),
        PreparedState("released", "RELEASED", (*_captures(1, 40), Step("releaseRemainingAuthorization"))),
        PreparedState(
            "released_refunded",
            "RELEASED",
            (*_captures(2, 30), Step("releaseRemainingAuthorization"), *_refunds(20)),
        ),
        PreparedState("extended", "PART_CAPTURED", (Step("extendAuthorizationTime"), *_captures(1, 40), *_refunds(10))),
        PreparedState("cancelled", "CANCELLED", (Step("cancelOrder"),)),
        PreparedState("increased", "AUTHORIZED", (Step("updateAuthorization", 150),)),
        PreparedState("decreased", "AUTHORIZED", (Step("updateAuthorization", 60),)),
        PreparedState("increased_captured", "PART_CAPTURED", (*_captures(1, 40), Step("updateAuthorization", 150))),
        PreparedState("decreased_captured", "PART_CAPTURED", (*_captures(2, 20), Step("updateAuthorization", 60))),
        PreparedState("decreased_to_captured", "CAPTURED", (*_captures(1, 40), Step("updateAuthorization", 40))),
        PreparedState("many_captures", "PART_CAPTURED", _captures(12, 5)),
        PreparedState("large", "AUTHORIZED", fields={"order_amount": LARGEST_AMOUNT}),
        PreparedState(
            "large_captured", "CAPTURED", fields={"order_amount": LARGEST_AMOUNT, "captured_amount": LARGEST_AMOUNT}
        ),
        PreparedState("furnished", "AUTHORIZED", fields=_FURNISHED, age_days=5),
        PreparedState("furnished_captured", "PART_CAPTURED", fields=_FURNISHED_CAPTURED, age_days=5),
        PreparedState("expired", "EXPIRED", fields={"status": "EXPIRED"}),
        PreparedState("part_captured_expired", "EXPIRED", fields={"status": "EXPIRED", "captured_amount": 4_000}),
        PreparedState("closed", "CLOSED", fields={"status": "CLOSED"}),
        PreparedState("pending", "AUTHORIZED", fields={"fraud_status": "PENDING"}),
        PreparedState("rejected", "AUTHORIZED", fields={"fraud_status": "REJECTED"}),
        PreparedState("paid_by_card", "AUTHORIZED", fields=_CARD),
        PreparedState("old", "AUTHORIZED", age_days=400),
    )
}
# Only the deep profile has the time for these.
DEEP_STATES: Mapping[str, PreparedState] = {
    "thousand_captures": PreparedState("thousand_captures", "PART_CAPTURED", _captures(1_000, 0)),
}


def keeps_state(contract: Contract, operation: str) -> bool:
    """Tell whether an operation leaves an order's state and amounts alone, so that the order serves again as it is.

    True for all reads, acknowledging, extending, references, customer details and shipping information.
    """
    effect = contract.lifecycle.cell(operation, "AUTHORIZED").effect
    return not effect.to and not effect.amounts


class OrderPool:
    """The orders that a run may use up, each kept with what the last read showed of it.

    ``given`` are their ids, empty where a control interface makes orders. ``source`` makes a new one when none will
    do; ``made`` are the ids of those, and ``note_made`` is told of each. With a ``stage``, a target of their own,
    orders are looked at and brought into their state outside of the conversation: what a case says, and what is
    recorded of it, then does not depend on the cases before it.
    """

    def __init__(
        self,
        order_ids: Iterable[str] = (),
        source: OrderSource | None = None,
        *,
        made: Iterable[str] = (),
        note_made: Callable[[str], None] | None = None,
    ) -> None:
        self.given = tuple(dict.fromkeys(order_ids))
        self.made = list(made)
        self.stage: Target | None = None
        self._source = source
        self._note_made = note_made
        self._unread = set(self.given)
        self._known: dict[str, Mapping[str, Any]] = {}

    def take(self, conversation: Conversation, state: PreparedState) -> PreparedOrder:
        """Find an order that is in the state or can be brought there; raises NotMeasuredError when there is none.

        Steps are taken only when no order is there already: orders are not got back.
        """
        for order_id in self.given:
            if order_id in self._unread:
                self.note(order_id, self._look_at(order_id, conversation))
        order = self._found(conversation, state.name)
        if order is not None:
            return order
        if state.steps and not state.made:
            order = self._found(self._aside(conversation), "fresh")
            if order is not None:
                return self._brought(conversation, order, state)
        if self._source is None or state.made:
            raise NotMeasuredError(f"no order in state {state.name} was given")
        return self._brought(conversation, self._new(conversation, self._source, state), state)

    def _new(self, conversation: Conversation, source: OrderSource, state: PreparedState) -> PreparedOrder:
        order_id = source.create()
        self.made.append(order_id)
        if self._note_made is not None:
            self._note_made(order_id)
        self.given = (*self.given, order_id)
        # In whatever state it shows itself: that a new order is not authorised is for the judge to hear of.
        talk = self._aside(conversation) if state.steps else conversation
        reply = talk.call("getOrder", {"order_id": order_id})
        self.note(order_id, reply.json())
        return learned(reply, order_id)

    def _brought(self, conversation: Conversation, order: PreparedOrder, state: PreparedState) -> PreparedOrder:
        """Take the steps to a state; on a stage nothing of it is heard but where it ended."""
        if not state.steps:
            return order
        talk = self._aside(conversation)
        try:
            _take_steps(talk, order, state)
        finally:
            if talk is not conversation:
                talk.give_back()
        if talk is conversation:
            return order
        reply = conversation.call("getOrder", {"order_id": order.order_id})
        self.note(order.order_id, reply.json())
        return learned(reply, order.order_id)

    def _aside(self, conversation: Conversation) -> Conversation:
        if self.stage is None:
            return conversation
        said = len(self.made) + len(conversation.exchanges)
        case_id = f"{conversation.case_id}/preparing/{said}"
        return Conversation(conversation.contract, self.stage, case_id, conversation.seed, self, conversation.health)

    def _look_at(self, order_id: str, conversation: Conversation) -> Any:
        if self.stage is None:
            return conversation.call("getOrder", {"order_id": order_id}).json()
        return read_order(self.stage.send, self.stage.credentials.authorization, order_id, self.stage.prefix)

    def note(self, order_id: str, document: Any) -> None:
        """Keep what a read showed; an order that shows nothing readable is not offered again."""
        if order_id not in self.given:
            return
        self._unread.discard(order_id)
        self._known.pop(order_id, None)
        if isinstance(document, dict):
            self._known[order_id] = document

    def forget(self, order_ids: Iterable[str]) -> None:
        """Read these orders again before they serve for anything."""
        self._unread.update(order_id for order_id in order_ids if order_id in self._known)

    def _found(self, conversation: Conversation, name: str) -> PreparedOrder | None:
        for order_id in self.given:
            if name not in _serves_as(self._known.get(order_id, {})):
                continue
            reply = conversation.call("getOrder", {"order_id": order_id})
            self.note(order_id, reply.json())
            if name in _serves_as(self._known.get(order_id, {})):
                return learned(reply, order_id)
        return None


def _serves_as(document: Mapping[str, Any]) -> frozenset[str]:
    """Name the prepared states that an order, as it was read, is in."""
    status = document.get("status")
    fraud = document.get("fraud_status")
    captured = document.get("captured_amount")
    refunded = document.get("refunded_amount")
    amount = document.get("order_amount")
    remaining = document.get("remaining_authorized_amount")
    if not all(isinstance(value, int) for value in (captured, refunded, amount, remaining)):
        return frozenset()
    if status == "AUTHORIZED" and captured == 0:
        names = {"PENDING": "pending", "REJECTED": "rejected"}
        return frozenset({names.get(str(fraud), "fresh")})
    if status == "PART_CAPTURED":
        return frozenset({"part_captured_refunded" if refunded else "part_captured"})
    if status == "CAPTURED":
        if remaining != 0 or captured != amount:
            return frozenset({"released"})
        if refunded == 0:
            return frozenset({"fully_captured"})
        return frozenset({"fully_refunded" if refunded == captured else "part_refunded"})
    simple = {"CANCELLED": "cancelled", "EXPIRED": "expired", "CLOSED": "closed"}
    return frozenset({simple[status]}) if status in simple else frozenset()


def prepare(conversation: Conversation, name: str) -> PreparedOrder:
    """Bring an order into a state, with every call that leads there judged like any other.

    Raises NotMeasuredError when the target offers no way there.
    """
    state = STATES.get(name) or DEEP_STATES[name]
    control = conversation.control
    if control is None:
        return conversation.pool.take(conversation, state)
    order_id = control.create_order(**{**ORDER, **state.fields, **_dates(state, control)})
    reply = conversation.call("getOrder", {"order_id": order_id})
    if reply.status == _NOT_FOUND and conversation.health.shows_orders:
        # One of many: it is not the control interface that makes orders elsewhere.
        conversation.report("KOM-408", f"the order, made in state {name} a moment ago, was answered with 404", reply)
    order = learned(reply, order_id)
    conversation.health.shows_orders = True
    _take_steps(conversation, order, state)
    return order


def _dates(state: PreparedState, control: ToldControl) -> dict[str, str]:
    now = control.now() if state.age_days else None
    if now is None and state.age_days and not state.fields:
        raise NotMeasuredError(
            f"an order in state {state.name} takes a control interface that shows the target's clock"
        )
    return {} if now is None else {"created_at": written(now - timedelta(days=state.age_days))}


def learned(reply: Reply, order_id: str) -> PreparedOrder:
    """Make a prepared order of what a read shows; raises NotMeasuredError when it shows none."""
    document = reply.json()
    if not reply.ok or not isinstance(document, dict):
        raise NotMeasuredError(f"the order {order_id} cannot be read: getOrder answered {reply.status or 'nothing'}")

    def amount(field_name: str) -> int:
        value = document.get(field_name)
        return value if isinstance(value, int) and not isinstance(value, bool) else 0

    def ids(list_name: str, id_name: str) -> list[str]:
        items = document.get(list_name)
        found = [item.get(id_name) for item in items if isinstance(item, dict)] if isinstance(items, list) else []
        return [value for value in found if isinstance(value, str)]

    return PreparedOrder(
        order_id=order_id,
        order_amount=amount("order_amount"),
        remaining=amount("remaining_authorized_amount"),
        captured=amount("captured_amount"),
        refunded=amount("refunded_amount"),
        captures=ids("captures", "capture_id"),
        refunds=ids("refunds", "refund_id"),
        document=document,
    )


def _take_steps(conversation: Conversation, order: PreparedOrder, state: PreparedState) -> None:
    total = order.order_amount
    for step in state.steps:
        amount = max(total * step.share // 100, 1)
        ids = {"order_id": order.order_id}
        reply = conversation.call(step.operation, ids, BodyMaker(order).step(step.operation, amount))
        if not reply.ok:
            raise NotMeasuredError(
                f"the state {state.name} was not reached: {step.operation} answered {reply.status or 'nothing'}"
            )
        follow(order, step.operation, amount, reply)


def follow(order: PreparedOrder, operation: str, amount: int, reply: Reply) -> None:
    """Follow what a successful write did to the amounts and lists of an order."""
    if operation == "captureOrder":
        order.captured += amount
        order.remaining -= amount
        order.captures.append(_created(reply, "Capture-Id"))
    elif operation == "refundOrder":
        order.refunded += amount
        order.refunds.append(_created(reply, "Refund-Id"))
    elif operation == "updateAuthorization":
        order.order_amount = amount
        order.remaining = amount - order.captured
    elif operation == "releaseRemainingAuthorization":
        order.remaining = 0


def _created(reply: Reply, header: str) -> str:
    """The id of what a write made: from its header, else from Location, as clients do."""
    return reply.header(header) or reply.header("Location").rstrip("/").rpartition("/")[2]
