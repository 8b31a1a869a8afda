"""Faults of state and time: what a state forbids is done, and what it allows is not."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import timedelta

from conformance.exchange import Headers, Response
from conformance.simulator.clock import timestamp
from conformance.simulator.faults.call import Call, answered_json
from conformance.simulator.faults.changes import after, refused, setting, succeeded, with_json
from conformance.simulator.faults.fault import Behaviour
from conformance.simulator.order import Order

__all__ = ["BEHAVIOURS"]

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


def _on_any_capture(call: Call) -> Response:
    """Take an unknown capture for the first one."""
    order = call.order
    if order is None or not order.captures or call.capture is not None:
        return call.proceed()
    first = next(iter(order.captures))
    return call.proceed(call.addressed(call.request.target.replace(call.ids["capture_id"], first)))


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


def _raised_when_captured(call: Call) -> Response:
    """Let a captured order take a higher total, and no other."""
    order = call.order
    raised = order is not None and (call.amount or 0) > order.order_amount
    return _as_if("PART_CAPTURED", "CAPTURED")(call) if raised else call.proceed()


BEHAVIOURS: Mapping[str, Behaviour] = {
    "update-after-full-capture": _raised_when_captured,
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
    "cancel-revived-by-acknowledge": after(setting(state="AUTHORIZED", status="AUTHORIZED"), _in("CANCELLED")),
    "expired-not-noticed": _never_expires,
    "expires-a-week-early": _expires_early,
}
