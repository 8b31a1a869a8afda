"""Faults of the surface: statuses, headers, media types and the shape of bodies."""

from __future__ import annotations

import uuid
from typing import Any

from conformance.exchange import Headers, Response
from conformance.simulator.faults.call import CORRELATION, Call
from conformance.simulator.faults.changes import (
    each_order,
    in_json,
    in_refusal,
    in_success,
    succeeded,
    with_body,
    with_headers,
    with_json,
    with_status,
)
from conformance.simulator.faults.fault import ALL, READS, WRITES, Behaviour, Fault, FaultClass

__all__ = ["FAULTS"]

_CLASS = FaultClass.SURFACE


def _status(status: int) -> Behaviour:
    return in_success(lambda response, _call: with_status(response, status))


def _header(name: str, value: str | None) -> Behaviour:
    return in_success(lambda response, _call: with_headers(response, {name: value}))


def _in_location(change: str) -> Behaviour:
    """Change the Location: ``list`` drops the id, ``bare`` the base path, ``order`` names another order."""

    def edit(response: Response, call: Call) -> Response:
        location = response.headers.get("Location") or ""
        if change == "list":
            location = location.rpartition("/")[0]
        elif change == "bare":
            location = "/orders" + location.partition("/orders")[2]
        else:
            location = location.replace(call.ids["order_id"], str(uuid.UUID(int=call.number)))
        return with_headers(response, {"Location": location})

    return in_success(edit)


def _short_id(response: Response, _call: Call) -> Response:
    made = response.headers.get("Capture-Id") or ""
    location = (response.headers.get("Location") or "").replace(made, made[:8])
    return with_headers(response, {"Capture-Id": made[:8], "Location": location})


def _without_correlation(response: Response, _call: Call) -> Response:
    return with_headers(response, {CORRELATION: None})


def _one_correlation(call: Call) -> Response:
    response = call.proceed()
    value = call.memory.setdefault("correlation", response.headers.get(CORRELATION))
    return with_headers(response, {CORRELATION: value}) if succeeded(response) else response


def _correlation_by_order(call: Call) -> Response:
    response = call.proceed()
    value = call.memory.setdefault(call.ids["order_id"], response.headers.get(CORRELATION))
    return with_headers(response, {CORRELATION: value}) if succeeded(response) else response


def _first_capture(call: Call) -> Response:
    order = call.order
    if order is None or len(order.captures) < 2:
        return call.proceed()
    first = next(iter(order.captures))
    return call.proceed(call.addressed(call.request.target.replace(call.ids["capture_id"], first)))


def _latest_refund(call: Call) -> Response:
    order = call.order
    if order is None or len(order.refunds) < 2:
        return call.proceed()
    latest = next(reversed(order.refunds))
    return call.proceed(call.addressed(call.request.target.replace(call.ids["refund_id"], latest)))


def _cut(response: Response, _call: Call) -> Response:
    if len(response.body) < 4_000:
        return response
    return with_body(response, response.body[:4_000])


def _method_ignored(call: Call) -> Response:
    if call.operation or call.request.method in ("GET", "POST", "PATCH", "HEAD"):
        return call.proceed()
    return Response(200, Headers((("Content-Length", "0"), (CORRELATION, str(uuid.UUID(int=call.number))))))


def _any_path(call: Call) -> Response:
    response = call.proceed()
    if call.operation or response.status != 404 or call.request.method != "GET":
        return response
    return with_status(with_body(response, b"{}"), 200)


def _bytes_first(response: Response, _call: Call) -> Response:
    return with_body(response, b"\xef\xbb\xbf" + response.body)


def _hangs_up(call: Call) -> Response:
    response = call.proceed()
    return Response(0, cut="the connection was closed before an answer came") if succeeded(response) else response


def _shorter_than_announced(response: Response, _call: Call) -> Response:
    half = response.body[: len(response.body) // 2]
    announced = response.headers.without("Content-Length", "Transfer-Encoding").items
    headers = Headers((*announced, ("Content-Length", str(len(response.body)))))
    return Response(response.status, headers, half, cut="ended before its announced length")


def _strings(value: Any, names: tuple[str, ...]) -> Any:
    return {name: str(item) if name in names else item for name, item in value.items()}


def _each(value: Any, **fields: Any) -> Any:
    return [{**item, **{name: compute(item) for name, compute in fields.items()}} for item in value]


def _first_is_null(order: dict[str, Any]) -> dict[str, Any]:
    return {**order, "merchant_reference2": order.get("merchant_reference2"), "customer": order.get("customer")}


def _without(*names: str) -> Behaviour:
    return in_json(lambda value, _call: {name: item for name, item in value.items() if name not in names})


FAULTS = (
    Fault(
        "capture-answers-200",
        _CLASS,
        ("captureOrder",),
        "A capture is answered with 200 instead of 201",
        "Clients that wait for 201 take a booked capture for a failure and capture again.",
        "OM-SURFACE-02",
        _status(200),
    ),
    Fault(
        "refund-answers-202",
        _CLASS,
        ("refundOrder",),
        "A refund is answered with 202 instead of 201",
        "A shop waits for a refund that has long been made, or makes it again.",
        "OM-SURFACE-02",
        _status(202),
    ),
    Fault(
        "cancel-answers-201",
        _CLASS,
        ("cancelOrder",),
        "A cancellation is answered with 201",
        "A client looks for the id of something that was never made.",
        "OM-SURFACE-02",
        _status(201),
    ),
    Fault(
        "references-answer-200",
        _CLASS,
        ("updateMerchantReferences",),
        "An update of references is answered with 200 and an object",
        "A client that takes 204 for success reports an order number as not stored.",
        "OM-SURFACE-02",
        in_success(lambda response, _call: with_status(with_json(response, {}), 200)),
    ),
    Fault(
        "no-captures-204",
        _CLASS,
        ("getCaptures",),
        "An empty list of captures is answered with 204",
        "A client that parses the body fails on every order that is not shipped yet.",
        "OM-SURFACE-02",
        in_success(
            lambda response, _call: (
                Response(204, response.headers.without("Content-Type")) if response.body == b"[]" else response
            )
        ),
    ),
    Fault(
        "acknowledge-with-body",
        _CLASS,
        ("acknowledgeOrder",),
        "The 204 of an acknowledgement carries a body",
        "The stray bytes are read as the beginning of the next answer on the connection.",
        "OM-SURFACE-06",
        in_success(lambda response, _call: with_json(response, {"status": "ok"})),
    ),
    Fault(
        "capture-with-body",
        _CLASS,
        ("captureOrder",),
        "The 201 of a capture carries a body",
        "Clients that trust the body miss what the service really books.",
        "OM-SURFACE-06",
        in_success(lambda response, call: with_json(response, {"captured_amount": call.amount})),
    ),
    Fault(
        "capture-without-location",
        _CLASS,
        ("captureOrder",),
        "The 201 of a capture has no Location",
        "Clients that take the capture's id from there cannot ship or refund against it.",
        "OM-SURFACE-05",
        _header("Location", None),
    ),
    Fault(
        "refund-without-id",
        _CLASS,
        ("refundOrder",),
        "The 201 of a refund has no Refund-Id",
        "The shop cannot tell its accounting which refund it made.",
        "OM-SURFACE-05",
        _header("Refund-Id", None),
    ),
    Fault(
        "capture-location-is-list",
        _CLASS,
        ("captureOrder",),
        "Location of a capture is the list of captures",
        "The last path segment is taken for the id, and shipping details go nowhere.",
        "OM-SURFACE-05",
        _in_location("list"),
    ),
    Fault(
        "refund-location-of-other-order",
        _CLASS,
        ("refundOrder",),
        "Location of a refund names another order",
        "Whoever follows it reads somebody else's refund or none.",
        "OM-SURFACE-05",
        _in_location("order"),
    ),
    Fault(
        "refund-location-without-base",
        _CLASS,
        ("refundOrder",),
        "Location of a refund lacks the base path",
        "A client that follows it gets a 404 for a refund that was made.",
        "OM-SURFACE-05",
        _in_location("bare"),
    ),
    Fault(
        "capture-id-not-in-location",
        _CLASS,
        ("captureOrder",),
        "Capture-Id and Location name different captures",
        "Two parts of a shop keep different ids of the same money.",
        "OM-SURFACE-05",
        in_success(lambda response, call: with_headers(response, {"Capture-Id": str(uuid.UUID(int=call.number))})),
    ),
    Fault(
        "capture-id-short",
        _CLASS,
        ("captureOrder",),
        "The id of a capture is no UUID",
        "Columns and parsers made for a UUID refuse the capture that was paid.",
        "OM-SURFACE-09",
        in_success(_short_id),
    ),
    Fault(
        "write-without-correlation",
        _CLASS,
        WRITES,
        "Successful writes have no correlation id",
        "Support cannot find the call in which money went wrong.",
        "OM-SURFACE-07",
        in_success(_without_correlation),
    ),
    Fault(
        "refusal-without-correlation",
        _CLASS,
        WRITES,
        "Refused writes have no correlation id in the header",
        "Support cannot find the call that was refused.",
        "OM-SURFACE-07",
        in_refusal(_without_correlation, 403, 404),
    ),
    Fault(
        "correlation-constant",
        _CLASS,
        ALL,
        "All answers have one correlation id",
        "Support finds somebody else's call under it.",
        "OM-SURFACE-08",
        _one_correlation,
    ),
    Fault(
        "correlation-by-order",
        _CLASS,
        ("getOrder", "captureOrder"),
        "Calls of one order share a correlation id",
        "Support cannot tell the capture from the read before it.",
        "OM-SURFACE-08",
        _correlation_by_order,
    ),
    Fault(
        "listed-amounts-as-text",
        _CLASS,
        ("getCaptures",),
        "The list of captures writes amounts as text",
        "Adding them up joins digits: 100 and 200 become 100200.",
        "OM-SURFACE-12",
        in_json(lambda value, _call: [_strings(item, ("captured_amount", "refunded_amount")) for item in value]),
    ),
    Fault(
        "refund-amount-with-fraction",
        _CLASS,
        ("get",),
        "A single refund writes its amount as 100.0",
        "A client that expects integers refuses the refund or rounds it.",
        "OM-SURFACE-12",
        in_success(
            lambda response, _call: with_body(
                response, response.body.replace(b',"refunded_at"', b'.0,"refunded_at"', 1)
            )
        ),
    ),
    Fault(
        "line-amount-in-major-units",
        _CLASS,
        ("getOrder",),
        "Lines of an order show prices in major units",
        "A refund computed from the lines gives a hundredth back.",
        "OM-SURFACE-12",
        each_order(
            order_lines=lambda order: _each(order["order_lines"], unit_price=lambda line: line["unit_price"] / 100)
        ),
    ),
    Fault(
        "order-as-plain-text",
        _CLASS,
        ("getOrder",),
        "An order is declared as text/plain",
        "Clients that look at the media type do not parse the order.",
        "OM-SURFACE-03",
        _header("Content-Type", "text/plain"),
    ),
    Fault(
        "options-as-html",
        _CLASS,
        ("getOptionsForExtendDueDate",),
        "The due date options are declared as HTML",
        "Clients that look at the media type show no options.",
        "OM-SURFACE-03",
        _header("Content-Type", "text/html"),
    ),
    Fault(
        "options-keyed-by-days",
        _CLASS,
        ("getOptionsForExtendDueDate",),
        "The due date options are an object keyed by days",
        "No client finds the options and their fees.",
        "OM-SURFACE-04",
        in_json(
            lambda value, _call: {
                **value,
                "options": {str(option["number_of_days"]): option["amount"] for option in value["options"]},
            }
        ),
    ),
    Fault(
        "option-days-as-text",
        _CLASS,
        ("getOptionsForExtendDueDate",),
        "The number of days is written as text",
        "Sent back as it came, it is refused.",
        "OM-SURFACE-04",
        in_json(
            lambda value, _call: {
                **value,
                "options": _each(value["options"], number_of_days=lambda option: str(option["number_of_days"])),
            }
        ),
    ),
    Fault(
        "captures-wrapped",
        _CLASS,
        ("getCaptures",),
        "The list of captures is wrapped in an object",
        "Clients that iterate over the list find no capture.",
        "OM-SURFACE-04",
        in_json(lambda value, _call: {"captures": value}),
    ),
    Fault(
        "order-with-nulls",
        _CLASS,
        ("getOrder",),
        "Absent fields of an order are null",
        "Typed clients fail on every order without a second reference.",
        "OM-SURFACE-04",
        in_json(lambda value, _call: _first_is_null(value)),
    ),
    Fault(
        "remaining-missing-at-zero",
        _CLASS,
        ("getOrder",),
        "remaining_authorized_amount is left out when zero",
        "Read as unknown, it lets a client capture once more.",
        "OM-SURFACE-04",
        in_json(
            lambda value, _call: {
                name: item for name, item in value.items() if name != "remaining_authorized_amount" or item
            }
        ),
    ),
    Fault(
        "order-without-captured-amount",
        _CLASS,
        ("getOrder",),
        "An order does not say what is captured",
        "The shop ships without knowing whether it is paid.",
        "OM-SURFACE-04",
        _without("captured_amount"),
    ),
    Fault(
        "refund-without-its-id",
        _CLASS,
        ("get",),
        "A refund that is read does not name itself",
        "Accounting cannot match it.",
        "OM-SURFACE-04",
        _without("refund_id"),
    ),
    Fault(
        "status-in-small-letters",
        _CLASS,
        ("getOrder",),
        "The status of an order is in small letters",
        "No comparison with a documented status holds, and orders are never shipped.",
        "OM-SURFACE-04",
        each_order(status=lambda order: order["status"].lower()),
    ),
    Fault(
        "fraud-status-unknown",
        _CLASS,
        ("getOrder",),
        "A pending risk decision has a status of its own",
        "A shop that knows the documented values ships what was not accepted.",
        "OM-SURFACE-04",
        each_order(
            fraud_status=lambda order: "REVIEW" if order["fraud_status"] == "PENDING" else order["fraud_status"]
        ),
    ),
    Fault(
        "capture-time-local",
        _CLASS,
        ("getCapture", "getCaptures"),
        "captured_at has no time zone",
        "The day of a capture, and so the accounting period, is off.",
        "OM-SURFACE-11",
        in_json(
            lambda value, _call: (
                [{**item, "captured_at": item["captured_at"].rstrip("Z")} for item in value]
                if isinstance(value, list)
                else {**value, "captured_at": value["captured_at"].rstrip("Z")}
            )
        ),
    ),
    Fault(
        "expiry-in-other-zone",
        _CLASS,
        ("getOrder",),
        "expires_at is written with an offset of two hours",
        "A client that drops the offset captures after the authorisation has lapsed.",
        "OM-SURFACE-11",
        each_order(expires_at=lambda order: order["expires_at"].rstrip("Z") + "+02:00"),
    ),
    Fault(
        "creation-as-number",
        _CLASS,
        ("getOrder",),
        "created_at is a number of milliseconds",
        "Clients that parse dates fail on every order.",
        "OM-SURFACE-11",
        each_order(created_at=lambda order: 1_768_467_600_000),
    ),
    Fault(
        "capture-read-of-first",
        _CLASS,
        ("getCapture",),
        "Every single read of a capture shows the first",
        "A refund is checked against the wrong capture.",
        "OM-SURFACE-15",
        _first_capture,
    ),
    Fault(
        "refund-read-of-latest",
        _CLASS,
        ("get",),
        "Every single read of a refund shows the latest",
        "Two refunds are booked with the amount of one.",
        "OM-SURFACE-15",
        _latest_refund,
    ),
    Fault(
        "long-order-cut",
        _CLASS,
        ("getOrder",),
        "An order of more than 4,000 bytes is cut off",
        "Orders with many lines or captures cannot be read at all.",
        "OM-SURFACE-10",
        in_success(_cut),
    ),
    Fault(
        "byte-order-mark",
        _CLASS,
        READS,
        "Bodies begin with a byte order mark",
        "Strict JSON readers refuse every answer.",
        "OM-SURFACE-10",
        in_success(_bytes_first),
    ),
    Fault(
        "not-a-number",
        _CLASS,
        ("getCapture",),
        "A capture that nothing is refunded of writes NaN",
        "JSON readers refuse the capture.",
        "OM-SURFACE-10",
        in_success(
            lambda response, _call: with_body(
                response, response.body.replace(b'"refunded_amount":0,', b'"refunded_amount":NaN,')
            )
        ),
    ),
    Fault(
        "other-methods-succeed",
        _CLASS,
        (),
        "Methods that a path does not take are answered with 200",
        "A client with a wrong verb is told that its cancellation was made.",
        "OM-SURFACE-14",
        _method_ignored,
        unrouted=True,
    ),
    Fault(
        "any-path-succeeds",
        _CLASS,
        (),
        "Paths that no operation has are answered with 200",
        "A client with a typing error in a path is told that all went well.",
        "OM-SURFACE-14",
        _any_path,
        unrouted=True,
    ),
    Fault(
        "connection-closed",
        _CLASS,
        ("triggerSendOut",),
        "A successful send-out is never answered",
        "The shop repeats the message to the customer until it gives up.",
        "OM-SURFACE-13",
        _hangs_up,
    ),
    Fault(
        "answer-cut-short",
        _CLASS,
        ("get",),
        "A refund that is read ends before its announced length",
        "The shop cannot tell a refund that was made from one that was not.",
        "OM-SURFACE-13",
        in_success(_shorter_than_announced),
    ),
    Fault(
        "undocumented-418",
        _CLASS,
        ("extendAuthorizationTime",),
        "An extension that is refused gets 418",
        "A client that knows the documented statuses files it as a failure of its own.",
        "OM-SURFACE-01",
        in_refusal(lambda response, _call: with_status(response, 418), 403),
    ),
)
