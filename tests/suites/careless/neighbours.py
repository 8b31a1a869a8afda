"""Servers that confuse what stands side by side: orders, merchants, moments, the items of a list, two signs."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
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
    reads_order,
    refusal,
    sent,
    stateless,
    success,
    unkeyed,
)


def with_body(request: Request, **fields: Any) -> Request:
    return replace(request, body=json.dumps({**sent(request), **fields}, ensure_ascii=False).encode())


def extends_the_order_before() -> Answer:
    """Extend also the order that was asked about before."""
    before = [""]

    def answer(request: Request, handle: Handle) -> Response:
        response = handle(request)
        order, (last,) = order_of(request), before
        if ok(response) and asks(request, "POST", "/extend-authorization-time") and last not in ("", order):
            handle(replace(unkeyed(request), target=f"{last}/extend-authorization-time"))
        before[0] = order
        return response

    return answer


def lines_sorted_by_their_reference(request: Request, handle: Handle) -> Response:
    lines = sent(request).get("order_lines")
    if not asks(request, "PATCH", "/authorization") or not isinstance(lines, list):
        return handle(request)
    return handle(with_body(request, order_lines=sorted(lines, key=lambda line: str(line.get("reference")))))


def cents_lost_beside_lines(request: Request, handle: Handle) -> Response:
    body = sent(request) if asks(request, "POST", "/captures") else {}
    if not body.get("order_lines") or not isinstance(body.get("captured_amount"), int):
        return handle(request)
    return handle(with_body(request, captured_amount=int(body["captured_amount"] / 100 * 100)))


def discount_taken_from_the_amount(request: Request, handle: Handle) -> Response:
    body = sent(request) if asks(request, "POST", "/captures") else {}
    lines = body.get("order_lines") or []
    if not any(line.get("type") == "discount" for line in lines):
        return handle(request)
    total = sum(line["total_amount"] for line in lines)
    return handle(with_body(request, captured_amount=min(total, body["captured_amount"])))


def send_out_undoes_the_extension() -> Answer:
    first: dict[str, str] = {}
    undone: set[str] = set()

    def answer(request: Request, handle: Handle) -> Response:
        response = handle(request)
        order = order_of(request)
        if ok(response) and asks(request, "POST", "/trigger-send-out"):
            undone.add(order)
        if not ok(response) or not reads_order(request):
            return response
        end = first.setdefault(order, json.loads(response.body)["expires_at"])
        return changed(response, expires_at=end) if order in undone else response

    return answer


def books_for_the_merchant_before() -> Answer:
    """Book a capture on the order of whichever merchant captured before."""
    last = ["", ""]

    def answer(request: Request, handle: Handle) -> Response:
        if not asks(request, "POST", "/captures"):
            return handle(request)
        merchant = request.headers.get("Authorization") or ""
        (before, order), own = last, order_of(request)
        last[:] = merchant, own
        return made_up(request, "Capture-Id") if before not in ("", merchant) and order != own else handle(request)

    return answer


def one_time_for_all_in_the_list(request: Request, handle: Handle) -> Response:
    response = handle(request)
    if not ok(response) or not asks(request, "GET", "/captures"):
        return response
    captures = json.loads(response.body)
    newest = max((each["captured_at"] for each in captures), default="")
    body = json.dumps([{**each, "captured_at": newest} for each in captures], ensure_ascii=False)
    return replace(response, body=body.encode())


def page_of(most: int, items: str) -> Callable[[], Answer]:
    def answer(request: Request, handle: Handle) -> Response:
        response = handle(request)
        if not ok(response) or not reads_order(request):
            return response
        return changed(response, **{items: json.loads(response.body)[items][:most]})

    return stateless(answer)


def half_of_a_capture() -> Answer:
    """Show, in the first read after a capture, the new sum of captures beside the old remainder."""
    remaining: dict[str, int] = {}

    def answer(request: Request, handle: Handle) -> Response:
        order = order_of(request)
        before = order_behind(request, handle) if asks(request, "POST", "/captures") else {}
        response = handle(request)
        if ok(response) and before:
            remaining[order] = before["remaining_authorized_amount"]
        if ok(response) and reads_order(request) and order in remaining:
            return changed(response, remaining_authorized_amount=remaining.pop(order))
        return response

    return answer


def marks_of_direction_dropped(request: Request, handle: Handle) -> Response:
    body = sent(request) if asks(request, "PATCH", "/customer-details") else {}
    address = body.get("shipping_address")
    if not isinstance(address, dict) or "given_name" not in address:
        return handle(request)
    name = str(address["given_name"]).replace("\u200e", "").replace("\u200f", "")
    return handle(with_body(request, shipping_address={**address, "given_name": name}))


def links_written_for_a_page(request: Request, handle: Handle) -> Response:
    body = sent(request) if asks(request, "POST", "/captures") else {}
    lines = body.get("order_lines")
    if not isinstance(lines, list) or not all("product_url" in line for line in lines[:1]):
        return handle(request)
    written = [
        {**line, "product_url": line["product_url"].replace("&", "&amp;")} if "product_url" in line else line
        for line in lines
    ]
    return handle(with_body(request, order_lines=written))


def without(*path: str) -> Callable[[], Answer]:
    """Leave something out of every order that is read."""

    def answer(request: Request, handle: Handle) -> Response:
        response = handle(request)
        if not ok(response) or not reads_order(request):
            return response
        order = json.loads(response.body)
        place = order
        for part in path[:-1]:
            place = place.get(part, {})
        place.pop(path[-1], None)
        return changed(response, **order)

    return stateless(answer)


def third_capture_after_an_extension() -> Answer:
    done: dict[str, list[str]] = {}

    def answer(request: Request, handle: Handle) -> Response:
        made = done.setdefault(order_of(request), [])
        amount = sent(request).get("captured_amount") if asks(request, "POST", "/captures") else None
        third = made.count("captures") >= 2 and "extend-authorization-time" in made
        if third and isinstance(amount, int) and amount > 1:
            return handle(with_body(request, captured_amount=amount - 1))
        response = handle(request)
        if ok(response):
            made.append(request.target.rpartition("/")[2])
        return response

    return answer


def tells_strangers_what_it_is() -> Answer:
    references: dict[str, str] = {}

    def answer(request: Request, handle: Handle) -> Response:
        response = handle(request)
        if ok(response) and reads_order(request):
            references.setdefault(order_of(request), json.loads(response.body)["klarna_reference"])
        known = references.get(order_of(request)) if response.status == 404 else None
        return response if known is None else changed(response, error_messages=[f"{known} is not yours"])

    return answer


def nothing_is_a_bad_request(request: Request, handle: Handle) -> Response:
    nothing = asks(request, "POST", "/refunds") and request.body == b"{}"
    return refusal(400, "BAD_REQUEST") if nothing else handle(request)


def parcels_filed_whatever_the_key(request: Request, handle: Handle) -> Response:
    return handle(unkeyed(request) if asks(request, "POST", "/shipping-info") else request)


def lowers_below_what_is_captured(request: Request, handle: Handle) -> Response:
    response = handle(request)
    below = asks(request, "PATCH", "/authorization") and b"less than" in response.body
    return success(204) if response.status == 403 and below else response


def reduced_booked_twice(request: Request, handle: Handle) -> Response:
    """Book a capture of reduced goods twice where no key tells that it is one."""
    reduced = any(line.get("total_discount_amount") for line in sent(request).get("order_lines") or ())
    if asks(request, "POST", "/captures") and reduced and "Klarna-Idempotency-Key" not in request.headers:
        handle(request)
    return handle(request)


def gateway_that_asks_again(request: Request, handle: Handle) -> Response:
    response = handle(request)
    return handle(request) if response.status >= 500 and request.method == "POST" else response


FAULTS: Faults = {
    "parcels filed whatever the key": (
        stateless(parcels_filed_whatever_the_key),
        "appendOrderShippingInfo/fresh/together-within",
        "KOM-501",
    ),
    "lowers below what is captured": (
        stateless(lowers_below_what_is_captured),
        "captureOrder/fresh/against-decrease",
        "KOM-313",
    ),
    "extends the order before": (
        extends_the_order_before,
        "extendAuthorizationTime/furnished/neighbour",
        "KOM-412",
    ),
    "lines sorted by their reference": (
        stateless(lines_sorted_by_their_reference),
        "updateAuthorization/fresh/in-other-company",
        "KOM-601",
    ),
    "cents lost beside lines": (
        stateless(cents_lost_beside_lines),
        "captureOrder/fresh/in-other-company",
        "KOM-309",
    ),
    "discount taken from the amount": (
        stateless(discount_taken_from_the_amount),
        "captureOrder/fresh/in-other-company",
        "KOM-309",
    ),
    "send-out undoes the extension": (
        send_out_undoes_the_extension,
        "extendAuthorizationTime/furnished_captured/then-triggerSendOut",
        "KOM-406",
    ),
    "books for the merchant before": (
        books_for_the_merchant_before,
        "captureOrder/fresh/together-of-two-merchants",
        "KOM-309",
    ),
    "one time for all in the list": (stateless(one_time_for_all_in_the_list), "captureOrder/fresh/dated", "KOM-412"),
    "a page of fifty captures": (page_of(50, "captures"), "captureOrder/fresh/many", "KOM-408"),
    "a page of a hundred refunds": (page_of(100, "refunds"), "refundOrder/fully_captured/many", "KOM-408"),
    "reduced goods booked twice": (stateless(reduced_booked_twice), "captureOrder/fresh/without-key", "KOM-309"),
    "a gateway that asks again": (
        stateless(gateway_that_asks_again),
        "captureOrder/fresh/lost-answer-without-key",
        "KOM-309",
    ),
    "half of a capture": (half_of_a_capture, "getOrder/fresh/together-with-captureOrder", "KOM-301"),
    "marks of direction dropped": (
        stateless(marks_of_direction_dropped),
        "updateConsumerDetails/fresh/spellings",
        "KOM-601",
    ),
    "links written for a page": (
        stateless(links_written_for_a_page),
        "captureOrder/part_captured/spellings",
        "KOM-601",
    ),
    "slots without an end": (
        without("selected_shipping_option", "timeslot", "end"),
        "captureOrder/market/sweden",
        "KOM-405",
    ),
    "instalments for cards only": (
        without("initial_payment_method", "number_of_installments"),
        "captureOrder/market/sweden",
        "KOM-405",
    ),
    "third capture after an extension": (third_capture_after_an_extension, "orders/sequence/11", "KOM-309"),
    "tells strangers what it is": (tells_strangers_what_it_is, "getOrder/other_merchant/valid", "KOM-702"),
    "nothing is a bad request": (
        stateless(nothing_is_a_bad_request),
        "refundOrder/part_captured/empty-object",
        "KOM-205",
    ),
}
