"""What writes do to an order, and what is read of it afterwards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from conformance.simulator.demo import (
    AUTHORIZED_ORDER_ID,
    CAPTURED_CAPTURE_ID,
    CAPTURED_ORDER_ID,
    PART_CAPTURED_CAPTURE_ID,
    PART_CAPTURED_ORDER_ID,
    PART_CAPTURED_REFUND_ID,
)
from tests.simulator.caller import Caller, answer, code


def test_captures_and_refunds_are_read_alone_as_within_the_order(caller: Caller) -> None:
    order = caller.order(PART_CAPTURED_ORDER_ID)
    captures = answer(caller.get(f"{PART_CAPTURED_ORDER_ID}/captures"))
    capture = answer(caller.get(f"{PART_CAPTURED_ORDER_ID}/captures/{PART_CAPTURED_CAPTURE_ID}"))
    refund = answer(caller.get(f"{PART_CAPTURED_ORDER_ID}/refunds/{PART_CAPTURED_REFUND_ID}"))
    assert captures == order["captures"] == [capture]
    assert order["refunds"] == [refund]
    assert answer(caller.get(f"{AUTHORIZED_ORDER_ID}/captures")) == []


def test_the_demo_orders_are_as_published(caller: Caller) -> None:
    part, fresh, full = (
        caller.order(order) for order in (PART_CAPTURED_ORDER_ID, AUTHORIZED_ORDER_ID, CAPTURED_ORDER_ID)
    )
    assert (part["status"], part["captured_amount"], part["refunded_amount"]) == ("PART_CAPTURED", 4_000, 1_000)
    assert part["remaining_authorized_amount"] == 6_000
    assert (fresh["status"], fresh["remaining_authorized_amount"]) == ("AUTHORIZED", 10_000)
    assert (full["status"], full["captures"][0]["capture_id"]) == ("CAPTURED", CAPTURED_CAPTURE_ID)


def test_text_survives_byte_for_byte(caller: Caller) -> None:
    text = 'Ünï ☃ 😀 e\u0301 \u200f\t\n"\\/ \u0000'
    capture = caller.capture(AUTHORIZED_ORDER_ID, 1, description=text)
    response = caller.get(f"{AUTHORIZED_ORDER_ID}/captures/{capture}")
    assert answer(response)["description"] == text
    assert "Ünï ☃ 😀 e\u0301".encode() in response.body


def test_an_update_without_lines_deletes_the_lines(caller: Caller, make: Callable[..., str]) -> None:
    order = make(order_amount=100)
    assert len(caller.order(order)["order_lines"]) == 1
    assert caller.patch(f"{order}/authorization", {"order_amount": 90}).status == 204
    updated = caller.order(order)
    assert updated["order_lines"] == []
    assert (updated["order_amount"], updated["original_order_amount"]) == (90, 100)
    assert updated["remaining_authorized_amount"] == 90


def test_references_are_overwritten_kept_and_cleared(caller: Caller, make: Callable[..., str]) -> None:
    order = make(merchant_reference1="one")
    caller.patch(f"{order}/merchant-references", {"merchant_reference2": "zwei ☃"})
    assert caller.order(order)["merchant_reference1"] == "one"
    assert caller.order(order)["merchant_reference2"] == "zwei ☃"
    caller.patch(f"{order}/merchant-references", {"merchant_reference1": "", "merchant_reference2": "2"})
    assert "merchant_reference1" not in caller.order(order)
    assert caller.order(order)["merchant_reference2"] == "2"
    assert "merchant_reference2" not in caller.order(make())


def test_parts_of_the_shipping_address_are_changed_and_cleared(caller: Caller, make: Callable[..., str]) -> None:
    order = make(purchase_country="US", purchase_currency="USD")
    before = caller.order(order)
    change = {"shipping_address": {"city": "Brooklyn", "region": "", "unknown": "x"}}
    assert caller.patch(f"{order}/customer-details", change).status == 204
    after = caller.order(order)
    assert after["shipping_address"] == {**before["shipping_address"], "city": "Brooklyn", "region": ""}
    assert after["billing_address"] == before["billing_address"]
    assert caller.patch(f"{order}/customer-details", {}).status == 204
    assert caller.order(order) == after


def test_a_capture_keeps_the_address_it_was_made_with(caller: Caller, make: Callable[..., str]) -> None:
    order = make(order_amount=10)
    caller.patch(f"{order}/customer-details", {"shipping_address": {"city": "Köln", "postal_code": "50667"}})
    capture = caller.capture(order, 5)
    assert answer(caller.get(f"{order}/captures/{capture}"))["shipping_address"]["city"] == "Köln"


def test_a_billing_address_is_refused_in_the_documented_words(caller: Caller, make: Callable[..., str]) -> None:
    order = make()
    response = caller.patch(f"{order}/customer-details", {"billing_address": {"city": "x"}})
    assert code(response) == (403, "NOT_ALLOWED")
    assert answer(response)["error_messages"][0].startswith("Billing address cannot be updated")


@pytest.mark.parametrize("address", [5, [], {"postal_code": "1"}])
def test_a_field_of_another_operation_is_one_that_nobody_knows(
    caller: Caller, make: Callable[..., str], address: object
) -> None:
    order = make()
    before = caller.order(order)
    change = {"merchant_reference1": "A-7", "shipping_address": address}
    assert caller.patch(f"{order}/merchant-references", change).status == 204
    assert caller.order(order) == before | {"merchant_reference1": "A-7"}


def test_an_address_that_cannot_be_is_refused(caller: Caller, make: Callable[..., str]) -> None:
    order = make()
    before = caller.order(order)
    response = caller.patch(f"{order}/customer-details", {"shipping_address": {"postal_code": "1"}})
    assert code(response) == (422, "INVALID_ADDRESS")
    assert caller.order(order) == before


def test_shipping_details_are_appended(caller: Caller) -> None:
    path = f"{PART_CAPTURED_ORDER_ID}/captures/{PART_CAPTURED_CAPTURE_ID}/shipping-info"
    assert caller.post(path, {"shipping_info": [{"tracking_number": "1"}]}).status == 204
    assert caller.post(path, {"shipping_info": [{"tracking_number": "2", "tracking_url": "x"}]}).status == 204
    read = answer(caller.get(f"{PART_CAPTURED_ORDER_ID}/captures/{PART_CAPTURED_CAPTURE_ID}"))
    assert read["shipping_info"] == [{"tracking_number": "1"}, {"tracking_number": "2"}]
    assert "shipping_info" not in caller.order(PART_CAPTURED_ORDER_ID)
    caller.post(f"{PART_CAPTURED_ORDER_ID}/shipping-info", {"shipping_info": [{"tracking_number": "3"}]})
    caller.post(f"{PART_CAPTURED_ORDER_ID}/shipping-info", {"shipping_info": [{"tracking_number": "4"}]})
    assert caller.order(PART_CAPTURED_ORDER_ID)["shipping_info"] == [{"tracking_number": "3"}, {"tracking_number": "4"}]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "acknowledge", None),
        ("POST", "cancel", None),
        ("POST", "extend-authorization-time", None),
        ("POST", "shipping-info", {"shipping_info": [{"tracking_number": "1"}]}),
        ("PATCH", "merchant-references", {"merchant_reference1": "a"}),
    ],
)
def test_asking_for_the_same_again_is_the_same_transaction(
    caller: Caller, make: Callable[..., str], method: str, path: str, body: Any
) -> None:
    order = make()
    first, again = (caller.send(method, f"{order}/{path}", body) for _ in range(2))
    assert first.status == again.status == 204
    assert first.headers.get("Transaction-Id") == again.headers.get("Transaction-Id")
    assert first.headers.get("Klarna-Correlation-Id") != again.headers.get("Klarna-Correlation-Id")


def test_asking_for_something_else_is_another_transaction(caller: Caller, make: Callable[..., str]) -> None:
    order = make()
    answers = [
        caller.patch(f"{order}/merchant-references", {"merchant_reference1": "a"}),
        caller.patch(f"{order}/merchant-references", {"merchant_reference1": "b"}),
        caller.patch(f"{order}/merchant-references", {"merchant_reference1": "a"}),
        caller.post(f"{order}/extend-authorization-time"),
        caller.post(f"{order}/captures", {"captured_amount": 1}),
        caller.post(f"{order}/captures", {"captured_amount": 1}),
    ]
    caller.simulator.advance(86_400)
    answers.append(caller.post(f"{order}/extend-authorization-time"))
    assert len({response.headers.get("Transaction-Id") for response in answers}) == len(answers)
