"""Faults of refusals: the wrong status, the wrong code, a body of the wrong shape, or a failure in their place."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any

from conformance.exchange import Response
from conformance.simulator.faults.call import Call, answered_json
from conformance.simulator.faults.changes import (
    in_refusal,
    refused,
    with_body,
    with_headers,
    with_json,
    with_status,
)
from conformance.simulator.faults.fault import Behaviour
from conformance.simulator.identity import is_uuid

__all__ = ["BEHAVIOURS"]

_FAILED = "Unexpected server error"


def _answered(status: int, code: str, *statuses: int) -> Behaviour:
    """Give refusals another status and code."""
    return in_refusal(lambda _response, call: call.refuse(status, code, "The request could not be met."), *statuses)


def _code(code: str, *statuses: int) -> Behaviour:
    return in_refusal(
        lambda response, call: call.refuse(response.status, code, "The request could not be met."), *statuses
    )


def _edited(*statuses: int, without: str = "", **fields: Any) -> Behaviour:
    """Change single fields of the error object."""

    def edit(response: Response, _call: Call) -> Response:
        value = answered_json(response)
        if not isinstance(value, dict):
            return response
        return with_json(response, {name: item for name, item in {**value, **fields}.items() if name != without})

    return in_refusal(edit, *statuses)


def _small_code(response: Response, _call: Call) -> Response:
    value = answered_json(response)
    return with_json(response, {**value, "error_code": value["error_code"].lower()})


def _joined_messages(response: Response, _call: Call) -> Response:
    value = answered_json(response)
    return with_json(response, {**value, "error_messages": "; ".join(value["error_messages"])})


def _nested(response: Response, _call: Call) -> Response:
    return with_json(response, {"error": answered_json(response)})


def _page(response: Response, _call: Call) -> Response:
    return with_body(response, b"<html><body><h1>Forbidden</h1></body></html>", "text/html")


def _problem(response: Response, _call: Call) -> Response:
    return with_headers(response, {"Content-Type": "application/problem+json"})


def _silent(response: Response, _call: Call) -> Response:
    return with_body(response, b"")


def _other_correlation(response: Response, call: Call) -> Response:
    value = answered_json(response)
    return with_json(response, {**value, "correlation_id": str(uuid.UUID(int=call.number))})


def _broken_body(call: Call) -> bool:
    if not call.request.body:
        return False
    try:
        json.loads(call.request.body)
    except (ValueError, RecursionError):
        return True
    return False


def _no_uuid(call: Call) -> bool:
    return not all(is_uuid(value) for value in call.ids.values())


def _long_text(call: Call) -> bool:
    return any(isinstance(value, str) and len(value) > 200 for value in call.sent.values())


def _beyond_basic_plane(call: Call) -> bool:
    return any(byte >= 0xF0 for byte in call.request.body)


def _failed(when: Any) -> Behaviour:
    return refused(500, "INTERNAL_SERVER_ERROR", _FAILED, when=when)


def _expired_only(response: Response, call: Call) -> Response:
    expired = call.order is not None and call.order.state == "EXPIRED"
    return call.refuse(404, "NO_SUCH_ORDER", "No such order.") if expired else response


BEHAVIOURS: Mapping[str, Behaviour] = {
    "unknown-order-403": _answered(403, "NOT_ALLOWED", 404),
    "unknown-order-400": _answered(400, "INVALID_ORDER_ID", 404),
    "unknown-order-204": in_refusal(lambda response, _call: with_status(with_body(response, b""), 204), 404),
    "unknown-refund-empty": in_refusal(lambda response, _call: with_status(with_json(response, {}), 200), 404),
    "capture-above-422": _answered(422, "UNPROCESSABLE_ENTITY", 403),
    "refund-above-404": _answered(404, "NOT_FOUND", 403),
    "cancel-captured-400": _answered(400, "BAD_REQUEST", 403),
    "refund-above-409": _answered(409, "CONFLICT", 403),
    "capture-expired-404": in_refusal(_expired_only, 403),
    "release-early-422": _answered(422, "UNPROCESSABLE_ENTITY", 403),
    "body-refused-403": _answered(403, "NOT_ALLOWED", 422),
    "body-refused-as-id": _answered(400, "INVALID_ORDER_ID", 422),
    "body-refused-404": _answered(404, "NO_SUCH_ORDER", 422),
    "credentials-403": _answered(403, "NOT_ALLOWED", 401),
    "credentials-404": _answered(404, "NO_SUCH_ORDER", 401),
    "refund-code-of-capture": _code("CAPTURE_NOT_ALLOWED", 403),
    "capture-code-general": _code("NOT_ALLOWED", 403),
    "release-code-invented": _code("RELEASE_NOT_ALLOWED", 403),
    "update-code-order-closed": _code("ORDER_CLOSED", 403),
    "code-in-small-letters": in_refusal(_small_code, 404),
    "unprocessable-code-invented": _code("VALIDATION", 422),
    "error-without-messages": _edited(without="error_messages"),
    "error-without-correlation": _edited(without="correlation_id"),
    "error-without-code": _edited(403, without="error_code"),
    "error-code-a-number": _edited(error_code=403),
    "error-messages-joined": in_refusal(_joined_messages, 403, 404),
    "error-nested": in_refusal(_nested, 404),
    "error-as-page": in_refusal(_page, 403),
    "error-as-problem": in_refusal(_problem, 404),
    "error-empty": in_refusal(_silent),
    "error-correlation-differs": in_refusal(_other_correlation, 403),
    "error-wording-unknown": _edited(403, error_messages=["The request could not be completed at this time."]),
    "malformed-json-500": _failed(_broken_body),
    "no-uuid-500": _failed(_no_uuid),
    "long-text-500": _failed(_long_text),
    "emoji-500": _failed(_beyond_basic_plane),
    "other-media-500": in_refusal(lambda _response, call: call.refuse(500, "INTERNAL_SERVER_ERROR", _FAILED), 415),
    "second-release-500": in_refusal(lambda _response, call: call.refuse(503, "TEMPORARILY_UNAVAILABLE"), 403),
    "too-large-500": in_refusal(lambda _response, call: call.refuse(500, "UNEXPECTED_ERROR", _FAILED), 413),
    "id-with-space-trimmed": lambda call: call.proceed(call.addressed(call.request.target.replace("%20", ""))),
}
