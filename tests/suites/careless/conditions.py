"""Servers that are wrong under a condition only: of the lines, of the calendar, of the order before."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

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
    sent,
    stateless,
    success,
    unkeyed,
)


def sum_of(request: Request) -> int:
    return sum(line["total_amount"] for line in sent(request).get("order_lines", ()))


def lines_are_what_is_captured(request: Request, handle: Handle) -> Response:
    """Hold the sum of the lines, where there are any, against what remains."""
    response = handle(request)
    if not asks(request, "POST", "/captures") or response.status != 403 or b"order_lines" not in request.body:
        return response
    order = order_behind(request, handle)
    if order["status"] != "PART_CAPTURED" or sum_of(request) > order["remaining_authorized_amount"]:
        return response
    return made_up(request, "Capture-Id")


def two_lines_must_add_up(request: Request, handle: Handle) -> Response:
    lines = sent(request).get("order_lines", ()) if asks(request, "POST", "/refunds") else ()
    wrong = len(lines) > 1 and sum_of(request) > sent(request)["refunded_amount"]
    return refusal(422, "UNPROCESSABLE_ENTITY") if wrong else handle(request)


def many_lines_are_the_amount(request: Request, handle: Handle) -> Response:
    lines = sent(request).get("order_lines", ()) if asks(request, "POST", "/refunds") else ()
    if len(lines) <= 10:
        return handle(request)
    return handle(replace(request, body=json.dumps({**sent(request), "refunded_amount": sum_of(request)}).encode()))


def lines_are_the_total(request: Request, handle: Handle) -> Response:
    lines = sent(request).get("order_lines", ()) if asks(request, "PATCH", "/authorization") else ()
    if len(lines) < 2:
        return handle(request)
    return handle(replace(request, body=json.dumps({**sent(request), "order_amount": sum_of(request)}).encode()))


def less_than_nothing_is_paid_back(request: Request, handle: Handle) -> Response:
    response = handle(request)
    negative = asks(request, "POST", "/refunds") and sent(request).get("refunded_amount", 0) < 0
    return made_up(request, "Refund-Id") if negative and response.status == 422 else response


def totals_without_sign(request: Request, handle: Handle) -> Response:
    response = handle(request)
    negative = asks(request, "PATCH", "/authorization") and sent(request).get("order_amount", 0) < 0
    return success(204) if negative and response.status == 422 else response


def refunds_sorted_when_read_alone(request: Request, handle: Handle) -> Response:
    response = handle(request)
    if request.method != "GET" or "/refunds/" not in request.target or not ok(response):
        return response
    lines = json.loads(response.body)["order_lines"]
    return changed(response, order_lines=sorted(lines, key=lambda line: str(line["reference"])))


def forgets_after(status: int) -> Callable[[], Answer]:
    """Carry out again what was answered with a failure of this status after it was carried out."""

    def make() -> Answer:
        lost: set[str] = set()

        def answer(request: Request, handle: Handle) -> Response:
            key = request.headers.get("Klarna-Idempotency-Key") or ""
            if key in lost:
                lost.discard(key)
                return handle(unkeyed(request))
            response = handle(request)
            if asks(request, "POST", "/refunds") and response.status == status:
                lost.add(key)
            return response

        return answer

    return make


def replays_end_with_the_authorisation() -> Answer:
    keys: set[str] = set()

    def answer(request: Request, handle: Handle) -> Response:
        key = request.headers.get("Klarna-Idempotency-Key") or ""
        if asks(request, "POST", "/captures") and key in keys:
            read = read_behind(request, handle)
            now = parsedate_to_datetime(read.headers.get("Date") or "")
            if now >= datetime.fromisoformat(json.loads(read.body)["expires_at"]):
                return refusal(403, "CAPTURE_NOT_ALLOWED")
        keys.add(key)
        return handle(request)

    return answer


def any_capture_of_several(request: Request, handle: Handle) -> Response:
    response = handle(request)
    if not asks(request, "POST", "/trigger-send-out") or response.status != 404:
        return response
    return success(204) if len(order_behind(request, handle).get("captures", ())) > 1 else response


def sorted_when_read_alone(request: Request, handle: Handle) -> Response:
    response = handle(request)
    if request.method != "GET" or "/captures/" not in request.target or not ok(response):
        return response
    lines = json.loads(response.body)["order_lines"]
    return (
        changed(response, order_lines=sorted(lines, key=lambda line: line["reference"])) if len(lines) > 2 else response
    )


def short_at_the_end_of_a_month() -> Answer:
    short: set[str] = set()

    def answer(request: Request, handle: Handle) -> Response:
        response = handle(request)
        now = parsedate_to_datetime(response.headers.get("Date") or "Thu, 15 Jan 2026 09:00:00 GMT")
        if asks(request, "POST", "/extend-authorization-time") and (now + timedelta(days=1)).day == 1:
            short.add(order_of(request))
        if order_of(request) not in short or not ok(response) or not reads_order(request):
            return response
        end = datetime.fromisoformat(json.loads(response.body)["expires_at"]) - timedelta(days=1)
        return changed(response, expires_at=end.strftime("%Y-%m-%dT%H:%M:%S.000Z"))

    return answer


def acknowledged_and_cancelled() -> Answer:
    known: set[str] = set()

    def answer(request: Request, handle: Handle) -> Response:
        if asks(request, "POST", "/acknowledge"):
            known.add(order_of(request))
        response = handle(request)
        forbidden = asks(request, "PATCH", "/customer-details") and response.status == 403
        return success(204) if forbidden and order_of(request) in known else response

    return answer


def nothing_to_file(request: Request, handle: Handle) -> Response:
    response = handle(request)
    nothing = asks(request, "POST", "/shipping-info") and request.body == b'{"shipping_info":[]}'
    return success(204) if nothing and order_behind(request, handle).get("shipping_info") else response


def described_as_the_latest() -> Answer:
    latest: dict[str, str] = {}

    def answer(request: Request, handle: Handle) -> Response:
        response = handle(request)
        if asks(request, "POST", "/refunds") and ok(response):
            latest[order_of(request)] = sent(request).get("description", "")
        alone = request.method == "GET" and "/refunds/" in request.target and ok(response)
        return changed(response, description=latest[order_of(request)]) if alone else response

    return answer


def no_extension_near_the_end(request: Request, handle: Handle) -> Response:
    if asks(request, "POST", "/extend-authorization-time"):
        read = read_behind(request, handle)
        created = datetime.fromisoformat(json.loads(read.body)["created_at"])
        if parsedate_to_datetime(read.headers.get("Date") or "") - created > timedelta(days=170):
            return refusal(403, "NOT_ALLOWED")
    return handle(request)


def card_extended_once_captured(request: Request, handle: Handle) -> Response:
    response = handle(request)
    refused = asks(request, "POST", "/extend-authorization-time") and response.status == 403
    return success(204) if refused and order_behind(request, handle)["captured_amount"] else response


def keys_without_lines_forgotten() -> Answer:
    bare: set[str] = set()
    forgotten: set[str] = set()

    def answer(request: Request, handle: Handle) -> Response:
        key = request.headers.get("Klarna-Idempotency-Key") or ""
        if not asks(request, "POST", "/captures"):
            return handle(request)
        if b"order_lines" in request.body:
            forgotten.update(bare)
        else:
            bare.add(key)
        return handle(unkeyed(request)) if key in forgotten else handle(request)

    return answer


def key_of_a_failure_is_dead() -> Answer:
    failed: set[str] = set()

    def answer(request: Request, handle: Handle) -> Response:
        key = request.headers.get("Klarna-Idempotency-Key") or ""
        if key in failed:
            return refusal(409, "CONFLICT")
        response = handle(request)
        if asks(request, "POST", "/refunds") and response.status >= 500:
            failed.add(key)
        return response

    return answer


def wants_what_is_declared(request: Request, handle: Handle) -> Response:
    declared = asks(request, "POST", "/acknowledge") and "Content-Type" in request.headers
    return refusal(400, "BAD_REQUEST") if declared and not request.body else handle(request)


def captures_found_anywhere() -> Answer:
    owners: dict[str, str] = {}

    def answer(request: Request, handle: Handle) -> Response:
        response = handle(request)
        if reads_order(request) and ok(response):
            owners.update((each["capture_id"], order_of(request)) for each in json.loads(response.body)["captures"])
        capture_id = request.target.rpartition("/captures/")[2]
        if request.method == "GET" and response.status == 404 and capture_id in owners:
            return handle(replace(request, target=f"{owners[capture_id]}/captures/{capture_id}"))
        return response

    return answer


FAULTS: Faults = {
    "lines are what is captured": (
        stateless(lines_are_what_is_captured),
        "captureOrder/part_captured/lines-unequal",
        "KOM-306",
    ),
    "two lines must add up": (stateless(two_lines_must_add_up), "refundOrder/fully_captured/lines-unequal", "KOM-208"),
    "many lines are the amount": (
        stateless(many_lines_are_the_amount),
        "refundOrder/fully_captured/lines-unequal",
        "KOM-309",
    ),
    "lines are the total": (
        stateless(lines_are_the_total),
        "updateAuthorization/part_captured/lines-unequal",
        "KOM-309",
    ),
    "less than nothing is paid back": (
        stateless(less_than_nothing_is_paid_back),
        "refundOrder/part_captured/negative",
        "KOM-207",
    ),
    "totals without a sign": (
        stateless(totals_without_sign),
        "updateAuthorization/part_captured/negative",
        "KOM-207",
    ),
    "refunds sorted when read alone": (
        stateless(refunds_sorted_when_read_alone),
        "refundOrder/fully_captured/in-other-company",
        "KOM-412",
    ),
    "forgets after a 504": (forgets_after(504), "refundOrder/part_captured/lost-answer", "KOM-501"),
    "forgets after a 500": (forgets_after(500), "refundOrder/part_captured/lost-answer", "KOM-501"),
    "replays end with the authorisation": (
        replays_end_with_the_authorisation,
        "captureOrder/lapsing/repeated-key-past-its-end",
        "KOM-502",
    ),
    "any capture of several": (
        stateless(any_capture_of_several),
        "triggerSendOut/released_refunded/unknown-capture",
        "KOM-209",
    ),
    "sorted when read alone": (stateless(sorted_when_read_alone), "captureOrder/fresh/in-other-company", "KOM-412"),
    "short at the end of a month": (
        short_at_the_end_of_a_month,
        "extendAuthorizationTime/aged/on-any-day",
        "KOM-417",
    ),
    "acknowledged and cancelled": (
        acknowledged_and_cancelled,
        "updateMerchantReferences/fresh/changed-then-cancelled",
        "KOM-407",
    ),
    "nothing to file": (stateless(nothing_to_file), "appendOrderShippingInfo/fresh/in-other-company", "KOM-207"),
    "described as the latest": (described_as_the_latest, "captureOrder/fresh/in-full", "KOM-412"),
    "no extension near the end": (
        stateless(no_extension_near_the_end),
        "extendAuthorizationTime/aged/after-175-days",
        "KOM-403",
    ),
    "card extended once captured": (
        stateless(card_extended_once_captured),
        "updateAuthorization/method/card-in-america",
        "KOM-418",
    ),
    "keys without lines forgotten": (
        keys_without_lines_forgotten,
        "captureOrder/fresh/repeated-in-another-form",
        "KOM-501",
    ),
    "key of a failure is dead": (key_of_a_failure_is_dead, "refundOrder/part_captured/lost-answer", "KOM-502"),
    "wants what is declared": (
        stateless(wants_what_is_declared),
        "acknowledgeOrder/fresh/typed-without-body",
        "KOM-208",
    ),
    "captures found anywhere": (
        captures_found_anywhere,
        "getCapture/part_captured/capture-of-another-order",
        "KOM-209",
    ),
}
