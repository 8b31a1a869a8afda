"""Servers to which a refusal is not the end of it: at the next attempt, or for what comes after."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
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
    order_of,
    reads_order,
    refusal,
    stateless,
    success,
    unkeyed,
)


def done_the_second_time(ending: str, *statuses: int) -> Callable[[], Answer]:
    """Take a key that is known for a sign that its call was carried out."""

    def make() -> Answer:
        seen: set[str] = set()

        def answer(request: Request, handle: Handle) -> Response:
            response = handle(request)
            key = request.headers.get("Klarna-Idempotency-Key") or ""
            if request.method == "GET" or not request.target.endswith(ending) or response.status not in statuses:
                return response
            if key in seen:
                return success(204)
            seen.add(key)
            return response

        return answer

    return make


def refuses_after(failed: str, method: str, ending: str, code: str) -> Callable[[], Answer]:
    """Leave an order locked where one kind of call was refused, as far as another kind is concerned."""

    def make() -> Answer:
        locked: set[str] = set()

        def answer(request: Request, handle: Handle) -> Response:
            order = order_of(request)
            if order in locked and asks(request, method, ending):
                return refusal(403, code)
            response = handle(request)
            if response.status == 403 and request.target.endswith(failed):
                locked.add(order)
            return response

        return answer

    return make


def lines_gone_with_a_refusal() -> Answer:
    gone: set[str] = set()

    def answer(request: Request, handle: Handle) -> Response:
        response = handle(request)
        order = order_of(request)
        if asks(request, "PATCH", "/authorization") and response.status == 403 and b"order_lines" not in request.body:
            gone.add(order)
        return changed(response, order_lines=[]) if order in gone and reads_order(request) else response

    return answer


def keys_forgotten_by_references() -> Answer:
    """Carry a known call out again once the references of its order were written."""
    written: set[str] = set()

    def answer(request: Request, handle: Handle) -> Response:
        if asks(request, "PATCH", "/merchant-references"):
            written.add(order_of(request))
        again = asks(request, "PATCH", "/customer-details") and order_of(request) in written
        return handle(unkeyed(request)) if again else handle(request)

    return answer


def one_correlation_for_the_unknown() -> Answer:
    first: dict[str, Response] = {}

    def answer(request: Request, handle: Handle) -> Response:
        response = handle(request)
        if request.method == "GET" and response.status == 404:
            return first.setdefault(request.target, response)
        return response

    return answer


def increased_in_word_only(request: Request, handle: Handle) -> Response:
    response = handle(request)
    return success(204) if asks(request, "PATCH", "/authorization") and response.status == 403 else response


def extended_in_word_only(request: Request, handle: Handle) -> Response:
    response = handle(request)
    return success(204) if asks(request, "POST", "/extend-authorization-time") and response.status == 403 else response


def days_rounded_up(request: Request, handle: Handle) -> Response:
    response = handle(request)
    days = json.loads(request.body).get("number_of_days") if asks(request, "PATCH", "/extend-due-date") else None
    if days != 9 or ok(response):
        return response
    return handle(replace(unkeyed(request), body=b'{"number_of_days":10}'))


def any_scheme(request: Request, handle: Handle) -> Response:
    told = request.headers.get("Authorization") or ""
    headers = Headers([*request.headers.without("Authorization"), ("Authorization", told.replace("Bearer", "Basic"))])
    return handle(replace(request, headers=headers))


def refusals_for_the_cache(request: Request, handle: Handle) -> Response:
    response = handle(request)
    if response.status != 404:
        return response
    return replace(
        response, headers=Headers([*response.headers.without("Cache-Control"), ("Cache-Control", "max-age=300")])
    )


def refunds_in_latin(request: Request, handle: Handle) -> Response:
    response = handle(request)
    if request.method != "GET" or "/refunds/" not in request.target or not ok(response):
        return response
    media = ("Content-Type", "application/json; charset=ISO-8859-1")
    return replace(response, headers=Headers([*response.headers.without("Content-Type"), media]))


def acknowledged_is_accepted() -> Answer:
    accepted: set[str] = set()

    def answer(request: Request, handle: Handle) -> Response:
        response = handle(request)
        if asks(request, "POST", "/acknowledge") and ok(response):
            accepted.add(order_of(request))
        if order_of(request) in accepted and ok(response) and reads_order(request):
            return changed(response, fraud_status="ACCEPTED")
        return response

    return answer


def bodies(change: Callable[[dict[str, Any]], dict[str, Any]], method: str, ending: str) -> Callable[[], Answer]:
    """Lose something of a body on the way in."""

    def answer(request: Request, handle: Handle) -> Response:
        if not asks(request, method, ending) or not request.body.startswith(b"{"):
            return handle(request)
        body = change(json.loads(request.body))
        return handle(replace(request, body=json.dumps(body, ensure_ascii=False).encode()))

    return stateless(answer)


def without_amount(status: int, code: str) -> Callable[[], Answer]:
    """Refuse what lacks its amount in words of one's own."""

    def answer(request: Request, handle: Handle) -> Response:
        lacks = asks(request, "POST", "/captures") and b"captured_amount" not in request.body
        return refusal(status, code) if lacks and request.body.startswith(b"{") else handle(request)

    return stateless(answer)


def key_of_a_failure_is_done() -> Answer:
    failed: set[str] = set()

    def answer(request: Request, handle: Handle) -> Response:
        key = request.headers.get("Klarna-Idempotency-Key") or ""
        if asks(request, "POST", "/cancel") and key in failed:
            return success(204)
        response = handle(request)
        if asks(request, "POST", "/cancel") and response.status >= 500:
            failed.add(key)
        return response

    return answer


def sum_of_lines_captured(request: Request, handle: Handle) -> Response:
    body = json.loads(request.body) if asks(request, "POST", "/captures") and b"lines" in request.body else {}
    total = sum(line["total_amount"] for line in body.get("order_lines", ()))
    if len(body.get("order_lines", ())) < 2 or total >= body["captured_amount"]:
        return handle(request)
    return handle(replace(request, body=json.dumps({**body, "captured_amount": total}).encode()))


def total_taken_for_remainder(request: Request, handle: Handle) -> Response:
    """Without lines, let the new total come on top of what is captured."""
    if asks(request, "PATCH", "/authorization") and b"order_lines" not in request.body:
        order = order_behind(request, handle)
        total = json.loads(request.body)["order_amount"] + order["captured_amount"]
        if order["captured_amount"] and total <= order["order_amount"]:
            return handle(replace(request, body=json.dumps({"order_amount": total}).encode()))
    return handle(request)


def less_than_nothing_is_refunded(request: Request, handle: Handle) -> Response:
    response = handle(request)
    if not asks(request, "POST", "/captures") or response.status != 422 or b'"captured_amount":-' not in request.body:
        return response
    refund = json.dumps({"refunded_amount": -json.loads(request.body)["captured_amount"]}).encode()
    target = request.target.removesuffix("captures") + "refunds"
    made = handle(replace(unkeyed(request), target=target, body=refund))
    if not ok(made):
        return response
    made_id = made.headers.get("Refund-Id") or ""
    headers = [*made.headers.without("Refund-Id", "Location"), ("Capture-Id", made_id)]
    return replace(made, headers=Headers([*headers, ("Location", f"http://127.0.0.1:8080{request.target}/{made_id}")]))


def without_third(body: dict[str, Any]) -> dict[str, Any]:
    return {**body, "shipping_info": body["shipping_info"][:2]}


def first_cleared(body: dict[str, Any]) -> dict[str, Any]:
    address = body["shipping_address"]
    cleared = [name for name, value in address.items() if value == ""]
    return {**body, "shipping_address": {name: each for name, each in address.items() if name not in cleared[1:]}}


def one_reference(body: dict[str, Any]) -> dict[str, Any]:
    first, second = body.get("merchant_reference1"), body.get("merchant_reference2")
    return {**body, "merchant_reference2": first} if (first, second) == ("B-1", "A-1") else body


def only_for_returns_dropped(request: Request, handle: Handle) -> Response:
    if asks(request, "POST", "/shipping-info") and request.body.startswith(b'{"shipping_info":[{"return_'):
        return success(204)
    return handle(request)


def lines_kept_with_words(request: Request, handle: Handle) -> Response:
    if asks(request, "PATCH", "/authorization") and b"description" in request.body and b"lines" not in request.body:
        lines = order_behind(request, handle)["order_lines"]
        body = {**json.loads(request.body), "order_lines": lines}
        return handle(replace(request, body=json.dumps(body, ensure_ascii=False).encode()))
    return handle(request)


def address_cleared_by_nothing(request: Request, handle: Handle) -> Response:
    empty = request.body.replace(b" ", b"") == b'{"shipping_address":{}}'
    return handle(replace(request, body=b'{"shipping_address":{"title":"","region":""}}')) if empty else handle(request)


def list_from_before() -> Answer:
    """Show the list of captures as it was first read, until a capture is made."""
    kept: dict[str, Response] = {}

    def answer(request: Request, handle: Handle) -> Response:
        response = handle(request)
        order = order_of(request)
        if asks(request, "POST", "/captures"):
            kept.pop(order, None)
        if not asks(request, "GET", "/captures") or not ok(response):
            return response
        first = kept.setdefault(order, response)
        return replace(response, body=first.body)

    return answer


def lines_gone_with_a_refund() -> Answer:
    refunded: set[str] = set()

    def answer(request: Request, handle: Handle) -> Response:
        response = handle(request)
        if asks(request, "POST", "/refunds") and ok(response):
            refunded.add(order_of(request))
        single = request.method == "GET" and "/captures/" in request.target and ok(response)
        return changed(response, order_lines=[]) if single and order_of(request) in refunded else response

    return answer


FAULTS: Faults = {
    "refused cancellation done at last": (
        done_the_second_time("/cancel", 403),
        "cancelOrder/part_captured/refused-again",
        "KOM-402",
    ),
    "unknown order cancelled at last": (
        done_the_second_time("/cancel", 404),
        "cancelOrder/unknown_order/valid",
        "KOM-209",
    ),
    "invalid parcels filed at last": (
        done_the_second_time("/shipping-info", 422),
        "appendShippingInfo/furnished_captured/invalid-again",
        "KOM-207",
    ),
    "capture locked by a refused decrease": (
        refuses_after("/authorization", "POST", "/captures", "CAPTURE_NOT_ALLOWED"),
        "updateAuthorization/part_captured/refused-then-captureOrder",
        "KOM-308",
    ),
    "cancellation locked by a refused capture": (
        refuses_after("/captures", "POST", "/cancel", "CANCEL_NOT_ALLOWED"),
        "captureOrder/fresh/refused-then-cancelOrder",
        "KOM-403",
    ),
    "refund locked by a refused capture": (
        refuses_after("/captures", "POST", "/refunds", "REFUND_NOT_ALLOWED"),
        "captureOrder/released/refused-then-refundOrder",
        "KOM-308",
    ),
    "lines gone with a refused increase": (lines_gone_with_a_refusal, "updateAuthorization/method/card", "KOM-404"),
    "keys of addresses forgotten": (
        keys_forgotten_by_references,
        "updateConsumerDetails/fresh/repeated-after-another",
        "KOM-501",
    ),
    "one correlation id for an unknown order": (
        one_correlation_for_the_unknown,
        "getOrder/unknown_order/valid",
        "KOM-112",
    ),
    "card increased in word": (stateless(increased_in_word_only), "updateAuthorization/method/card", "KOM-309"),
    "fixed amount increased anywhere": (
        stateless(increased_in_word_only),
        "updateAuthorization/method/fixed-amount-in-italy",
        "KOM-309",
    ),
    "debit increased in Switzerland": (
        stateless(increased_in_word_only),
        "updateAuthorization/method/direct-debit-in-switzerland",
        "KOM-309",
    ),
    "financing extended": (
        stateless(extended_in_word_only),
        "updateAuthorization/method/financing-in-america",
        "KOM-418",
    ),
    "days rounded up": (stateless(days_rounded_up), "extendDueDate/part_captured/not-on-offer", "KOM-402"),
    "any scheme": (stateless(any_scheme), "cancelOrder/fresh/malformed-credentials", "KOM-701"),
    "unknown for five minutes": (stateless(refusals_for_the_cache), "getOrder/unknown_order/valid", "KOM-710"),
    "refunds in latin": (stateless(refunds_in_latin), "refundOrder/part_captured/valid", "KOM-103"),
    "acknowledged is accepted": (acknowledged_is_accepted, "acknowledgeOrder/pending/stays-pending", "KOM-406"),
    "third parcel lost": (
        bodies(without_third, "POST", "/shipping-info"),
        "appendShippingInfo/part_captured/in-other-company",
        "KOM-405",
    ),
    "one field cleared at a time": (
        bodies(first_cleared, "PATCH", "/customer-details"),
        "updateConsumerDetails/fresh/in-other-company",
        "KOM-601",
    ),
    "swapped references become one": (
        bodies(one_reference, "PATCH", "/merchant-references"),
        "updateMerchantReferences/fresh/in-other-company",
        "KOM-601",
    ),
    "parcels for returns dropped": (
        stateless(only_for_returns_dropped),
        "appendOrderShippingInfo/fresh/in-other-company",
        "KOM-405",
    ),
    "lines kept with a description": (
        stateless(lines_kept_with_words),
        "updateAuthorization/fresh/in-other-company",
        "KOM-405",
    ),
    "address cleared by nothing": (
        stateless(address_cleared_by_nothing),
        "updateConsumerDetails/fresh/in-other-company",
        "KOM-405",
    ),
    "list from before the parcel": (list_from_before, "appendOrderShippingInfo/fresh/parcels-throughout", "KOM-412"),
    "no amount is forbidden": (
        without_amount(403, "CAPTURE_NOT_ALLOWED"),
        "captureOrder/fresh/empty-object",
        "KOM-205",
    ),
    "no amount is a bad value": (without_amount(400, "BAD_VALUE"), "captureOrder/fresh/empty-object", "KOM-205"),
    "key of a failure is done": (key_of_a_failure_is_done, "cancelOrder/fresh/server-faults", "KOM-401"),
    "sum of lines captured": (
        stateless(sum_of_lines_captured),
        "captureOrder/part_captured/lines-unequal",
        "KOM-311",
    ),
    "total taken for the remainder": (
        stateless(total_taken_for_remainder),
        "updateAuthorization/part_captured/without-lines",
        "KOM-309",
    ),
    "less than nothing is refunded": (
        stateless(less_than_nothing_is_refunded),
        "captureOrder/part_captured/negative",
        "KOM-207",
    ),
    "lines gone with a refund": (lines_gone_with_a_refund, "captureOrder/fresh/in-full", "KOM-406"),
}
