"""Thirty ways in which a service can change overnight, and what is to be said of each."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from conformance.exchange import Headers, Request, Response

__all__ = ["DRIFTS", "PlantedDrift"]

Change = Callable[[Request, Response], Response]


@dataclass(frozen=True, slots=True)
class PlantedDrift:
    """One change of a service: ``case`` shows it, at ``path``, as ``drift_class``."""

    name: str
    case: str
    path: str
    drift_class: str
    change: Change


def _is(request: Request, method: str, end: str) -> bool:
    return request.method == method and request.target.rstrip("/").endswith(end)


def _reads_order(request: Request, response: Response) -> bool:
    return request.method == "GET" and request.target.count("/") == 4 and response.status == 200


def _captures(request: Request, response: Response) -> bool:
    return _is(request, "POST", "/captures") and response.status == 201


def _with(response: Response, **changes: Any) -> Response:
    fields: dict[str, Any] = {"status": response.status, "headers": response.headers, "body": response.body}
    made = Response(**fields | changes)
    if "body" not in changes:
        return made
    headers = made.headers.without("Content-Length")
    if "Transfer-Encoding" not in made.headers:
        headers = Headers([*headers, ("Content-Length", str(len(made.body)))])
    return Response(made.status, headers, made.body)


def _body(response: Response, edit: Callable[[Any], None]) -> Response:
    value = json.loads(response.body)
    edit(value)
    return _with(response, body=json.dumps(value, ensure_ascii=False).encode())


def _order(edit: Callable[[dict[str, Any]], None]) -> Change:
    return lambda request, response: _body(response, edit) if _reads_order(request, response) else response


def _captured(edit: Callable[[dict[str, Any]], None]) -> Change:
    """Edit every capture, wherever it is shown."""

    def edit_all(value: Any) -> None:
        for capture in value if isinstance(value, list) else value.get("captures", [value]):
            edit(capture)

    def change(request: Request, response: Response) -> Response:
        if request.method == "GET" and response.status == 200 and response.body[:1] in (b"{", b"["):
            return _body(response, edit_all)
        return response

    return change


def _refused(edit: Callable[[dict[str, Any]], None], code: str) -> Change:
    def change(request: Request, response: Response) -> Response:
        if response.status >= 400 and code.encode() in response.body:
            return _body(response, edit)
        return response

    return change


def _status(code: str, status: int) -> Change:
    def change(request: Request, response: Response) -> Response:
        return _with(response, status=status) if code.encode() in response.body else response

    return change


def _header(name: str, value: str | None, when: Callable[[Request, Response], bool] | None = None) -> Change:
    def change(request: Request, response: Response) -> Response:
        if when is not None and not when(request, response):
            return response
        others = response.headers.without(name)
        return _with(response, headers=others if value is None else Headers([*others, (name, value)]))

    return change


def _location_relative(request: Request, response: Response) -> Response:
    location = response.headers.get("Location")
    if location is None:
        return response
    path = location[location.index("/ordermanagement") :]
    return _with(response, headers=Headers([*response.headers.without("Location"), ("Location", path)]))


def _location_of_the_order(request: Request, response: Response) -> Response:
    location = response.headers.get("Location")
    if location is None:
        return response
    order = location[: location.index("/captures")] if "/captures" in location else location
    return _with(response, headers=Headers([*response.headers.without("Location"), ("Location", order)]))


def _created_as_200(request: Request, response: Response) -> Response:
    return _with(response, status=200) if _captures(request, response) else response


def _body_with_204(request: Request, response: Response) -> Response:
    if response.status != 204:
        return response
    headers = Headers([*response.headers, ("Content-Type", "application/json"), ("Content-Length", "2")])
    return Response(200, headers, b"{}")


def _page(request: Request, response: Response) -> Response:
    if response.status != 403 or b"CAPTURE_NOT_ALLOWED" not in response.body:
        return response
    page = b"<html><head><title>403 Forbidden</title></head><body>Forbidden</body></html>"
    headers = Headers(
        [
            *response.headers.without("Content-Type", "Content-Length"),
            ("Content-Type", "text/html"),
            ("Content-Length", str(len(page))),
        ]
    )
    return Response(403, headers, page)


def _set(name: str, value: Any) -> Callable[[dict[str, Any]], None]:
    return lambda body: body.__setitem__(name, value)


def _drop(name: str) -> Callable[[dict[str, Any]], None]:
    return lambda body: body.pop(name, None)


def _refuse_release(request: Request, response: Response) -> Response:
    if not _is(request, "POST", "/release-remaining-authorization") or response.status != 204:
        return response
    body = b'{"error_code":"NOT_ALLOWED","error_messages":["Not allowed."],"correlation_id":"%s"}' % (
        (response.headers.get("Klarna-Correlation-Id") or "").encode()
    )
    return Response(
        403,
        Headers([*response.headers, ("Content-Type", "application/json"), ("Content-Length", str(len(body)))]),
        body,
    )


CAPTURE = "captureOrder/fresh/valid"
READ = "getOrder/fresh/valid"
CANCEL = "cancelOrder/fresh/valid"
NO_CAPTURE = "captureOrder/cancelled/valid"
SERVICE, BREAKING, ADDITIVE, TOLERATED = "service_wrong", "breaking", "additive", "tolerated"

DRIFTS: tuple[PlantedDrift, ...] = (
    PlantedDrift("a field is new", READ, "getOrder/body/loyalty", ADDITIVE, _order(_set("loyalty", {"points": 4}))),
    PlantedDrift(
        "a field is new in a capture",
        CAPTURE,
        "getOrder/body/captures/-/settlement",
        ADDITIVE,
        _captured(_set("settlement", "x")),
    ),
    PlantedDrift("a header is new", READ, "getOrder/header/klarna-region", ADDITIVE, _header("Klarna-Region", "eu")),
    PlantedDrift("an optional field is gone", READ, "getOrder/body/locale", BREAKING, _order(_drop("locale"))),
    PlantedDrift(
        "the reference is gone", READ, "getOrder/body/klarna_reference", BREAKING, _order(_drop("klarna_reference"))
    ),
    PlantedDrift("the captures are gone", CAPTURE, "getOrder/body/captures", SERVICE, _order(_drop("captures"))),
    PlantedDrift(
        "an amount became a text", READ, "getOrder/body/order_amount", SERVICE, _order(_set("order_amount", "10000"))
    ),
    PlantedDrift(
        "an amount became a decimal",
        READ,
        "getOrder/body/captured_amount",
        SERVICE,
        _order(_set("captured_amount", 0.0)),
    ),
    PlantedDrift("a field became null", READ, "getOrder/body/locale", SERVICE, _order(_set("locale", None))),
    PlantedDrift("a list became an object", READ, "getOrder/body/refunds", SERVICE, _order(_set("refunds", {}))),
    PlantedDrift("a new status of orders", READ, "getOrder/body/status", SERVICE, _order(_set("status", "RELEASED"))),
    PlantedDrift("the status does not fit", READ, "getOrder/body/status", SERVICE, _order(_set("status", "CAPTURED"))),
    PlantedDrift(
        "a new fraud status", READ, "getOrder/body/fraud_status", SERVICE, _order(_set("fraud_status", "STOPPED"))
    ),
    PlantedDrift(
        "fraud is always pending", READ, "getOrder/body/fraud_status", BREAKING, _order(_set("fraud_status", "PENDING"))
    ),
    PlantedDrift(
        "a time without its zone",
        READ,
        "getOrder/body/created_at",
        SERVICE,
        _order(_set("created_at", "2026-01-15T09:00:00")),
    ),
    PlantedDrift(
        "a time without fractions",
        READ,
        "getOrder/body/created_at",
        TOLERATED,
        _order(lambda order: order.__setitem__("created_at", order["created_at"].partition(".")[0] + "Z")),
    ),
    PlantedDrift(
        "the remaining amount is wrong",
        CAPTURE,
        "getOrder/finding/KOM-301",
        SERVICE,
        _order(_set("remaining_authorized_amount", 10_000)),
    ),
    PlantedDrift(
        "the correlation id is gone",
        READ,
        "getOrder/header/klarna-correlation-id",
        SERVICE,
        _header("Klarna-Correlation-Id", None),
    ),
    PlantedDrift(
        "the id of a capture is gone", CAPTURE, "captureOrder/header/capture-id", SERVICE, _header("Capture-Id", None)
    ),
    PlantedDrift("Location names the order", CAPTURE, "captureOrder/header/location", SERVICE, _location_of_the_order),
    PlantedDrift("Location is relative", CAPTURE, "captureOrder/header/location", SERVICE, _location_relative),
    PlantedDrift("a hop says who it is", READ, "getOrder/header/server", TOLERATED, _header("Server", "envoy")),
    PlantedDrift("a capture is answered 200", CAPTURE, "captureOrder/status", SERVICE, _created_as_200),
    PlantedDrift("a cancellation is answered 200", CANCEL, "cancelOrder/status", SERVICE, _body_with_204),
    PlantedDrift(
        "releasing is refused",
        "releaseRemainingAuthorization/part_captured/valid",
        "releaseRemainingAuthorization/status",
        SERVICE,
        _refuse_release,
    ),
    PlantedDrift(
        "a refusal has another status", NO_CAPTURE, "captureOrder/status", SERVICE, _status("CAPTURE_NOT_ALLOWED", 404)
    ),
    PlantedDrift(
        "a refusal has another code",
        NO_CAPTURE,
        "captureOrder/error_code",
        SERVICE,
        _refused(_set("error_code", "ORDER_CANCELLED"), "CAPTURE_NOT_ALLOWED"),
    ),
    PlantedDrift(
        "a refusal is worded otherwise",
        NO_CAPTURE,
        "captureOrder/message",
        TOLERATED,
        _refused(_set("error_messages", ["This order is cancelled."]), "CAPTURE_NOT_ALLOWED"),
    ),
    PlantedDrift("a refusal is a page", NO_CAPTURE, "captureOrder/media", SERVICE, _page),
    PlantedDrift(
        "a refusal says more",
        NO_CAPTURE,
        "captureOrder/body/doc_url",
        ADDITIVE,
        _refused(_set("doc_url", "https://docs.example/x"), "CAPTURE_NOT_ALLOWED"),
    ),
)
