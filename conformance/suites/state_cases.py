"""Every prepared state against every operation, with the amounts at which money goes wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from conformance.contract.contract import Contract
from conformance.suites.bodies import BodyMaker
from conformance.suites.case import Case
from conformance.suites.conversation import Conversation
from conformance.suites.expectations import CODES
from conformance.suites.preparation import LARGEST_AMOUNT, PreparedState
from conformance.suites.prepared_order import PreparedOrder
from conformance.suites.reply import Reply
from conformance.suites.scene import Scene

__all__ = ["state_cases"]

Play = Callable[[Conversation], None]
Amount = Callable[[PreparedOrder], int]

# The edges of what an order allows, each under the name of its request class.
_AMOUNTS: dict[str, dict[str, Amount]] = {
    "captureOrder": {
        "one": lambda _: 1,
        "exact-remaining": lambda order: order.remaining,
        "all-but-one": lambda order: order.remaining - 1,
        "above-remaining": lambda order: order.remaining + 1,
        "order-amount": lambda order: order.order_amount,
        "above-order-amount": lambda order: order.order_amount + 1,
        "zero": lambda _: 0,
    },
    "refundOrder": {
        "one": lambda _: 1,
        "exact-refundable": lambda order: order.refundable,
        "all-but-one": lambda order: order.refundable - 1,
        "above-refundable": lambda order: order.refundable + 1,
        "captured-amount": lambda order: order.captured,
        "zero": lambda _: 0,
    },
    "updateAuthorization": {
        "one-more": lambda order: order.order_amount + 1,
        "one-less": lambda order: order.order_amount - 1,
        "exact-captured": lambda order: order.captured,
        "below-captured": lambda order: order.captured - 1,
        "one": lambda _: 1,
        "zero": lambda _: 0,
    },
}
# Where the state forbids it all, some of them are asked for as well: the amount must not matter.
_WHERE_REFUSED = {
    "captureOrder": ("one", "above-order-amount"),
    "refundOrder": ("one",),
    "updateAuthorization": ("one-more", "one-less"),
}
_TOO_MUCH = frozenset({"zero", "above-remaining", "above-order-amount", "above-refundable", "below-captured"})
_EXTREMES = {
    "largest": LARGEST_AMOUNT,
    "above-largest": LARGEST_AMOUNT + 1,
    "two-to-the-31": 2**31,
    # A machine word that is too short takes these two for a hundred.
    "beyond-two-to-the-32": 2**32 + 100,
    "beyond-two-to-the-64": 2**64 + 100,
}


def state_cases(contract: Contract, states: Iterable[PreparedState]) -> Iterator[Case]:
    """Yield state x operation with a valid request, and x amount where the state allows moving money."""
    known = tuple(states)
    for operation in contract.operations:
        kind = "valid write" if operation.writes else "valid read"
        for state in known:
            yield Case(
                id=f"{operation.id}/{state.name}/valid",
                operation=operation.id,
                state=state.name,
                name="valid",
                play=_valid(operation.id, state.name),
                codes=CODES[kind],
                consumes=operation.writes,
            )
            allowed = contract.lifecycle.cell(operation.id, state.lifecycle).allowed
            for name in _AMOUNTS.get(operation.id, ()) if allowed else _WHERE_REFUSED.get(operation.id, ()):
                yield _amount_case(operation.id, state.name, name, _AMOUNTS[operation.id][name])
    for operation_id in _AMOUNTS:
        state_name = "large_captured" if operation_id == "refundOrder" else "large"
        for name, amount in _EXTREMES.items():
            yield _amount_case(operation_id, state_name, name, _always(amount))
    for operation_id, name in (("captureOrder", "above-remaining"), ("refundOrder", "above-refundable")):
        for state in known:
            if contract.lifecycle.cell(operation_id, state.lifecycle).allowed:
                yield _in_full(operation_id, state.name, name, _AMOUNTS[operation_id][name])
    for operation_id in _ENDING:
        for state in known:
            if contract.lifecycle.cell(operation_id, state.lifecycle).allowed:
                yield _then_capture(operation_id, state.name)
    yield from _in_a_row()
    for operation_id in _UNDECIDING:
        yield _stays_pending(operation_id)


def _always(amount: int) -> Amount:
    return lambda _: amount


def _valid(operation: str, state: str) -> Play:
    def play(conversation: Conversation) -> None:
        scene = Scene(conversation, operation, state)
        if scene.described.writes and len(conversation.exchanges) > 1:
            # What was read in this state must not be shown for what comes of it.
            scene.read()
        scene.read_back(scene.ask(scene.body()))

    return play


_CODES = {"captureOrder": "capture", "refundOrder": "refund", "updateAuthorization": "authorization"}


def _amount_case(operation: str, state: str, name: str, amount: Amount) -> Case:
    def play(conversation: Conversation) -> None:
        scene = Scene(conversation, operation, state)
        scene.read_back(scene.ask(BodyMaker(scene.order).step(operation, amount(scene.order))))

    return Case(
        id=f"{operation}/{state}/{name}",
        operation=operation,
        state=state,
        name=name,
        play=play,
        codes=CODES[_CODES[operation]],
        consumes=name not in _TOO_MUCH,
    )


def _in_full(operation: str, state: str, name: str, amount: Amount) -> Case:
    """Ask for too much with everything that a body may hold: lines make no amount right."""

    def play(conversation: Conversation) -> None:
        scene = Scene(conversation, operation, state)
        scene.read_back(scene.ask(scene.body(amount(scene.order))))

    case_id = f"{operation}/{state}/{name}-in-full"
    return Case(case_id, operation, state, f"{name}-in-full", play, CODES[_CODES[operation]])


# What remains authorised is given back by these: only a capture can tell whether it is.
_ENDING = ("cancelOrder", "releaseRemainingAuthorization")


def _then_capture(operation: str, state: str) -> Case:
    def play(conversation: Conversation) -> None:
        scene = Scene(conversation, operation, state)
        scene.read_back(scene.ask())
        conversation.call("captureOrder", {"order_id": scene.order.order_id}, {"captured_amount": 1})
        scene.read()

    return Case(
        id=f"{operation}/{state}/then-capture",
        operation=operation,
        state=state,
        name="then-capture",
        play=play,
        codes=CODES["capture"],
        consumes=True,
    )


# What a merchant may do while the risk decision is open, and what has nothing to do with it.
_UNDECIDING = ("acknowledgeOrder", "updateMerchantReferences", "appendOrderShippingInfo")


def _stays_pending(operation: str) -> Case:
    """Only the service decides: no call of the merchant's is the end of a review that was just begun."""

    def play(conversation: Conversation) -> None:
        scene = Scene(conversation, operation, "pending")
        # An order that is decided by itself in this time says nothing of the call.
        before = [_fraud_status(scene.read()) for _ in range(3)]
        scene.ask(scene.body())
        read = scene.read()
        if set(before) == {"PENDING"} and _fraud_status(read) == "ACCEPTED":
            conversation.report("KOM-406", f"fraud_status is ACCEPTED after {operation}, was PENDING", read, operation)

    name = "stays-pending"
    return Case(f"{operation}/pending/{name}", operation, "pending", name, play, CODES["pair"], consumes=True)


def _fraud_status(read: Reply) -> object:
    document = read.json()
    return document.get("fraud_status") if isinstance(document, dict) else None


def _in_a_row() -> Iterator[Case]:
    """Yield sequences that end at the last minor unit and then ask for one more."""
    rows = {
        "captureOrder": ("fresh", "captured_amount", "capture"),
        "refundOrder": ("fully_captured", "refunded_amount", "refund"),
    }
    for operation, (state, field, code) in rows.items():

        def play(
            conversation: Conversation, operation: str = operation, state: str = state, field: str = field
        ) -> None:
            scene = Scene(conversation, operation, state)
            total = scene.order.remaining if operation == "captureOrder" else scene.order.refundable
            third = total // 3
            for amount in (third, third + 1, total - 2 * third - 1, 1):
                scene.read_back(scene.ask({field: amount}))

        yield Case(
            id=f"{operation}/{state}/in-a-row",
            operation=operation,
            state=state,
            name="in-a-row",
            play=play,
            codes=CODES[code],
            consumes=True,
        )

    def ends(conversation: Conversation) -> None:
        scene = Scene(conversation, "captureOrder", "released")
        scene.read_back(scene.ask({"captured_amount": 1}))
        conversation.call(
            "refundOrder", {"order_id": scene.order.order_id}, {"refunded_amount": scene.order.refundable}
        )
        scene.read()
        conversation.call("refundOrder", {"order_id": scene.order.order_id}, {"refunded_amount": 1})
        scene.read()

    yield Case(
        "captureOrder/released/then-refund", "captureOrder", "released", "then-refund", ends, CODES["refund"], True
    )
