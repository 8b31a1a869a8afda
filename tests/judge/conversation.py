"""Exchanges written by hand, so that the judge is tested against the contract and not against the simulator."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from conformance.exchange import Exchange, Headers, Request, Response

ORDER = "7a1f8b5c-0d3e-4a6b-9c2d-1e4f5a6b7c8d"
CAPTURE = "11111111-2222-4333-8444-555555555555"
REFUND = "66666666-7777-4888-9999-aaaaaaaaaaaa"
OTHER = "bbbbbbbb-cccc-4ddd-8eee-ffffffffffff"
BASE = "/ordermanagement/v1/orders"
AUTHORIZATION = "Basic SzEyMzQ1Nl9hYmM6c2VjcmV0LXNlY3JldA=="


class Conversation:
    """Builds exchanges with correct headers, each with a correlation id of its own."""

    def __init__(self) -> None:
        self._count = 0

    def correlation(self) -> str:
        self._count += 1
        return str(UUID(int=self._count + (1 << 120), version=4))

    def exchange(
        self,
        method: str,
        path: str,
        status: int,
        *,
        sent: Any = None,
        answered: Any = None,
        headers: dict[str, str] | None = None,
        key: str = "",
        authorization: str = AUTHORIZATION,
        without: tuple[str, ...] = (),
    ) -> Exchange:
        correlation = self.correlation()
        asked = {"Authorization": authorization} if authorization else {}
        if sent is not None:
            asked["Content-Type"] = "application/json"
        if key:
            asked["Klarna-Idempotency-Key"] = key
        given = {"Klarna-Correlation-Id": correlation}
        if answered is not None:
            given["Content-Type"] = "application/json"
        if isinstance(answered, dict) and "error_code" in answered:
            answered = {**answered, "correlation_id": answered.get("correlation_id", correlation)}
        given.update(headers or {})
        return Exchange(
            Request(method, f"{BASE}{path}", Headers(asked), _encoded(sent)),
            Response(status, Headers(given).without(*without), _encoded(answered)),
        )

    def read(self, order: dict[str, Any], **more: Any) -> Exchange:
        return self.exchange("GET", f"/{ORDER}", 200, answered=order, **more)

    def capture(
        self, amount: Any, *, created: str = CAPTURE, more: dict[str, Any] | None = None, **rest: Any
    ) -> Exchange:
        body = {"captured_amount": amount, **(more or {})}
        headers = {"Capture-Id": created, "Location": f"https://api.klarna.com{BASE}/{ORDER}/captures/{created}"}
        headers.update(rest.pop("headers", {}))
        return self.exchange("POST", f"/{ORDER}/captures", 201, sent=body, headers=headers, **rest)

    def refund(
        self, amount: Any, *, created: str = REFUND, more: dict[str, Any] | None = None, **rest: Any
    ) -> Exchange:
        body = {"refunded_amount": amount, **(more or {})}
        headers = {"Refund-Id": created, "Location": f"https://api.klarna.com{BASE}/{ORDER}/refunds/{created}"}
        headers.update(rest.pop("headers", {}))
        return self.exchange("POST", f"/{ORDER}/refunds", 201, sent=body, headers=headers, **rest)

    def write(self, path: str, *, method: str = "POST", sent: Any = None, **more: Any) -> Exchange:
        return self.exchange(method, f"/{ORDER}{path}", 204, sent=sent, **more)

    def refused(
        self, method: str, path: str, status: int, code: str, *, sent: Any = None, message: str = "", **more: Any
    ) -> Exchange:
        body = {"error_code": code, "error_messages": [message] if message else []}
        return self.exchange(method, f"/{ORDER}{path}", status, sent=sent, answered=body, **more)


def _encoded(value: Any) -> bytes:
    if value is None:
        return b""
    return value if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False).encode()


def order(**changes: Any) -> dict[str, Any]:
    """An authorised order of 1000, as the service writes it."""
    body = {
        "order_id": ORDER,
        "status": "AUTHORIZED",
        "fraud_status": "ACCEPTED",
        "order_amount": 1000,
        "original_order_amount": 1000,
        "captured_amount": 0,
        "refunded_amount": 0,
        "remaining_authorized_amount": 1000,
        "purchase_currency": "EUR",
        "locale": "de-DE",
        "order_lines": [
            {
                "reference": "A-1",
                "type": "physical",
                "quantity": 1,
                "quantity_unit": "",
                "name": "Füller",
                "total_amount": 1000,
                "unit_price": 1000,
                "total_discount_amount": 0,
                "tax_rate": 0,
                "total_tax_amount": 0,
            }
        ],
        "merchant_reference1": "shop-1",
        "klarna_reference": "ABCD1234",
        "shipping_address": {"given_name": "Anna", "city": "Köln", "country": "DE"},
        "created_at": "2026-01-15T09:00:00.000Z",
        "purchase_country": "DE",
        "expires_at": "2026-02-12T00:00:00.000Z",
        "captures": [],
        "refunds": [],
        "initial_payment_method": {"type": "INVOICE", "description": "Pay later"},
    }
    return {**body, **changes}


def captured(amount: int, *, refunded: int = 0, capture_id: str = CAPTURE, **changes: Any) -> dict[str, Any]:
    """The same order after one capture, and a refund when there is one."""
    capture = {
        "capture_id": capture_id,
        "klarna_reference": "ABCD1234-1",
        "captured_amount": amount,
        "captured_at": "2026-01-15T10:00:00.000Z",
        "description": "",
        "order_lines": [],
        "refunded_amount": 0,
        "shipping_info": [],
    }
    refund = {
        "refund_id": REFUND,
        "refunded_amount": refunded,
        "refunded_at": "2026-01-15T11:00:00.000Z",
        "description": "",
        "order_lines": [],
        "credit_invoice": False,
    }
    return order(
        **{
            "status": "CAPTURED" if amount == 1000 else "PART_CAPTURED",
            "captured_amount": amount,
            "remaining_authorized_amount": 1000 - amount,
            "refunded_amount": refunded,
            "captures": [capture],
            "refunds": [refund] if refunded else [],
            **changes,
        }
    )
