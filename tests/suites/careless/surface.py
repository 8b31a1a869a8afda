"""Servers that look at the outside of a request only: its path, its spelling, its framing, its field names."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

from conformance.exchange import Headers, Request, Response
from tests.suites.careless.neighbours import with_body
from tests.suites.careless.unusual import MINE, lets_in
from tests.suites.wrong_servers import (
    Answer,
    Faults,
    Handle,
    asks,
    changed,
    made_up,
    ok,
    order_of,
    reads_order,
    refusal,
    sent,
    stateless,
    success,
    with_header,
)


def lines_in(request: Request) -> list[dict[str, Any]]:
    """The lines of a request, as far as they are lines."""
    lines = sent(request).get("order_lines")
    return [line for line in lines if isinstance(line, dict)] if isinstance(lines, list) else []


def location_keeps_the_query(request: Request, handle: Handle) -> Response:
    """Hang the id of what was made on the target as it was sent."""
    response = handle(request)
    place, slash, made = (response.headers.get("Location") or "").rpartition("/")
    _, mark, query = request.target.partition("?")
    if not mark or not slash:
        return response
    location = "Location", f"{place}?{query}/{made}"
    return replace(response, headers=Headers([*response.headers.without("Location"), location]))


def chunks_are_empty(request: Request, handle: Handle) -> Response:
    empty = asks(request, "PATCH", "/merchant-references") and "Transfer-Encoding" in request.headers
    return success(204) if empty else handle(request)


def any_discount_will_do(request: Request, handle: Handle) -> Response:
    response = handle(request)
    if not asks(request, "PATCH", "/authorization") or response.status != 422:
        return response
    less = any(line.get("type") in ("discount", "gift_card") for line in lines_in(request))
    return success(204) if less else response


def any_subscription_will_do(request: Request, handle: Handle) -> Response:
    response = handle(request)
    if not asks(request, "POST", "/captures") or response.status != 422:
        return response
    subscribed = any("subscription" in line for line in lines_in(request))
    return made_up(request, "Capture-Id") if subscribed else response


IDENTIFIERS = {"brand", "category_path", "color", "global_trade_item_number", "manufacturer_part_number", "size"}


def unknown_identifiers_refused(request: Request, handle: Handle) -> Response:
    told = [line.get("product_identifiers") or {} for line in lines_in(request)]
    unknown = any(set(each) - IDENTIFIERS for each in told)
    return refusal(422, "UNPROCESSABLE_ENTITY") if unknown else handle(request)


def cut_to(bits: int, field: str, method: str, ending: str) -> Callable[[], Answer]:
    """Read a number into a machine word that is too short for it."""

    def answer(request: Request, handle: Handle) -> Response:
        number = sent(request).get(field) if asks(request, method, ending) else None
        return handle(with_body(request, **{field: number % 2**bits})) if isinstance(number, int) else handle(request)

    return stateless(answer)


def limit_in_characters(request: Request, handle: Handle) -> Response:
    response = handle(request)
    short = len(request.body.decode(errors="replace")) < 1_000_000
    return success(204) if response.status == 413 and short else response


def refunds_of_no_number(request: Request, handle: Handle) -> Response:
    response = handle(request)
    none = asks(request, "POST", "/refunds") and b'"order_lines"' in request.body and b":NaN" in request.body
    return made_up(request, "Refund-Id") if none and response.status == 400 else response


def replays_for_anyone() -> Answer:
    """Answer a known key before anybody looks at who sends it."""
    answers: dict[tuple[str, str], Response] = {}

    def answer(request: Request, handle: Handle) -> Response:
        use = request.target, request.headers.get("Klarna-Idempotency-Key") or ""
        if use in answers:
            return answers[use]
        response = handle(request)
        if use[1] and ok(response):
            answers[use] = response
        return response

    return answer


def respelled_for_strangers(request: Request, handle: Handle) -> Response:
    respelled = request.method == "GET" and "%" in request.target
    return handle(with_header(request, "Authorization", MINE) if respelled else request)


def open_under_a_doubled_slash(request: Request, handle: Handle) -> Response:
    if not request.target.startswith("//"):
        return handle(request)
    return handle(with_header(replace(request, target=request.target[1:]), "Authorization", MINE))


def cached_for_an_integrator() -> Answer:
    cached: dict[tuple[str, str], Response] = {}

    def answer(request: Request, handle: Handle) -> Response:
        read = request.headers.get("Klarna-Integrator") or "", request.target
        if read in cached:
            return cached[read]
        response = handle(request)
        if read[0] and ok(response) and reads_order(request):
            cached[read] = response
        return response

    return answer


def data_written_with_references() -> Answer:
    written: dict[str, str] = {}

    def answer(request: Request, handle: Handle) -> Response:
        response = handle(request)
        order = order_of(request)
        if ok(response) and asks(request, "PATCH", "/merchant-references") and "merchant_data" in sent(request):
            written[order] = sent(request)["merchant_data"]
        shown = ok(response) and reads_order(request) and order in written
        return changed(response, merchant_data=written[order]) if shown else response

    return answer


def found_by_its_reference() -> Answer:
    orders: dict[str, str] = {}

    def answer(request: Request, handle: Handle) -> Response:
        response = handle(request)
        if ok(response) and reads_order(request):
            orders[json.loads(response.body)["klarna_reference"]] = order_of(request)
        called = order_of(request).rpartition("/")[2]
        if response.status not in (400, 404) or called not in orders:
            return response
        return handle(replace(request, target=request.target.replace(order_of(request), orders[called])))

    return answer


def wide_blanks_dropped(request: Request, handle: Handle) -> Response:
    body = sent(request) if asks(request, "POST", "/captures") else {}
    if not isinstance(body.get("description"), str):
        return handle(request)
    return handle(with_body(request, description=body["description"].strip("\u3000\u2003\u00a0")))


def decoded(parcel: dict[str, Any]) -> dict[str, Any]:
    return {name: unquote(value) if name.endswith("_uri") else value for name, value in parcel.items()}


def first_links_decoded() -> Answer:
    captures: set[str] = set()

    def answer(request: Request, handle: Handle) -> Response:
        parcels = sent(request).get("shipping_info") if asks(request, "POST", "/shipping-info") else None
        if "/captures/" not in request.target or request.target in captures or not isinstance(parcels, list):
            return handle(request)
        captures.add(request.target)
        return handle(with_body(request, shipping_info=[decoded(parcel) for parcel in parcels]))

    return answer


def born_since_1970(request: Request, handle: Handle) -> Response:
    response = handle(request)
    customer = json.loads(response.body).get("customer", {}) if ok(response) and reads_order(request) else {}
    if customer.get("date_of_birth", "1970") >= "1970":
        return response
    return changed(response, customer={**customer, "date_of_birth": "1970-01-01"})


def nothing_is_no_price(request: Request, handle: Handle) -> Response:
    response = handle(request)
    if not ok(response) or not reads_order(request):
        return response
    option = json.loads(response.body).get("selected_shipping_option", {})
    for extra in option.get("selected_addons", ()):
        if extra.get("price") == 0:
            del extra["price"]
    return changed(response, selected_shipping_option=option) if option else response


def captures_read_once_found_anywhere() -> Answer:
    read: dict[tuple[str, str], Response] = {}

    def answer(request: Request, handle: Handle) -> Response:
        response = handle(request)
        _, captures, capture_id = request.target.partition("/captures/")
        if request.method != "GET" or not captures:
            return response
        merchant = request.headers.get("Authorization") or ""
        if ok(response):
            read[merchant, capture_id] = response
        return read.get((merchant, capture_id), response) if response.status == 404 else response

    return answer


FAULTS: Faults = {
    "location keeps the query": (stateless(location_keeps_the_query), "captureOrder/fresh/with-a-query", "KOM-108"),
    "chunks are empty": (stateless(chunks_are_empty), "updateMerchantReferences/fresh/in-chunks", "KOM-601"),
    "any discount will do": (
        stateless(any_discount_will_do),
        "updateAuthorization/fresh/broken-second-item",
        "KOM-207",
    ),
    "any subscription will do": (
        stateless(any_subscription_will_do),
        "captureOrder/fresh/broken-second-item",
        "KOM-207",
    ),
    "unknown identifiers refused": (
        stateless(unknown_identifiers_refused),
        "captureOrder/fresh/unknown-field",
        "KOM-208",
    ),
    "refunds in 64 bits": (
        cut_to(64, "refunded_amount", "POST", "/refunds"),
        "refundOrder/large_captured/beyond-two-to-the-64",
        "KOM-307",
    ),
    "days in 32 bits": (
        cut_to(32, "number_of_days", "PATCH", "/extend-due-date"),
        "extendDueDate/part_captured/not-on-offer",
        "KOM-402",
    ),
    "limit in characters": (
        stateless(limit_in_characters),
        "updateMerchantReferences/fresh/too-large",
        "KOM-708",
    ),
    "refunds of no number": (
        stateless(refunds_of_no_number),
        "refundOrder/part_captured/malformed-json",
        "KOM-207",
    ),
    "passwords end at NUL": (
        lets_in(lambda username, password: (username, password.partition("\0")[0])),
        "getOrder/fresh/malformed-credentials",
        "KOM-701",
    ),
    "replays for anyone": (replays_for_anyone, "captureOrder/fresh/repeated-without-credentials", "KOM-701"),
    "respelled for strangers": (stateless(respelled_for_strangers), "getOrder/other_merchant/valid", "KOM-702"),
    "cached for an integrator": (cached_for_an_integrator, "getOrder/other_merchant/valid", "KOM-702"),
    "open under a doubled slash": (stateless(open_under_a_doubled_slash), "getOrder/fresh/no-credentials", "KOM-701"),
    "data written with references": (
        data_written_with_references,
        "updateMerchantReferences/fresh/unknown-field",
        "KOM-406",
    ),
    "found by its reference": (found_by_its_reference, "getOrder/fresh/altered-order-id", "KOM-209"),
    "wide blanks dropped": (stateless(wide_blanks_dropped), "captureOrder/fresh/texts-everywhere", "KOM-601"),
    "first links decoded": (first_links_decoded, "appendShippingInfo/fully_captured/spellings", "KOM-601"),
    "born since 1970": (stateless(born_since_1970), "captureOrder/market/sweden", "KOM-601"),
    "nothing is no price": (stateless(nothing_is_no_price), "captureOrder/market/sweden", "KOM-104"),
    "captures read once found anywhere": (
        captures_read_once_found_anywhere,
        "getCapture/part_captured/capture-of-another-order",
        "KOM-209",
    ),
}
