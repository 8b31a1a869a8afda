"""Idempotency keys: which of them are the same, whose they are, and what is done without one."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator

from conformance.contract.contract import Contract
from conformance.suites.bodies import AMOUNT_FIELD, ORDER
from conformance.suites.case import Case
from conformance.suites.conversation import Conversation, Key
from conformance.suites.expectations import CODES, representative
from conformance.suites.reply import Reply
from conformance.suites.scene import Scene
from conformance.suites.stops import NotMeasuredError

__all__ = ["key_cases", "moves_money", "played", "same_transaction"]

_MOVING = ("captureOrder", "refundOrder")
# A repetition has no effect, and the service is known to say so by repeating the Transaction-Id.
_REPEATABLE = frozenset({"acknowledgeOrder", "cancelOrder", "extendAuthorizationTime"})


def key_cases(contract: Contract) -> Iterator[Case]:
    """Yield the cases of every write, in a state that allows it at least twice."""
    for operation in contract.operations:
        if not operation.writes:
            continue
        state = representative(contract, operation.id)
        for name, play in (_OF_MONEY | _OF_ALL if operation.id in _MOVING else _OF_ALL).items():
            case_id = f"{operation.id}/{state}/{name}"
            yield Case(
                case_id, operation.id, state, name, played(play, operation.id, state), CODES[name], consumes=True
            )


def played(play: Callable[[Scene], None], operation: str, state: str) -> Callable[[Conversation], None]:
    """Let a play begin with a scene of its own."""
    return lambda conversation: play(Scene(conversation, operation, state))


def moves_money(scene: Scene) -> bool:
    """Tell whether the operation of a scene captures or refunds."""
    return scene.operation in _MOVING


def same_transaction(scene: Scene, replies: list[Reply]) -> None:
    """Report another transaction of a write that was repeated to no effect."""
    first, second = (reply.header("Transaction-Id") for reply in replies[:2])
    if scene.operation in _REPEATABLE and first and all(reply.ok for reply in replies) and first != second:
        message = f"repeated to no effect, Transaction-Id was {second or 'missing'} after {first}"
        scene.conversation.report("KOM-413", message, replies[1], scene.operation)


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


def _keys_of_any_form(scene: Scene) -> None:
    """Any text that is unique makes a key: what the guides advise, and what merchants have at hand."""
    name, field = scene.conversation.new_id(), AMOUNT_FIELD[scene.operation]
    version_5 = f"{name[:14]}5{name[15:]}"
    for key in (version_5, name.upper(), name.replace("-", ""), f"order-2041:{scene.operation}/1.{name[:8]}", name[:8]):
        for _ in range(2):
            scene.conversation.call(scene.operation, scene.ids, {field: 100}, key=key)
        scene.read()


def _different_keys(scene: Scene) -> None:
    ids, body = scene.ids, scene.body(100) if moves_money(scene) else scene.body()
    replies, keys = [], [scene.conversation.new_id() for _ in range(3)]
    # Of what moves money, the first again: it is none of its equals.
    for key in (*keys, keys[0]) if moves_money(scene) else keys[:2]:
        replies.append(scene.conversation.call(scene.operation, ids, body, key=key))
        scene.read()
    same_transaction(scene, replies)


def _similar_keys(scene: Scene) -> None:
    """Keys that a careless comparison takes for one: alike at the beginning, in other case, decoded, cut or counted."""
    name, field = scene.conversation.new_id(), AMOUNT_FIELD[scene.operation]
    digits = str(uuid.UUID(name).int)
    for keys in (
        (f"{name}-a", f"{name}-b"),
        (f"k{name}", f"K{name.upper()}"),
        (f"1-23{name}", f"12-3{name}"),
        (f"{name}%2D1", f"{name}-1"),
        (f"{name}+1", f"{name} 1"),
        (f"{name};1", f"{name};2"),
        (f"order:{name}:1", f"order:{name}:2"),
        (f"{name},1", f"{name},2"),
        (f"00{digits}", digits),
    ):
        for key in keys:
            scene.conversation.call(scene.operation, scene.ids, {field: 50}, key=key)
        scene.read()


def _key_of_another_merchant(scene: Scene) -> None:
    """A key belongs to its merchant: used by another one, it begins anew."""
    conversation, other = scene.conversation, scene.conversation.target.other
    control = conversation.control
    if other is None or control is None:
        raise NotMeasuredError("the target has no second merchant, or no control interface to make an order for it")
    key, field, theirs = conversation.new_id(), AMOUNT_FIELD[scene.operation], 4_000
    conversation.call(scene.operation, scene.ids, {field: 100}, key=key)
    order_id = control.create_order(
        **{**ORDER, "merchant": other.merchant or other.username, "captured_amount": theirs}
    )
    for _ in range(2):
        conversation.call("getOrder", {"order_id": order_id}, credentials=other)
        conversation.call(scene.operation, {"order_id": order_id}, {field: 100}, key=key, credentials=other)
    conversation.call("getOrder", {"order_id": order_id}, credentials=other)


def _without_key(scene: Scene) -> None:
    ids = scene.ids
    replies = []
    for _ in range(2):
        body = scene.body(100) if moves_money(scene) else scene.body()
        replies.append(scene.conversation.call(scene.operation, ids, body, key=Key.NONE))
        scene.read()
    same_transaction(scene, replies)


_OF_ALL: dict[str, Callable[[Scene], None]] = {
    "different-keys": _different_keys,
    "without-key": _without_key,
}
_OF_MONEY: dict[str, Callable[[Scene], None]] = {
    "keys-of-any-form": _keys_of_any_form,
    "same-moment": _same_moment,
    "similar-keys": _similar_keys,
    "key-of-another-merchant": _key_of_another_merchant,
}
