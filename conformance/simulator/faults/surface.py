"""Faults of the surface: statuses, headers, media types and the shape of bodies."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from conformance.exchange import Headers, Response
from conformance.simulator.faults.call import CORRELATION, Call
from conformance.simulator.faults.changes import (
    each_order,
    in_json,
    in_refusal,
    in_success,
    succeeded,
    with_body,
    with_headers,
    with_json,
    with_status,
)
from conformance.simulator.faults.fault import Behaviour

__all__ = ["BEHAVIOURS"]


def _status(status: int) -> Behaviour:
    return in_success(lambda response, _call: with_status(response, status))


def _header(name: str, value: str | None) -> Behaviour:
    return in_success(lambda response, _call: with_headers(response, {name: value}))


def _in_location(change: str) -> Behaviour:
    """Change the Location: ``list`` drops the id, ``bare`` the base path, ``order`` names another order."""

    def edit(response: Response, call: Call) -> Response:
        location = response.headers.get("Location") or ""
        if change == "list":
            location = location.rpartition("/")[0]
        elif change == "bare":
            location = "/orders" + location.partition("/orders")[2]
        else:
            location = location.replace(call.ids["order_id"], str(uuid.UUID(int=call.number)))
        return with_headers(response, {"Location": location})

    return in_success(edit)


def _location_path(response: Response, _call: Call) -> Response:
    return with_headers(response, {"Location": urlsplit(response.headers.get("Location") or "").path})


def _short_id(response: Response, _call: Call) -> Response:
    made = response.headers.get("Capture-Id") or ""
    location = (response.headers.get("Location") or "").replace(made, made[:8])
    return with_headers(response, {"Capture-Id": made[:8], "Location": location})


def _without_correlation(response: Response, _call: Call) -> Response:
    return with_headers(response, {CORRELATION: None})


def _one_correlation(call: Call) -> Response:
    response = call.proceed()
    value = call.memory.setdefault("correlation", response.headers.get(CORRELATION))
    return with_headers(response, {CORRELATION: value}) if succeeded(response) else response


def _correlation_by_order(call: Call) -> Response:
    response = call.proceed()
    value = call.memory.setdefault(call.ids["order_id"], response.headers.get(CORRELATION))
    return with_headers(response, {CORRELATION: value}) if succeeded(response) else response


def _first_capture(call: Call) -> Response:
    order = call.order
    if order is None or len(order.captures) < 2:
        return call.proceed()
    first = next(iter(order.captures))
    return call.proceed(call.addressed(call.request.target.replace(call.ids["capture_id"], first)))


def _latest_refund(call: Call) -> Response:
    order = call.order
    if order is None or len(order.refunds) < 2:
        return call.proceed()
    latest = next(reversed(order.refunds))
    return call.proceed(call.addressed(call.request.target.replace(call.ids["refund_id"], latest)))


def _cut(response: Response, _call: Call) -> Response:
    if len(response.body) < 4_000:
        return response
    return with_body(response, response.body[:4_000])


def _method_ignored(call: Call) -> Response:
    if call.operation or call.request.method in ("GET", "POST", "PATCH", "HEAD"):
        return call.proceed()
    return Response(200, Headers((("Content-Length", "0"), (CORRELATION, str(uuid.UUID(int=call.number))))))


def _any_path(call: Call) -> Response:
    response = call.proceed()
    if call.operation or response.status != 404 or call.request.method != "GET":
        return response
    return with_status(with_body(response, b"{}"), 200)


def _bytes_first(response: Response, _call: Call) -> Response:
    return with_body(response, b"\xef\xbb\xbf" + response.body)


def _hangs_up(call: Call) -> Response:
    response = call.proceed()
    return Response(0, cut="the connection was closed before an answer came") if succeeded(response) else response


def _shorter_than_announced(response: Response, _call: Call) -> Response:
    half = response.body[: len(response.body) // 2]
    announced = response.headers.without("Content-Length", "Transfer-Encoding").items
    headers = Headers((*announced, ("Content-Length", str(len(response.body)))))
    return Response(response.status, headers, half, cut="ended before its announced length")


def _strings(value: Any, names: tuple[str, ...]) -> Any:
    return {name: str(item) if name in names else item for name, item in value.items()}


def _each(value: Any, **fields: Any) -> Any:
    return [{**item, **{name: compute(item) for name, compute in fields.items()}} for item in value]


def _first_is_null(order: dict[str, Any]) -> dict[str, Any]:
    return {**order, "merchant_reference2": order.get("merchant_reference2"), "customer": order.get("customer")}


def _without(*names: str) -> Behaviour:
    return in_json(lambda value, _call: {name: item for name, item in value.items() if name not in names})


BEHAVIOURS: Mapping[str, Behaviour] = {
    "refund-location-is-path": in_success(_location_path),
    "capture-answers-200": _status(200),
    "refund-answers-202": _status(202),
    "cancel-answers-201": _status(201),
    "references-answer-200": in_success(lambda response, _call: with_status(with_json(response, {}), 200)),
    "no-captures-204": in_success(
        lambda response, _call: (
            Response(204, response.headers.without("Content-Type")) if response.body == b"[]" else response
        )
    ),
    "acknowledge-with-body": in_success(lambda response, _call: with_json(response, {"status": "ok"})),
    "capture-with-body": in_success(lambda response, call: with_json(response, {"captured_amount": call.amount})),
    "capture-without-location": _header("Location", None),
    "refund-without-id": _header("Refund-Id", None),
    "capture-location-is-list": _in_location("list"),
    "refund-location-of-other-order": _in_location("order"),
    "refund-location-without-base": _in_location("bare"),
    "capture-id-not-in-location": in_success(
        lambda response, call: with_headers(response, {"Capture-Id": str(uuid.UUID(int=call.number))})
    ),
    "capture-id-short": in_success(_short_id),
    "write-without-correlation": in_success(_without_correlation),
    "refusal-without-correlation": in_refusal(_without_correlation, 403, 404),
    "correlation-constant": _one_correlation,
    "correlation-by-order": _correlation_by_order,
    "listed-amounts-as-text": in_json(
        lambda value, _call: [_strings(item, ("captured_amount", "refunded_amount")) for item in value]
    ),
    "refund-amount-with-fraction": in_success(
        lambda response, _call: with_body(response, response.body.replace(b',"refunded_at"', b'.0,"refunded_at"', 1))
    ),
    "line-amount-in-major-units": each_order(
        order_lines=lambda order: _each(order["order_lines"], unit_price=lambda line: line["unit_price"] / 100)
    ),
    "order-as-plain-text": _header("Content-Type", "text/plain"),
    "options-as-html": _header("Content-Type", "text/html"),
    "options-keyed-by-days": in_json(
        lambda value, _call: {
            **value,
            "options": {str(option["number_of_days"]): option["amount"] for option in value["options"]},
        }
    ),
    "option-days-as-text": in_json(
        lambda value, _call: {
            **value,
            "options": _each(value["options"], number_of_days=lambda option: str(option["number_of_days"])),
        }
    ),
    "captures-wrapped": in_json(lambda value, _call: {"captures": value}),
    "order-with-nulls": in_json(lambda value, _call: _first_is_null(value)),
    "remaining-missing-at-zero": in_json(
        lambda value, _call: {
            name: item for name, item in value.items() if name != "remaining_authorized_amount" or item
        }
    ),
    "order-without-captured-amount": _without("captured_amount"),
    "refund-without-its-id": _without("refund_id"),
    "status-in-small-letters": each_order(status=lambda order: order["status"].lower()),
    "fraud-status-unknown": each_order(
        fraud_status=lambda order: "REVIEW" if order["fraud_status"] == "PENDING" else order["fraud_status"]
    ),
    "capture-time-local": in_json(
        lambda value, _call: (
            [{**item, "captured_at": item["captured_at"].rstrip("Z")} for item in value]
            if isinstance(value, list)
            else {**value, "captured_at": value["captured_at"].rstrip("Z")}
        )
    ),
    "expiry-in-other-zone": each_order(expires_at=lambda order: order["expires_at"].rstrip("Z") + "+02:00"),
    "creation-as-number": each_order(created_at=lambda _order: 1_768_467_600_000),
    "capture-read-of-first": _first_capture,
    "refund-read-of-latest": _latest_refund,
    "long-order-cut": in_success(_cut),
    "byte-order-mark": in_success(_bytes_first),
    "not-a-number": in_success(
        lambda response, _call: with_body(
            response, response.body.replace(b'"refunded_amount":0,', b'"refunded_amount":NaN,')
        )
    ),
    "other-methods-succeed": _method_ignored,
    "any-path-succeeds": _any_path,
    "connection-closed": _hangs_up,
    "answer-cut-short": in_success(_shorter_than_announced),
    "undocumented-418": in_refusal(lambda response, _call: with_status(response, 418), 403),
}
