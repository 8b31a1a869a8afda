"""Faults of the moment between different writes, or to one list: the later puts back what the earlier found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from conformance.exchange import Response
from conformance.simulator.faults.call import Call
from conformance.simulator.faults.changes import succeeded
from conformance.simulator.faults.fault import Behaviour

__all__ = ["BEHAVIOURS"]


def _put_back(read: Callable[[Call], Any], write: Callable[[Call, Any], None], *, others_only: bool) -> Behaviour:
    """Let a rival write the order as the first of the moment found it, its own share aside.

    ``others_only`` spares rivals of the same operation.
    """

    def behave(call: Call) -> Response:
        order = call.order
        if order is None or ("capture_id" in call.ids and call.capture is None):
            return call.proceed()
        first, found = call.moment.setdefault((order.order_id, read), (call.operation, read(call)))
        before = read(call)
        response = call.proceed()
        if call.rival and succeeded(response) and not (others_only and first == call.operation):
            own = read(call)[len(before) :] if isinstance(before, list) else None
            write(call, found if own is None else [*found, *own])
            order.captures_changed()
        return response

    return behave


def _details(call: Call) -> Any:
    return getattr(call.order, "details", None)


def _keep_details(call: Call, value: Any) -> None:
    if call.order is not None:
        call.order.details = value


def _refunded(call: Call) -> Any:
    return getattr(call.order, "refunded_amount", None)


def _keep_refunded(call: Call, value: Any) -> None:
    if call.order is not None:
        call.order.refunded_amount = value


def _total(call: Call) -> Any:
    return getattr(call.order, "order_amount", None)


def _keep_total(call: Call, value: Any) -> None:
    if call.order is not None:
        call.order.order_amount = value
        call.order.remaining_authorized_amount = value - call.order.captured_amount


def _order_parcels(call: Call) -> Any:
    return list(getattr(call.order, "_shipping_info", ()))


def _keep_order_parcels(call: Call, value: Any) -> None:
    if call.order is not None:
        call.order._shipping_info = value  # noqa: SLF001 - a fault reaches where the service does not


def _capture_parcels(call: Call) -> Any:
    # Its parcels are encoded with it.
    return list(call.capture._shipping_info) if call.capture is not None and call.capture.encoded() else []  # noqa: SLF001 - as above


def _keep_capture_parcels(call: Call, value: Any) -> None:
    if call.capture is not None:
        call.capture._shipping_info = value  # noqa: SLF001 - as above
        call.capture.allocate(0)


def _parcel_of_another(call: Call) -> Response:
    """Lose what a rival files for another capture than the first of the moment did."""
    if call.capture is None:
        return call.proceed()
    first = call.moment.setdefault(call.ids["order_id"], call.ids["capture_id"])
    before = _capture_parcels(call)
    response = call.proceed()
    if call.rival and first != call.ids["capture_id"]:
        _keep_capture_parcels(call, before)
    return response


BEHAVIOURS: Mapping[str, Behaviour] = {
    "reference-lost-beside-capture": _put_back(_details, _keep_details, others_only=True),
    "refund-lost-beside-capture": _put_back(_refunded, _keep_refunded, others_only=True),
    "parcels-of-one-moment-lost": _put_back(_order_parcels, _keep_order_parcels, others_only=False),
    "address-lost-beside-extension": _put_back(_details, _keep_details, others_only=True),
    "total-lost-beside-capture": _put_back(_total, _keep_total, others_only=True),
    "parcel-lost-beside-other-capture": _parcel_of_another,
    "capture-parcels-of-one-moment-lost": _put_back(_capture_parcels, _keep_capture_parcels, others_only=False),
}
