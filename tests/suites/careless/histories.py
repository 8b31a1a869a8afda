"""Servers that are right once, for an order of today and for what is asked first, and wrong later."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from conformance.exchange import Headers, Request, Response
from tests.suites.wrong_servers import (
    Answer,
    Faults,
    Handle,
    asks,
    changed,
    ok,
    order_behind,
    reads_order,
    refusal,
    stateless,
    success,
    unkeyed,
)


def parts_in_two(request: Request, handle: Handle) -> Response:
    """Have a third capture leave something, as if only the second could end it."""
    if asks(request, "POST", "/captures"):
        order = order_behind(request, handle)
        rest = order.get("remaining_authorized_amount")
        if len(order.get("captures", ())) == 2 and json.loads(request.body).get("captured_amount") == rest:
            return refusal(403, "CAPTURE_NOT_ALLOWED")
    return handle(request)


def one_refund_after_a_release() -> Answer:
    released: dict[str, int] = {}

    def answer(request: Request, handle: Handle) -> Response:
        order = "/".join(request.target.split("/")[:5])
        if order in released and asks(request, "POST", "/refunds"):
            released[order] += 1
            if released[order] > 1:
                return refusal(403, "REFUND_NOT_ALLOWED")
        response = handle(request)
        if ok(response) and asks(request, "POST", "/release-remaining-authorization"):
            released[order] = 0
        return response

    return answer


def second_reference_whatever_the_state(request: Request, handle: Handle) -> Response:
    response = handle(request)
    alone = request.body.startswith(b'{"merchant_reference2"') and b"reference1" not in request.body
    return success(204) if response.status == 403 and alone else response


def new_street_without_second_line(request: Request, handle: Handle) -> Response:
    if asks(request, "PATCH", "/customer-details") and request.body[:1] == b"{":
        body = json.loads(request.body)
        address = body.get("shipping_address")
        if isinstance(address, dict) and "street_address" in address and "street_address2" not in address:
            body["shipping_address"] = {**address, "street_address2": ""}
            return handle(replace(request, body=json.dumps(body).encode()))
    return handle(request)


def new_total_with_first_end() -> Answer:
    first: dict[str, str] = {}
    updated: set[str] = set()

    def answer(request: Request, handle: Handle) -> Response:
        order = "/".join(request.target.split("/")[:5])
        response = handle(request)
        if ok(response) and asks(request, "PATCH", "/authorization"):
            updated.add(order)
        if ok(response) and reads_order(request):
            ends = first.setdefault(order, json.loads(response.body)["expires_at"])
            return changed(response, expires_at=ends) if order in updated else response
        return response

    return answer


def lapses_at_its_first_end(ending: str, code: str) -> Callable[[], Answer]:
    """Forget for one operation that the authorisation was extended."""

    def make() -> Answer:
        first: dict[str, str] = {}

        def answer(request: Request, handle: Handle) -> Response:
            order = "/".join(request.target.split("/")[:5])
            response = handle(request)
            if ok(response) and reads_order(request):
                first.setdefault(order, json.loads(response.body)["expires_at"])
            if ok(response) and asks(request, "POST", ending) and order in first:
                now = parsedate_to_datetime(response.headers.get("Date") or "")
                if datetime.fromisoformat(first[order]) <= now:
                    return refusal(403, code)
            return response

        return answer

    return make


def options_lost_with_a_new_total() -> Answer:
    updated: set[str] = set()

    def answer(request: Request, handle: Handle) -> Response:
        order = "/".join(request.target.split("/")[:5])
        response = handle(request)
        if ok(response) and asks(request, "PATCH", "/authorization"):
            updated.add(order)
        if not ok(response) or not reads_order(request) or order not in updated:
            return response
        left = {name: value for name, value in json.loads(response.body).items() if name != "selected_shipping_option"}
        return replace(response, body=json.dumps(left, ensure_ascii=False).encode())

    return answer


def keys_with_words() -> Answer:
    """Take a repeated key with other words for another request."""
    bodies: dict[str, bytes] = {}

    def answer(request: Request, handle: Handle) -> Response:
        key = request.headers.get("Klarna-Idempotency-Key") or ""
        if b"attempt" in bodies.setdefault(key, request.body) and bodies[key] != request.body:
            return handle(unkeyed(request))
        return handle(request)

    return answer


def each_extension_for_itself() -> Answer:
    count = 0

    def answer(request: Request, handle: Handle) -> Response:
        nonlocal count
        response = handle(request)
        if not asks(request, "POST", "/extend-authorization-time") or request.headers.get("Klarna-Idempotency-Key"):
            return response
        count += 1
        return replace(
            response, headers=Headers([*response.headers.without("Transaction-Id"), ("Transaction-Id", str(count))])
        )

    return answer


def extends_the_young(request: Request, handle: Handle) -> Response:
    if asks(request, "POST", "/extend-authorization-time"):
        now = parsedate_to_datetime(
            handle(replace(unkeyed(request), method="GET", target="/")).headers.get("Date") or ""
        )
        if now - datetime.fromisoformat(order_behind(request, handle)["created_at"]) > timedelta(days=40):
            return refusal(403, "NOT_ALLOWED")
    return handle(request)


def born_a_day_before(request: Request, handle: Handle) -> Response:
    response = handle(request)
    customer = json.loads(response.body).get("customer", {}) if ok(response) and reads_order(request) else {}
    if "date_of_birth" not in customer:
        return response
    before = date.fromisoformat(customer["date_of_birth"]) - timedelta(days=1)
    return changed(response, customer={**customer, "date_of_birth": before.isoformat()})


def refunded_when_read(request: Request, handle: Handle) -> Response:
    response = handle(request)
    if request.method != "GET" or "/refunds/" not in request.target or not ok(response):
        return response
    now = parsedate_to_datetime(response.headers.get("Date") or "")
    return changed(response, refunded_at=now.strftime("%Y-%m-%dT%H:%M:%S.000Z"))


def lists_without_companies(request: Request, handle: Handle) -> Response:
    response = handle(request)
    if not asks(request, "GET", "/captures") or not ok(response):
        return response
    captures = json.loads(response.body)
    for each in captures:
        each.get("billing_address", {}).pop("organization_name", None)
    return replace(response, body=json.dumps(captures, ensure_ascii=False).encode())


def zero_is_nothing(request: Request, handle: Handle) -> Response:
    return handle(replace(request, body=request.body.replace(b':"0"', b':""')))


def new_address_over_the_first() -> Answer:
    """Without a key, complete a new address with what the order was made with."""
    first: dict[str, Any] = {}

    def answer(request: Request, handle: Handle) -> Response:
        if not asks(request, "PATCH", "/customer-details") or request.headers.get("Klarna-Idempotency-Key"):
            return handle(request)
        address = first.setdefault(request.target, order_behind(request, handle)["shipping_address"])
        body = json.loads(request.body)
        body["shipping_address"] = {**address, **body["shipping_address"]}
        return handle(replace(request, body=json.dumps(body, ensure_ascii=False).encode()))

    return answer


FAULTS: Faults = {
    "captures in two parts only": (stateless(parts_in_two), "captureOrder/fresh/in-thirds", "KOM-308"),
    "captures in two parts only, without keys": (
        stateless(parts_in_two),
        "captureOrder/fresh/in-thirds-without-keys",
        "KOM-308",
    ),
    "one refund after a release": (
        one_refund_after_a_release,
        "captureOrder/fresh/released-then-refunded",
        "KOM-308",
    ),
    "second reference in any state": (
        stateless(second_reference_whatever_the_state),
        "updateMerchantReferences/cancelled/one-at-a-time",
        "KOM-407",
    ),
    "second line lost with the street": (
        stateless(new_street_without_second_line),
        "updateConsumerDetails/fresh/one-at-a-time",
        "KOM-405",
    ),
    "extension lost with a new total": (
        new_total_with_first_end,
        "extendAuthorizationTime/aged/then-others",
        "KOM-406",
    ),
    "lapsed at its first end": (
        lapses_at_its_first_end("/captures", "CAPTURE_NOT_ALLOWED"),
        "extendAuthorizationTime/lapsing/beyond-its-first-end",
        "KOM-308",
    ),
    "cancelled until its first end": (
        lapses_at_its_first_end("/cancel", "CANCEL_NOT_ALLOWED"),
        "extendAuthorizationTime/lapsing/cancelled-beyond-its-first-end",
        "KOM-403",
    ),
    "options lost with a new total": (
        options_lost_with_a_new_total,
        "captureOrder/market/company",
        "KOM-406",
    ),
    "keys with other words are others": (
        keys_with_words,
        "refundOrder/part_captured/repeated-key-other-words",
        "KOM-504",
    ),
    "each extension without a key for itself": (
        each_extension_for_itself,
        "extendAuthorizationTime/fresh/without-key",
        "KOM-413",
    ),
    "young orders extended only": (
        stateless(extends_the_young),
        "extendAuthorizationTime/aged/after-60-days",
        "KOM-403",
    ),
    "born a day before": (stateless(born_a_day_before), "captureOrder/market/america", "KOM-601"),
    "refunded when read": (stateless(refunded_when_read), "captureOrder/fresh/dated", "KOM-412"),
    "companies missing from a list": (stateless(lists_without_companies), "captureOrder/market/company", "KOM-412"),
    "zero is nothing": (stateless(zero_is_nothing), "updateMerchantReferences/fresh/texts", "KOM-405"),
    "new address over the first": (
        new_address_over_the_first,
        "updateConsumerDetails/fresh/one-at-a-time",
        "KOM-601",
    ),
}
