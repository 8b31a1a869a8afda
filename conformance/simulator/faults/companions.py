"""Faults that need company: earlier calls of two kinds, another order, another merchant, a read of the same moment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conformance.exchange import Response
from conformance.simulator.faults.call import Call, answered_json
from conformance.simulator.faults.changes import after, asked, each_order, succeeded, with_json
from conformance.simulator.faults.fault import Behaviour
from conformance.simulator.order import Order

__all__ = ["BEHAVIOURS"]

_PAGE = 50


def _third_after_extension(call: Call) -> Response:
    """Take one off the third capture of an order whose authorisation was extended."""
    order = call.order
    if order is None:
        return call.proceed()
    if call.operation == "captureOrder" and call.memory.get(order.order_id) and len(order.captures) > 1:
        amount = call.amount or 0
        if amount > 1:
            return call.proceed(call.rewritten({**call.sent, "captured_amount": amount - 1}))
    response = call.proceed()
    if succeeded(response) and call.operation == "extendAuthorizationTime":
        call.memory[order.order_id] = True
    return response


def _end_of_another(call: Call) -> Response:
    """Give the new end of an authorisation to the order that was asked about before as well."""
    other, order = call.memory.get("last"), call.order
    response = call.proceed()
    extended = succeeded(response) and call.operation == "extendAuthorizationTime"
    if extended and isinstance(other, Order) and order is not None and other is not order:
        other.expires_at = order.expires_at
        other.changed()
    call.memory["last"] = order
    return response


def _sorted_lines(body: dict[str, Any], _call: Call) -> dict[str, Any]:
    lines = body.get("order_lines")
    if not isinstance(lines, list) or not all(isinstance(line, dict) for line in lines):
        return body
    return {**body, "order_lines": sorted(lines, key=lambda line: str(line.get("reference")))}


def _in_major_units(body: dict[str, Any], call: Call) -> dict[str, Any]:
    """Take an amount there and back through major units, which loses a minor unit of some."""
    if not body.get("order_lines") or not call.amount:
        return body
    return {**body, "captured_amount": int(call.amount / 100 * 100)}


def _first_end(call: Call) -> Response:
    """Forget an extension when the customer is told of a capture."""
    order = call.order
    if order is not None and call.operation == "extendAuthorizationTime":
        call.memory.setdefault(order.order_id, order.expires_at)

    def put_back(_call: Call, _response: Response) -> None:
        if order is not None:
            order.expires_at = call.memory.get(order.order_id, order.expires_at)

    return after(put_back, lambda each: each.operation == "triggerSendOut")(call)


def _half_of_a_capture(call: Call) -> Response:
    """Show what was captured in this moment, and what remained before it."""
    order = call.order
    if order is None:
        return call.proceed()
    remaining = call.moment.setdefault(order.order_id, order.remaining_authorized_amount)
    response = call.proceed()
    if call.operation != "getOrder" or not call.rival or not succeeded(response):
        return response
    return with_json(response, {**answered_json(response), "remaining_authorized_amount": remaining})


def _told_to_strangers(call: Call) -> Response:
    response = call.proceed()
    if response.status != 404 or call.stored is None or call.order is not None:
        return response
    told = f"Order {call.stored.klarna_reference} belongs to another merchant."
    return with_json(response, {**answered_json(response), "error_messages": [told]})


BEHAVIOURS: Mapping[str, Behaviour] = {
    "third-capture-after-extension": _third_after_extension,
    "extension-for-neighbour-too": _end_of_another,
    "lines-sorted-in-new-total": asked(_sorted_lines),
    "cents-lost-beside-lines": asked(_in_major_units),
    "send-out-undoes-extension": _first_end,
    "captures-shown-to-fifty": each_order(captures=lambda order: order["captures"][:_PAGE]),
    "half-of-a-capture-shown": _half_of_a_capture,
    "reference-told-to-strangers": _told_to_strangers,
}
