"""What the schemas of requests and answers let through."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.contract.operations import Operations


def body_of(operations: Operations, operation_id: str) -> Any:
    body = operations[operation_id].body
    assert body is not None
    return operations.validator(body)


def answer_of(operations: Operations, operation_id: str, status: int = 200) -> Any:
    schema = operations[operation_id].answers[status].media["application/json"]
    assert schema is not None
    return operations.validator(schema)


def test_a_schema_compiles_once_and_stays_known_by_its_identity(operations: Operations) -> None:
    capture, order = operations["captureOrder"].body, operations["appendOrderShippingInfo"].body
    assert capture is not None
    assert order is not None
    assert operations.validator(capture) is operations.validator(capture)
    assert operations.validator(capture) is not operations.validator(order)
    assert order is operations["appendShippingInfo"].body
    assert (
        operations["getOrder"].answers[404].media["application/json"]
        is (operations["refundOrder"].answers[403].media["application/json"])
    )


@pytest.mark.parametrize(
    ("operation_id", "body", "valid"),
    [
        ("captureOrder", {"captured_amount": 1}, True),
        ("captureOrder", {"captured_amount": 0}, True),
        ("captureOrder", {"captured_amount": 200_000_000}, True),
        ("captureOrder", {"captured_amount": 200_000_001}, False),
        ("captureOrder", {"captured_amount": -1}, False),
        ("captureOrder", {"captured_amount": "1"}, False),
        ("captureOrder", {"captured_amount": 1.5}, False),
        ("captureOrder", {"captured_amount": None}, False),
        ("captureOrder", {}, False),
        ("captureOrder", [], False),
        ("captureOrder", {"captured_amount": 1, "tracking_url": "ignored"}, True),
        ("captureOrder", {"captured_amount": 1, "shipping_delay": 2**63 - 1}, True),
        ("captureOrder", {"captured_amount": 1, "shipping_delay": 2**63}, False),
        ("captureOrder", {"captured_amount": 1, "description": "x" * 255}, True),
        ("captureOrder", {"captured_amount": 1, "description": "x" * 256}, False),
        ("captureOrder", {"captured_amount": 1, "shipping_info": [{"tracking_number": 1245}]}, False),
        ("captureOrder", {"captured_amount": 1, "shipping_info": [{"shipping_method": "Drone"}]}, False),
        ("refundOrder", {"refunded_amount": 200_000_000}, True),
        ("refundOrder", {"refunded_amount": 200_000_001}, False),
        ("refundOrder", {"captured_amount": 1}, False),
        ("updateAuthorization", {"order_amount": 0}, True),
        ("updateAuthorization", {"order_amount": 1, "order_lines": None}, False),
        ("extendDueDate", {"number_of_days": 2**31 - 1}, True),
        ("extendDueDate", {"number_of_days": 2**31}, False),
        ("extendDueDate", {}, False),
        ("appendShippingInfo", {"shipping_info": []}, False),
        ("appendShippingInfo", {"shipping_info": [{}]}, True),
        ("appendShippingInfo", {"shipping_info": [{}] * 501}, False),
        ("updateMerchantReferences", {}, True),
        ("updateMerchantReferences", {"merchant_reference1": ""}, True),
        ("updateConsumerDetails", {"shipping_address": {"postal_code": "12345678901"}}, False),
    ],
)
def test_request_limits_hold(operations: Operations, operation_id: str, body: Any, valid: bool) -> None:
    assert body_of(operations, operation_id).is_valid(body) is valid


LINE = {"name": "Book", "quantity": 1, "unit_price": 100, "total_amount": 100}


@pytest.mark.parametrize(
    ("change", "valid"),
    [
        ({}, True),
        ({"total_amount": -(2**63), "unit_price": -1}, True),
        ({"total_amount": -(2**63) - 1}, False),
        ({"total_amount": 200_000_001}, False),
        ({"total_discount_amount": -1}, False),
        ({"quantity": -1}, False),
        ({"quantity": 2**63}, False),
        ({"tax_rate": 2**31}, False),
        ({"type": "physical"}, True),
        ({"type": "physical|discount"}, False),
        ({"quantity_unit": "x" * 11}, False),
        ({"product_identifiers": {}}, True),
        ({"product_identifiers": {"brand": "x" * 71}}, False),
        ({"subscription": {"name": "x", "interval": "MONTH", "interval_count": 1}}, True),
        ({"subscription": {"name": "x", "interval": "CENTURY", "interval_count": 1}}, False),
        ({"subscription": {"name": "x", "interval": "MONTH", "interval_count": 0}}, False),
        ({"subscription": {"name": "x"}}, False),
    ],
)
def test_limits_of_a_line_hold(operations: Operations, change: dict[str, Any], valid: bool) -> None:
    for operation_id, amount in (("captureOrder", "captured_amount"), ("refundOrder", "refunded_amount")):
        body = {amount: 1, "order_lines": [{**LINE, **change}]}
        assert body_of(operations, operation_id).is_valid(body) is valid


RECORDED_CAPTURE = {
    "capture_id": "3c9e8b52-1d47-4e0a-8a66-7f0b5d2c4e11",
    "captured_amount": 1,
    "captured_at": "2021-09-07T10:11:12Z",
}


RECORDED_ORDER: dict[str, Any] = {
    "order_id": "0a5c1f0e-7b7d-4c2e-9d3a-4f1e2b6c8d90",
    "status": "AUTHORIZED",
    "fraud_status": "ACCEPTED",
    "order_amount": 1,
    "original_order_amount": 1,
    "captured_amount": 0,
    "refunded_amount": 0,
    "remaining_authorized_amount": 1,
    "purchase_currency": "EUR",
    "created_at": "2021-09-07T10:11:12Z",
    "captures": [],
    "refunds": [],
}


@pytest.mark.parametrize(
    ("order", "valid"),
    [
        ({}, True),
        ({"order_amount": 10**15, "some_day": {"new": True}}, True),
        ({"order_amount": 2**63}, False),
        ({"order_amount": "100"}, False),
        ({"merchant_reference1": "x" * 5000}, True),
        ({"merchant_reference1": None}, False),
        ({"status": "AUTHORIZED"}, True),
        ({"status": "authorized"}, False),
        ({"fraud_status": "STOPPED"}, False),
        ({"created_at": "2021-09-07T10:11:12.123Z"}, True),
        ({"created_at": "2021-09-07"}, False),
        ({"customer": {"date_of_birth": "1970-07-10", "type": "person"}}, True),
        ({"customer": {"date_of_birth": "10.07.1970"}}, False),
        ({"captures": [RECORDED_CAPTURE]}, True),
        ({"captures": [{**RECORDED_CAPTURE, "captured_amount": -1}]}, False),
        (
            {"captures": [{**RECORDED_CAPTURE, "order_lines": [{**LINE, "name": "x" * 5000, "total_amount": 10**12}]}]},
            True,
        ),
        ({"order_lines": [{"name": "x"}]}, False),
        ({"initial_payment_method": {"type": "SOMETHING_NEW", "number_of_installments": 4}}, True),
    ],
)
def test_answers_are_open_and_typed(operations: Operations, order: Any, valid: bool) -> None:
    assert answer_of(operations, "getOrder").is_valid({**RECORDED_ORDER, **order}) is valid


@pytest.mark.parametrize("field", sorted(RECORDED_ORDER))
def test_what_every_recorded_order_shows_is_required(operations: Operations, field: str) -> None:
    order = {name: value for name, value in RECORDED_ORDER.items() if name != field}
    assert not answer_of(operations, "getOrder").is_valid(order)


REFUSAL = {
    "error_code": "NO_SUCH_ORDER",
    "error_messages": [],
    "correlation_id": "f35f3b84-21a0-4c2f-a1be-2c6a6b5a9f11",
}


@pytest.mark.parametrize(
    ("change", "valid"),
    [
        ({}, True),
        ({"error_code": "A_CODE_OF_ANOTHER_OPERATION"}, True),
        ({"error_code": ""}, False),
        ({"error_messages": "text"}, False),
        ({"correlation_id": "12345"}, False),
        ({"service_version": "1"}, True),
    ],
)
def test_a_refusal_is_held_to_its_shape_and_not_to_its_code(
    operations: Operations, change: dict[str, Any], valid: bool
) -> None:
    validator = answer_of(operations, "getOrder", 404)
    assert validator.is_valid({**REFUSAL, **change}) is valid
    for missing in REFUSAL:
        assert not validator.is_valid({name: value for name, value in REFUSAL.items() if name != missing})
