"""The parts of an order and calls of one moment: what is written to one must not show on another, nor undo it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from conformance.exchange import Exchange
from conformance.suites.bodies import ADDRESS, AMOUNT_FIELD, ORDER, BodyMaker
from conformance.suites.case import Case
from conformance.suites.conversation import Conversation
from conformance.suites.expectations import CODES
from conformance.suites.preparation import prepare
from conformance.suites.reply import Reply
from conformance.suites.scene import Scene
from conformance.suites.stops import NotMeasuredError

__all__ = ["part_cases"]

Play = Callable[[Conversation], None]


def part_cases() -> Iterator[Case]:
    """Yield the cases of orders with several captures or refunds, made one after the other or at the same moment."""
    yield _case("getCapture", "many_captures", "each", "valid read", _each_capture, consumes=False)
    yield _case("get", "fully_refunded", "each", "valid read", _each_refund, consumes=False)
    yield _case("refundOrder", "fully_captured", "many", "refund", _many_refunds)
    yield _case("captureOrder", "fresh", "many", "capture", _many_captures)
    yield _case("appendShippingInfo", "many_captures", "to-an-earlier-one", "text", _parcel_of_earlier)
    for operation, state in (("captureOrder", "fresh"), ("refundOrder", "fully_captured")):
        yield _case(operation, state, "together-within", "same-moment", _together(operation, state))
    yield _case("updateMerchantReferences", "fresh", "together-within", "text", _references_together)
    for operation, state in (("appendOrderShippingInfo", "fresh"), ("appendShippingInfo", "part_captured")):
        yield _case(operation, state, "together-within", "text", _parcels_together(operation, state))
    yield _case("appendShippingInfo", "many_captures", "together-on-two-captures", "text", _on_two_captures)
    for operation, state, other in _COMPATIBLE:
        play = _beside(operation, state, other)
        yield _case(operation, state, f"together-with-{other}", "text", play)
    for operation, state in (("captureOrder", "fresh"), ("refundOrder", "part_captured")):
        yield _case(operation, state, "together-on-two-orders", "same-moment", _on_two_orders(operation, state))
    for operation, state in (("captureOrder", "fresh"), ("refundOrder", "fully_captured")):
        yield _case(operation, state, "together-of-two-merchants", "same-moment", _of_two_merchants(operation, state))
    yield _case("updateAuthorization", "fresh", "together-equal", "authorization", _totals_together)
    yield _case("getOrder", "fresh", "together", "valid read", _reads_together, consumes=False)
    yield _case("getOrder", "fresh", "together-with-captureOrder", "capture", _reads_beside_a_capture)
    for name, state, other in (
        ("against-cancel", "fresh", "cancelOrder"),
        ("against-decrease", "fresh", "updateAuthorization"),
        ("against-release", "part_captured", "releaseRemainingAuthorization"),
    ):
        yield _case("captureOrder", state, name, "against-each-other", _against(state, other))


def _case(operation: str, state: str, name: str, kind: str, play: Play, *, consumes: bool = True) -> Case:
    return Case(f"{operation}/{state}/{name}", operation, state, name, play, CODES[kind], consumes)


def _each_capture(conversation: Conversation) -> None:
    scene = Scene(conversation, "getCapture", "many_captures")
    scene.read()
    _each_of(scene, "getCapture", "capture_id", scene.order.captures)
    conversation.call("getCaptures", {"order_id": scene.order.order_id})


def _each_refund(conversation: Conversation) -> None:
    scene = Scene(conversation, "get", "fully_refunded")
    scene.read()
    _each_of(scene, "get", "refund_id", scene.order.refunds)


def _many_refunds(conversation: Conversation) -> None:
    """More refunds than a number of one digit can count, each read under its id."""
    scene = Scene(conversation, "refundOrder", "fully_captured")
    for number in range(1, 13):
        scene.read_back(scene.ask({"refunded_amount": 100 + number}))
    _each_of(scene, "get", "refund_id", scene.order.refunds)
    for number in range(1, _PAGES):
        scene.ask({"refunded_amount": number % 7 + 1})
    scene.read()


def _many_captures(conversation: Conversation) -> None:
    """More captures than would stand on one page, if there were pages."""
    scene = Scene(conversation, "captureOrder", "fresh")
    for number in range(1, _PAGES):
        scene.ask({"captured_amount": 10 + number % 80})
    scene.read()
    conversation.call("getCaptures", {"order_id": scene.order.order_id})


def _each_of(scene: Scene, reader: str, name: str, ids: list[str]) -> None:
    for each in ids:
        scene.conversation.call(reader, {"order_id": scene.order.order_id, name: each})


def _parcel_of_earlier(conversation: Conversation) -> None:
    scene = Scene(conversation, "appendShippingInfo", "many_captures")
    # Only what was read before can be seen to have changed where it should not.
    scene.read()
    first, second = scene.order.captures[:2]
    scene.ask(scene.body(), ids={**scene.ids, "capture_id": second})
    scene.read()
    for capture_id in (first, second):
        conversation.call("getCapture", {**scene.ids, "capture_id": capture_id})


def _together(operation: str, state: str) -> Play:
    """Make four calls of the same moment that all can be carried out, and look for each of them afterwards."""

    def play(conversation: Conversation) -> None:
        scene = Scene(conversation, operation, state)
        field = AMOUNT_FIELD[operation]
        amounts = (100, 200, 300, 400)
        replies = conversation.together(
            [conversation.request(operation, scene.ids, {field: amount}) for amount in amounts]
        )
        scene.read()
        header, reader, name = _MADE[operation]
        for reply in replies:
            made = reply.header(header)
            if reply.ok and made:
                conversation.call(reader, {"order_id": scene.order.order_id, name: made})

    return play


def _references_together(conversation: Conversation) -> None:
    """Write two fields of one order at the same moment: neither may be lost to the other."""
    for _ in range(_rounds(conversation)):
        scene = Scene(conversation, "updateMerchantReferences", "fresh")
        bodies = ({"merchant_reference1": "first"}, {"merchant_reference2": "second"})
        conversation.together([conversation.request(scene.operation, scene.ids, body) for body in bodies])
        scene.read()


def _parcels_together(operation: str, state: str) -> Play:
    """File four parcels at the same moment, then one twice with one key: each is there afterwards, and once."""

    def play(conversation: Conversation) -> None:
        scene = Scene(conversation, operation, state)
        ids = scene.ids
        numbers = [f"moment-{number}" for number in range(4)]
        bodies = [{"shipping_info": [{"tracking_number": number}]} for number in numbers]
        replies = conversation.together([conversation.request(operation, ids, body) for body in bodies])
        read, found = _parcels(conversation, ids)
        if sum(reply.ok for reply in replies) != sum(number in found for number in numbers):
            message = f"of parcels filed at one moment {found} are shown"
            conversation.report("KOM-405", message, read, operation)
        key, body = conversation.new_id(), {"shipping_info": [{"tracking_number": "with-one-key"}]}
        conversation.together([conversation.request(operation, ids, body, key=key) for _ in range(2)])
        read, found = _parcels(conversation, ids)
        if found.count("with-one-key") > 1:
            conversation.report("KOM-501", "one parcel, filed twice at one moment with one key, is there twice", read)

    return play


def _parcels(conversation: Conversation, ids: Mapping[str, str]) -> tuple[Reply, list[Any]]:
    """Read the numbers of the parcels, which stand in an order that nobody can have seen."""
    conversation.judge.forget(ids["order_id"], "shipping_info", ids.get("capture_id", ""))
    read = conversation.call("getCapture" if "capture_id" in ids else "getOrder", ids)
    document = read.json()
    shown = document.get("shipping_info") if isinstance(document, dict) else None
    return read, [each.get("tracking_number") for each in shown or () if isinstance(each, dict)]


def _beside(operation: str, state: str, other: str) -> Play:
    """Make two different writes of the same moment that do not stand in each other's way: both must be there."""

    def play(conversation: Conversation) -> None:
        for number in range(_rounds(conversation)):
            scene = Scene(conversation, operation, state)
            scene.read()
            order = {"order_id": scene.order.order_id}
            requests = [
                conversation.request(operation, scene.ids, _SMALL[operation]),
                conversation.request(other, order, _SMALL[other]),
            ]
            conversation.together(requests if number % 2 else requests[::-1])
            scene.read()

    return play


def _on_two_orders(operation: str, state: str) -> Play:
    """Make the same call on two orders at the same moment: each answer is about the order that was asked for."""

    def play(conversation: Conversation) -> None:
        if conversation.control is None:
            raise NotMeasuredError("two orders are needed at once, which takes a control interface")
        scenes = [Scene(conversation, operation, state) for _ in range(2)]
        for _ in range(_ROUNDS):
            conversation.together([conversation.request(operation, each.ids, _SMALL[operation]) for each in scenes])
            for each in scenes:
                each.read()

    return play


def _of_two_merchants(operation: str, state: str) -> Play:
    """Make the same call of the same moment for two merchants, each on an order of its own."""

    def play(conversation: Conversation) -> None:
        other, control = conversation.target.other, conversation.control
        if other is None or control is None:
            raise NotMeasuredError("the target has no second merchant, or no control interface to make an order for it")
        scene = Scene(conversation, operation, state)
        captured = {"captured_amount": scene.order.captured} if scene.order.captured else {}
        theirs = control.create_order(**{**ORDER, "merchant": other.merchant or other.username, **captured})
        conversation.call("getOrder", {"order_id": theirs}, credentials=other)
        for _ in range(_ROUNDS):
            requests = [
                conversation.request(operation, scene.ids, _SMALL[operation]),
                conversation.request(
                    operation, {"order_id": theirs}, _SMALL[operation], authorization=other.authorization
                ),
            ]
            conversation.together(requests)
            scene.read()
            conversation.call("getOrder", {"order_id": theirs}, credentials=other)

    return play


def _on_two_captures(conversation: Conversation) -> None:
    """File parcels for two captures of one order at the same moment: each belongs to its own, and both are there."""
    scene = Scene(conversation, "appendShippingInfo", "many_captures")
    scene.read()
    both = [{**scene.ids, "capture_id": each} for each in scene.order.captures[:2]]
    for number in range(_rounds(conversation)):
        bodies = [{"shipping_info": [{"tracking_number": f"{number}-{place}"}]} for place in range(2)]
        asked = zip(both, bodies, strict=True)
        conversation.together([conversation.request(scene.operation, ids, body) for ids, body in asked])
        scene.read()
        for ids in both:
            conversation.call("getCapture", ids)


def _rounds(conversation: Conversation) -> int:
    """Orders that are not made to measure are too dear for more than one."""
    return 1 if conversation.control is None else _ROUNDS


def _totals_together(conversation: Conversation) -> None:
    """Set the same total twice at the same moment, higher and then lower: it is a total and no difference."""
    for share in (15, 9):
        scene = Scene(conversation, "updateAuthorization", "fresh")
        body = BodyMaker(scene.order).step(scene.operation, scene.order.order_amount * share // 10)
        conversation.together([conversation.request(scene.operation, scene.ids, body) for _ in range(2)])
        scene.read()


def _reads_together(conversation: Conversation) -> None:
    """Read two orders at the same moment, also as a stranger: each answer is about what was asked, and by whom."""
    if conversation.control is None:
        raise NotMeasuredError("two orders are needed at once, which takes a control interface")
    ids = [{"order_id": prepare(conversation, "fresh").order_id} for _ in range(2)]
    other = conversation.target.other
    for _ in range(_ROUNDS):
        requests = [conversation.request("getOrder", each) for each in ids * 2]
        if other is not None:
            requests += [conversation.request("getOrder", each, authorization=other.authorization) for each in ids]
        conversation.together(requests)


def _reads_beside_a_capture(conversation: Conversation) -> None:
    """Read an order while it is captured: each reading shows it before or after, and none shows half of it."""
    for _ in range(_rounds(conversation)):
        scene = Scene(conversation, "captureOrder", "fresh")
        before = scene.order.captured

        def rank(exchange: Exchange, before: int = before) -> int:
            if exchange.request.method != "GET":
                return 1
            return 0 if _captured(exchange) == before else 2

        requests = [conversation.request("getOrder", scene.ids) for _ in range(_READS)]
        requests.insert(_READS // 2, conversation.request("captureOrder", scene.ids, _SMALL["captureOrder"]))
        conversation.together(requests, rank)
        scene.read()


def _captured(exchange: Exchange) -> Any:
    try:
        order = json.loads(exchange.response.body) if exchange.response is not None else None
    except (ValueError, RecursionError):
        return None
    return order.get("captured_amount") if isinstance(order, dict) else None


def _against(state: str, other: str) -> Play:
    """Make two calls of the same moment of which only one can be carried out, whichever comes first."""

    def play(conversation: Conversation) -> None:
        for number in range(_rounds(conversation)):
            scene = Scene(conversation, "captureOrder", state)
            asked = BodyMaker(scene.order)
            # What leaves something is refused on other grounds than what takes all.
            amount = scene.order.remaining if number < _ROUNDS // 2 else scene.order.remaining * 6 // 10
            requests = [
                conversation.request("captureOrder", scene.ids, asked.step("captureOrder", amount)),
                conversation.request(other, scene.ids, asked.step(other, scene.order.order_amount // 2)),
            ]
            conversation.together(requests if number % 2 else requests[::-1])
            scene.read()

    return play


# One more than the largest page that is usual.
_PAGES = 102
_READS = 6
# A race is not lost each time.
_ROUNDS = 4
# Two writes that an order takes in any order, with the state that allows both.
_COMPATIBLE = (
    ("updateMerchantReferences", "fresh", "captureOrder"),
    ("appendOrderShippingInfo", "fresh", "captureOrder"),
    ("appendOrderShippingInfo", "fresh", "updateMerchantReferences"),
    ("updateConsumerDetails", "fresh", "updateMerchantReferences"),
    ("refundOrder", "part_captured", "captureOrder"),
    ("updateMerchantReferences", "part_captured", "refundOrder"),
    ("appendShippingInfo", "part_captured", "captureOrder"),
    ("appendShippingInfo", "part_captured", "refundOrder"),
    ("updateAuthorization", "fresh", "captureOrder"),
    ("updateAuthorization", "fresh", "updateMerchantReferences"),
    ("updateConsumerDetails", "fresh", "extendAuthorizationTime"),
    ("extendAuthorizationTime", "fresh", "captureOrder"),
)
_SMALL: Mapping[str, Mapping[str, Any] | None] = {
    "captureOrder": {"captured_amount": 100},
    "refundOrder": {"refunded_amount": 70},
    "updateAuthorization": {"order_amount": 9_000},
    "extendAuthorizationTime": None,
    "updateMerchantReferences": {"merchant_reference1": "moment"},
    "updateConsumerDetails": {"shipping_address": {**ADDRESS, "street_address2": "moment"}},
    "appendOrderShippingInfo": {"shipping_info": [{"tracking_number": "moment"}]},
    "appendShippingInfo": {"shipping_info": [{"tracking_number": "moment"}]},
}
_MADE = {
    "captureOrder": ("Capture-Id", "getCapture", "capture_id"),
    "refundOrder": ("Refund-Id", "get", "refund_id"),
}
