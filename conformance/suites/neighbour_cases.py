"""A second order beside the one that a case is about: what is asked of one must not show on the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from conformance.contract.contract import Contract
from conformance.suites.case import Case
from conformance.suites.conversation import Conversation
from conformance.suites.expectations import CODES, representative
from conformance.suites.scene import Scene
from conformance.suites.stops import NotMeasuredError

__all__ = ["neighbour_cases"]


def neighbour_cases(contract: Contract) -> Iterator[Case]:
    """Yield a case for each write: it is made on two orders that are alike, and each is read after the other's."""
    for operation in contract.operations:
        if operation.writes:
            state = _FURNISHED.get(representative(contract, operation.id), "furnished_captured")
            play = _beside(operation.id, state)
            yield Case(
                f"{operation.id}/{state}/neighbour", operation.id, state, "neighbour", play, CODES["neighbour"], True
            )


_SHARED = {"merchant_reference1": "SPLIT-7"}
# What an order lacks, it cannot be seen to get from the other, nor to lose.
_FURNISHED = {"fresh": "furnished"}


def _beside(operation: str, state: str) -> Callable[[Conversation], None]:
    def play(conversation: Conversation) -> None:
        if conversation.control is None:
            raise NotMeasuredError("two orders are needed at once, which takes a control interface")
        neighbour = Scene(conversation, operation, state)
        scene = Scene(conversation, operation, state)
        for each in (neighbour, scene):
            # Shops give one number to the parts of an order that they have split.
            conversation.call("updateMerchantReferences", {"order_id": each.order.order_id}, _SHARED)
            each.read()
        for number, (one, other) in enumerate(((scene, neighbour), (neighbour, scene))):
            # What both have could have come from either.
            body = {"merchant_reference1": f"OWN-{number}"} if operation == "updateMerchantReferences" else one.body()
            if not number:
                # Whoever mistakes an order may take the one that was asked about last, or the one before it.
                other.read()
            one.read_back(one.ask(body))
            other.read()

    return play
