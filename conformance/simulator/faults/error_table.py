"""Faults of refusals: the wrong status, the wrong code, a body of the wrong shape, or a failure in their place."""

from __future__ import annotations

import json
import uuid
from typing import Any

from conformance.exchange import Response
from conformance.simulator.faults.call import Call, answered_json
from conformance.simulator.faults.changes import (
    in_refusal,
    refused,
    with_body,
    with_headers,
    with_json,
    with_status,
)
from conformance.simulator.faults.fault import ALL, BODIES, WRITES, Behaviour, Fault, FaultClass
from conformance.simulator.identity import is_uuid

__all__ = ["FAULTS"]

_CLASS = FaultClass.ERROR_TABLE
_FAILED = "Unexpected server error"


def _answered(status: int, code: str, *statuses: int) -> Behaviour:
    """Give refusals another status and code."""
    return in_refusal(lambda _response, call: call.refuse(status, code, "The request could not be met."), *statuses)


def _code(code: str, *statuses: int) -> Behaviour:
    return in_refusal(lambda response, call: call.refuse(response.status, code, "The request could not be met."),
                      *statuses)


def _edited(*statuses: int, without: str = "", **fields: Any) -> Behaviour:
    """Change single fields of the error object."""

    def edit(response: Response, _call: Call) -> Response:
        value = answered_json(response)
        if not isinstance(value, dict):
            return response
        return with_json(response, {name: item for name, item in {**value, **fields}.items() if name != without})

    return in_refusal(edit, *statuses)


def _small_code(response: Response, _call: Call) -> Response:
    value = answered_json(response)
    return with_json(response, {**value, "error_code": value["error_code"].lower()})


def _joined_messages(response: Response, _call: Call) -> Response:
    value = answered_json(response)
    return with_json(response, {**value, "error_messages": "; ".join(value["error_messages"])})


def _nested(response: Response, _call: Call) -> Response:
    return with_json(response, {"error": answered_json(response)})


def _page(response: Response, _call: Call) -> Response:
    return with_body(response, b"<html><body><h1>Forbidden</h1></body></html>", "text/html")


def _problem(response: Response, _call: Call) -> Response:
    return with_headers(response, {"Content-Type": "application/problem+json"})


def _silent(response: Response, _call: Call) -> Response:
    return with_body(response, b"")


def _other_correlation(response: Response, call: Call) -> Response:
    value = answered_json(response)
    return with_json(response, {**value, "correlation_id": str(uuid.UUID(int=call.number))})


def _broken_body(call: Call) -> bool:
    if not call.request.body:
        return False
    try:
        json.loads(call.request.body)
    except (ValueError, RecursionError):
        return True
    return False


def _no_uuid(call: Call) -> bool:
    return not all(is_uuid(value) for value in call.ids.values())


def _long_text(call: Call) -> bool:
    return any(isinstance(value, str) and len(value) > 200 for value in call.sent.values())


def _beyond_basic_plane(call: Call) -> bool:
    return any(byte >= 0xF0 for byte in call.request.body)


def _failed(when: Any) -> Behaviour:
    return refused(500, "INTERNAL_SERVER_ERROR", _FAILED, when=when)


def _other_capture_code(response: Response, call: Call) -> Response:
    missing = call.order is not None
    return call.refuse(404, "NO_SUCH_ORDER", "No such order.") if missing else response


def _order_missing_code(response: Response, call: Call) -> Response:
    return response if call.order is not None else call.refuse(404, "NO_SUCH_CAPTURE", "No such capture.")


def _expired_only(response: Response, call: Call) -> Response:
    expired = call.order is not None and call.order.state == "EXPIRED"
    return call.refuse(404, "NO_SUCH_ORDER", "No such order.") if expired else response


FAULTS = (
    Fault("unknown-order-403", _CLASS, ("getOrder",), "An order that does not exist is answered with 403",
          "A shop looks for a missing permission instead of a wrong order number.", "OM-ERROR-09",
          _answered(403, "NOT_ALLOWED", 404)),
    Fault("unknown-order-400", _CLASS, ("cancelOrder",), "Cancelling an unknown order is answered with 400",
          "A shop takes its correct order id for malformed and gives up.", "OM-ERROR-09",
          _answered(400, "INVALID_ORDER_ID", 404)),
    Fault("unknown-order-204", _CLASS, ("acknowledgeOrder",), "Acknowledging an unknown order succeeds",
          "A mistaken order number is never noticed.", "OM-ERROR-09",
          in_refusal(lambda response, call: with_status(with_body(response, b""), 204), 404)),
    Fault("unknown-refund-empty", _CLASS, ("get",), "An unknown refund is answered with an empty object",
          "A refund that was never made looks as if it had been.", "OM-ERROR-09",
          in_refusal(lambda response, _call: with_status(with_json(response, {}), 200), 404)),
    Fault("unknown-capture-as-order", _CLASS, ("appendShippingInfo", "getCapture"),
          "A capture that does not exist is answered with NO_SUCH_ORDER",
          "The shop drops an order that exists.", "OM-ERROR-05", in_refusal(_other_capture_code, 404)),
    Fault("unknown-order-as-capture", _CLASS, ("triggerSendOut",),
          "An order that does not exist is answered with NO_SUCH_CAPTURE",
          "The shop looks for a capture in an order that is not there.", "OM-ERROR-05",
          in_refusal(_order_missing_code, 404)),
    Fault("capture-above-422", _CLASS, ("captureOrder",), "A capture above the remainder is answered with 422",
          "A shop takes a business refusal for a bug of its own.", "OM-ERROR-05",
          _answered(422, "UNPROCESSABLE_ENTITY", 403)),
    Fault("refund-above-404", _CLASS, ("refundOrder",), "A refund above what is captured is answered with 404",
          "A shop believes that its order is gone.", "OM-ERROR-05", _answered(404, "NOT_FOUND", 403)),
    Fault("cancel-captured-400", _CLASS, ("cancelOrder",), "Cancelling a captured order is answered with 400",
          "A shop takes its order id for malformed.", "OM-ERROR-05", _answered(400, "BAD_REQUEST", 403)),
    Fault("cancel-captured-409", _CLASS, ("cancelOrder",), "Cancelling a captured order is answered with 409",
          "The shop retries for ever what can never succeed.", "OM-ERROR-05", _answered(409, "CONFLICT", 403)),
    Fault("capture-expired-404", _CLASS, ("captureOrder",), "Capturing an expired order is answered with 404",
          "The shop believes that its order is gone and ships unpaid.", "OM-ERROR-05",
          in_refusal(_expired_only, 403)),
    Fault("release-early-422", _CLASS, ("releaseRemainingAuthorization",),
          "Releasing an order without captures is answered with 422",
          "A shop takes a business refusal for a malformed request.", "OM-ERROR-05",
          _answered(422, "UNPROCESSABLE_ENTITY", 403)),
    Fault("body-refused-403", _CLASS, ("updateAuthorization",), "A body with mistakes is answered with 403",
          "A shop takes its own bug for a decision of the service.", "OM-ERROR-05",
          _answered(403, "NOT_ALLOWED", 422)),
    Fault("body-refused-as-id", _CLASS, ("updateMerchantReferences",),
          "A body with mistakes is answered with INVALID_ORDER_ID",
          "The developer looks for a mistake in the path and not in the text that is too long.", "OM-ERROR-05",
          _answered(400, "INVALID_ORDER_ID", 422)),
    Fault("body-refused-404", _CLASS, ("appendOrderShippingInfo",), "A body with mistakes is answered with 404",
          "A shop believes that its order is gone.", "OM-ERROR-05", _answered(404, "NO_SUCH_ORDER", 422)),
    Fault("credentials-403", _CLASS, ("getCaptures", "refundOrder"), "Wrong credentials are answered with 403",
          "A rotated password is taken for a refused refund.", "OM-SEC-01", _answered(403, "NOT_ALLOWED", 401)),
    Fault("credentials-404", _CLASS, ("extendAuthorizationTime",), "Wrong credentials are answered with 404",
          "A rotated password is taken for a missing order.", "OM-SEC-01", _answered(404, "NO_SUCH_ORDER", 401)),
    Fault("refund-code-of-capture", _CLASS, ("refundOrder",), "A refused refund has the code CAPTURE_NOT_ALLOWED",
          "Clients that act on the code treat it as a failed capture.", "OM-ERROR-02",
          _code("CAPTURE_NOT_ALLOWED", 403)),
    Fault("capture-code-general", _CLASS, ("captureOrder",), "A refused capture has the code NOT_ALLOWED",
          "Clients that act on the documented code do not see that nothing is left to capture.", "OM-ERROR-02",
          _code("NOT_ALLOWED", 403)),
    Fault("release-code-invented", _CLASS, ("releaseRemainingAuthorization",),
          "A refused release has the code RELEASE_NOT_ALLOWED", "No client knows the code.", "OM-ERROR-02",
          _code("RELEASE_NOT_ALLOWED", 403)),
    Fault("update-code-order-closed", _CLASS, ("updateAuthorization",),
          "A refused update has the code ORDER_CLOSED", "No client knows the code.", "OM-ERROR-02",
          _code("ORDER_CLOSED", 403)),
    Fault("code-in-small-letters", _CLASS, ("getCapture", "getCaptures", "getOrder"),
          "Error codes of reads are in small letters", "No comparison with a documented code holds.", "OM-ERROR-02",
          in_refusal(_small_code, 404)),
    Fault("unprocessable-code-invented", _CLASS, ("refundOrder",), "A body with mistakes has the code VALIDATION",
          "Clients that act on the code do not see that the request is at fault.", "OM-ERROR-02",
          _code("VALIDATION", 422)),
    Fault("error-without-messages", _CLASS, ("captureOrder",), "Refusals of a capture have no error_messages",
          "Nobody is told why the capture was refused.", "OM-ERROR-01", _edited(without="error_messages")),
    Fault("error-without-correlation", _CLASS, ("updateConsumerDetails", "getOptionsForExtendDueDate"),
          "Refusals lack correlation_id in the body", "Support cannot find the call.", "OM-ERROR-01",
          _edited(without="correlation_id")),
    Fault("error-without-code", _CLASS, ("cancelOrder",), "A refused cancellation has no error_code",
          "The client cannot tell a shipped order from an expired one.", "OM-ERROR-01",
          _edited(403, without="error_code")),
    Fault("error-code-a-number", _CLASS, ("triggerSendOut",), "A refused send-out has a number for its error_code",
          "Typed clients fail on the refusal itself.", "OM-ERROR-01", _edited(error_code=403)),
    Fault("error-messages-joined", _CLASS, ("refundOrder",), "error_messages is one text",
          "Clients that show the first message show a single letter.", "OM-ERROR-01",
          in_refusal(_joined_messages, 403, 404)),
    Fault("error-nested", _CLASS, ("updateMerchantReferences", "acknowledgeOrder"),
          "The error object is nested in another", "No client finds the code.", "OM-ERROR-01", in_refusal(_nested, 404)),
    Fault("error-as-page", _CLASS, ("captureOrder",), "A forbidden capture is answered with an HTML page",
          "The client fails on the page and hides that nothing was captured.", "OM-ERROR-01",
          in_refusal(_page, 403)),
    Fault("error-as-problem", _CLASS, ("getOrder", "getCapture"), "Refusals are declared as problem details",
          "Clients that look at the media type do not read the code.", "OM-SURFACE-03", in_refusal(_problem, 404)),
    Fault("error-empty", _CLASS, ("appendShippingInfo",), "Refusals of shipping details have no body",
          "The shop is not told what it has to change.", "OM-ERROR-01", in_refusal(_silent)),
    Fault("error-correlation-differs", _CLASS, WRITES, "The correlation id of the body is not that of the header",
          "Support is told one and finds the other.", "OM-ERROR-03", in_refusal(_other_correlation, 403)),
    Fault("error-wording-unknown", _CLASS, ("refundOrder",), "A refused refund has words that nobody knows",
          "Rules that shops built on the published wording no longer match.", "OM-ERROR-04",
          _edited(403, error_messages=["The request could not be completed at this time."])),
    Fault("malformed-json-500", _CLASS, ("captureOrder", "refundOrder"), "A body that is no JSON is answered with 500",
          "The client repeats for hours what can never succeed.", "OM-ERROR-06", _failed(_broken_body)),
    Fault("no-uuid-500", _CLASS, ("getOrder", "getCapture"), "An id that is no UUID is answered with 500",
          "The client repeats for hours what can never succeed.", "OM-ERROR-06", _failed(_no_uuid)),
    Fault("long-text-500", _CLASS, ("captureOrder", "updateMerchantReferences"),
          "A text of more than 200 characters is answered with 500",
          "A long order cannot be captured.", "OM-ERROR-06", _failed(_long_text)),
    Fault("emoji-500", _CLASS, BODIES, "A character beyond the basic plane is answered with 500",
          "An order with an emoji in its address can never be changed.", "OM-ERROR-06", _failed(_beyond_basic_plane)),
    Fault("other-media-500", _CLASS, ("updateConsumerDetails",), "A body that is not declared as JSON gets 500",
          "The client repeats for hours what can never succeed.", "OM-ERROR-06",
          in_refusal(lambda _response, call: call.refuse(500, "INTERNAL_SERVER_ERROR", _FAILED), 415)),
    Fault("second-release-500", _CLASS, ("releaseRemainingAuthorization",), "Releasing a captured order gets 500",
          "The client repeats for hours what can never succeed.", "OM-ERROR-06",
          in_refusal(lambda _response, call: call.refuse(503, "TEMPORARILY_UNAVAILABLE"), 403)),
    Fault("too-large-500", _CLASS, ("refundOrder",), "A body of more than a megabyte is answered with 500",
          "The client repeats for hours what can never succeed.", "OM-ERROR-06",
          in_refusal(lambda _response, call: call.refuse(500, "UNEXPECTED_ERROR", _FAILED), 413)),
    Fault("rate-limit-for-mistake", _CLASS, ("appendOrderShippingInfo",), "A body with mistakes is answered with 429",
          "The client slows down and repeats what can never succeed.", "OM-ERROR-05",
          _answered(429, "TOO_MANY_REQUESTS", 422)),
    Fault("id-with-space-trimmed", _CLASS, ("getOrder", "cancelOrder"), "Blanks around an order id are ignored",
          "An id that was copied with a blank works here and fails everywhere else.", "OM-ERROR-09",
          lambda call: call.proceed(call.addressed(call.request.target.replace("%20", "")))),
)
