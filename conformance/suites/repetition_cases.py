"""Repeated calls: what comes again with its key is done once, whatever was asked, answered or refused in between."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence

from conformance.contract.contract import Contract
from conformance.suites.bodies import ADDRESS, AMOUNT_FIELD, BodyMaker, lines_of
from conformance.suites.case import Case
from conformance.suites.expectations import CODES, expected, representative
from conformance.suites.key_cases import moves_money, played, same_transaction
from conformance.suites.reply import Expected
from conformance.suites.scene import Scene
from conformance.suites.target import Credentials

__all__ = ["repetition_cases"]

_MANY = 30
_HUNDREDS = 300
# A write that has nothing to do with most of the others.
_UNRELATED = "updateMerchantReferences"
# What is sent again replaces what came between.
_REPLACING = frozenset({"updateAuthorization", "updateMerchantReferences", "updateConsumerDetails"})


def repetition_cases(contract: Contract) -> Iterator[Case]:
    """Yield the cases of every write, in a state that allows it at least twice."""
    for operation in contract.operations:
        if not operation.writes:
            continue
        state = representative(contract, operation.id)
        plays = dict(_OF_ALL)
        if operation.body is not None:
            plays |= _OF_BODIES
        if operation.id in ("captureOrder", "refundOrder"):
            plays |= _OF_MONEY
        for name, play in plays.items():
            yield _case(operation.id, state, name, play)
    for operation_id, state in (("captureOrder", "large"), ("refundOrder", "large_captured")):
        yield _case(operation_id, state, "repeated-in-whole", _in_whole)
    for operation_id in ("appendShippingInfo", "triggerSendOut"):
        yield _case(operation_id, "many_captures", "repeated-key", _of_a_later_part)
    for operation_id in ("captureOrder", "refundOrder", "updateAuthorization"):
        yield _case(operation_id, "part_captured", "repeated-refusal", _refusal)


def _case(operation: str, state: str, name: str, play: Callable[[Scene], None]) -> Case:
    return Case(
        id=f"{operation}/{state}/{name}",
        operation=operation,
        state=state,
        name=name,
        play=played(play, operation, state),
        codes=CODES[name],
        consumes=True,
        thorough=name in _THOROUGH,
    )


def _same_key(scene: Scene) -> None:
    key = scene.conversation.new_id()
    body, ids = scene.body(), scene.ids
    replies = []
    for _ in range(3):
        replies.append(scene.conversation.call(scene.operation, ids, body, key=key))
        scene.read()
    same_transaction(scene, replies)


def _same_key_other_body(scene: Scene) -> None:
    key = scene.conversation.new_id()
    amounts = (scene.order.order_amount, scene.order.order_amount - 1)
    if moves_money(scene):
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


def _respelled(scene: Scene) -> None:
    """Repeat a call with its body written in another way: members in another order, blanks, escapes."""
    key, body, ids = scene.conversation.new_id(), scene.body() or {}, scene.ids
    scene.conversation.call(scene.operation, ids, body, key=key)
    scene.read()
    turned = dict(reversed(body.items()))
    scene.conversation.call(scene.operation, ids, raw=json.dumps(turned, indent=1).encode(), key=key)
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
    body, ids = scene.body(100) if moves_money(scene) else scene.body(), scene.ids
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


_THOROUGH = frozenset({"repeated-after-hundreds"})
_OF_ALL: dict[str, Callable[[Scene], None]] = {
    "repeated-key": _same_key,
    "repeated-without-credentials": _without_credentials,
}
_OF_BODIES: dict[str, Callable[[Scene], None]] = {
    "repeated-key-other-body": _same_key_other_body,
    "repeated-after-another": _after_another,
    "repeated-key-respelled": _respelled,
    "repeated-after-capture": _after_capture,
}
_OF_MONEY: dict[str, Callable[[Scene], None]] = {
    "repeated-key-other-words": _same_key_other_words,
    "repeated-after-many": _after_many,
    "repeated-after-hundreds": _after_hundreds,
    "repeated-after-refusal": _after_refusal,
    "repeated-with-many-lines": _with_many_lines,
    "repeated-in-another-form": _in_another_form,
}
