"""What a refusal leaves behind: nothing. It is refused again with its key, and all that was allowed still is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from conformance.contract.contract import Contract
from conformance.suites.case import Case
from conformance.suites.conversation import Conversation, Key
from conformance.suites.expectations import CODES, representative
from conformance.suites.moves import Move, below_captured, make, one_too_many, one_too_much_back, unrefunded
from conformance.suites.scene import Scene

__all__ = ["refusal_cases"]

_Asked = Callable[[Scene, str], None]


def refusal_cases(contract: Contract) -> Iterator[Case]:
    """Yield what is refused, each followed by what is allowed, and the repetition of refusals of every kind."""
    for state, (refused, allowed) in _FOLLOWED.items():
        for move in refused:
            for moves in allowed:
                name = f"refused-then-{moves[0][0]}"
                play = _followed(state, move, moves)
                yield Case(f"{move[0]}/{state}/{name}", move[0], state, name, play, CODES["refused"], consumes=True)
    for operation in contract.operations:
        if not operation.writes:
            continue
        for state in _FORBIDDING.get(operation.id, ("cancelled",)):
            yield _repeated(operation.id, state, "refused-again", _as_it_is)
        if operation.body is not None:
            state = _FURNISHED.get(representative(contract, operation.id), "furnished_captured")
            yield _repeated(operation.id, state, "invalid-again", _without_anything)


def _followed(state: str, refused: Move, allowed: tuple[Move, ...]) -> Callable[[Conversation], None]:
    def play(conversation: Conversation) -> None:
        scene = Scene(conversation, refused[0], state)
        scene.read()
        key = conversation.new_id()
        for _ in range(2):
            make(scene, refused, key)
        scene.read()
        for move in allowed:
            make(scene, move, Key.FRESH)
            scene.read()

    return play


def _repeated(operation: str, state: str, name: str, asked: _Asked) -> Case:
    def play(conversation: Conversation) -> None:
        scene = Scene(conversation, operation, state)
        scene.read()
        key = conversation.new_id()
        for _ in range(2):
            asked(scene, key)
            scene.read()

    return Case(f"{operation}/{state}/{name}", operation, state, name, play, CODES["refused"], consumes=True)


def _as_it_is(scene: Scene, key: str) -> None:
    make(scene, (scene.operation, None), key)


def _without_anything(scene: Scene, key: str) -> None:
    scene.ask({}, key=key)


# What a state forbids, and what it allows, each in every order that ends it.
_FOLLOWED: Mapping[str, tuple[tuple[Move, ...], tuple[tuple[Move, ...], ...]]] = {
    "fresh": (
        (
            ("captureOrder", one_too_many),
            ("refundOrder", 1),
            ("releaseRemainingAuthorization", None),
            ("appendShippingInfo", None),
            ("triggerSendOut", None),
        ),
        (
            (("cancelOrder", None),),
            (("captureOrder", 4_000), ("refundOrder", 1_000), ("releaseRemainingAuthorization", None)),
            (
                ("updateAuthorization", 9_000),
                ("updateMerchantReferences", None),
                ("updateConsumerDetails", None),
                ("appendOrderShippingInfo", None),
                ("extendAuthorizationTime", None),
                ("updateAuthorization", 11_000),
                ("acknowledgeOrder", None),
                ("cancelOrder", None),
            ),
        ),
    ),
    "part_captured": (
        (
            ("captureOrder", one_too_many),
            ("refundOrder", one_too_much_back),
            ("updateAuthorization", below_captured),
            ("cancelOrder", None),
        ),
        (
            (("captureOrder", 1_000), ("refundOrder", 1_000), ("updateAuthorization", 9_000)),
            (("refundOrder", unrefunded), ("triggerSendOut", None), ("captureOrder", 1_000)),
            (("updateAuthorization", 8_000), ("appendShippingInfo", None), ("extendAuthorizationTime", None)),
            (("releaseRemainingAuthorization", None), ("refundOrder", 1_000), ("updateMerchantReferences", None)),
        ),
    ),
    "fully_captured": (
        (
            ("captureOrder", 1),
            ("refundOrder", one_too_much_back),
            ("updateAuthorization", 11_000),
            ("cancelOrder", None),
            ("releaseRemainingAuthorization", None),
        ),
        (
            (
                ("refundOrder", 1_000),
                ("appendShippingInfo", None),
                ("triggerSendOut", None),
                ("updateMerchantReferences", None),
                ("refundOrder", unrefunded),
            ),
        ),
    ),
    "furnished_captured": (
        (
            ("captureOrder", one_too_many),
            ("refundOrder", one_too_much_back),
            ("updateAuthorization", below_captured),
            ("updateConsumerDetails", None),
            ("cancelOrder", None),
        ),
        ((("extendAuthorizationTime", None), ("captureOrder", one_too_many), ("updateMerchantReferences", None)),),
    ),
    "released": (
        (("captureOrder", 1), ("refundOrder", one_too_much_back), ("cancelOrder", None)),
        ((("refundOrder", 1_000), ("appendShippingInfo", None), ("refundOrder", unrefunded)),),
    ),
    "paid_by_card": (
        (("updateAuthorization", 11_000),),
        (
            (("cancelOrder", None),),
            (("updateAuthorization", 9_000), ("captureOrder", 9_000), ("refundOrder", 9_000)),
        ),
    ),
}
# What is there can be seen to vanish.
_FURNISHED = {"fresh": "furnished"}
# A state that forbids an operation, other than that of an order which was cancelled.
_FORBIDDING: Mapping[str, tuple[str, ...]] = {
    "cancelOrder": ("part_captured", "fully_captured"),
    "releaseRemainingAuthorization": ("fresh", "fully_captured"),
    "captureOrder": ("cancelled", "fully_captured", "expired"),
    "refundOrder": ("fresh", "fully_refunded"),
    "updateAuthorization": ("cancelled", "fully_captured"),
    "extendAuthorizationTime": ("cancelled", "expired"),
    "appendShippingInfo": ("fresh",),
    "triggerSendOut": ("fresh",),
    "updateMerchantReferences": ("cancelled",),
    "updateConsumerDetails": ("cancelled", "part_captured"),
}
