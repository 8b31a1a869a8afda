"""Idempotency keys: a repeated one moves no money twice, different ones are different calls."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from conformance.contract.contract import Contract
from conformance.suites.bodies import ADDRESS, AMOUNT_FIELD, ORDER, BodyMaker, lines_of
from conformance.suites.case import Case
from conformance.suites.conversation import Conversation, Key
from conformance.suites.expectations import CODES, expected, representative
from conformance.suites.reply import Expected, Reply
from conformance.suites.scene import Scene
from conformance.suites.stops import NotMeasuredError
from conformance.suites.target import Credentials

__all__ = ["key_cases"]

_MOVING = ("captureOrder", "refundOrder")


def key_cases(contract: Contract) -> Iterator[Case]:
    """Yield the cases of every write, in a state that allows it at least twice."""
    for operation in contract.operations:
        if not operation.writes:
            continue
        state = representative(contract, operation.id)
        for name, play in _PLAYS.items():
            if name in _OF_BODIES and operation.body is None:
                continue
            if name in _OF_MONEY and operation.id not in _MOVING:
                continue
            yield replace(_case(operation.id, state, name, name, play), thorough=name in _THOROUGH)
    for operation_id, state in (("captureOrder", "large"), ("refundOrder", "large_captured")):
        yield _case(operation_id, state, "repeated-in-whole", "repeated-in-whole", _in_whole)
    for operation_id in ("appendShippingInfo", "triggerSendOut"):
        yield _case(operation_id, "many_captures", "repeated-key", "repeated-key", _of_a_later_part)
    for operation_id in ("captureOrder", "refundOrder", "updateAuthorization"):
        yield _case(operation_id, "part_captured", "repeated-refusal", "repeated-refusal", _refusal)


def _case(operation: str, state: str, name: str, kind: str, play: Callable[[Scene], None]) -> Case:
    played = _played(play, operation, state)
    return Case(f"{operation}/{state}/{name}", operation, state, name, played, CODES[kind], consumes=True)


def _played(play: Callable[[Scene], None], operation: str, state: str) -> Callable[[Conversation], None]:
    return lambda conversation: play(Scene(conversation, operation, state))


def _same_key(scene: Scene) -> None:
    key = scene.conversation.new_id()
    body, ids = scene.body(), scene.ids
    replies = []
    for _ in range(3):
        replies.append(scene.conversation.call(scene.operation, ids, body, key=key))
        scene.read()
    _same_transaction(scene, replies)


def _same_key_other_body(scene: Scene) -> None:
    key = scene.conversation.new_id()
    amounts = (scene.order.order_amount, scene.order.order_amount - 1)
    if _moves(scene):
        amounts = (100, 200)
    bodies = [scene.body(amount) or {} for amount in amounts]
    if bodies[0] == bodies[1]:
        bodies[1] = {name: _other(value) for name, value in bodies[1].items()}
    _decide(scene, bodies, key)


def _same_key_other_words(scene: Scene) -> None:
    """Repeat a key with the same amount in other words, as a client does that writes the time into each attempt."""
    amount = {AMOUNT_FIELD[scene.operation]: 100}
    for bodies in (
        ({**amount, "description": "attempt 1"}, {**amount, "description": "attempt 2"}),
        (amount, {**amount, "reference": "attempt 2"}),
        ({**amount, "order_lines": lines_of(100)}, amount),
    ):
        _decide(scene, bodies, scene.conversation.new_id())


def _decide(scene: Scene, bodies: Sequence[object], key: str) -> None:
    """Use one key for two bodies: whatever is answered, money moves once."""
    ids = scene.ids
    first = scene.conversation.call(scene.operation, ids, bodies[0], key=key)
    before = scene.read().json()
    second = scene.conversation.call(scene.operation, ids, bodies[1], key=key)
    reply = scene.read()
    if first.ok and second.ok and _amounts(reply.json()) != _amounts(before):
        message = "a repeated key with another body moved money again"
        scene.conversation.report("KOM-504", message, reply, scene.operation)


def _amounts(order: object) -> list[object]:
    names = ("captured_amount", "refunded_amount")
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


def _respelled(scene: Scene) -> None:
    """Repeat a call with its body written in another way: members in another order, blanks, escapes."""
    key, body, ids = scene.conversation.new_id(), scene.body() or {}, scene.ids
    scene.conversation.call(scene.operation, ids, body, key=key)
    scene.read()
    turned = dict(reversed(body.items()))
    scene.conversation.call(scene.operation, ids, raw=json.dumps(turned, indent=1).encode(), key=key)
    scene.read()


def _keys_of_any_form(scene: Scene) -> None:
    """Any text that is unique makes a key: what the guides advise, and what merchants have at hand."""
    name, field = scene.conversation.new_id(), AMOUNT_FIELD[scene.operation]
    version_5 = f"{name[:14]}5{name[15:]}"
    for key in (version_5, name.upper(), name.replace("-", ""), f"order-2041:{scene.operation}/1.{name[:8]}", name[:8]):
        for _ in range(2):
            scene.conversation.call(scene.operation, scene.ids, {field: 100}, key=key)
        scene.read()


def _after_another(scene: Scene) -> None:
    """Repeat a call after others, two of the same kind: an old answer must not bring back what has been replaced."""
    conversation, ids = scene.conversation, scene.ids
    first, second = _differing(scene)
    key = conversation.new_id()
    conversation.call(scene.operation, ids, first, key=key)
    scene.read()
    if scene.operation != _UNRELATED:
        conversation.call(_UNRELATED, {"order_id": scene.order.order_id}, {"merchant_reference2": "between"})
    # Also what remembers the last two must remember the first; and none of the others is taken for it.
    others = (second, second if scene.operation in _REPLACING else first)
    for body, used in (*((each, conversation.new_id()) for each in others), (first, key)):
        conversation.call(scene.operation, ids, body, key=used)
        scene.read()


def _differing(scene: Scene) -> tuple[object, object]:
    amount = scene.order.order_amount
    match scene.operation:
        case "captureOrder" | "refundOrder":
            return scene.body(100), scene.body(200)
        case "updateAuthorization":
            return scene.body(amount - 100), scene.body(amount - 200)
        case "updateMerchantReferences":
            return {"merchant_reference1": "first"}, {"merchant_reference1": "second"}
        case "updateConsumerDetails":
            return {"shipping_address": {**ADDRESS, "city": "Bonn"}}, {"shipping_address": {**ADDRESS, "city": "Kiel"}}
        case "appendShippingInfo" | "appendOrderShippingInfo":
            return {"shipping_info": [{"tracking_number": "1"}]}, {"shipping_info": [{"tracking_number": "2"}]}
    return scene.body(), scene.body()


def _refusal(scene: Scene) -> None:
    """Repeat a call that must be refused, with its key: it must be refused again, and leave no trace."""
    conversation, key = scene.conversation, scene.conversation.new_id()
    order = scene.order
    amounts = {"captureOrder": order.remaining + 1, "refundOrder": order.refundable + 1}
    body = BodyMaker(order).step(scene.operation, amounts.get(scene.operation, order.captured - 1))
    for _ in range(3):
        conversation.call(scene.operation, scene.ids, body, key=key)
        scene.read()


def _other(value: object) -> object:
    if isinstance(value, list):
        return value[:1]
    if isinstance(value, dict):
        return {**value, "city": "Potsdam"}
    return value if isinstance(value, int) else "another text"


def _different_keys(scene: Scene) -> None:
    ids, body = scene.ids, scene.body(100) if _moves(scene) else scene.body()
    replies, keys = [], [scene.conversation.new_id() for _ in range(3)]
    # Of what moves money, the first again: it is none of its equals.
    for key in (*keys, keys[0]) if _moves(scene) else keys[:2]:
        replies.append(scene.conversation.call(scene.operation, ids, body, key=key))
        scene.read()
    _same_transaction(scene, replies)


def _same_transaction(scene: Scene, replies: list[Reply]) -> None:
    first, second = (reply.header("Transaction-Id") for reply in replies[:2])
    if scene.operation in _REPEATABLE and first and all(reply.ok for reply in replies) and first != second:
        message = f"repeated to no effect, Transaction-Id was {second or 'missing'} after {first}"
        scene.conversation.report("KOM-413", message, replies[1], scene.operation)


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


def _after_many(scene: Scene) -> None:
    """Repeat a call after many others: how many keys a service remembers is a question of time, not of number."""
    conversation, ids, field = scene.conversation, scene.ids, AMOUNT_FIELD[scene.operation]
    key = conversation.new_id()
    conversation.call(scene.operation, ids, {field: 100}, key=key)
    for _ in range(_MANY):
        conversation.call(scene.operation, ids, {field: 1})
    scene.read()
    conversation.call(scene.operation, ids, {field: 100}, key=key)
    scene.read()


def _after_hundreds(scene: Scene) -> None:
    """Repeat a call after as many others as a busy shop makes in an hour."""
    conversation, ids, body = scene.conversation, scene.ids, {AMOUNT_FIELD[scene.operation]: 100}
    key = conversation.new_id()
    conversation.call(scene.operation, ids, body, key=key)
    for number in range(_HUNDREDS):
        conversation.call(_UNRELATED, {"order_id": scene.order.order_id}, {"merchant_reference1": str(number)})
    scene.read()
    conversation.call(scene.operation, ids, body, key=key)
    scene.read()


def _after_refusal(scene: Scene) -> None:
    """Repeat a call after another was refused, and then a new one that came after the refusal."""
    conversation, ids, field = scene.conversation, scene.ids, AMOUNT_FIELD[scene.operation]
    early, late = conversation.new_id(), conversation.new_id()
    left = scene.order.remaining if scene.operation == "captureOrder" else scene.order.refundable
    for amount, key in ((100, early), (left + 1, conversation.new_id()), (100, early), (100, late), (100, late)):
        conversation.call(scene.operation, ids, {field: amount}, key=key)
        scene.read()


def _in_another_form(scene: Scene) -> None:
    """Repeat a call with little in its body after one with much, and the other way round."""
    conversation, ids, little = scene.conversation, scene.ids, {AMOUNT_FIELD[scene.operation]: 100}
    much = scene.body(100)
    for bodies in ((little, much), (much, little)):
        keys = [conversation.new_id() for _ in bodies]
        for body, key in (*zip(bodies, keys, strict=True), (bodies[0], keys[0])):
            conversation.call(scene.operation, ids, body, key=key)
        scene.read()


def _in_whole(scene: Scene) -> None:
    """Repeat a call that leaves nothing, on an order that is large."""
    key, field = scene.conversation.new_id(), AMOUNT_FIELD[scene.operation]
    left = scene.order.remaining if scene.operation == "captureOrder" else scene.order.refundable
    for amount, used in ((1_500_001, scene.conversation.new_id()), (left - 1_500_001, key)):
        for _ in range(2):
            scene.conversation.call(scene.operation, scene.ids, {field: amount}, key=used)
            scene.read()


def _of_a_later_part(scene: Scene) -> None:
    """Repeat a call about a capture that is not the first."""
    key, ids = scene.conversation.new_id(), {**scene.ids, "capture_id": scene.order.captures[1]}
    body = scene.body()
    for _ in range(2):
        scene.conversation.call(scene.operation, ids, body, key=key)
        scene.conversation.call("getCapture", ids)


def _with_many_lines(scene: Scene) -> None:
    """Repeat a call whose body is long."""
    conversation, key = scene.conversation, scene.conversation.new_id()
    body = {AMOUNT_FIELD[scene.operation]: _MANY, "order_lines": lines_of(1) * _MANY}
    for _ in range(2):
        conversation.call(scene.operation, scene.ids, body, key=key)
        scene.read()


def _without_credentials(scene: Scene) -> None:
    """Repeat a call without credentials and with wrong ones: to know a key is to know nothing."""
    conversation, key = scene.conversation, scene.conversation.new_id()
    mine = conversation.target.credentials
    body, ids = scene.body(100) if _moves(scene) else scene.body(), scene.ids
    conversation.call(scene.operation, ids, body, key=key)
    scene.read()
    for authorization in ("", Credentials(mine.username, "not-the-password").authorization):
        why = "the key is known and the credentials are not"
        ground = expected(conversation.contract, scene.operation, "wrong credentials", "KOM-701", why)
        conversation.call(scene.operation, ids, body, key=key, authorization=authorization, expected=ground)
        scene.read()
    if conversation.target.other is not None:
        foreign = Expected("KOM-702", "the key is known and the order is another merchant's")
        conversation.call(scene.operation, ids, body, key=key, credentials=conversation.target.other, expected=foreign)
        scene.read()


def _after_capture(scene: Scene) -> None:
    """Repeat a call after another of the same kind and a capture, which is when a late retry does the most harm."""
    conversation, ids = scene.conversation, scene.ids
    first, second = _differing(scene)
    key = conversation.new_id()
    conversation.call(scene.operation, ids, first, key=key)
    conversation.call(scene.operation, ids, second)
    conversation.call("captureOrder", {"order_id": scene.order.order_id}, {"captured_amount": 1})
    scene.read()
    conversation.call(scene.operation, ids, first, key=key)
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
        body = scene.body(100) if _moves(scene) else scene.body()
        replies.append(scene.conversation.call(scene.operation, ids, body, key=Key.NONE))
        scene.read()
    _same_transaction(scene, replies)


def _moves(scene: Scene) -> bool:
    return scene.operation in _MOVING


_PLAYS: dict[str, Callable[[Scene], None]] = {
    "repeated-key": _same_key,
    "repeated-key-other-body": _same_key_other_body,
    "repeated-key-other-words": _same_key_other_words,
    "repeated-after-another": _after_another,
    "repeated-key-respelled": _respelled,
    "keys-of-any-form": _keys_of_any_form,
    "different-keys": _different_keys,
    "without-key": _without_key,
    "same-moment": _same_moment,
    "similar-keys": _similar_keys,
    "key-of-another-merchant": _key_of_another_merchant,
    "repeated-after-many": _after_many,
    "repeated-after-hundreds": _after_hundreds,
    "repeated-after-refusal": _after_refusal,
    "repeated-with-many-lines": _with_many_lines,
    "repeated-in-another-form": _in_another_form,
    "repeated-without-credentials": _without_credentials,
    "repeated-after-capture": _after_capture,
}
_OF_MONEY = frozenset(
    {
        "same-moment",
        "repeated-key-other-words",
        "keys-of-any-form",
        "similar-keys",
        "key-of-another-merchant",
        "repeated-after-many",
        "repeated-after-hundreds",
        "repeated-after-refusal",
        "repeated-with-many-lines",
        "repeated-in-another-form",
    }
)
_THOROUGH = frozenset({"repeated-after-hundreds"})
_OF_BODIES = frozenset(
    {"repeated-key-respelled", "repeated-key-other-body", "repeated-after-another", "repeated-after-capture"}
)
_MANY = 30
_HUNDREDS = 300
# A write that has nothing to do with most of the others.
_UNRELATED = "updateMerchantReferences"
# What is sent again replaces what came between.
_REPLACING = frozenset({"updateAuthorization", "updateMerchantReferences", "updateConsumerDetails"})
# A repetition has no effect, and the service is known to say so by repeating the Transaction-Id.
_REPEATABLE = frozenset({"acknowledgeOrder", "cancelOrder", "extendAuthorizationTime"})
