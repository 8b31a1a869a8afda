"""Faults of state and time: what a state forbids is done, what it allows is not, and writes reach too far or too short."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from conformance.exchange import Headers, Response
from conformance.simulator.clock import midnight
from conformance.simulator.faults.call import Call, answered_json
from conformance.simulator.faults.changes import after, asked, each_order, in_json, refused, succeeded, with_json
from conformance.simulator.faults.fault import Behaviour, Fault, FaultClass
from conformance.simulator.order import Order
from conformance.simulator.shape import SHIPPING_INFO, encode, project

__all__ = ["FAULTS"]

_CLASS = FaultClass.STATE
_TOLD = ("getOrder",)
_ENDLESS = timedelta(days=40_000)


def _as_if(state: str, *states: str, captured: bool | None = None) -> Behaviour:
    """Carry out in some states what the table allows in another; ``captured`` asks for an order with or without."""

    def behave(call: Call) -> Response:
        order = call.order
        if order is None or _present(call, order) not in states or (
            captured is not None and captured is not bool(order.captures)
        ):
            return call.proceed()
        before, shown = order.state, order.status
        expires_at, remaining = order.expires_at, order.remaining_authorized_amount
        order.state = state
        order.expires_at = max(expires_at, call.now + timedelta(days=1))
        order.remaining_authorized_amount = remaining or order.order_amount - order.captured_amount
        response = call.proceed()
        if not succeeded(response):
            order.remaining_authorized_amount = remaining
        if not succeeded(response) or order.state == state:
            order.state, order.status = before, shown
        if call.operation != "extendAuthorizationTime" or not succeeded(response):
            order.expires_at = expires_at
        order.changed()
        return response

    return behave


def _present(call: Call, order: Order) -> str:
    lapsed = order.expires_at <= call.now and order.state in ("AUTHORIZED", "PART_CAPTURED")
    return "EXPIRED" if lapsed else order.state


def _never_expires(call: Call) -> Response:
    """Forget the end of the authorisation while the service decides."""
    order = call.order
    if order is None:
        return call.proceed()
    with call.pretending(expires_at=order.expires_at + _ENDLESS):
        return call.proceed()


def _expires_early(call: Call) -> Response:
    """Let the authorisation lapse a week before its end."""
    order = call.order
    if order is None or order.state not in ("AUTHORIZED", "PART_CAPTURED"):
        return call.proceed()
    with call.pretending(expires_at=order.expires_at - timedelta(days=7)):
        return call.proceed()


def _set(**fields: Any) -> Callable[[Call, Response], None]:
    """Give fields of the order other values once a request has been carried out; a callable computes its value."""

    def change(call: Call, _response: Response) -> None:
        for name, value in fields.items():
            setattr(call.order, name, value(call) if callable(value) else value)

    return change


def _detail(name: str, value: bytes | None) -> Callable[[Call, Response], None]:
    def change(call: Call, _response: Response) -> None:
        if call.order is not None:
            details = {key: kept for key, kept in call.order.details.items() if key != name}
            call.order.details = details if value is None else {**details, name: value}

    return change


def _refused_yet(change: Callable[[Call, Order], None]) -> Behaviour:
    """Refuse as is due, and leave a trace in the order all the same."""

    def behave(call: Call) -> Response:
        response = call.proceed()
        if call.order is not None and response.status in (403, 422):
            change(call, call.order)
            call.order.captures_changed()
        return response

    return behave


def _book_capture(call: Call, order: Order) -> None:
    amount = call.amount or 0
    if 0 < amount <= 200_000_000:
        order.captured_amount += amount


def _book_refund(call: Call, order: Order) -> None:
    if 0 < (call.amount or 0) <= 200_000_000:
        order.refunded_amount += 1


def _store_reference(call: Call, order: Order) -> None:
    text = call.sent.get("merchant_reference1")
    if isinstance(text, str):
        order.details = {**order.details, "merchant_reference1": encode(text[:255])}


def _drop_lines(_call: Call, order: Order) -> None:
    order.order_lines = b"[]"


def _release(_call: Call, order: Order) -> None:
    order.remaining_authorized_amount = 0


def _kept_lines(call: Call) -> Response:
    lines = None if call.order is None else call.order.order_lines
    omitted = "order_lines" not in call.sent
    return after(_set(order_lines=lambda _call: lines), lambda _call: omitted)(call)


def _other_reference_cleared(call: Call, _response: Response) -> None:
    if "merchant_reference2" not in call.sent and call.order is not None:
        call.order.details = {
            name: value for name, value in call.order.details.items() if name != "merchant_reference2"
        }


def _shipping_replaced(call: Call, _response: Response) -> None:
    if call.order is not None:
        call.order._shipping_info = [  # noqa: SLF001 - a fault reaches where the service does not
            encode(project(entry, SHIPPING_INFO)) for entry in call.sent["shipping_info"]
        ]


def _first_parcel_only(sent: dict[str, Any], _call: Call) -> dict[str, Any]:
    parcels = sent.get("shipping_info")
    return {**sent, "shipping_info": parcels[:1]} if isinstance(parcels, list) else sent


def _on_first_capture(call: Call) -> Response:
    order = call.order
    if order is None or call.capture is None:
        return call.proceed()
    first = next(iter(order.captures))
    return call.proceed(call.addressed(call.request.target.replace(call.ids["capture_id"], first)))


def _on_any_capture(call: Call) -> Response:
    """Take an unknown capture for the first one."""
    order = call.order
    if order is None or not order.captures or call.capture is not None:
        return call.proceed()
    first = next(iter(order.captures))
    return call.proceed(call.addressed(call.request.target.replace(call.ids["capture_id"], first)))


def _not_carried_out(call: Call) -> Response:
    """Answer success to an append that was dropped."""
    order, capture = call.order, call.capture
    if order is None or capture is None:
        return call.proceed()
    kept = list(capture._shipping_info) if capture.encoded() else []  # noqa: SLF001 - as above
    response = call.proceed()
    capture._shipping_info = kept  # noqa: SLF001 - as above
    capture.allocate(0)
    order.captures_changed()
    return response


def _on_order_instead(call: Call) -> Response:
    response = _not_carried_out(call)
    if succeeded(response) and call.order is not None and isinstance(call.sent.get("shipping_info"), list):
        call.order.append_shipping_info(call.sent["shipping_info"])
    return response


def _billing_too(call: Call, _response: Response) -> None:
    if call.order is not None and "shipping_address" in call.order.details:
        call.order.details = {**call.order.details, "billing_address": call.order.details["shipping_address"]}


def _mail_kept(sent: dict[str, Any], _call: Call) -> dict[str, Any]:
    address = sent.get("shipping_address")
    if not isinstance(address, dict):
        return sent
    return {**sent, "shipping_address": {name: value for name, value in address.items() if name != "street_address2"}}


def _last_capture_gone(call: Call, _response: Response) -> None:
    order = call.order
    if order is not None and len(order.captures) > 1:
        order.captures = dict(list(order.captures.items())[:-1])


def _moved(days: int) -> Callable[[Call], Any]:
    return lambda call: midnight(call.now) + timedelta(days=days)


def _end_kept(call: Call) -> Response:
    end = None if call.order is None else call.order.expires_at
    return after(_set(expires_at=lambda _call: end))(call)


def _reused_capture_id(call: Call) -> Response:
    """Answer the second capture with the id of the first."""
    response = call.proceed()
    order = call.order
    if order is None or response.status != 201 or len(order.captures) < 2:
        return response
    made, first = response.headers.get("Capture-Id") or "", next(iter(order.captures))
    changed = [
        (name, value.replace(made, first) if name in ("Capture-Id", "Location") else value)
        for name, value in response.headers
    ]
    return Response(response.status, Headers(changed), response.body)


def _full_refund(call: Call) -> bool:
    capture = call.capture
    return capture is not None and 0 < capture.captured_amount == capture.refunded_amount


def _first_of_two_refunds(call: Call) -> bool:
    order = call.order
    return order is not None and len(order.refunds) > 1 and call.ids["refund_id"] == next(iter(order.refunds))


def _creeping(call: Call) -> Response:
    """Let every read of an order move its creation by a second."""
    response = call.proceed()
    if call.order is not None and succeeded(response):
        call.order.created_at += timedelta(seconds=1)
        call.order.changed()
    return response


def _reads_acknowledge(call: Call) -> Response:
    response = call.proceed()
    if call.order is not None and succeeded(response):
        call.order.klarna_reference = call.order.klarna_reference[::-1]
        call.order.changed()
    return response


def _options_prolong(call: Call) -> Response:
    response = call.proceed()
    if call.order is not None and succeeded(response):
        call.order.expires_at += timedelta(days=1)
        call.order.changed()
    return response


def _twice(items: str) -> Behaviour:
    return each_order(**{items: lambda order: [*order[items], *order[items][:1]]})


def _without_last(items: str) -> Behaviour:
    return each_order(**{items: lambda order: order[items][:-1] if len(order[items]) > 1 else order[items]})


def _status_as(status: str, when: Callable[[dict[str, Any]], bool]) -> Behaviour:
    return each_order(status=lambda order: status if when(order) else order["status"])


def _shown_otherwise(call: Call) -> Response:
    """Show other lines in the single read of a capture than in the order."""
    response = call.proceed()
    value = answered_json(response)
    if response.status != 200 or not isinstance(value, dict) or not value.get("order_lines"):
        return response
    return with_json(response, {**value, "order_lines": value["order_lines"][:-1]})


def _forbidden(code: str) -> tuple[int, str]:
    return 403, code


def _in(*states: str) -> Callable[[Call], bool]:
    return lambda call: call.order is not None and _present(call, call.order) in states


def _fourth(call: Call) -> bool:
    return call.order is not None and len(call.order.captures) >= 3


def _refund_fresh(call: Call) -> Response:
    """Refund an order that has no captures, up to its total."""
    order, amount = call.order, call.amount
    if order is None or amount is None or order.state != "AUTHORIZED" or not 0 < amount <= order.order_amount:
        return call.proceed()
    response = call.proceed(call.addressed(call.request.target.rpartition("/")[0] + "/acknowledge"))
    order.refunded_amount += amount
    order.changed()
    made = str(uuid.UUID(int=call.number))
    ids = ("Location", f"{call.request.target}/{made}"), ("Refund-Id", made)
    return Response(201, Headers((*response.headers.items, *ids)))

def _done_anyway(call: Call) -> Response:
    """Answer as an acknowledgement would where a send-out must be refused."""
    order = call.order
    if order is None or order.captures:
        return call.proceed()
    path = call.request.target.partition("/captures/")[0] + "/acknowledge"
    return call.proceed(call.addressed(path))


FAULTS = (
    Fault("cancel-part-captured", _CLASS, ("cancelOrder",), "A part captured order can be cancelled",
          "What was shipped and paid looks as if it never was.", "OM-STATE-02", _as_if("AUTHORIZED", "PART_CAPTURED")),
    Fault("cancel-fully-captured", _CLASS, ("cancelOrder",), "A fully captured order can be cancelled",
          "What was shipped and paid looks as if it never was.", "OM-STATE-02", _as_if("AUTHORIZED", "CAPTURED")),
    Fault("cancel-fresh-refused", _CLASS, ("cancelOrder",), "An order without captures cannot be cancelled",
          "The customer's credit stays blocked for an order that nobody wants.", "OM-STATE-03",
          refused(*_forbidden("CANCEL_NOT_ALLOWED"), "The order cannot be cancelled.", when=_in("AUTHORIZED"))),
    Fault("cancel-again-refused", _CLASS, ("cancelOrder",), "A second cancellation is refused",
          "A repetition after a lost answer looks as if the cancellation had failed.", "OM-STATE-03",
          refused(*_forbidden("CANCEL_NOT_ALLOWED"), "The order cannot be cancelled.", when=_in("CANCELLED"))),
    Fault("capture-after-cancel", _CLASS, ("captureOrder",), "A cancelled order can be captured",
          "The customer is charged for a cancelled order.", "OM-STATE-07", _as_if("AUTHORIZED", "CANCELLED")),
    Fault("capture-after-expiry", _CLASS, ("captureOrder",), "An expired order can be captured",
          "The customer is charged without an authorisation.", "OM-STATE-07", _as_if("AUTHORIZED", "EXPIRED")),
    Fault("capture-second-refused", _CLASS, ("captureOrder",), "A fourth capture is refused",
          "The last parcels of an order are never paid.", "OM-MONEY-06",
          refused(*_forbidden("CAPTURE_NOT_ALLOWED"), "Capture not possible.", when=_fourth)),
    Fault("refund-before-capture", _CLASS, ("refundOrder",), "An order without captures can be refunded",
          "The merchant pays back what was never paid.", "OM-STATE-02", _refund_fresh),
    Fault("update-after-capture", _CLASS, ("updateAuthorization",), "A fully captured order can be changed",
          "An invoice that is paid is changed behind the customer's back.", "OM-STATE-02",
          _as_if("PART_CAPTURED", "CAPTURED")),
    Fault("update-after-cancel", _CLASS, ("updateAuthorization",), "A cancelled order can be changed and lives again",
          "The customer is charged for a cancelled order.", "OM-STATE-07", _as_if("AUTHORIZED", "CANCELLED")),
    Fault("update-after-expiry", _CLASS, ("updateAuthorization",), "An expired order can be changed",
          "The shop believes that it still has an authorisation.", "OM-STATE-07", _as_if("AUTHORIZED", "EXPIRED")),
    Fault("release-before-capture", _CLASS, ("releaseRemainingAuthorization",), "An order without captures is released",
          "The order is worth nothing and cannot be captured.", "OM-STATE-02", _as_if("PART_CAPTURED", "AUTHORIZED")),
    Fault("release-after-full-capture", _CLASS, ("releaseRemainingAuthorization",), "A captured order is released",
          "The shop is told that something was given back.", "OM-STATE-02", _as_if("PART_CAPTURED", "CAPTURED")),
    Fault("extend-after-expiry", _CLASS, ("extendAuthorizationTime",), "An expired authorisation can be extended",
          "The shop ships against an authorisation that has lapsed.", "OM-STATE-07", _as_if("AUTHORIZED", "EXPIRED")),
    Fault("extend-after-cancel", _CLASS, ("extendAuthorizationTime",), "A cancelled authorisation can be extended",
          "The shop ships against an authorisation that was given back.", "OM-STATE-07",
          _as_if("AUTHORIZED", "CANCELLED")),
    Fault("references-after-cancel", _CLASS, ("updateMerchantReferences",), "A cancelled order takes new references",
          "A cancelled order is filed under the number of a living one.", "OM-STATE-07",
          _as_if("AUTHORIZED", "CANCELLED")),
    Fault("address-after-cancel", _CLASS, ("updateConsumerDetails",), "A cancelled order takes a new address",
          "The shop is told that the parcel was redirected.", "OM-STATE-07", _as_if("AUTHORIZED", "CANCELLED")),
    Fault("address-after-expiry", _CLASS, ("updateConsumerDetails",), "An expired order takes a new address",
          "The shop is told that the parcel was redirected.", "OM-STATE-07", _as_if("AUTHORIZED", "EXPIRED")),
    Fault("send-out-before-capture", _CLASS, ("triggerSendOut",), "A send-out without captures succeeds",
          "The customer never gets the invoice that the shop believes was sent.", "OM-STATE-02",
          _done_anyway),
    Fault("send-out-of-unknown-capture", _CLASS, ("triggerSendOut",), "A send-out of an unknown capture succeeds",
          "The customer gets the invoice of another parcel.", "OM-ERROR-09", _on_any_capture),
    Fault("parcel-on-unknown-capture", _CLASS, ("appendShippingInfo",), "Parcels of an unknown capture are accepted",
          "The tracking number is filed under another parcel.", "OM-ERROR-09", _on_any_capture),
    Fault("due-date-of-unknown-capture", _CLASS, ("extendDueDate", "getOptionsForExtendDueDate"),
          "The due date of an unknown capture can be moved", "Another invoice is due later than the customer was told.",
          "OM-ERROR-09", _on_any_capture),
    Fault("cancel-revived-by-acknowledge", _CLASS, ("acknowledgeOrder",), "Acknowledging revives a cancelled order",
          "The customer's credit is blocked again.", "OM-STATE-07",
          after(_set(state="AUTHORIZED", status="AUTHORIZED"), _in("CANCELLED"))),
    Fault("expired-not-noticed", _CLASS, ("getOrder", "captureOrder"), "An authorisation never lapses",
          "The customer is charged months after the order.", "OM-STATE-07", _never_expires),
    Fault("expires-a-week-early", _CLASS, ("captureOrder",), "An authorisation lapses a week before its end",
          "Orders that ship late are never paid.", "OM-STATE-03", _expires_early),
    Fault("status-stays-authorized", _CLASS, _TOLD, "A part captured order is shown as AUTHORIZED",
          "The shop captures what it has captured.", "OM-STATE-01",
          _status_as("AUTHORIZED", lambda order: order["status"] == "PART_CAPTURED")),
    Fault("status-captured-early", _CLASS, _TOLD, "A part captured order is shown as CAPTURED",
          "The shop does not capture the rest.", "OM-STATE-01",
          _status_as("CAPTURED", lambda order: order["status"] == "PART_CAPTURED")),
    Fault("status-part-captured-for-ever", _CLASS, _TOLD, "A fully captured order is shown as PART_CAPTURED",
          "The shop waits for money that it has.", "OM-STATE-01",
          _status_as("PART_CAPTURED", lambda order: order["status"] == "CAPTURED" and len(order["captures"]) > 1)),
    Fault("status-after-refund", _CLASS, _TOLD, "A wholly refunded order is shown as CANCELLED",
          "The shop takes a return for an order that was never shipped.", "OM-STATE-01",
          _status_as("CANCELLED", lambda order: 0 < order["captured_amount"] == order["refunded_amount"])),
    Fault("refused-capture-booked", _CLASS, ("captureOrder",), "A capture that is refused is booked",
          "The customer is charged by a call that failed.", "OM-STATE-04", _refused_yet(_book_capture)),
    Fault("refused-refund-booked", _CLASS, ("refundOrder",), "A refund that is refused is counted",
          "The customer gets less back than is owed.", "OM-STATE-04", _refused_yet(_book_refund)),
    Fault("refused-reference-stored", _CLASS, ("updateMerchantReferences",), "A reference that is refused is stored",
          "Orders are filed under cut numbers.", "OM-STATE-04", _refused_yet(_store_reference)),
    Fault("refused-update-drops-lines", _CLASS, ("updateAuthorization",), "An update that is refused drops the lines",
          "The invoice lists nothing.", "OM-STATE-04", _refused_yet(_drop_lines)),
    Fault("refused-cancel-releases", _CLASS, ("cancelOrder",), "A cancellation that is refused releases the remainder",
          "The rest of the order cannot be captured any more.", "OM-STATE-04", _refused_yet(_release)),
    Fault("lines-kept-when-left-out", _CLASS, ("updateAuthorization",), "Lines that are left out stay on the order",
          "The invoice lists goods that were taken off the order.", "OM-STATE-05", _kept_lines),
    Fault("second-reference-cleared", _CLASS, ("updateMerchantReferences",),
          "Sending one reference clears the other", "The shop loses the number of its warehouse.", "OM-STATE-06",
          after(_other_reference_cleared)),
    Fault("reference-not-stored", _CLASS, ("updateMerchantReferences",), "The second reference is not stored",
          "The shop's second number leads nowhere.", "OM-STATE-05",
          asked(lambda sent, _call: {name: value for name, value in sent.items() if name != "merchant_reference2"
                                     or not value})),
    Fault("parcels-replaced", _CLASS, ("appendOrderShippingInfo",), "New parcels replace those that were filed",
          "The first parcel of an order can no longer be tracked.", "OM-STATE-05", after(_shipping_replaced)),
    Fault("first-parcel-only", _CLASS, ("appendShippingInfo", "captureOrder"), "Only the first of several parcels is filed",
          "The second parcel cannot be tracked.", "OM-STATE-05", asked(_first_parcel_only)),
    Fault("parcel-on-first-capture", _CLASS, ("appendShippingInfo",), "Parcels are always filed with the first capture",
          "The customer is shown the wrong parcel.", "OM-STATE-05", _on_first_capture),
    Fault("parcel-on-order-instead", _CLASS, ("appendShippingInfo",), "Parcels of a capture are filed with the order",
          "The invoice does not say which parcel it is for.", "OM-STATE-05", _on_order_instead),
    Fault("parcel-dropped", _CLASS, ("appendShippingInfo",), "Parcels are accepted and not filed",
          "The customer cannot track the parcel.", "OM-STATE-05", _not_carried_out),
    Fault("acknowledge-clears-reference", _CLASS, ("acknowledgeOrder",), "Acknowledging clears the first reference",
          "The order loses the number that the shop knows it by.", "OM-STATE-06",
          after(_detail("merchant_reference1", None))),
    Fault("send-out-renames", _CLASS, ("triggerSendOut",), "A send-out changes klarna_reference",
          "The customer's letter has another number than the shop.", "OM-STATE-06", after(_set(klarna_reference="SENT0001"))),
    Fault("address-changes-billing", _CLASS, ("updateConsumerDetails",), "A new shipping address replaces the billing one",
          "The invoice goes to a neighbour.", "OM-STATE-06", after(_billing_too)),
    Fault("address-line-dropped", _CLASS, ("updateConsumerDetails",), "The second line of an address is not stored",
          "The parcel stops at the wrong door.", "OM-STATE-05", asked(_mail_kept)),
    Fault("extension-resets-risk", _CLASS, ("extendAuthorizationTime",), "An extension puts the order back to pending",
          "The shop stops an order that was accepted.", "OM-STATE-06", after(_set(fraud_status="PENDING"))),
    Fault("extension-into-the-past", _CLASS, ("extendAuthorizationTime",), "An extension moves the end to yesterday",
          "The authorisation that was to be saved is lost.", "OM-STATE-10", after(_set(expires_at=_moved(-1)))),
    Fault("extension-shortens", _CLASS, ("extendAuthorizationTime",), "An extension leaves one week",
          "Orders that ship late are never paid.", "OM-STATE-10", after(_set(expires_at=_moved(7)))),
    Fault("extension-without-effect", _CLASS, ("extendAuthorizationTime",), "An extension succeeds and extends nothing",
          "The shop ships after the authorisation has lapsed.", "OM-STATE-10", _end_kept),
    Fault("capture-moves-creation", _CLASS, ("captureOrder",), "A capture changes created_at",
          "The order falls into another accounting period.", "OM-STATE-06",
          after(_set(created_at=lambda call: call.now + timedelta(hours=1)))),
    Fault("capture-lost-after-refund", _CLASS, ("refundOrder",), "A refund takes a capture off the order",
          "A paid parcel has no invoice any more.", "OM-STATE-08", after(_last_capture_gone)),
    Fault("capture-id-reused", _CLASS, ("captureOrder",), "The second capture is answered with the id of the first",
          "Parcels and refunds are filed under the wrong capture.", "OM-IDEM-03", _reused_capture_id),
    Fault("capture-listed-twice", _CLASS, _TOLD, "The order lists its first capture twice",
          "The shop books a payment twice.", "OM-MONEY-02", _twice("captures")),
    Fault("refund-listed-twice", _CLASS, _TOLD, "The order lists its first refund twice",
          "The shop books a refund twice.", "OM-MONEY-03", _twice("refunds")),
    Fault("last-refund-not-listed", _CLASS, _TOLD, "The order does not list its last refund",
          "The shop makes the refund again.", "OM-MONEY-03", _without_last("refunds")),
    Fault("captures-listed-to-ten", _CLASS, ("getCaptures",), "The list of captures ends after ten",
          "The eleventh parcel is captured again.", "OM-STATE-11", in_json(lambda value, _call: value[:10])),
    Fault("capture-missing-from-list", _CLASS, ("getCaptures",), "The list of captures lacks the latest",
          "The shop captures the parcel again.", "OM-STATE-11", in_json(lambda value, _call: value[:-1])),
    Fault("capture-lines-differ", _CLASS, ("getCapture",), "The single read of a capture lacks its last line",
          "A refund made from the capture gives too little back.", "OM-STATE-11", _shown_otherwise),
    Fault("refunded-capture-unreadable", _CLASS, ("getCapture",), "A capture that is wholly refunded cannot be read",
          "Accounting cannot match the refund.", "OM-STATE-09",
          refused(404, "NO_SUCH_CAPTURE", "No such capture.", when=_full_refund)),
    Fault("earlier-refund-unreadable", _CLASS, ("get",), "Only the latest refund can be read",
          "Accounting cannot match the earlier ones.", "OM-STATE-09",
          refused(404, "NOT_FOUND", "Refund not found.", when=_first_of_two_refunds)),
    Fault("read-moves-creation", _CLASS, _TOLD, "Each read of an order moves its creation by a second",
          "No two systems agree on when the order was made.", "OM-STATE-12", _creeping),
    Fault("list-read-renames", _CLASS, ("getCaptures",), "Reading the captures changes klarna_reference",
          "The customer's letter has another number than the shop.", "OM-STATE-12", _reads_acknowledge),
    Fault("options-read-extends", _CLASS, ("getOptionsForExtendDueDate",), "Asking for options extends the order",
          "Looking at an offer takes it.", "OM-STATE-12", _options_prolong),
)
