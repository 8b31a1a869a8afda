"""Histories of an order, from its first capture to its last refund: what is right once is not always right again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from conformance.suites.bodies import TEXT, lines_of
from conformance.suites.case import Case
from conformance.suites.conversation import Conversation, Key
from conformance.suites.expectations import CODES
from conformance.suites.moves import Move, make, one_too_many, one_too_much_back, uncaptured, unrefunded
from conformance.suites.scene import Scene

__all__ = ["history_cases"]

# The operation and the state that a history begins with, and what is done: each step is read back.
_HISTORIES: Mapping[str, tuple[str, tuple[Move, ...]]] = {
    "in-thirds": (
        "fresh",
        (
            ("captureOrder", 3_000),
            ("captureOrder", 3_000),
            ("captureOrder", one_too_many),
            ("captureOrder", uncaptured),
            ("captureOrder", 1),
            ("refundOrder", 4_000),
            ("refundOrder", 2_500),
            ("refundOrder", one_too_much_back),
            ("refundOrder", unrefunded),
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
            ("refundOrder", one_too_much_back),
            ("refundOrder", unrefunded),
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
            ("captureOrder", one_too_many),
            ("captureOrder", uncaptured),
            ("refundOrder", 2_000),
            ("refundOrder", one_too_much_back),
            ("refundOrder", unrefunded),
        ),
    ),
    "refunded-between": (
        "fresh",
        (
            ("captureOrder", 4_000),
            ("refundOrder", unrefunded),
            ("cancelOrder", None),
            ("captureOrder", 3_000),
            ("refundOrder", one_too_much_back),
            ("refundOrder", 1_000),
            ("refundOrder", unrefunded),
            ("captureOrder", one_too_many),
            ("captureOrder", uncaptured),
            ("refundOrder", unrefunded),
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
            ("refundOrder", one_too_much_back),
            ("refundOrder", unrefunded),
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
            ("refundOrder", unrefunded),
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
    "in-full": (
        "fresh",
        (
            ("captureOrder", None),
            ("captureOrder", None),
            ("refundOrder", None),
            ("refundOrder", None),
            ("updateMerchantReferences", None),
            ("appendShippingInfo", None),
            ("captureOrder", None),
            ("extendDueDate", None),
            ("updateAuthorization", None),
            ("refundOrder", None),
            ("releaseRemainingAuthorization", None),
            ("refundOrder", None),
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
            ("updateConsumerDetails", None),
            ("updateMerchantReferences", None),
            ("extendAuthorizationTime", None),
            ("releaseRemainingAuthorization", None),
        ),
    ),
}


def history_cases(states: Iterable[str]) -> Iterator[Case]:
    """Yield each history with keys and without, and a case a state for each operation whose fields may come alone."""
    for name, (state, moves) in _HISTORIES.items():
        operation = moves[0][0]
        for told, key in ((name, Key.FRESH), (f"{name}-without-keys", Key.NONE)):
            play = _played(state, moves, key)
            yield _case(operation, state, told, play)
    for operation, bodies in _ALONE.items():
        for state in states:
            play = _alone(operation, state, bodies if state == _IN_FULL else bodies[:_ELSEWHERE])
            yield _case(operation, state, "one-at-a-time", play)
    for operation, (state, bodies) in _COMBINED.items():
        yield _case(operation, state, "in-other-company", _alone(operation, state, bodies))


def _case(operation: str, state: str, name: str, play: Callable[[Conversation], None]) -> Case:
    return Case(f"{operation}/{state}/{name}", operation, state, name, play, CODES["pair"], consumes=True)


def _played(state: str, moves: tuple[Move, ...], key: Key) -> Callable[[Conversation], None]:
    def play(conversation: Conversation) -> None:
        scene = Scene(conversation, moves[0][0], state)
        scene.read()
        for move in moves:
            make(scene, move, key)
            # Seen from every side once, and as closely as most would look the other time.
            scene.read_all() if key is Key.FRESH else scene.read()

    return play


def _alone(operation: str, state: str, bodies: tuple[Mapping[str, Any], ...]) -> Callable[[Conversation], None]:
    """Write one field after the other, none in the company of another."""

    def play(conversation: Conversation) -> None:
        scene = Scene(conversation, operation, state)
        scene.read()
        for number, body in enumerate(bodies):
            scene.read_back(scene.ask(body, key=Key.NONE if number % 2 else Key.FRESH))

    return play


_UNSORTED = [{**line, "reference": name} for name in ("C-3", "A-1", "B-2") for line in lines_of(200, name)]
_DISCOUNT = {**lines_of(-100)[0], "reference": "SALE", "type": "discount"}
# Amounts that a detour through major units would change, with lines and without.
_AMOUNTS = (29, 57, 58, 115, 1_001, 1_113, 1_999)
_ODD = tuple({"captured_amount": amount, "order_lines": lines_of(amount)} for amount in _AMOUNTS)
_ODD_BACK = tuple({"refunded_amount": amount, "order_lines": lines_of(amount)} for amount in _AMOUNTS)
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
# Fields in the company of others, several values at once, and less than usual.
_COMBINED: Mapping[str, tuple[str, tuple[Mapping[str, Any], ...]]] = {
    "updateMerchantReferences": (
        "fresh",
        (
            {"merchant_reference1": "A-1", "merchant_reference2": "B-1"},
            {"merchant_reference1": "B-1", "merchant_reference2": "A-1"},
            {"merchant_reference1": "SAME", "merchant_reference2": "SAME"},
            {"merchant_reference1": "", "merchant_reference2": ""},
            {"merchant_reference1": "A-2", "merchant_reference2": "B-2"},
            {"merchant_reference1": "", "merchant_reference2": "A-2"},
        ),
    ),
    "updateConsumerDetails": (
        "fresh",
        (
            {"shipping_address": {"title": "", "street_address2": ""}},
            {"shipping_address": {"title": "Dr.", "street_address2": "4. Stock", "region": "Bayern"}},
            {"shipping_address": {}},
            {"shipping_address": {"title": "", "street_address2": "", "region": ""}},
            {"shipping_address": {"given_name": "Mustermann", "family_name": "Zoë"}},
        ),
    ),
    "updateAuthorization": (
        "fresh",
        (
            {"order_amount": 9_000, "description": "one shoe less", "order_lines": lines_of(9_000)},
            {"order_amount": 8_000, "description": "one shoe less"},
            {"order_amount": 8_500, "order_lines": lines_of(8_500)},
            {"order_amount": 8_500},
            {"order_amount": 7_000, "order_lines": [*lines_of(4_000, "one"), *lines_of(3_000, "other")]},
            {"order_amount": 600, "order_lines": _UNSORTED},
        ),
    ),
    "captureOrder": (
        "fresh",
        (
            {"captured_amount": 600, "order_lines": _UNSORTED},
            {"captured_amount": 600, "order_lines": lines_of(200) * 3},
            {"captured_amount": 500, "order_lines": [*lines_of(400), _DISCOUNT]},
            *_ODD,
        ),
    ),
    "refundOrder": (
        "fully_captured",
        (
            {"refunded_amount": 600, "order_lines": _UNSORTED},
            {"refunded_amount": 600, "order_lines": lines_of(200) * 3},
            {"refunded_amount": 500, "order_lines": [*lines_of(400), _DISCOUNT]},
            *_ODD_BACK,
        ),
    ),
    "appendOrderShippingInfo": (
        "fresh",
        (
            {"shipping_info": [{"return_shipping_company": "dhl", "return_tracking_number": "R-2"}]},
            {"shipping_info": [{"tracking_number": f"P-{number}"} for number in range(3)]},
            {"shipping_info": [{"tracking_uri": "https://carrier.example/P-4"}, {"shipping_method": "Postal"}]},
            {"shipping_info": []},
        ),
    ),
    "appendShippingInfo": (
        "part_captured",
        (
            {"shipping_info": [{"return_tracking_number": "R-2", "return_tracking_uri": "https://carrier.example/2"}]},
            {"shipping_info": [{"tracking_number": f"P-{number}"} for number in range(3)]},
            {"shipping_info": [{"shipping_company": "gls"}, {"shipping_method": "Postal"}]},
            {"shipping_info": []},
        ),
    ),
}
# In every other state the first of them tell enough.
_IN_FULL = "fresh"
_ELSEWHERE = 3
