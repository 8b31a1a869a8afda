"""The moves of a history: one operation after the other, with amounts that follow from what the order has come to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conformance.suites.bodies import BodyMaker
from conformance.suites.conversation import Key
from conformance.suites.prepared_order import PreparedOrder
from conformance.suites.reply import Reply
from conformance.suites.scene import Scene

__all__ = [
    "Move",
    "below_captured",
    "make",
    "one_too_many",
    "one_too_much_back",
    "uncaptured",
    "unrefunded",
]

Amount = int | Callable[[PreparedOrder], int]
Move = tuple[str, Amount | None]
"""An operation, and the amount that it is about in minor units, where it is about one."""


def uncaptured(order: PreparedOrder) -> int:
    """All that may still be captured."""
    return order.remaining


def unrefunded(order: PreparedOrder) -> int:
    """All that may still be refunded."""
    return order.refundable


def one_too_many(order: PreparedOrder) -> int:
    """One minor unit more than may be captured."""
    return order.remaining + 1


def one_too_much_back(order: PreparedOrder) -> int:
    """One minor unit more than may be refunded."""
    return order.refundable + 1


def below_captured(order: PreparedOrder) -> int:
    """A total that is one minor unit short of what is captured."""
    return order.captured - 1


def make(scene: Scene, move: Move, key: Key | str) -> Reply:
    """Make a move on the order of a scene, which then is about its operation; a body with an amount is the smallest."""
    operation, wanted = move
    scene.operation, scene.described = operation, scene.conversation.contract.operations[operation]
    amount = wanted(scene.order) if callable(wanted) else wanted
    body = scene.body() if amount is None else BodyMaker(scene.order).step(operation, amount)
    # Each in words of its own, so that none can be shown for another, nor what was there before for what is.
    number = len(scene.conversation.exchanges)
    return scene.ask(_in_its_own_words(body, number), key=key)


_WORDS = frozenset({"description", "reference", "merchant_reference1", "street_address2", "tracking_number"})


def _in_its_own_words(value: Any, number: int) -> Any:
    if isinstance(value, list):
        return [_in_its_own_words(each, number) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        name: f"{number}. {inner}" if name in _WORDS else _in_its_own_words(inner, number)
        for name, inner in value.items()
    }
