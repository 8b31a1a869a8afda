"""Answers in the shape that recordings have, byte for byte where they are on record."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from conformance.simulator.demo import (
    AUTHORIZED_ORDER_ID,
    PART_CAPTURED_CAPTURE_ID,
    PART_CAPTURED_ORDER_ID,
)
from tests.simulator.caller import BASE, Caller, answer

SECURITY = [
    ("X-Content-Type-Options", "nosniff"),
    ("X-Xss-Protection", "1; mode=block"),
    ("Cache-Control", "no-cache, no-store, max-age=0, must-revalidate"),
    ("Pragma", "no-cache"),
    ("Expires", "0"),
    ("X-Frame-Options", "DENY"),
]


STRICT = ("Strict-Transport-Security", "max-age=31536000; includeSubDomains")


DATE = ("Date", "Thu, 15 Jan 2026 09:00:00 GMT")


ORDER_KEYS = [
    "order_id",
    "status",
    "fraud_status",
    "order_amount",
    "original_order_amount",
    "captured_amount",
    "refunded_amount",
    "remaining_authorized_amount",
    "purchase_currency",
    "locale",
    "order_lines",
    "merchant_reference1",
    "klarna_reference",
    "customer",
    "billing_address",
    "shipping_address",
    "created_at",
    "purchase_country",
    "expires_at",
    "captures",
    "refunds",
    "initial_payment_method",
]


def test_an_order_is_read_in_the_recorded_shape(caller: Caller) -> None:
    response = caller.get(PART_CAPTURED_ORDER_ID)
    correlation = response.headers.get("Klarna-Correlation-Id") or ""
    assert list(response.headers) == [
        DATE,
        ("Content-Type", "application/json"),
        ("Transfer-Encoding", "chunked"),
        ("Server", "openresty"),
        ("Vary", "Accept-Encoding"),
        *SECURITY,
        ("Klarna-Correlation-Id", correlation),
        STRICT,
    ]
    order = answer(response)
    assert list(order) == ORDER_KEYS
    assert json.dumps(order, ensure_ascii=False, separators=(",", ":")).encode() == response.body
    assert list(order["captures"][0]) == [
        "capture_id",
        "klarna_reference",
        "captured_amount",
        "captured_at",
        "description",
        "order_lines",
        "refunded_amount",
        "billing_address",
        "shipping_address",
        "shipping_info",
    ]
    assert list(order["refunds"][0]) == [
        "refund_id",
        "refunded_amount",
        "refunded_at",
        "description",
        "order_lines",
        "credit_invoice",
    ]
    assert order["captures"][0]["klarna_reference"] == order["klarna_reference"] + "-1"
    assert order["created_at"] == "2026-01-15T09:00:00.000Z"
    assert order["expires_at"] == "2026-02-12T00:00:00.000Z"
    assert None not in order.values()


def test_a_capture_is_created_in_the_recorded_shape(caller: Caller, make: Callable[..., str]) -> None:
    order = make()
    response = caller.post(f"{order}/captures", {"captured_amount": 50})
    capture = response.headers.get("Capture-Id") or ""
    assert (response.status, response.body) == (201, b"")
    assert [name for name, _ in response.headers] == [
        "Date",
        "Content-Length",
        "Server",
        "Location",
        "Transaction-Id",
        "Capture-Id",
        *(name for name, _ in SECURITY),
        "Klarna-Correlation-Id",
        "Strict-Transport-Security",
    ]
    assert response.headers.get("Content-Length") == "0"
    assert response.headers.get("Location") == f"http://127.0.0.1:8080{BASE}/{order}/captures/{capture}"


def test_a_refund_is_created_in_the_recorded_shape(caller: Caller) -> None:
    response = caller.post(f"{PART_CAPTURED_ORDER_ID}/refunds", {"refunded_amount": 5})
    refund = response.headers.get("Refund-Id") or ""
    assert (response.status, response.body) == (201, b"")
    assert [name for name, _ in response.headers][3:6] == ["Location", "Refund-Id", "Transaction-Id"]
    assert (response.headers.get("Location") or "").endswith(f"{PART_CAPTURED_ORDER_ID}/refunds/{refund}")


def test_other_writes_are_answered_in_the_recorded_shape(caller: Caller) -> None:
    response = caller.post(f"{AUTHORIZED_ORDER_ID}/acknowledge")
    assert (response.status, response.body) == (204, b"")
    assert [name for name, _ in response.headers] == [
        "Date",
        "Server",
        "Transaction-Id",
        *(name for name, _ in SECURITY),
        "Klarna-Correlation-Id",
        "Strict-Transport-Security",
    ]


@pytest.mark.parametrize(
    ("path", "field", "length"),
    [
        ("captures", "captured_amount", 149),
        ("refunds", "refunded_amount", 149),
        (f"captures/{PART_CAPTURED_CAPTURE_ID}/shipping-info", "shipping_info", 147),
    ],
)
@pytest.mark.parametrize("missing", [True, False])
def test_a_missing_field_is_refused_byte_for_byte_as_recorded(
    caller: Caller, path: str, field: str, length: int, missing: bool
) -> None:
    response = caller.post(f"{PART_CAPTURED_ORDER_ID}/{path}", {} if missing else {field: None})
    correlation = response.headers.get("Klarna-Correlation-Id")
    expected = (
        f'{{"error_code":"UNPROCESSABLE_ENTITY","error_messages":["\'{field}\' must not be null"],'
        f'"correlation_id":"{correlation}"}}'
    )
    assert response.status == 422
    assert response.body == expected.encode()
    assert len(response.body) == length
    assert [name for name, _ in response.headers][:4] == ["Date", "Content-Type", "Content-Length", "Server"]
    assert response.headers.get("Content-Length") == str(length)


def test_lines_are_said_to_be_valid_when_lines_were_sent(caller: Caller) -> None:
    line = {"name": "a", "quantity": 1, "unit_price": 5, "total_amount": 5}
    for path, field in (("captures", "captured_amount"), ("refunds", "refunded_amount")):
        with_lines = caller.post(f"{PART_CAPTURED_ORDER_ID}/{path}", {field: 5, "order_lines": [line]})
        without = caller.post(f"{PART_CAPTURED_ORDER_ID}/{path}", {field: 5})
        assert with_lines.headers.get("Klarna-Order-Validation") == "Valid"
        assert "Klarna-Order-Validation" not in without.headers


def test_defaults_are_filled_in_when_lines_are_read(caller: Caller) -> None:
    line = {"name": 'ä\u2028"\\', "quantity": 2, "unit_price": 5, "total_amount": 10, "unknown": 1, "type": "digital"}
    capture = caller.capture(AUTHORIZED_ORDER_ID, 10, order_lines=[line])
    read = answer(caller.get(f"{AUTHORIZED_ORDER_ID}/captures/{capture}"))["order_lines"]
    assert list(read[0].items()) == [
        ("type", "digital"),
        ("quantity", 2),
        ("quantity_unit", ""),
        ("name", 'ä\u2028"\\'),
        ("total_amount", 10),
        ("unit_price", 5),
        ("total_discount_amount", 0),
        ("tax_rate", 0),
        ("total_tax_amount", 0),
    ]
