"""Servers that are right as long as an order is young, and wrong when time has passed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from conformance.exchange import Request, Response
from tests.suites.wrong_servers import (
    Answer,
    Faults,
    Handle,
    asks,
    changed,
    made_up,
    ok,
    order_behind,
    order_of,
    read_behind,
    reads_order,
    refusal,
    stateless,
    unkeyed,
)


def time_of(response: Response) -> datetime:
    return parsedate_to_datetime(response.headers.get("Date") or "")


def age_of(value: str, response: Response) -> timedelta:
    return time_of(response) - datetime.fromisoformat(value)


def expires_whatever(status: str) -> Callable[[], Answer]:
    """Show any order of this status as expired once its authorisation has run out."""

    def answer(request: Request, handle: Handle) -> Response:
        response = handle(request)
        if not ok(response) or not reads_order(request):
            return response
        order = json.loads(response.body)
        lapsed = order["status"] == status and age_of(order["expires_at"], response) > timedelta(0)
        return changed(response, status="EXPIRED") if lapsed else response

    return stateless(answer)


def no_refund_once_expired(request: Request, handle: Handle) -> Response:
    if asks(request, "POST", "/refunds"):
        read = read_behind(request, handle)
        if age_of(json.loads(read.body)["expires_at"], read) > timedelta(0):
            return refusal(403, "REFUND_NOT_ALLOWED")
    return handle(request)


def gone_after_a_year() -> Answer:
    first: dict[str, datetime] = {}

    def answer(request: Request, handle: Handle) -> Response:
        response = handle(request)
        if not ok(response) or not reads_order(request):
            return response
        age = time_of(response) - first.setdefault(request.target, time_of(response))
        return refusal(404, "NO_SUCH_ORDER") if age > timedelta(days=365) else response

    return answer


def list_of_two_months(request: Request, handle: Handle) -> Response:
    response = handle(request)
    if not ok(response) or not asks(request, "GET", "/captures"):
        return response
    captures = [
        each for each in json.loads(response.body) if age_of(each["captured_at"], response) < timedelta(days=60)
    ]
    return replace(response, body=json.dumps(captures, ensure_ascii=False).encode())


def refunds_of_a_month(request: Request, handle: Handle) -> Response:
    response = handle(request)
    if not ok(response) or not reads_order(request):
        return response
    refunds = json.loads(response.body).get("refunds", [])
    return changed(
        response, refunds=[each for each in refunds if age_of(each["refunded_at"], response) < timedelta(days=30)]
    )


def extends_again_the_next_day() -> Answer:
    """Keep the key of an extension for its day only."""
    days: dict[str, object] = {}

    def answer(request: Request, handle: Handle) -> Response:
        if not asks(request, "POST", "/extend-authorization-time"):
            return handle(request)
        now = time_of(handle(replace(unkeyed(request), method="GET", target="/"))).date()
        key = request.headers.get("Klarna-Idempotency-Key") or ""
        return handle(request) if days.setdefault(key, now) == now else handle(unkeyed(request))

    return answer


def day_ends_with_business(request: Request, handle: Handle) -> Response:
    """Count an extension in the evening for the next day."""
    response = handle(request)
    if not ok(response) or not reads_order(request) or time_of(response).hour < 18:
        return response
    later = datetime.fromisoformat(json.loads(response.body)["expires_at"]) + timedelta(days=1)
    return changed(response, expires_at=later.strftime("%Y-%m-%dT%H:%M:%S.000Z"))


def dated_as_the_first(request: Request, handle: Handle) -> Response:
    response = handle(request)
    captures = json.loads(response.body).get("captures") if ok(response) and reads_order(request) else None
    if not captures:
        return response
    return changed(response, captures=[{**each, "captured_at": captures[0]["captured_at"]} for each in captures])


def captures_net_of_refunds() -> Answer:
    """Take what was refunded for undone once a later capture is made."""
    netted: dict[str, int] = {}

    def answer(request: Request, handle: Handle) -> Response:
        order = order_of(request)
        if asks(request, "POST", "/captures"):
            read = handle(replace(unkeyed(request), method="GET", target=order, body=b""))
            netted[order] = json.loads(read.body).get("refunded_amount", 0) // 2
        response = handle(request)
        if not ok(response) or not reads_order(request) or not netted.get(order):
            return response
        shown: dict[str, Any] = json.loads(response.body)
        return changed(response, refunded_amount=shown["refunded_amount"] - netted[order])

    return answer


def refunds_forgotten_after_a_day(request: Request, handle: Handle) -> Response:
    """Count only what was refunded today, and pay out what no order has."""
    response = handle(request)
    if not asks(request, "POST", "/refunds") or response.status != 403:
        return response
    read = read_behind(request, handle)
    refunds = json.loads(read.body).get("refunds", [])
    old = [each for each in refunds if age_of(each["refunded_at"], read) > timedelta(days=1)]
    return made_up(request, "Refund-Id") if old else response


def cancelled_for_a_day(request: Request, handle: Handle) -> Response:
    response = handle(request)
    if not asks(request, "POST", "/captures") or response.status != 403:
        return response
    cancelled = order_behind(request, handle)["status"] == "CANCELLED"
    return made_up(request, "Capture-Id") if cancelled else response


def conflict_past_an_extension() -> Answer:
    """Take a capture past the end of an authorisation for a conflict if that end was once another."""
    extended: set[str] = set()

    def answer(request: Request, handle: Handle) -> Response:
        response = handle(request)
        order = order_of(request)
        if ok(response) and asks(request, "POST", "/extend-authorization-time"):
            extended.add(order)
        if not asks(request, "POST", "/captures") or response.status != 403 or order not in extended:
            return response
        lapsed = order_behind(request, handle)["status"] == "EXPIRED"
        return refusal(409, "CONFLICT") if lapsed else response

    return answer


FAULTS: Faults = {
    "captured shown as expired": (expires_whatever("CAPTURED"), "getOrder/fully_captured/grown-old", "KOM-412"),
    "cancelled shown as expired": (expires_whatever("CANCELLED"), "getOrder/cancelled/grown-old", "KOM-412"),
    "no refund once expired": (stateless(no_refund_once_expired), "getOrder/fully_captured/grown-old", "KOM-308"),
    "gone after a year": (gone_after_a_year, "getOrder/any_state/for-years", "KOM-408"),
    "captures of two months": (stateless(list_of_two_months), "getOrder/part_refunded/grown-old", "KOM-411"),
    "refunds of a month": (stateless(refunds_of_a_month), "getOrder/part_refunded/grown-old", "KOM-408"),
    "extended again the next day": (
        extends_again_the_next_day,
        "extendAuthorizationTime/fresh/repeated-key-later",
        "KOM-501",
    ),
    "day of business": (stateless(day_ends_with_business), "extendAuthorizationTime/aged/all-day", "KOM-417"),
    "dated as the first": (stateless(dated_as_the_first), "captureOrder/fresh/dated", "KOM-416"),
    "refunds forgotten after a day": (
        stateless(refunds_forgotten_after_a_day),
        "getOrder/fully_refunded/grown-old",
        "KOM-307",
    ),
    "cancelled for a day": (stateless(cancelled_for_a_day), "getOrder/cancelled/grown-old", "KOM-407"),
    "conflict past an extension": (conflict_past_an_extension, "getOrder/extended/grown-old", "KOM-205"),
    "captures net of refunds": (captures_net_of_refunds, "captureOrder/fresh/dated", "KOM-309"),
}
