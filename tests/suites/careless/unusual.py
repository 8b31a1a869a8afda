"""Servers that are right in the ordinary and careless beyond it."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace

from conformance.exchange import Headers, Request, Response
from conformance.simulator.merchant import DEFAULT_MERCHANTS
from conformance.suites.target import Credentials
from tests.suites.wrong_servers import (
    Answer,
    Faults,
    Handle,
    asks,
    changed,
    ok,
    reads_order,
    refusal,
    stateless,
    success,
    unkeyed,
    with_header,
)

MINE = Credentials(DEFAULT_MERCHANTS[0].username, DEFAULT_MERCHANTS[0].password).authorization


def from_germany(request: Request, handle: Handle) -> Response:
    response = handle(request)
    return changed(response, purchase_country="DE") if ok(response) and reads_order(request) else response


def dated_like_the_order(request: Request, handle: Handle) -> Response:
    response = handle(request)
    if not ok(response) or not reads_order(request):
        return response
    order = json.loads(response.body)
    return changed(
        response, captures=[{**each, "captured_at": order["created_at"]} for each in order.get("captures", [])]
    )


def twenty_on_a_page(request: Request, handle: Handle) -> Response:
    response = handle(request)
    if not ok(response) or not asks(request, "GET", "/captures"):
        return response
    return replace(response, body=json.dumps(json.loads(response.body)[:20]).encode())


def looks_up_first(request: Request, handle: Handle) -> Response:
    """Find out about orders before the credentials are looked at."""
    response = handle(request)
    if response.status != 401:
        return response
    known = with_header(request, "Authorization", MINE)
    found = handle(replace(known, method="GET", target="/".join(request.target.split("/")[:5]), body=b""))
    return found if found.status == 404 else response


def open_once_captured() -> Answer:
    """Answer whoever asks once the order has a capture."""
    shown: dict[str, Response] = {}

    def answer(request: Request, handle: Handle) -> Response:
        response = handle(request)
        if ok(response) and reads_order(request):
            if json.loads(response.body)["captured_amount"]:
                shown[request.target] = response
            return response
        return shown.get(request.target, response) if response.status == 404 else response

    return answer


def no_taxes_above_a_quarter(request: Request, handle: Handle) -> Response:
    lines = json.loads(request.body).get("order_lines", []) if request.body[:1] == b"{" else []
    high = any(line.get("tax_rate", 0) > 2_500 for line in lines)
    return refusal(422, "UNPROCESSABLE_ENTITY") if high else handle(request)


def lines_must_add_up(request: Request, handle: Handle) -> Response:
    if not asks(request, "POST", "/refunds"):
        return handle(request)
    body = json.loads(request.body)
    total = sum(line["total_amount"] for line in body.get("order_lines", []))
    return refusal(422, "UNPROCESSABLE_ENTITY") if total not in (0, body["refunded_amount"]) else handle(request)


def tidies_units(request: Request, handle: Handle) -> Response:
    if b"quantity_unit" not in request.body:
        return handle(request)
    body = json.loads(request.body)
    for line in body.get("order_lines", []):
        line["quantity_unit"] = line.get("quantity_unit", "").strip()
    return handle(replace(request, body=json.dumps(body, ensure_ascii=False).encode()))


def wants_plain_media(request: Request, handle: Handle) -> Response:
    media = request.headers.get("Content-Type")
    return refusal(415, "UNSUPPORTED_MEDIA_TYPE") if media not in (None, "application/json") else handle(request)


def wants_json_accepted(request: Request, handle: Handle) -> Response:
    accepted = request.headers.get("Accept")
    return handle(request) if accepted in (None, "application/json") else refusal(406, "NOT_ACCEPTABLE")


def files_the_first(request: Request, handle: Handle) -> Response:
    """Refuse a list of parcels for its second, and file the first all the same."""
    response = handle(request)
    if response.status == 422 and asks(request, "POST", "/shipping-info"):
        body = json.loads(request.body)
        if len(body.get("shipping_info") or ()) == 2:
            half = json.dumps({"shipping_info": body["shipping_info"][:1]}).encode()
            handle(replace(request, headers=request.headers.without("Klarna-Idempotency-Key"), body=half))
    return response


def forgets_keys_after_a_refusal() -> Answer:
    refused: set[str] = set()

    def answer(request: Request, handle: Handle) -> Response:
        response = handle(unkeyed(request) if request.target in refused else request)
        if response.status == 403:
            refused.add(request.target)
        return response

    return answer


def forgets_keys_of_large_amounts(request: Request, handle: Handle) -> Response:
    body = json.loads(request.body) if request.body[:1] == b"{" else {}
    return handle(unkeyed(request) if body.get("captured_amount", 0) > 1_000_000 else request)


def knows_keys_of_first_captures(request: Request, handle: Handle) -> Response:
    order, captures, rest = request.target.partition("/captures/")
    if request.method != "POST" or not captures:
        return handle(request)
    listed = json.loads(handle(replace(request, method="GET", target=f"{order}/captures", body=b"")).body)
    first = isinstance(listed, list) and rest.startswith(listed[0]["capture_id"])
    return handle(request if first else unkeyed(request))


def lets_in(change: Callable[[str, str], tuple[str, str]]) -> Callable[[], Answer]:
    """Take credentials for the merchant's own if they are so once they have been tidied."""
    own = "K100001_conformance", "conformance-secret"

    def answer(request: Request, handle: Handle) -> Response:
        _, _, encoded = (request.headers.get("Authorization") or "").partition(" ")
        try:
            username, _, password = base64.b64decode(encoded).decode().partition(":")
        except ValueError:
            return handle(request)
        if change(username, password) != own:
            return handle(request)
        right = "Basic " + base64.b64encode(":".join(own).encode()).decode()
        return handle(with_header(request, "Authorization", right))

    return stateless(answer)


def reads(spoilt: bytes, as_if: bytes) -> Callable[[], Answer]:
    """Read a body leniently."""
    return stateless(lambda request, handle: handle(replace(request, body=request.body.replace(spoilt, as_if))))


def drops_nulls(request: Request, handle: Handle) -> Response:
    return handle(replace(request, body=request.body.replace(b",null]", b"]")))


def keeps_lines_once_captured(request: Request, handle: Handle) -> Response:
    if asks(request, "PATCH", "/authorization"):
        order = json.loads(handle(replace(request, method="GET", target=request.target.rpartition("/")[0])).body)
        body = json.loads(request.body)
        if order["captures"] and "order_lines" not in body:
            kept = json.dumps({**body, "order_lines": order["order_lines"]}, ensure_ascii=False)
            return handle(replace(request, body=kept.encode()))
    return handle(request)


def counts_totals_in_major_units(request: Request, handle: Handle) -> Response:
    if not asks(request, "PATCH", "/authorization"):
        return handle(request)
    body = json.loads(request.body)
    floated = {**body, "order_amount": int(body["order_amount"] / 100 * 100)}
    return handle(replace(request, body=json.dumps(floated).encode()))


def crosses_captures() -> Answer:
    """Give a capture of another order the ids of the capture just before it."""
    last: list[tuple[str, Response]] = []

    def answer(request: Request, handle: Handle) -> Response:
        response = handle(request)
        if not asks(request, "POST", "/captures"):
            last.clear()
        elif last and last[0][0] != request.target:
            made, other = (each.headers.get("Capture-Id") or "" for each in (response, last[0][1]))
            crossed = Headers((name, value.replace(made, other)) for name, value in response.headers)
            return replace(response, headers=crossed)
        else:
            last.insert(0, (request.target, response))
        return response

    return answer


def excuses_with_lines(request: Request, handle: Handle) -> Response:
    response = handle(request)
    if response.status == 403 and asks(request, "POST", "/refunds") and b"order_lines" in request.body:
        made = "3c9e8b52-1d47-4e0a-8a66-7f0b5d2c4e11"
        return success(201, Refund_Id=made, Location=f"https://api.playground.klarna.com{request.target}/{made}")
    return response


def extends_for_ever(request: Request, handle: Handle) -> Response:
    response = handle(request)
    extends = asks(request, "POST", "/extend-authorization-time")
    return success(204) if extends and response.status == 403 else response


def charges_the_order_for_days() -> Answer:
    charged: set[str] = set()

    def answer(request: Request, handle: Handle) -> Response:
        response = handle(request)
        if ok(response) and asks(request, "PATCH", "/extend-due-date") and b":30" in request.body:
            charged.add(request.target.partition("/captures")[0])
        if ok(response) and reads_order(request) and request.target in charged:
            return changed(response, order_amount=json.loads(response.body)["order_amount"] + 199)
        return response

    return answer


def finds_captures_by_their_beginning(request: Request, handle: Handle) -> Response:
    response = handle(request)
    order, captures, part = request.target.partition("/captures/")
    if not captures or "/" in part or response.status not in (400, 404) or len(part) < 8:
        return response
    listed = json.loads(handle(replace(request, target=f"{order}/captures")).body)
    whole = [each["capture_id"] for each in listed if isinstance(each, dict) and each["capture_id"].startswith(part)]
    return handle(replace(request, target=f"{order}/captures/{whole[0]}")) if whole else response


def forgets_old_orders(request: Request, handle: Handle) -> Response:
    if asks(request, "POST", "/cancel"):
        order = handle(replace(request, method="GET", target=request.target.removesuffix("/cancel")))
        if json.loads(order.body)["created_at"] < "2026-01-05":
            return refusal(403, "CANCEL_NOT_ALLOWED")
    return handle(request)


FAULTS: Faults = {
    "all orders from Germany": (stateless(from_germany), "captureOrder/market/sweden", "KOM-314"),
    "captures dated like the order": (stateless(dated_like_the_order), "captureOrder/fresh/dated", "KOM-416"),
    "twenty captures on a page": (stateless(twenty_on_a_page), "captureOrder/fresh/many", "KOM-411"),
    "ids before credentials": (stateless(looks_up_first), "getOrder/fresh/credentials-come-first", "KOM-701"),
    "captured orders open to all": (open_once_captured, "getOrder/other_merchant/in-any-state", "KOM-702"),
    "high taxes refused": (stateless(no_taxes_above_a_quarter), "captureOrder/large/line-numbers", "KOM-208"),
    "lines of refunds must add up": (
        stateless(lines_must_add_up),
        "refundOrder/fully_captured/lines-unequal",
        "KOM-208",
    ),
    "units tidied": (stateless(tidies_units), "captureOrder/fresh/texts-everywhere", "KOM-601"),
    "media type by its spelling": (
        stateless(wants_plain_media),
        "refundOrder/part_captured/json-with-charset",
        "KOM-208",
    ),
    "first of a refused list filed": (
        stateless(files_the_first),
        "appendOrderShippingInfo/fresh/broken-second-item",
        "KOM-404",
    ),
    "first of a capture's refused list filed": (
        stateless(files_the_first),
        "appendShippingInfo/part_captured/broken-second-item",
        "KOM-404",
    ),
    "keys forgotten after a refusal": (
        forgets_keys_after_a_refusal,
        "captureOrder/fresh/repeated-after-refusal",
        "KOM-501",
    ),
    "keys of large amounts forgotten": (
        stateless(forgets_keys_of_large_amounts),
        "captureOrder/large/repeated-in-whole",
        "KOM-501",
    ),
    "keys of later captures forgotten": (
        stateless(knows_keys_of_first_captures),
        "appendShippingInfo/many_captures/repeated-key",
        "KOM-406",
    ),
    "username in any case": (
        lets_in(lambda username, password: (username.upper().replace("CONFORMANCE", "conformance"), password)),
        "getOrder/fresh/similar-credentials",
        "KOM-701",
    ),
    "username by its beginning": (
        lets_in(lambda username, password: (username[: len("K100001_conformance")], password)),
        "cancelOrder/fresh/similar-credentials",
        "KOM-701",
    ),
    "password trimmed": (
        lets_in(lambda username, password: (username, password.strip())),
        "captureOrder/fresh/similar-credentials",
        "KOM-701",
    ),
    "credentials in any order": (
        lets_in(lambda username, password: (password, username)),
        "refundOrder/part_captured/similar-credentials",
        "KOM-701",
    ),
    "comments read": (reads(b"/* all of it */", b""), "updateMerchantReferences/fresh/malformed-json", "KOM-207"),
    "zeros read": (reads(b":01}", b":1}"), "captureOrder/fresh/malformed-json", "KOM-207"),
    "nulls in lists dropped": (stateless(drops_nulls), "appendOrderShippingInfo/fresh/broken-second-item", "KOM-207"),
    "lines kept once captured": (
        stateless(keeps_lines_once_captured),
        "updateAuthorization/part_captured/without-lines",
        "KOM-405",
    ),
    "totals in major units": (stateless(counts_totals_in_major_units), "updateAuthorization/fresh/numbers", "KOM-309"),
    "captures of two orders crossed": (crosses_captures, "captureOrder/fresh/together-on-two-orders", "KOM-408"),
    "lines excuse an overrefund": (
        stateless(excuses_with_lines),
        "refundOrder/part_captured/above-refundable-in-full",
        "KOM-307",
    ),
    "extended for ever": (stateless(extends_for_ever), "extendAuthorizationTime/aged/after-180-days", "KOM-402"),
    "order charged for days": (charges_the_order_for_days, "extendDueDate/many_captures/each-option", "KOM-309"),
    "captures found by their beginning": (
        stateless(finds_captures_by_their_beginning),
        "getCapture/part_captured/altered-capture-id",
        "KOM-209",
    ),
    "old orders not cancelled": (stateless(forgets_old_orders), "cancelOrder/aged/valid", "KOM-403"),
    "one way to accept": (stateless(wants_json_accepted), "cancelOrder/fresh/any-accept", "KOM-208"),
}
