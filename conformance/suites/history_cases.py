"""Histories of an order, from its first capture to its last refund: what is right once is not always right again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from conformance.suites.bodies import TEXT, BodyMaker
from conformance.suites.case import Case
from conformance.suites.conversation import Conversation, Key
from conformance.suites.expectations import CODES
from conformance.suites.prepared_order import PreparedOrder
from conformance.suites.scene import Scene

__all__ = ["history_cases"]

# An operation, and the amount that it is about in minor units, where it is about one.
Amount = int | Callable[[PreparedOrder], int]
Step = tuple[str, Amount | None]


def _uncaptured(order: PreparedOrder) -> int:
    return order.remaining


def _unrefunded(order: PreparedOrder) -> int:
    return order.refundable


def _uncaptured_and_one(order: PreparedOrder) -> int:
    return order.remaining + 1


def _unrefunded_and_one(order: PreparedOrder) -> int:
    return order.refundable + 1


# The operation and the state that a history begins with, and what is done: each step is read back.
_HISTORIES: Mapping[str, tuple[str, tuple[Step, ...]]] = {
    "in-thirds": (
        "fresh",
        (
            ("captureOrder", 3_000),
            ("captureOrder", 3_000),
            ("captureOrder", _uncaptured_and_one),
            ("captureOrder", _uncaptured),
            ("captureOrder", 1),
            ("refundOrder", 4_000),
            ("refundOrder", 2_500),
            ("refundOrder", _unrefunded_and_one),
            ("refundOrder", _unrefunded),
            ("refundOrder", 1),
            ("triggerSendOut", None),
            ("updateMerchantReferences", None),
        ),
    ),
    "in-fifths": ("fresh", (*(("captureOrder", 2_000),) * 5, *(("refundOrder", 2_000),) * 5, ("refundOrder", 1))),
    "released-then-refunded": (
        "fresh",
        (
            ("captureOrder", 2_500),
            ("captureOrder", 2_500),
            ("releaseRemainingAuthorization", None),
            ("captureOrder", 1),
            ("refundOrder", 1_000),
            ("appendShippingInfo", None),
            ("refundOrder", 1_000),
            ("refundOrder", _unrefunded_and_one),
            ("refundOrder", _unrefunded),
            ("refundOrder", 1),
            ("updateMerchantReferences", None),
        ),
    ),
    "lowered-twice": (
        "fresh",
        (
            ("updateAuthorization", 9_000),
            ("captureOrder", 3_000),
            ("updateAuthorization", 7_000),
            ("captureOrder", 1_000),
            ("updateAuthorization", 3_999),
            ("updateAuthorization", 6_000),
            ("captureOrder", _uncaptured_and_one),
            ("captureOrder", _uncaptured),
            ("refundOrder", 2_000),
            ("refundOrder", _unrefunded_and_one),
            ("refundOrder", _unrefunded),
        ),
    ),
    "refunded-between": (
        "fresh",
        (
            ("captureOrder", 4_000),
            ("refundOrder", _unrefunded),
            ("captureOrder", 3_000),
            ("refundOrder", _unrefunded_and_one),
            ("refundOrder", 1_000),
            ("refundOrder", _unrefunded),
            ("captureOrder", _uncaptured_and_one),
            ("captureOrder", _uncaptured),
            ("refundOrder", _unrefunded),
        ),
    ),
    "lowered-after-a-refund": (
        "fresh",
        (
            ("captureOrder", 4_000),
            ("refundOrder", 1_500),
            ("updateAuthorization", 3_999),
            ("updateAuthorization", 8_000),
            ("captureOrder", 1_000),
            ("refundOrder", 500),
            ("releaseRemainingAuthorization", None),
            ("refundOrder", _unrefunded_and_one),
            ("refundOrder", _unrefunded),
        ),
    ),
    "extended-throughout": (
        "fresh",
        (
            ("extendAuthorizationTime", None),
            ("updateAuthorization", 9_000),
            ("updateConsumerDetails", None),
            ("captureOrder", 4_000),
            ("extendAuthorizationTime", None),
            ("refundOrder", 1_000),
            ("captureOrder", 1_000),
            ("releaseRemainingAuthorization", None),
            ("refundOrder", _unrefunded),
        ),
    ),
    "parcels-throughout": (
        "fresh",
        (
            ("appendOrderShippingInfo", None),
            ("appendOrderShippingInfo", None),
            ("captureOrder", 4_000),
            ("appendShippingInfo", None),
            ("appendShippingInfo", None),
            ("appendOrderShippingInfo", None),
            ("captureOrder", 4_000),
            ("appendShippingInfo", None),
            ("triggerSendOut", None),
            ("refundOrder", 1_000),
            ("appendShippingInfo", None),
            ("releaseRemainingAuthorization", None),
            ("appendOrderShippingInfo", None),
        ),
    ),
    "changed-then-cancelled": (
        "fresh",
        (
            ("updateMerchantReferences", None),
            ("updateAuthorization", 8_000),
            ("updateConsumerDetails", None),
            ("updateAuthorization", 5_000),
            ("appendOrderShippingInfo", None),
            ("extendAuthorizationTime", None),
            ("acknowledgeOrder", None),
            ("cancelOrder", None),
            ("cancelOrder", None),
            ("captureOrder", 1),
            ("updateAuthorization", 4_000),
            ("extendAuthorizationTime", None),
            ("releaseRemainingAuthorization", None),
        ),
    ),
}


def history_cases(states: Iterable[str]) -> Iterator[Case]:
    """Yield each history with keys and without, and a case a state for each operation whose fields may come alone."""
    for name, (state, steps) in _HISTORIES.items():
        operation = steps[0][0]
        for told, key in ((name, Key.FRESH), (f"{name}-without-keys", Key.NONE)):
            play = _played(state, steps, key)
            yield Case(f"{operation}/{state}/{told}", operation, state, told, play, CODES["pair"], consumes=True)
    for operation, bodies in _ALONE.items():
        for state in states:
            play = _alone(operation, state, bodies if state == _IN_FULL else bodies[:_ELSEWHERE])
            name = "one-at-a-time"
            yield Case(f"{operation}/{state}/{name}", operation, state, name, play, CODES["pair"], consumes=True)


def _played(state: str, steps: tuple[Step, ...], key: Key) -> Callable[[Conversation], None]:
    def play(conversation: Conversation) -> None:
        scene = Scene(conversation, steps[0][0], state)
        scene.read()
        for operation, wanted in steps:
            scene.operation, scene.described = operation, conversation.contract.operations[operation]
            amount = wanted(scene.order) if callable(wanted) else wanted
            body = scene.body() if amount is None else BodyMaker(scene.order).step(operation, amount)
            scene.read_back(scene.ask(body, key=key))

    return play


def _alone(operation: str, state: str, bodies: tuple[Mapping[str, Any], ...]) -> Callable[[Conversation], None]:
    """Write one field after the other, none in the company of another."""

    def play(conversation: Conversation) -> None:
        scene = Scene(conversation, operation, state)
        scene.read()
        for number, body in enumerate(bodies):
            scene.read_back(scene.ask(body, key=Key.NONE if number % 2 else Key.FRESH))

    return play


_ALONE: Mapping[str, tuple[Mapping[str, Any], ...]] = {
    "updateMerchantReferences": (
        {"merchant_reference2": "B-1"},
        {"merchant_reference1": TEXT},
        {"merchant_reference2": ""},
        {"merchant_reference2": "B-2"},
    ),
    "updateConsumerDetails": tuple(
        {"shipping_address": {name: value}}
        for name, value in (
            ("region", "Bayern"),
            ("email", "other@email.de"),
            ("street_address2", "3. Stock"),
            ("street_address", "Lindenallee 5"),
            ("postal_code", "10245"),
            ("given_name", "Åse"),
            ("family_name", "Öz"),
            ("title", "Prof."),
            ("phone", "+49017614284341"),
            ("city", "Bonn"),
            ("title", ""),
            ("street_address2", ""),
            ("region", ""),
        )
    ),
}
# In every other state the first of them tell enough.
_IN_FULL = "fresh"
_ELSEWHERE = 3
