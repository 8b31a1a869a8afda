"""Servers that are wrong in the ordinary: each check of the judge and of the drivers has one."""

from __future__ import annotations

import itertools
import json
import uuid
from collections.abc import Callable
from dataclasses import replace

from conformance.exchange import Headers, Request, Response
from tests.suites.wrong_servers import (
    Answer,
    Faults,
    Handle,
    WrongTarget,
    asks,
    changed,
    ok,
    reads_order,
    stateless,
    success,
    with_header,
)


def wrong_success(request: Request, handle: Handle) -> Response:
    response = handle(request)
    return replace(response, status=200) if response.status == 201 else response


def no_location(request: Request, handle: Handle) -> Response:
    response = handle(request)
    return replace(response, headers=response.headers.without("Location"))


def no_correlation(request: Request, handle: Handle) -> Response:
    response = handle(request)
    return replace(response, headers=response.headers.without("Klarna-Correlation-Id"))


def body_on_204(request: Request, handle: Handle) -> Response:
    response = handle(request)
    return replace(response, body=b"{}") if response.status == 204 else response


def plain_text(request: Request, handle: Handle) -> Response:
    response = handle(request)
    headers = Headers([*response.headers.without("Content-Type"), ("Content-Type", "text/plain")])
    return replace(response, headers=headers) if response.body else response


def other_code(request: Request, handle: Handle) -> Response:
    response = handle(request)
    return changed(response, error_code="SOMETHING_ELSE") if response.status == 403 else response


def forbidden_for_unknown(request: Request, handle: Handle) -> Response:
    response = handle(request)
    return replace(changed(response, error_code="NOT_ALLOWED"), status=403) if response.status == 404 else response


def amount_as_text(request: Request, handle: Handle) -> Response:
    response = handle(request)
    return changed(response, order_amount="10000") if reads_order(request) and ok(response) else response


def unknown_status(request: Request, handle: Handle) -> Response:
    response = handle(request)
    return changed(response, status="OPEN") if reads_order(request) and ok(response) else response


def amount_as_fraction(request: Request, handle: Handle) -> Response:
    response = handle(request)
    return replace(response, body=response.body.replace(b'"order_amount":10000', b'"order_amount":10000.0'))


def off_by_one(request: Request, handle: Handle) -> Response:
    response = handle(request)
    if not reads_order(request) or not ok(response):
        return response
    captured = json.loads(response.body)["captured_amount"]
    return changed(response, captured_amount=captured + 1) if captured else response


def mangled_text(request: Request, handle: Handle) -> Response:
    response = handle(request)
    return replace(response, body=response.body.decode().encode("ascii", "replace"))


def ignores_keys() -> Answer:
    fresh = itertools.count()

    def answer(request: Request, handle: Handle) -> Response:
        return handle(with_header(request, "Klarna-Idempotency-Key", f"another-{next(fresh)}"))

    return answer


def compares_bodies() -> Answer:
    def answer(request: Request, handle: Handle) -> Response:
        key = request.headers.get("Klarna-Idempotency-Key")
        own = f"{key}{request.body.hex()}"
        return handle(with_header(request, "Klarna-Idempotency-Key", own) if key else request)

    return answer


def merges_keys(request: Request, handle: Handle) -> Response:
    if asks(request, "POST", "/captures"):
        return handle(with_header(request, "Klarna-Idempotency-Key", "one for all"))
    return handle(request)


def asks_no_credentials(request: Request, handle: Handle) -> Response:
    mine = WrongTarget(asks_no_credentials).credentials
    return handle(with_header(request, "Authorization", mine.authorization))


def shows_other_merchants(request: Request, handle: Handle) -> Response:
    both = WrongTarget(shows_other_merchants)
    assert both.other is not None
    if request.headers.get("Authorization") == both.other.authorization:
        return handle(with_header(request, "Authorization", both.credentials.authorization))
    return handle(request)


def accepts_broken_bodies(request: Request, handle: Handle) -> Response:
    response = handle(request)
    return success() if response.status == 422 else response


def refuses_long_texts(request: Request, handle: Handle) -> Response:
    if len(request.body) > 250 and request.method == "PATCH":
        return handle(replace(request, body=b'{"merchant_reference1":7}'))
    return handle(request)


def fails_on_unicode(request: Request, handle: Handle) -> Response:
    if request.body.isascii():
        return handle(request)
    correlation = str(uuid.uuid4())
    told = {"error_code": "INTERNAL_SERVER_ERROR", "error_messages": [], "correlation_id": correlation}
    headers = [("Klarna-Correlation-Id", correlation), ("Content-Type", "application/json")]
    return Response(500, Headers(headers), json.dumps(told).encode())


def accepts_everything(status: int, ending: str) -> Callable[[], Answer]:
    def answer(request: Request, handle: Handle) -> Response:
        response = handle(request)
        if response.status != 403 or not asks(request, "POST", ending):
            return response
        made = str(uuid.uuid4())
        kind = "captures" if ending == "/captures" else "refunds"
        location = f"{request.target.rpartition('/')[0]}/{kind}/{made}"
        return success(status, **{"Capture_Id" if kind == "captures" else "Refund_Id": made, "Location": location})

    return stateless(answer)


def accepts_cancel(request: Request, handle: Handle) -> Response:
    response = handle(request)
    return success() if asks(request, "POST", "/cancel") and response.status == 403 else response


def refuses_full_capture(request: Request, handle: Handle) -> Response:
    if asks(request, "POST", "/captures") and b":10000" in request.body:
        return handle(replace(request, body=b'{"captured_amount":10001}'))
    return handle(request)


def stale_reads() -> Answer:
    first: dict[str, Response] = {}

    def answer(request: Request, handle: Handle) -> Response:
        response = handle(request)
        return first.setdefault(request.target, response) if reads_order(request) else response

    return answer


def takes_any_method(request: Request, handle: Handle) -> Response:
    return success() if request.method == "DELETE" else handle(request)


def honours_override(request: Request, handle: Handle) -> Response:
    return handle(replace(request, method=request.headers.get("X-HTTP-Method-Override") or request.method))


def injects_headers(request: Request, handle: Handle) -> Response:
    response = handle(request)
    if b"X-Injected" in request.body:
        return replace(response, headers=Headers([*response.headers, ("X-Injected", "yes")]))
    return response


def resolves_dots(request: Request, handle: Handle) -> Response:
    head, _, last = request.target.rpartition("/")
    return handle(replace(request, target=f"{head}/{last.partition('%00')[0].partition(';')[0]}"))


def echoes_secrets(request: Request, handle: Handle) -> Response:
    response = handle(request)
    if response.status != 401:
        return response
    return changed(response, error_messages=["not-the-password is wrong"])


def shows_traces(request: Request, handle: Handle) -> Response:
    response = handle(request)
    trace = 'Traceback (most recent call last):\n  File "app.py", line 3, in <module>'
    return changed(response, error_messages=[trace]) if response.status == 400 else response


def takes_large_bodies(request: Request, handle: Handle) -> Response:
    return handle(replace(request, body=request.body.replace(b" ", b"")) if len(request.body) > 1_000_000 else request)


def other_transactions(request: Request, handle: Handle) -> Response:
    response = handle(request)
    headers = response.headers.without("Transaction-Id")
    return replace(response, headers=Headers([*headers, ("Transaction-Id", str(uuid.uuid4()))]))


def forgets_captures(request: Request, handle: Handle) -> Response:
    response = handle(request)
    return changed(response, captures=[]) if reads_order(request) and ok(response) else response


def loses_rivals(ending: str) -> Callable[[], Answer]:
    """Answer the second of two writes in a row as the first was, without doing it."""

    def make() -> Answer:
        last: list[Response] = []

        def answer(request: Request, handle: Handle) -> Response:
            if not asks(request, request.method, ending):
                last.clear()
                return handle(request)
            if last:
                return success(204)
            last.append(handle(request))
            return last[0]

        return answer

    return make


def adds_rivals() -> Answer:
    """Take the second of two totals in a row for a difference to the one before both."""
    before: list[int] = []

    def answer(request: Request, handle: Handle) -> Response:
        if not asks(request, "PATCH", "/authorization"):
            before.clear()
            return handle(request)
        body = json.loads(request.body)
        total = body["order_amount"]
        if before:
            body["order_amount"] = total + 100
            request = replace(request, body=json.dumps(body).encode())
        before.append(total)
        return handle(request)

    return answer


def crosses_reads() -> Answer:
    """Give a read of another order the answer of the read before it."""
    last: list[tuple[str, Response]] = []

    def answer(request: Request, handle: Handle) -> Response:
        response = handle(request)
        if len(last) == 3 and last[0][0] != request.target:
            return last.pop()[1]
        last.insert(0, (request.target, response))
        return response

    return answer


def extends_only_what_is_fresh(request: Request, handle: Handle) -> Response:
    if not asks(request, "POST", "/extend-authorization-time"):
        return handle(request)
    order = json.loads(handle(replace(request, method="GET", target=request.target.rpartition("/")[0])).body)
    return success(204) if order["captures"] else handle(request)


FAULTS: Faults = {
    "wrong success status": (stateless(wrong_success), "captureOrder/fresh/one", "KOM-102"),
    "no Location": (stateless(no_location), "refundOrder/part_captured/one", "KOM-105"),
    "no correlation id": (stateless(no_correlation), "getOrder/unknown_order/valid", "KOM-107"),
    "body on 204": (stateless(body_on_204), "acknowledgeOrder/fresh/valid", "KOM-106"),
    "plain text": (stateless(plain_text), "getOrder/fresh/valid", "KOM-103"),
    "undocumented code": (stateless(other_code), "cancelOrder/part_captured/valid", "KOM-202"),
    "403 for an unknown order": (stateless(forbidden_for_unknown), "captureOrder/unknown_order/valid", "KOM-209"),
    "amount as text": (stateless(amount_as_text), "getOrder/fresh/valid", "KOM-114"),
    "unknown status": (stateless(unknown_status), "getOrder/fresh/valid", "KOM-104"),
    "amount as fraction": (stateless(amount_as_fraction), "getOrder/fresh/valid", "KOM-114"),
    "amount off by one": (stateless(off_by_one), "captureOrder/fresh/one", "KOM-302"),
    "mangled text": (stateless(mangled_text), "updateMerchantReferences/fresh/texts", "KOM-601"),
    "keys ignored": (ignores_keys, "captureOrder/fresh/repeated-key", "KOM-501"),
    "keys ignored after a lost answer": (ignores_keys, "refundOrder/part_captured/lost-answer", "KOM-501"),
    "key bound to the body": (compares_bodies, "captureOrder/fresh/repeated-key-other-body", "KOM-504"),
    "keys ignored at the same moment": (ignores_keys, "captureOrder/fresh/same-moment", "KOM-505"),
    "keys merged": (stateless(merges_keys), "captureOrder/fresh/different-keys", "KOM-503"),
    "no credentials asked": (stateless(asks_no_credentials), "getOrder/fresh/wrong-password", "KOM-701"),
    "other merchants shown": (stateless(shows_other_merchants), "getOrder/other_merchant/valid", "KOM-702"),
    "broken bodies accepted": (
        stateless(accepts_broken_bodies),
        "updateMerchantReferences/fresh/broken-merchant_reference1",
        "KOM-207",
    ),
    "long texts refused": (
        stateless(refuses_long_texts),
        "updateMerchantReferences/fresh/limits-merchant_reference1",
        "KOM-208",
    ),
    "failure on unicode": (stateless(fails_on_unicode), "captureOrder/fresh/texts", "KOM-206"),
    "capture above the remainder": (
        accepts_everything(201, "/captures"),
        "captureOrder/fresh/above-remaining",
        "KOM-306",
    ),
    "refund above the captures": (
        accepts_everything(201, "/refunds"),
        "refundOrder/part_captured/above-refundable",
        "KOM-307",
    ),
    "cancel after capture": (stateless(accepts_cancel), "cancelOrder/part_captured/valid", "KOM-402"),
    "full capture refused": (stateless(refuses_full_capture), "captureOrder/fresh/exact-remaining", "KOM-308"),
    "stale reads": (stale_reads, "captureOrder/fresh/one", "KOM-309"),
    "any method": (stateless(takes_any_method), "cancelOrder/fresh/unsupported-method", "KOM-116"),
    "method override": (stateless(honours_override), "getCaptures/fresh/method-override", "KOM-707"),
    "headers injected": (stateless(injects_headers), "captureOrder/fresh/texts", "KOM-706"),
    "path decoded twice": (stateless(resolves_dots), "getCapture/part_captured/encoded-path", "KOM-705"),
    "secret echoed": (stateless(echoes_secrets), "getOrder/fresh/wrong-password", "KOM-704"),
    "stack trace": (stateless(shows_traces), "getOrder/fresh/malformed-order-id", "KOM-703"),
    "large bodies taken": (stateless(takes_large_bodies), "captureOrder/fresh/too-large", "KOM-708"),
    "other transactions": (stateless(other_transactions), "acknowledgeOrder/fresh/different-keys", "KOM-413"),
    "parcels of one moment lost": (
        loses_rivals("/shipping-info"),
        "appendOrderShippingInfo/fresh/together-within",
        "KOM-405",
    ),
    "parcels of one capture lost": (
        loses_rivals("/shipping-info"),
        "appendShippingInfo/part_captured/together-within",
        "KOM-405",
    ),
    "references of one moment lost": (
        loses_rivals("/merchant-references"),
        "updateMerchantReferences/fresh/together-within",
        "KOM-405",
    ),
    "totals of one moment added": (adds_rivals, "updateAuthorization/fresh/together-equal", "KOM-309"),
    "reads of one moment crossed": (crosses_reads, "getOrder/fresh/together", "KOM-117"),
    "captured orders not extended": (
        stateless(extends_only_what_is_fresh),
        "extendAuthorizationTime/aged/captured-from-the-day-of-the-call",
        "KOM-417",
    ),
    "captures forgotten": (stateless(forgets_captures), "captureOrder/fresh/one", "KOM-408"),
}
