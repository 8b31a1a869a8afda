"""Orders that grow old: what is settled stays as it is, for weeks, months and years after it was settled.

The target's clock is moved by months here, so that these cases want a target that nobody else is using.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta

from conformance.suites.case import Case
from conformance.suites.conversation import Conversation, Key
from conformance.suites.expectations import CODES
from conformance.suites.moves import Move, make
from conformance.suites.scene import Scene
from conformance.suites.stops import NotMeasuredError

__all__ = ["age_cases"]

# What still may be done with an order when its authorisation has long run out, and who reads it only.
_LIVES: Mapping[str, tuple[Move, ...]] = {
    "fully_captured": (
        ("refundOrder", 100),
        ("updateMerchantReferences", None),
        ("appendShippingInfo", None),
        ("triggerSendOut", None),
        ("appendOrderShippingInfo", None),
    ),
    "part_refunded": (("refundOrder", 200), ("updateMerchantReferences", None)),
    "fully_refunded": (("refundOrder", 1), ("updateMerchantReferences", None)),
    "released_refunded": (("refundOrder", 100), ("captureOrder", 1)),
    "cancelled": (("cancelOrder", None), ("captureOrder", 1)),
    "part_captured_refunded": (),
    "furnished": (),
}
# Past the end of the authorisation, twice within half a year of the capture, and then beyond each rounder time, to
# shortly before the three years for which an order can be read.
_WITH_MOVES = (timedelta(days=41), timedelta(days=61))
_READING = (timedelta(days=90), timedelta(days=210), timedelta(days=600))


def age_cases() -> Iterator[Case]:
    """Yield one case a state, which takes a control interface with a clock."""
    for state, moves in _LIVES.items():
        name = "grown-old"
        play = _grown_old(state, moves)
        yield Case(f"getOrder/{state}/{name}", "getOrder", state, name, play, CODES["old"], consumes=True)


def _grown_old(state: str, moves: tuple[Move, ...]) -> Callable[[Conversation], None]:
    def play(conversation: Conversation) -> None:
        control = conversation.control
        if control is None:
            raise NotMeasuredError("only a control interface can move the target's clock")
        if conversation.target.salt and "PYTEST_XDIST_WORKER" in os.environ:
            raise NotMeasuredError("other workers are using the target, and its clock is moved by years here")
        scene = Scene(conversation, "getOrder", state)
        scene.read_all()
        for pause in _WITH_MOVES:
            control.advance(pause.total_seconds())
            scene.read_all()
            for move in moves:
                make(scene, move, Key.FRESH)
                scene.read()
        for pause in _READING:
            control.advance(pause.total_seconds())
            scene.read_all()

    return play
