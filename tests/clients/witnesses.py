"""Evidence made to measure: a good call, of which a test changes one thing."""

from __future__ import annotations

import json
from typing import Any

from conformance.clients.call import Call, Outcome, Returned
from conformance.clients.evidence import Accusation, CallEvidence, Sent
from conformance.clients.scenario import Step
from conformance.clients.secret import authorization
from conformance.exchange import Headers, Response

ORDER = "f3392f8b-6116-4073-ab96-e330819e2c07"
OTHER = "0c1b7f3e-54d0-4b0d-8d0a-0c5a7c0e5a11"
CAPTURE = "4ba29b50-be7b-44f5-a492-113e6a865e22"
CORRELATION = "9a1c1b3e-7e0a-4f6e-9a3c-3a8a0a6f7b20"
USERNAME, PASSWORD = "K1_user", "secret-password"
BODY = {"captured_amount": 1000, "description": "first"}
PATHS = {
    "captureOrder": ("POST", f"/ordermanagement/v1/orders/{ORDER}/captures"),
    "getOrder": ("GET", f"/ordermanagement/v1/orders/{ORDER}"),
    "cancelOrder": ("POST", f"/ordermanagement/v1/orders/{ORDER}/cancel"),
    "": ("POST", "/elsewhere"),
}


def response(status: int, body: Any = None, **headers: str) -> Response:
    content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response(status, Headers({name.replace("_", "-"): value for name, value in headers.items()}), content)


def refused(status: int = 403, code: str = "CAPTURE_NOT_ALLOWED") -> Response:
    body = {"error_code": code, "error_messages": ["Capture not allowed"], "correlation_id": CORRELATION}
    return response(status, body, Content_Type="application/json", Klarna_Correlation_Id=CORRELATION)


def sent(operation: str = "captureOrder", answer: Response | None = None, **changes: Any) -> Sent:
    method, target = PATHS[operation]
    headers: dict[str, str | None] = {"Authorization": authorization(USERNAME, PASSWORD), "Accept": "application/json"}
    body = b""
    if operation == "captureOrder":
        headers["Content-Type"] = "application/json"
        body = json.dumps(BODY).encode()
    headers |= changes.pop("headers", {})
    fields: dict[str, Any] = {
        "method": method,
        "target": target,
        "headers": Headers({name: value for name, value in headers.items() if value is not None}),
        "body": body,
        "operation": operation,
        "ids": {"order_id": ORDER} if operation else {},
        "connection": 1,
        "number_on_connection": 1,
        "at_s": 100.0,
        "response": answer if answer is not None else response(201 if operation == "captureOrder" else 200),
    }
    return Sent(**fields | changes)


def evidence(
    *requests: Sent,
    outcome: Outcome | None = None,
    operation: str = "captureOrder",
    key: str | None = None,
    **changes: Any,
) -> CallEvidence:
    step = changes.pop("step", {})
    moves = {"captureOrder": "capture", "cancelOrder": "cancel"}.get(operation, "")
    call = Call(
        id="1",
        session="s",
        base_url="http://127.0.0.1:1",
        username=changes.pop("username", USERNAME),
        password=changes.pop("password", PASSWORD),
        operation=operation,
        path=changes.pop("path", {"order_id": ORDER}),
        body=changes.pop("body", BODY if operation == "captureOrder" else None),
        idempotency_key=key,
        timeout_s=1.0,
    )
    moved = (("capture", 1000, CAPTURE),) if operation == "captureOrder" else ()
    fields: dict[str, Any] = {
        "call": call,
        "step": Step(operation, moves=moves, **step),
        "outcome": outcome if outcome is not None else Returned({"capture_id": CAPTURE}),
        "sent": requests,
        "moved": moved,
    }
    return CallEvidence(**fields | changes)


def codes(accusations: Any) -> list[str]:
    return [accusation.code for accusation in accusations if isinstance(accusation, Accusation)]
