"""Faults of reads: an order is shown otherwise than it stands, or changes because somebody looked at it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from conformance.exchange import Response
from conformance.simulator.faults.call import Call, answered_json
from conformance.simulator.faults.changes import each_order, in_json, refused, succeeded, with_json
from conformance.simulator.faults.fault import Behaviour

__all__ = ["BEHAVIOURS"]


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


BEHAVIOURS: Mapping[str, Behaviour] = {
    "status-stays-authorized": _status_as("AUTHORIZED", lambda order: order["status"] == "PART_CAPTURED"),
    "captured-with-a-little-left": _status_as(
        "CAPTURED",
        lambda order: order["status"] == "PART_CAPTURED" and order["remaining_authorized_amount"] < 100,
    ),
    "status-captured-early": _status_as("CAPTURED", lambda order: order["status"] == "PART_CAPTURED"),
    "status-part-captured-for-ever": _status_as(
        "PART_CAPTURED", lambda order: order["status"] == "CAPTURED" and len(order["captures"]) > 1
    ),
    "status-after-refund": _status_as(
        "CANCELLED", lambda order: 0 < order["captured_amount"] == order["refunded_amount"]
    ),
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
    "options-read-extends": _options_prolong,
}
