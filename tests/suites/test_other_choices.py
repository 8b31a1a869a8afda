"""A server that decides otherwise where no source decides is not blamed for it."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from conformance.exchange import Headers, Request, Response
from tests.suites.wrong_servers import (
    Answer,
    Handle,
    asks,
    changed,
    judged,
    ok,
    order_of,
    reads_order,
    refusal,
    stateless,
    success,
)


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


# The answers made up here have one correlation id and words of their own, and the ledger behind them stays as it is.
_OF_THE_DISGUISE = frozenset({"KOM-112", "KOM-204", "KOM-316"})
CHOICES: dict[str, tuple[Callable[[], Answer], tuple[str, ...]]] = {
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
    "path parameters dropped": (stateless(path_parameters_dropped), ("*/altered-*", "*/encoded-path")),
}


@pytest.mark.parametrize("choice", CHOICES)
def test_nobody_is_blamed(choice: str) -> None:
    make, cases = CHOICES[choice]
    for pattern in cases:
        results = judged(make, pattern).cases
        assert results
        blamed = [(each.id, finding.code, finding.message) for each in results for finding in each.findings]
        assert [told for told in blamed if told[1] not in _OF_THE_DISGUISE] == []
