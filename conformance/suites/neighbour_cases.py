"""A second order beside the one that a case is about: what is asked of one must not show on the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from conformance.contract.contract import Contract
from conformance.suites.case import Case
from conformance.suites.conversation import Conversation
from conformance.suites.expectations import CODES, representative
from conformance.suites.preparation import prepare
from conformance.suites.scene import Scene
from conformance.suites.stops import NotMeasuredError

__all__ = ["neighbour_cases"]


def neighbour_cases(contract: Contract) -> Iterator[Case]:
    """Yield a case for each write: a neighbour in the same state is read, the write made, and the neighbour read."""
    for operation in contract.operations:
        if operation.writes:
            state = representative(contract, operation.id)
            play = _beside(operation.id, state)
            yield Case(
                f"{operation.id}/{state}/neighbour", operation.id, state, "neighbour", play, CODES["neighbour"], True
            )


def _beside(operation: str, state: str) -> Callable[[Conversation], None]:
    def play(conversation: Conversation) -> None:
        if conversation.control is None:
            raise NotMeasuredError("two orders are needed at once, which takes a control interface")
        neighbour = prepare(conversation, state)
        conversation.call("getOrder", {"order_id": neighbour.order_id})
        scene = Scene(conversation, operation, state)
        scene.read_back(scene.ask(scene.body()))
        conversation.call("getOrder", {"order_id": neighbour.order_id})

    return play
