"""A server that is right in the ordinary and careless beyond it is caught by the case made for it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from conformance.exchange import Headers, Request, Response
from conformance.suites.run import ServerOptions, run_server_suite
from conformance.verdict import RunResult, Verdict
from tests.suites.wrong_servers import Answer, asks, changed, ok, reads_order, stateless, wrong

Handle = Callable[[Request], Response]


def judged(make: Callable[[], Answer], case: str) -> RunResult:
    return run_server_suite(ServerOptions(profile="quick", cases=(case,)), targets=wrong(make))


def codes(result: RunResult) -> set[str]:
    return {finding.code for case in result.cases for finding in case.findings if not finding.known}


def refusal(status: int, code: str) -> Response:
    correlation = "2f0c5d3e-7a1b-4c2d-9e3f-0a1b2c3d4e5f"
    body = {"error_code": code, "error_messages": ["Refused"], "correlation_id": correlation}
    headers = [("Klarna-Correlation-Id", correlation), ("Content-Type", "application/json")]
    return Response(status, Headers(headers), json.dumps(body).encode())


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
    """Find out about ids before the credentials are looked at."""
    response = handle(request)
    strange = response.status == 401 and "not-a-uuid" in request.target
    return refusal(400, "INVALID_ORDER_ID") if strange else response


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


def forgets_old_orders(request: Request, handle: Handle) -> Response:
    if asks(request, "POST", "/cancel"):
        order = handle(replace(request, method="GET", target=request.target.removesuffix("/cancel")))
        if json.loads(order.body)["created_at"] < "2026-01-05":
            return refusal(403, "CANCEL_NOT_ALLOWED")
    return handle(request)


FAULTS: dict[str, tuple[Callable[[], Answer], str, str]] = {
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
    "old orders not cancelled": (stateless(forgets_old_orders), "cancelOrder/aged/valid", "KOM-403"),
    "one way to accept": (stateless(wants_json_accepted), "cancelOrder/fresh/any-accept", "KOM-208"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_is_found(fault: str) -> None:
    make, case, code = FAULTS[fault]
    result = judged(make, case)
    assert code in codes(result)
    assert {each.verdict for each in result.cases} == {Verdict.FAILED}


@pytest.mark.parametrize("fault", FAULTS)
def test_case_passes_without_the_fault(fault: str) -> None:
    result = judged(stateless(lambda request, handle: handle(request)), FAULTS[fault][1])
    assert {each.verdict for each in result.cases} == {Verdict.PASSED}
