"""Idempotency keys: a repeated one moves no money twice, different ones are different calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from conformance.contract.contract import Contract
from conformance.suites.bodies import AMOUNT_FIELD, ORDER
from conformance.suites.case import Case
from conformance.suites.conversation import Conversation, Key
from conformance.suites.expectations import CODES, representative
from conformance.suites.scene import Scene
from conformance.suites.stops import NotMeasuredError

__all__ = ["key_cases"]

_MOVING = ("captureOrder", "refundOrder")


def key_cases(contract: Contract) -> Iterator[Case]:
    """Yield the cases of every write, in a state that allows it at least twice."""
    for operation in contract.operations:
        if not operation.writes:
            continue
        state = representative(contract, operation.id)
        for name, play in _PLAYS.items():
            if name == "repeated-key-other-body" and operation.body is None:
                continue
            if name in _OF_MONEY and operation.id not in _MOVING:
                continue
            yield Case(
                id=f"{operation.id}/{state}/{name}",
                operation=operation.id,
                state=state,
                name=name,
                play=_played(play, operation.id, state),
                codes=CODES[name],
                consumes=True,
            )


def _played(play: Callable[[Scene], None], operation: str, state: str) -> Callable[[Conversation], None]:
    return lambda conversation: play(Scene(conversation, operation, state))


def _same_key(scene: Scene) -> None:
    key = scene.conversation.new_id()
    body, ids = scene.body(), scene.ids
    for _ in range(3):
        scene.conversation.call(scene.operation, ids, body, key=key)
        scene.read()


def _same_key_other_body(scene: Scene) -> None:
    key = scene.conversation.new_id()
    amounts = (scene.order.order_amount, scene.order.order_amount - 1)
    if _moves(scene):
        amounts = (100, 200)
    bodies = [scene.body(amount) or {} for amount in amounts]
    if bodies[0] == bodies[1]:
        bodies[1] = {name: _other(value) for name, value in bodies[1].items()}
    ids = scene.ids
    first = scene.conversation.call(scene.operation, ids, bodies[0], key=key)
    before = scene.read().json()
    second = scene.conversation.call(scene.operation, ids, bodies[1], key=key)
    reply = scene.read()
    if first.ok and second.ok and _amounts(reply.json()) != _amounts(before):
        message = "a repeated key with another body moved money again"
        scene.conversation.report("KOM-504", message, reply, scene.operation)


def _amounts(order: object) -> list[object]:
    names = ("order_amount", "captured_amount", "refunded_amount")
    return [order.get(name) for name in names] if isinstance(order, dict) else []


def _same_moment(scene: Scene) -> None:
    """Four equal calls with one key, then four with keys of their own that cannot all be carried out."""
    conversation, ids, key = scene.conversation, scene.ids, scene.conversation.new_id()
    field = AMOUNT_FIELD[scene.operation]
    capture = scene.operation == "captureOrder"
    moved = "captured_amount" if capture else "refunded_amount"
    before = scene.order.captured if capture else scene.order.refunded
    conversation.together([conversation.request(scene.operation, ids, {field: 100}, key=key) for _ in range(4)])
    reply = scene.read()
    order = reply.json()
    after = order.get(moved) if isinstance(order, dict) else None
    if isinstance(after, int) and after - before > 100:
        message = f"four simultaneous calls of 100 with one key moved {after - before}"
        conversation.report("KOM-505", message, reply, scene.operation)
    left = scene.order.remaining if capture else scene.order.refundable
    most = left * 6 // 10
    conversation.together([conversation.request(scene.operation, ids, {field: most}) for _ in range(4)])
    scene.read()


def _other(value: object) -> object:
    if isinstance(value, list):
        return value[:1]
    if isinstance(value, dict):
        return {**value, "city": "Potsdam"}
    return value if isinstance(value, int) else "another text"


def _different_keys(scene: Scene) -> None:
    ids, body = scene.ids, scene.body(100) if _moves(scene) else scene.body()
    replies = []
    for _ in range(2):
        replies.append(scene.conversation.call(scene.operation, ids, body))
        scene.read()
    first, second = (reply.header("Transaction-Id") for reply in replies)
    if scene.operation in _REPEATABLE and first and all(reply.ok for reply in replies) and first != second:
        message = f"repeated to no effect, Transaction-Id was {second or 'missing'} after {first}"
        scene.conversation.report("KOM-413", message, replies[1], scene.operation)


def _similar_keys(scene: Scene) -> None:
    """Keys that a careless comparison takes for one: alike at the beginning, in other case, with signs elsewhere."""
    name, field = scene.conversation.new_id(), AMOUNT_FIELD[scene.operation]
    for keys in ((f"{name}-a", f"{name}-b"), (f"k{name}", f"K{name.upper()}"), (f"1-23{name}", f"12-3{name}")):
        for key in keys:
            scene.conversation.call(scene.operation, scene.ids, {field: 100}, key=key)
        scene.read()


def _key_of_another_merchant(scene: Scene) -> None:
    """A key belongs to its merchant: used by another one, it begins anew."""
    conversation, other = scene.conversation, scene.conversation.target.other
    control = conversation.target.control
    if other is None or control is None:
        raise NotMeasuredError("the target has no second merchant, or no control interface to make an order for it")
    key, field, theirs = conversation.new_id(), AMOUNT_FIELD[scene.operation], 4_000
    conversation.call(scene.operation, scene.ids, {field: 100}, key=key)
    order_id = control.create_order(**{**ORDER, "merchant": other.username, "captured_amount": theirs})
    for _ in range(2):
        conversation.call("getOrder", {"order_id": order_id}, credentials=other)
        conversation.call(scene.operation, {"order_id": order_id}, {field: 100}, key=key, credentials=other)
    conversation.call("getOrder", {"order_id": order_id}, credentials=other)


def _without_key(scene: Scene) -> None:
    ids = scene.ids
    for _ in range(2):
        body = scene.body(100) if _moves(scene) else scene.body()
        scene.conversation.call(scene.operation, ids, body, key=Key.NONE)
        scene.read()


def _moves(scene: Scene) -> bool:
    return scene.operation in _MOVING


_PLAYS: dict[str, Callable[[Scene], None]] = {
    "repeated-key": _same_key,
    "repeated-key-other-body": _same_key_other_body,
    "different-keys": _different_keys,
    "without-key": _without_key,
    "same-moment": _same_moment,
    "similar-keys": _similar_keys,
    "key-of-another-merchant": _key_of_another_merchant,
}
_OF_MONEY = frozenset({"same-moment", "similar-keys", "key-of-another-merchant"})
# A repetition has no effect, and the service is known to say so by repeating the Transaction-Id.
_REPEATABLE = frozenset({"acknowledgeOrder", "cancelOrder", "extendAuthorizationTime"})
