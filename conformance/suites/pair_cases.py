"""Every write after every other, on orders with something in every field, and the replay of the first at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from conformance.contract.contract import Contract
from conformance.suites.bodies import BodyMaker
from conformance.suites.case import Case
from conformance.suites.conversation import Conversation
from conformance.suites.expectations import CODES
from conformance.suites.scene import Scene

__all__ = ["pair_cases"]

# What the first of a pair may be: the writes that each kind of order allows.
_FIRST = {
    "furnished": (
        "captureOrder",
        "updateAuthorization",
        "updateConsumerDetails",
        "updateMerchantReferences",
        "appendOrderShippingInfo",
        "extendAuthorizationTime",
        "acknowledgeOrder",
        "cancelOrder",
    ),
    "furnished_captured": (
        "captureOrder",
        "refundOrder",
        "updateAuthorization",
        "releaseRemainingAuthorization",
        "updateMerchantReferences",
        "appendShippingInfo",
        "appendOrderShippingInfo",
        "triggerSendOut",
        "extendDueDate",
        "extendAuthorizationTime",
        "acknowledgeOrder",
    ),
}


# What of an order these change shows nowhere, so that little of it can be wrong after them.
_WITHOUT_EFFECT = frozenset({"acknowledgeOrder", "extendDueDate"})


def pair_cases(contract: Contract) -> Iterator[Case]:
    """Yield a case for each write that an order allows, with each other write after it."""
    for state, operations in _FIRST.items():
        for first in operations:
            for second in contract.operations:
                if second.writes:
                    name = f"then-{second.id}"
                    play = _played(state, first, second.id)
                    yield Case(
                        id=f"{first}/{state}/{name}",
                        operation=first,
                        state=state,
                        name=name,
                        play=play,
                        codes=CODES["pair"],
                        consumes=True,
                        thorough=second.id in _WITHOUT_EFFECT and first not in _WITHOUT_EFFECT,
                    )


def _played(state: str, first: str, second: str) -> Callable[[Conversation], None]:
    def play(conversation: Conversation) -> None:
        scene = Scene(conversation, first, state)
        key, body, ids = conversation.new_id(), scene.body(), scene.ids
        scene.ask(body, key=key)
        scene.read()
        scene.operation, scene.described = second, conversation.contract.operations[second]
        # The smallest body leaves out whatever the first may have left behind.
        scene.read_back(scene.ask(BodyMaker(scene.order).step(second, _amount(scene)) or scene.body()))
        if (first, second) != ("cancelOrder", "cancelOrder"):
            conversation.call(first, ids, body, key=key)
            scene.read()

    return play


def _amount(scene: Scene) -> int:
    """All that is left, so that the replay comes to an order which would refuse it."""
    if scene.operation == "captureOrder":
        return max(scene.order.remaining, 1)
    return max(scene.order.refundable, 1) if scene.operation == "refundOrder" else scene.order.order_amount
