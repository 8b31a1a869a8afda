"""Faults of state and time: what a state forbids is done, what it allows is not, and writes reach too far."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from conformance.exchange import Headers, Response
from conformance.simulator.clock import midnight, timestamp
from conformance.simulator.faults.call import Call, answered_json
from conformance.simulator.faults.changes import (
    after,
    asked,
    each_order,
    in_json,
    in_success,
    refused,
    succeeded,
    with_headers,
    with_json,
)
from conformance.simulator.faults.fault import Behaviour
from conformance.simulator.order import Order
from conformance.simulator.shape import SHIPPING_INFO, encode, project

__all__ = ["BEHAVIOURS"]

_TOLD = ("getOrder",)
_ENDLESS = timedelta(days=40_000)


def _as_if(state: str, *states: str, captured: bool | None = None) -> Behaviour:
    """Carry out in some states what the table allows in another; ``captured`` asks for an order with or without."""

    def behave(call: Call) -> Response:
        order = call.order
        if (
            order is None
            or _present(call, order) not in states
            or (captured is not None and captured is not bool(order.captures))
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
    ends = timestamp(order.expires_at)
    with call.pretending(expires_at=order.expires_at + _ENDLESS):
        response = call.proceed()
    value = answered_json(response)
    if call.operation != "getOrder" or response.status != 200 or not isinstance(value, dict):
        return response
    return with_json(response, {**value, "expires_at": ends})


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


def _new_transaction(response: Response, call: Call) -> Response:
    return with_headers(response, {"Transaction-Id": str(uuid.UUID(int=call.number))})


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


BEHAVIOURS: Mapping[str, Behaviour] = {
    "cancel-part-captured": _as_if("AUTHORIZED", "PART_CAPTURED"),
    "cancel-fully-captured": _as_if("AUTHORIZED", "CAPTURED"),
    "cancel-fresh-refused": refused(
        403, "CANCEL_NOT_ALLOWED", "The order cannot be cancelled.", when=_in("AUTHORIZED")
    ),
    "cancel-again-refused": refused(403, "CANCEL_NOT_ALLOWED", "The order cannot be cancelled.", when=_in("CANCELLED")),
    "capture-after-cancel": _as_if("AUTHORIZED", "CANCELLED"),
    "capture-after-expiry": _as_if("AUTHORIZED", "EXPIRED"),
    "capture-second-refused": refused(403, "CAPTURE_NOT_ALLOWED", "Capture not possible.", when=_fourth),
    "refund-before-capture": _refund_fresh,
    "update-after-capture": _as_if("PART_CAPTURED", "CAPTURED"),
    "update-after-cancel": _as_if("AUTHORIZED", "CANCELLED"),
    "update-after-expiry": _as_if("AUTHORIZED", "EXPIRED"),
    "release-before-capture": _as_if("PART_CAPTURED", "AUTHORIZED"),
    "release-after-full-capture": _as_if("PART_CAPTURED", "CAPTURED"),
    "extend-after-expiry": _as_if("AUTHORIZED", "EXPIRED"),
    "extend-after-cancel": _as_if("AUTHORIZED", "CANCELLED"),
    "references-after-cancel": _as_if("AUTHORIZED", "CANCELLED"),
    "address-after-cancel": _as_if("AUTHORIZED", "CANCELLED"),
    "address-after-expiry": _as_if("AUTHORIZED", "EXPIRED"),
    "send-out-before-capture": _done_anyway,
    "send-out-of-unknown-capture": _on_any_capture,
    "parcel-on-unknown-capture": _on_any_capture,
    "due-date-of-unknown-capture": _on_any_capture,
    "cancel-revived-by-acknowledge": after(_set(state="AUTHORIZED", status="AUTHORIZED"), _in("CANCELLED")),
    "expired-not-noticed": _never_expires,
    "expires-a-week-early": _expires_early,
    "status-stays-authorized": _status_as("AUTHORIZED", lambda order: order["status"] == "PART_CAPTURED"),
    "status-captured-early": _status_as("CAPTURED", lambda order: order["status"] == "PART_CAPTURED"),
    "status-part-captured-for-ever": _status_as(
        "PART_CAPTURED", lambda order: order["status"] == "CAPTURED" and len(order["captures"]) > 1
    ),
    "status-after-refund": _status_as(
        "CANCELLED", lambda order: 0 < order["captured_amount"] == order["refunded_amount"]
    ),
    "refused-capture-booked": _refused_yet(_book_capture),
    "refused-refund-booked": _refused_yet(_book_refund),
    "refused-reference-stored": _refused_yet(_store_reference),
    "refused-update-drops-lines": _refused_yet(_drop_lines),
    "refused-cancel-releases": _refused_yet(_release),
    "lines-kept-when-left-out": _kept_lines,
    "second-reference-cleared": after(_other_reference_cleared),
    "reference-not-stored": asked(
        lambda sent, _call: {name: value for name, value in sent.items() if name != "merchant_reference2" or not value}
    ),
    "parcels-replaced": after(_shipping_replaced),
    "first-parcel-only": asked(_first_parcel_only),
    "parcel-on-first-capture": _on_first_capture,
    "parcel-on-order-instead": _on_order_instead,
    "parcel-dropped": _not_carried_out,
    "acknowledge-clears-reference": after(_detail("merchant_reference1", None)),
    "send-out-renames": after(_set(klarna_reference="SENT0001")),
    "address-changes-billing": after(_billing_too),
    "address-line-dropped": asked(_mail_kept),
    "extension-resets-risk": after(_set(fraud_status="PENDING")),
    "extension-into-the-past": after(_set(expires_at=_moved(-1))),
    "extension-shortens": after(_set(expires_at=_moved(7))),
    "extension-without-effect": _end_kept,
    "capture-moves-creation": after(_set(created_at=lambda call: call.now + timedelta(hours=1))),
    "capture-lost-after-refund": after(_last_capture_gone),
    "capture-id-reused": _reused_capture_id,
    "capture-listed-twice": _twice("captures"),
    "refund-listed-twice": _twice("refunds"),
    "last-refund-not-listed": _without_last("refunds"),
    "captures-listed-to-ten": in_json(lambda value, _call: value[:10]),
    "capture-missing-from-list": in_json(lambda value, _call: value[:-1]),
    "capture-lines-differ": _shown_otherwise,
    "refunded-capture-unreadable": refused(404, "NO_SUCH_CAPTURE", "No such capture.", when=_full_refund),
    "earlier-refund-unreadable": refused(404, "NOT_FOUND", "Refund not found.", when=_first_of_two_refunds),
    "read-moves-creation": _creeping,
    "list-read-renames": _reads_acknowledge,
    "repetition-with-new-transaction": in_success(_new_transaction),
    "options-read-extends": _options_prolong,
}
