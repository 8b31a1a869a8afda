"""Faults of effects: writes that reach too far or not far enough, and refusals that leave a trace in the order."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from conformance.exchange import Headers, Response
from conformance.simulator.clock import midnight
from conformance.simulator.faults.call import Call
from conformance.simulator.faults.changes import after, asked, in_success, setting, succeeded, with_headers
from conformance.simulator.faults.fault import Behaviour
from conformance.simulator.order import Order
from conformance.simulator.shape import SHIPPING_INFO, encode, project

__all__ = ["BEHAVIOURS"]


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
    return after(setting(order_lines=lambda _call: lines), lambda _call: omitted)(call)


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
    return after(setting(expires_at=lambda _call: end))(call)


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


def _new_transaction(response: Response, call: Call) -> Response:
    return with_headers(response, {"Transaction-Id": str(uuid.UUID(int=call.number))})


BEHAVIOURS: Mapping[str, Behaviour] = {
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
    "send-out-renames": after(setting(klarna_reference="SENT0001")),
    "address-changes-billing": after(_billing_too),
    "address-line-dropped": asked(_mail_kept),
    "extension-resets-risk": after(setting(fraud_status="PENDING")),
    "extension-into-the-past": after(setting(expires_at=_moved(-1))),
    "extension-shortens": after(setting(expires_at=_moved(7))),
    "extension-without-effect": _end_kept,
    "capture-moves-creation": after(setting(created_at=lambda call: call.now + timedelta(hours=1))),
    "capture-lost-after-refund": after(_last_capture_gone),
    "capture-id-reused": _reused_capture_id,
    "repetition-with-new-transaction": in_success(_new_transaction),
}
