"""Servers that remember too little, or for too short a time: keys, extensions, orders that were left alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from conformance.exchange import Request, Response
from tests.suites.careless.ages import age_of, time_of
from tests.suites.wrong_servers import (
    Answer,
    Faults,
    Handle,
    asks,
    changed,
    ok,
    order_behind,
    order_of,
    read_behind,
    reads_order,
    sent,
    stateless,
    success,
    unkeyed,
    with_header,
)

KEY = "Klarna-Idempotency-Key"


def key_of(request: Request) -> str:
    return request.headers.get(KEY) or ""


def time_at(request: Request, handle: Handle) -> datetime:
    """The server's time before it answers a request."""
    return time_of(handle(replace(unkeyed(request), method="GET", target="/", body=b"")))


def keys_of_a_month(request: Request, handle: Handle) -> Response:
    if not key_of(request):
        return handle(request)
    return handle(with_header(request, KEY, f"{key_of(request)} of {time_at(request, handle):%Y-%m}"))


def keys_expire_together() -> Answer:
    first: dict[str, datetime] = {}

    def answer(request: Request, handle: Handle) -> Response:
        if not key_of(request):
            return handle(request)
        order, now = order_of(request), time_at(request, handle)
        if now - first.setdefault(order, now) > timedelta(hours=24):
            first[order] = now
        return handle(with_header(request, KEY, f"{key_of(request)} since {first[order]}"))

    return answer


def keys_cut_at_their_second_colon(request: Request, handle: Handle) -> Response:
    cut = ":".join(key_of(request).split(":")[:2])
    return handle(with_header(request, KEY, cut) if cut else request)


def last_two_parcels() -> Answer:
    """Know the keys of the last two parcels of an order only."""
    used: dict[str, list[str]] = {}

    def answer(request: Request, handle: Handle) -> Response:
        if not asks(request, "POST", "/shipping-info") or not key_of(request):
            return handle(request)
        keys = used.setdefault(request.target, [])
        forgotten = key_of(request) in keys[:-2]
        if key_of(request) not in keys:
            keys.append(key_of(request))
        return handle(unkeyed(request) if forgotten else request)

    return answer


def replays_name_the_newest() -> Answer:
    """Answer a known key with the newest capture of the same amount."""
    known: set[str] = set()
    newest: dict[tuple[str, object], Response] = {}

    def answer(request: Request, handle: Handle) -> Response:
        if not asks(request, "POST", "/captures") or not key_of(request):
            return handle(request)
        alike = request.target, sent(request).get("captured_amount")
        if key_of(request) in known and alike in newest:
            return newest[alike]
        known.add(key_of(request))
        response = handle(request)
        if ok(response):
            newest[alike] = response
        return response

    return answer


def extended_again(where: Callable[[Response], bool]) -> Callable[[], Answer]:
    """Take any extension of an order that was extended before, where its reading is so."""

    def make() -> Answer:
        extended: set[str] = set()

        def answer(request: Request, handle: Handle) -> Response:
            response = handle(request)
            if not asks(request, "POST", "/extend-authorization-time"):
                return response
            order = order_of(request)
            if ok(response):
                extended.add(order)
            again = response.status == 403 and order in extended and where(read_behind(request, handle))
            return success(204) if again else response

        return answer

    return make


def ran_out_within_a_day(read: Response) -> bool:
    return timedelta(0) < age_of(json.loads(read.body)["expires_at"], read) < timedelta(days=1)


def one_extension_once_captured() -> Answer:
    extended: set[str] = set()

    def answer(request: Request, handle: Handle) -> Response:
        if not asks(request, "POST", "/extend-authorization-time"):
            return handle(request)
        order = order_of(request)
        if order in extended and order_behind(request, handle)["captured_amount"]:
            return success(204)
        extended.add(order)
        return handle(request)

    return answer


def idle_times() -> Callable[[Request, Handle], timedelta]:
    """Tell for how long the order of a request has been left alone."""
    touched: dict[str, datetime] = {}

    def idle(request: Request, handle: Handle) -> timedelta:
        order, now = order_of(request), time_at(request, handle)
        before = touched.get(order, now)
        touched[order] = now
        return now - before

    return idle


def no_captures_of_the_forgotten() -> Answer:
    idle = idle_times()

    def answer(request: Request, handle: Handle) -> Response:
        alone = idle(request, handle) > timedelta(days=7)
        response = handle(request)
        empty = alone and ok(response) and asks(request, "GET", "/captures")
        return replace(response, body=b"[]") if empty else response

    return answer


def awoken_by_a_refund() -> Answer:
    """Book a refund without a key twice if nobody has touched its order for a fortnight."""
    idle = idle_times()

    def answer(request: Request, handle: Handle) -> Response:
        alone = idle(request, handle) >= timedelta(days=14)
        if alone and asks(request, "POST", "/refunds") and not key_of(request):
            handle(request)
        return handle(request)

    return answer


def in_summer_time(refund: dict[str, Any]) -> dict[str, Any]:
    at = datetime.fromisoformat(refund["refunded_at"])
    later = at + timedelta(hours=2) if 4 <= at.month <= 9 else at
    return {**refund, "refunded_at": later.strftime("%Y-%m-%dT%H:%M:%S.000Z")}


def refunds_in_summer_time(request: Request, handle: Handle) -> Response:
    response = handle(request)
    if request.method != "GET" or not ok(response):
        return response
    if "/refunds/" in request.target:
        return changed(response, **in_summer_time(json.loads(response.body)))
    if not reads_order(request):
        return response
    return changed(response, refunds=[in_summer_time(each) for each in json.loads(response.body).get("refunds", [])])


def settled_is_not_read_again() -> Answer:
    """Show a fully refunded order as it was read first, until something but a parcel is written."""
    shown: dict[str, Response] = {}

    def answer(request: Request, handle: Handle) -> Response:
        order = order_of(request)
        if request.method != "GET" and not asks(request, "POST", "/shipping-info"):
            shown.pop(order, None)
        response = handle(request)
        if not ok(response) or not reads_order(request):
            return response
        read = json.loads(response.body)
        settled = read["refunded_amount"] == read["captured_amount"] == read["order_amount"]
        return shown.setdefault(order, response) if settled else response

    return answer


FAULTS: Faults = {
    "keys of a month": (stateless(keys_of_a_month), "captureOrder/fresh/repeated-key-next-month", "KOM-501"),
    "keys expire together": (keys_expire_together, "captureOrder/fresh/repeated-key-later", "KOM-501"),
    "keys cut at their second colon": (
        stateless(keys_cut_at_their_second_colon),
        "captureOrder/fresh/similar-keys",
        "KOM-503",
    ),
    "last two parcels": (last_two_parcels, "appendOrderShippingInfo/fresh/repeated-after-another", "KOM-501"),
    "replays name the newest": (replays_name_the_newest, "captureOrder/fresh/different-keys", "KOM-501"),
    "half-years begin anew": (
        extended_again(lambda _read: True),
        "extendAuthorizationTime/lapsing/in-the-second-half-year",
        "KOM-402",
    ),
    "extended the day after": (
        extended_again(ran_out_within_a_day),
        "extendAuthorizationTime/lapsing/past-its-later-end",
        "KOM-407",
    ),
    "one extension once captured": (
        one_extension_once_captured,
        "extendAuthorizationTime/aged/from-the-day-of-the-call",
        "KOM-417",
    ),
    "no captures of the forgotten": (no_captures_of_the_forgotten, "getOrder/any_state/left-alone", "KOM-411"),
    "awoken by a refund": (awoken_by_a_refund, "getOrder/any_state/left-alone", "KOM-309"),
    "refunds in summer time": (stateless(refunds_in_summer_time), "captureOrder/fresh/dated-in-summer", "KOM-416"),
    "settled is not read again": (settled_is_not_read_again, "appendShippingInfo/fully_refunded/valid", "KOM-405"),
}
