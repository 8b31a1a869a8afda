"""Servers that write what is right in a form of their own, or show an order as another reading has it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from email.utils import parsedate_to_datetime
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
    read_behind,
    reads_order,
    refusal,
    sent,
    stateless,
    success,
)

CONTRACT = load_contract()


def location_from_here(request: Request, handle: Handle) -> Response:
    """Name what was made from the address that was asked."""
    response = handle(request)
    location = response.headers.get("Location")
    if location is None:
        return response
    here = [("Location", "/".join(location.split("/")[-2:]))]
    return replace(response, headers=Headers([*response.headers.without("Location"), *here]))


def has_run_out(order: dict[str, Any], response: Response) -> bool:
    """Tell whether time alone has ended what was authorised."""
    over = datetime.fromisoformat(order["expires_at"]) <= parsedate_to_datetime(response.headers.get("Date") or "")
    return over and order["status"] == "EXPIRED"


def shown_when_over(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[], Answer]:
    """Show other fields in orders that have run out."""

    def answer(request: Request, handle: Handle) -> Response:
        response = handle(request)
        if not ok(response) or not reads_order(request):
            return response
        order = json.loads(response.body)
        return changed(response, **change(order)) if has_run_out(order, response) else response

    return stateless(answer)


def address_not_accepted(request: Request, handle: Handle) -> Response:
    described = CONTRACT.operations["updateConsumerDetails"].body or {}
    if not asks(request, "PATCH", "/customer-details") or request.headers.get("Content-Type") == "text/plain":
        return handle(request)
    valid = CONTRACT.operations.validator(described).is_valid(read_json(request.body).value)
    open_ = valid and read_behind(request, handle)
    accepted = open_ and ok(open_) and json.loads(open_.body)["status"] == "AUTHORIZED"
    return refusal(422, "INVALID_ADDRESS") if accepted else handle(request)


def small_letters(request: Request, handle: Handle) -> Response:
    """Write language and times in small letters."""
    response = handle(request)
    if not ok(response) or not reads_order(request):
        return response
    order = json.loads(response.body)
    times = {name: order[name].lower() for name in ("created_at", "expires_at")}
    return changed(response, locale=order["locale"].lower(), **times)


def parcels_once(request: Request, handle: Handle) -> Response:
    """Take parcels that are there already for what changes nothing."""
    if not asks(request, "POST", "/shipping-info") or "/captures/" in request.target:
        return handle(request)
    there = order_behind(request, handle).get("shipping_info", [])
    parcels = sent(request).get("shipping_info")
    known = isinstance(parcels, list) and parcels and all(parcel in there for parcel in parcels)
    return success(Transaction_Id="b9c16bb7-2f0c-4d3e-9e3f-0a1b2c3d4e5f") if known else handle(request)


def bare_413(request: Request, handle: Handle) -> Response:
    response = handle(request)
    return Response(413, Headers([("Content-Length", "0")])) if response.status == 413 else response


def length_wanted(request: Request, handle: Handle) -> Response:
    """Take no body whose length is not told beforehand."""
    return Response(411) if "Transfer-Encoding" in request.headers else handle(request)


def code_of_its_own(request: Request, handle: Handle) -> Response:
    response = handle(request)
    return refusal(400, "BAD_REQUEST") if response.status == 400 else response


def description_of_its_own(request: Request, handle: Handle) -> Response:
    response = handle(request)
    if not ok(response) or not reads_order(request):
        return response
    method = json.loads(response.body)["initial_payment_method"]
    return changed(response, initial_payment_method={name: method[name] for name in method if name != "description"})


CHOICES: Choices = {
    "location from here": (
        stateless(location_from_here),
        ("captureOrder/fresh/valid", "refundOrder/part_captured/valid"),
    ),
    "total without what ran out": (
        shown_when_over(lambda order: {"order_amount": order["captured_amount"], "remaining_authorized_amount": 0}),
        ("*/lapsing/*", "*/expired/*", "*/part_captured_expired/*", "*/grown-old"),
    ),
    "called cancelled when over": (
        shown_when_over(lambda _: {"status": "CANCELLED"}),
        ("*/lapsing/*", "*/expired/*", "getOrder/furnished/grown-old"),
    ),
    "address not accepted": (
        stateless(address_not_accepted),
        tuple(
            f"updateConsumerDetails/{name}"
            for name in ("*/valid", "fresh/json-with-charset", "fresh/respelled", "fresh/unknown-field")
        ),
    ),
    "small letters": (stateless(small_letters), ("captureOrder/market/*", "*/lapsing/*")),
    "parcels once": (stateless(parcels_once), ("appendOrderShippingInfo/*",)),
    "a bare 413": (stateless(bare_413), ("*/too-large",)),
    "length wanted": (stateless(length_wanted), ("*/in-chunks", "*/too-large")),
    "a code of its own": (stateless(code_of_its_own), ("get/*/malformed-order-id",)),
    "a description of its own": (stateless(description_of_its_own), ("captureOrder/market/*",)),
}
