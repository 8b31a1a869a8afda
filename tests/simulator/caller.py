"""Asks a simulator the way a merchant does, without a socket."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from conformance.exchange import Headers, Request, Response
from conformance.simulator.merchant import DEFAULT_MERCHANTS, Merchant
from conformance.simulator.service import Simulator

__all__ = ["BASE", "Caller", "answer", "authorization", "code"]

BASE = "/ordermanagement/v1/orders"


def authorization(merchant: Merchant) -> str:
    return "Basic " + base64.b64encode(f"{merchant.username}:{merchant.password}".encode()).decode()


class Caller:
    """One merchant talking to one simulator. Paths are those behind ``/orders/``."""

    def __init__(self, simulator: Simulator, merchant: Merchant = DEFAULT_MERCHANTS[0]) -> None:
        self.simulator = simulator
        self.merchant = merchant

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        fields = {"Host": "127.0.0.1:8080", "Authorization": authorization(self.merchant)}
        content = b""
        if body is not None:
            fields["Content-Type"] = "application/json"
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
        if key is not None:
            fields["Klarna-Idempotency-Key"] = key
        return self.simulator.handle(Request(method, f"{BASE}/{path}", Headers(fields | dict(headers or {})), content))

    def get(self, path: str) -> Response:
        return self.send("GET", path)

    def post(self, path: str, body: Any = None, *, key: str | None = None) -> Response:
        return self.send("POST", path, body, key=key)

    def patch(self, path: str, body: Any = None, *, key: str | None = None) -> Response:
        return self.send("PATCH", path, body, key=key)

    def order(self, order_id: str) -> dict[str, Any]:
        response = self.get(order_id)
        assert response.status == 200, response.body
        shown: dict[str, Any] = answer(response)
        return shown

    def capture(self, order_id: str, amount: int, **fields: Any) -> str:
        response = self.post(f"{order_id}/captures", {"captured_amount": amount, **fields})
        assert response.status == 201, response.body
        return response.headers.get("Capture-Id") or ""

    def refund(self, order_id: str, amount: int, **fields: Any) -> str:
        response = self.post(f"{order_id}/refunds", {"refunded_amount": amount, **fields})
        assert response.status == 201, response.body
        return response.headers.get("Refund-Id") or ""


def answer(response: Response) -> Any:
    return json.loads(response.body)


def code(response: Response) -> tuple[int, str]:
    return response.status, answer(response)["error_code"] if response.body else ""
