"""Servers that decide otherwise about requests and orders where no source decides."""

from __future__ import annotations

import base64
import json
import uuid
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from conformance.contract.contract import load_contract
from conformance.exchange import Headers, Request, Response
from conformance.judge.reading import read_json
from tests.suites.wrong_servers import (
    Answer,
    Choices,
    Handle,
    asks,
    changed,
    ok,
    order_behind,
    order_of,
    reads_order,
    refusal,
    stateless,
    success,
)

CONTRACT = load_contract()


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_nulls(item) for name, item in value.items() if item is not None}
    return [without_nulls(item) for item in value] if isinstance(value, list) else value


def null_is_nothing(request: Request, handle: Handle) -> Response:
    if b"null" not in request.body:
        return handle(request)
    try:
        body = without_nulls(json.loads(request.body))
    except ValueError:
        return handle(request)
    return handle(replace(request, body=json.dumps(body, ensure_ascii=False).encode()))


def forbidden_to_strangers(request: Request, handle: Handle) -> Response:
    response = handle(request)
    other = response.status == 404 and "K100001" not in _username(request)
    return refusal(403, "NOT_ALLOWED") if other else response


def _username(request: Request) -> str:
    told = (request.headers.get("Authorization") or "").removeprefix("Basic ")
    return base64.b64decode(told).decode(errors="replace") if told else ""


def form_of_ids_first(request: Request, handle: Handle) -> Response:
    response = handle(request)
    none = response.status == 401 and "not-a-uuid" in request.target
    return refusal(400, "INVALID_ORDER_ID") if none else response


def page_for_no_body(request: Request, handle: Handle) -> Response:
    response = handle(request)
    if request.body or response.status != 400:
        return response
    media = ("Content-Type", "text/html")
    headers = Headers([*response.headers.without("Content-Type", "Content-Length"), media])
    return replace(response, headers=headers, body=b"<h1>Bad Request</h1>")


def nothing_is_unprocessable(request: Request, handle: Handle) -> Response:
    nothing = asks(request, "PATCH", "/merchant-references") and request.body == b"{}"
    return refusal(422, "UNPROCESSABLE_ENTITY") if nothing else handle(request)


def part_captured_of_less() -> Answer:
    """Lower the total to what is captured when the remainder is released."""
    released: set[str] = set()

    def answer(request: Request, handle: Handle) -> Response:
        response = handle(request)
        if asks(request, "POST", "/release-remaining-authorization") and ok(response):
            released.add(order_of(request))
        if order_of(request) not in released or not ok(response) or not reads_order(request):
            return response
        return changed(response, status="PART_CAPTURED", order_amount=json.loads(response.body)["captured_amount"])

    return answer


def expired_is_cancelled_enough(request: Request, handle: Handle) -> Response:
    response = handle(request)
    return success(204) if asks(request, "POST", "/cancel") and b"expired" in response.body.lower() else response


def page_for_hard_texts(request: Request, handle: Handle) -> Response:
    if not any(hard in request.body for hard in (b"\\u00", b"\\ud8", b"\\udc")):
        return handle(request)
    correlation = ("Klarna-Correlation-Id", "2f0c5d3e-7a1b-4c2d-9e3f-0a1b2c3d4e5f")
    return Response(400, Headers([correlation, ("Content-Type", "text/html")]), b"<h1>Bad Request</h1>")


def authorised_for_half_a_year(request: Request, handle: Handle) -> Response:
    """Let authorisations last for 180 days, and no extension go beyond them."""
    response = handle(request)
    if not ok(response) or not reads_order(request):
        return response
    created = datetime.fromisoformat(json.loads(response.body)["created_at"])
    end = (created + timedelta(days=180)).strftime("%Y-%m-%dT00:00:00.000Z")
    return changed(response, expires_at=end)


def asks_by_options(request: Request, handle: Handle) -> Response:
    if request.method == "OPTIONS":
        correlation = ("Klarna-Correlation-Id", "2f0c5d3e-7a1b-4c2d-9e3f-0a1b2c3d4e5f")
        return Response(204, Headers([correlation, ("Allow", "GET, OPTIONS")]))
    return handle(request)


def path_parameters_dropped(request: Request, handle: Handle) -> Response:
    return handle(replace(request, target="/".join(part.split(";")[0] for part in request.target.split("/"))))


def parcels_taken_over() -> Answer:
    """Have each capture show the parcels that its order had when it was made."""
    present: dict[str, list[Any]] = {}

    def filled(capture: dict[str, Any]) -> dict[str, Any]:
        before = present.get(capture["capture_id"], [])
        return {**capture, "shipping_info": [*before, *capture.get("shipping_info", [])]} if before else capture

    def answer(request: Request, handle: Handle) -> Response:
        made = asks(request, "POST", "/captures")
        parcels = order_behind(request, handle).get("shipping_info", []) if made else []
        response = handle(request)
        if made and ok(response):
            present.setdefault(response.headers.get("Capture-Id") or "", parcels)
        if request.method != "GET" or not ok(response) or not present:
            return response
        body = json.loads(response.body)
        if isinstance(body, list):
            return replace(response, body=json.dumps([filled(each) for each in body], ensure_ascii=False).encode())
        if "capture_id" in body:
            return changed(response, **filled(body))
        captures = [filled(each) for each in body["captures"]] if "captures" in body else None
        return changed(response, captures=captures) if captures is not None else response

    return answer


def released_is_part_captured() -> Answer:
    """Call an order part captured whose remainder was given back, and prolong what there is no more."""
    released: set[str] = set()

    def answer(request: Request, handle: Handle) -> Response:
        order = order_of(request)
        if order in released and asks(request, "POST", "/extend-authorization-time"):
            return success(204, Transaction_Id=str(uuid.uuid4()))
        response = handle(request)
        if asks(request, "POST", "/release-remaining-authorization") and ok(response):
            released.add(order)
        shows = order in released and ok(response) and reads_order(request)
        return changed(response, status="PART_CAPTURED") if shows else response

    return answer


def nothing_is_left_out(request: Request, handle: Handle) -> Response:
    """Leave out of captures what is empty."""

    def filled(value: Any) -> Any:
        if isinstance(value, list):
            return [filled(each) for each in value]
        if "captures" in value:
            return {**value, "captures": filled(value["captures"])}
        return {name: inner for name, inner in value.items() if inner != []}

    response = handle(request)
    if not ok(response) or request.method != "GET":
        return response
    return replace(response, body=json.dumps(filled(json.loads(response.body)), ensure_ascii=False).encode())


def pending_is_not_allowed(request: Request, handle: Handle) -> Response:
    if asks(request, "POST", "/captures") and order_behind(request, handle).get("fraud_status") == "PENDING":
        return refusal(403, "NOT_ALLOWED")
    return handle(request)


def nothing_filed_when_over(request: Request, handle: Handle) -> Response:
    if not asks(request, "POST", "/shipping-info") or "/captures/" in request.target:
        return handle(request)
    over = order_behind(request, handle).get("status") in ("EXPIRED", "CLOSED")
    return refusal(403, "NOT_ALLOWED") if over else handle(request)


def country_in_small_letters(request: Request, handle: Handle) -> Response:
    response = handle(request)
    if not ok(response) or not reads_order(request):
        return response
    return changed(response, purchase_country=json.loads(response.body)["purchase_country"].lower())


def closed_by_release() -> Answer:
    """Close an order whose remainder is released, and take nothing for it any more but refunds."""
    released: set[str] = set()

    def answer(request: Request, handle: Handle) -> Response:
        order = order_of(request)
        codes = {"/captures": "CAPTURE_NOT_ALLOWED", "/cancel": "CANCEL_NOT_ALLOWED"}
        if order in released and request.method != "GET" and not asks(request, "POST", "/refunds"):
            told = request.target.removeprefix(order)
            return handle(request) if "release" in told else refusal(403, codes.get(told, "NOT_ALLOWED"))
        response = handle(request)
        if asks(request, "POST", "/release-remaining-authorization") and ok(response):
            released.add(order)
        shows = order in released and ok(response) and reads_order(request)
        return changed(response, status="CLOSED") if shows else response

    return answer


def keeps_part_captured() -> Answer:
    """Call an order captured in part that was, whatever became of its total, and let its address be changed."""
    reduced: dict[str, dict[str, Any]] = {}

    def answer(request: Request, handle: Handle) -> Response:
        order = order_of(request)
        if order in reduced and asks(request, "PATCH", "/customer-details"):
            reduced[order] |= json.loads(request.body).get("shipping_address", {})
            return success(204, Transaction_Id=str(uuid.uuid4()))
        response = handle(request)
        if ok(response) and asks(request, "PATCH", "/authorization"):
            shown = order_behind(request, handle)
            reduced.update({order: {}} if shown["captured_amount"] == shown["order_amount"] else {})
        if order not in reduced or not ok(response) or not reads_order(request):
            return response
        address = json.loads(response.body)["shipping_address"] | reduced[order]
        return changed(response, status="PART_CAPTURED", shipping_address=address)

    return answer


def lines_have_to_add_up(request: Request, handle: Handle) -> Response:
    asked = read_json(request.body).value
    described = CONTRACT.operations["captureOrder"].body or {}
    if not asks(request, "POST", "/captures") or not CONTRACT.operations.validator(described).is_valid(asked):
        return handle(request)
    lines = asked.get("order_lines")
    unequal = lines and sum(line["total_amount"] for line in lines) != asked["captured_amount"]
    return refusal(403, "CAPTURE_NOT_ALLOWED") if unequal else handle(request)


def parcels_in_full(request: Request, handle: Handle) -> Response:
    """Refuse a parcel without its company or its number, which one page calls mandatory."""
    response = handle(replace(request, method="GET", target=order_of(request), body=b""))
    if not asks(request, "POST", "/shipping-info") or not ok(response):
        return handle(request)
    try:
        parcels = json.loads(request.body)["shipping_info"]
        bare = any(not parcel.get("shipping_company") or not parcel.get("tracking_number") for parcel in parcels)
    except (ValueError, TypeError, KeyError, AttributeError):
        return handle(request)
    return refusal(422, "UNPROCESSABLE_ENTITY") if bare else handle(request)


def short_keys(request: Request, handle: Handle) -> Response:
    key = request.headers.get("Klarna-Idempotency-Key") or ""
    return refusal(400, "BAD_REQUEST") if len(key) > 36 else handle(request)


def end_not_told(request: Request, handle: Handle) -> Response:
    response = handle(request)
    if not ok(response) or not reads_order(request):
        return response
    body = {name: value for name, value in json.loads(response.body).items() if name != "expires_at"}
    return replace(response, body=json.dumps(body, ensure_ascii=False).encode())


CHOICES: Choices = {
    "null is nothing": (
        stateless(null_is_nothing),
        (
            "captureOrder/fresh/broken-*",
            "updateAuthorization/fresh/broken-*",
            "appendShippingInfo/part_captured/broken-*",
            "refundOrder/part_captured/broken-*",
        ),
    ),
    "forbidden to strangers": (stateless(forbidden_to_strangers), ("*/other_merchant/*",)),
    "form of ids first": (stateless(form_of_ids_first), ("*/credentials-come-first",)),
    "a page for no body": (stateless(page_for_no_body), ("*/empty-body",)),
    "nothing is unprocessable": (
        stateless(nothing_is_unprocessable),
        ("updateMerchantReferences/fresh/empty-object", "updateMerchantReferences/*/invalid-again"),
    ),
    "part captured of less": (part_captured_of_less, ("*/released/*", "*/released_refunded/*")),
    "expired is cancelled enough": (stateless(expired_is_cancelled_enough), ("cancelOrder/expired/*",)),
    "a page for hard texts": (stateless(page_for_hard_texts), ("*/hard-texts",)),
    "authorised for half a year": (
        stateless(authorised_for_half_a_year),
        ("extendAuthorizationTime/aged/*from-the-day-of-the-call", "extendAuthorizationTime/aged/all-day"),
    ),
    "asked by OPTIONS": (stateless(asks_by_options), ("*/unsupported-method",)),
    "parcels taken over": (
        parcels_taken_over,
        ("captureOrder/furnished/*", "captureOrder/furnished_captured/*", "*/furnished/then-captureOrder"),
    ),
    "released is part captured": (
        released_is_part_captured,
        ("releaseRemainingAuthorization/furnished_captured/*", "orders/sequence/*"),
    ),
    "nothing is left out": (
        stateless(nothing_is_left_out),
        ("captureOrder/*/limits-shipping_info", "captureOrder/furnished/valid"),
    ),
    "pending is not allowed": (stateless(pending_is_not_allowed), ("captureOrder/pending/*", "cancelOrder/pending/*")),
    "nothing filed when over": (
        stateless(nothing_filed_when_over),
        (
            "appendOrderShippingInfo/expired/valid",
            "appendOrderShippingInfo/part_captured_expired/valid",
            "appendOrderShippingInfo/closed/valid",
        ),
    ),
    "country in small letters": (stateless(country_in_small_letters), ("captureOrder/market/*",)),
    "closed by release": (closed_by_release, ("*/released/valid", "*/released_refunded/valid")),
    "keeps part captured": (keeps_part_captured, ("*/decreased_to_captured/*",)),
    "lines have to add up": (stateless(lines_have_to_add_up), ("captureOrder/*",)),
    "parcels in full": (stateless(parcels_in_full), ("appendShippingInfo/*", "appendOrderShippingInfo/*")),
    "short keys": (stateless(short_keys), ("*/similar-keys", "*/keys-of-any-form")),
    "end not told": (stateless(end_not_told), ("captureOrder/lapsing/*", "*/expired/*")),
    "path parameters dropped": (stateless(path_parameters_dropped), ("*/altered-*", "*/encoded-path")),
}
