"""Faults of identity: an id that is nearly right, of another kind or of another order, and what was read before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conformance.exchange import Response
from conformance.simulator.faults.call import Call
from conformance.simulator.faults.changes import succeeded, with_json, with_status
from conformance.simulator.faults.fault import Behaviour
from conformance.simulator.order import Order
from conformance.simulator.shape import encode

__all__ = ["BEHAVIOURS"]

_SHORTEST = 8


def _cut_id(call: Call) -> Response:
    """Find an order that was read before by the beginning of its id."""
    response = call.proceed()
    known: dict[str, None] = call.memory.setdefault("ids", {})
    asked = call.ids.get("order_id", "")
    if succeeded(response):
        known[asked] = None
    elif response.status in (400, 404) and len(asked) >= _SHORTEST:
        whole = next((each for each in known if each.startswith(asked) and each != asked), "")
        if whole:
            return call.proceed(call.addressed(call.request.target.replace(asked, whole)))
    return response


def _last_digit(call: Call) -> Response:
    """Find a capture whose id differs in the last digit."""
    asked = call.ids.get("capture_id", "")
    captures = {} if call.order is None else call.order.captures
    near = next((each for each in captures if each[:-1] == asked[:-1]), asked)
    return call.proceed(call.addressed(call.request.target.replace(asked, near)))


def _capture_as_refund(call: Call) -> Response:
    response = call.proceed()
    captures = {} if call.order is None else call.order.captures
    capture = captures.get(call.ids.get("refund_id", ""))
    if response.status != 404 or capture is None:
        return response
    shown = {"refund_id": capture.capture_id, "refunded_amount": capture.captured_amount}
    shown |= {"refunded_at": capture.captured_at, "description": "", "order_lines": [], "credit_invoice": False}
    return with_json(with_status(response, 200), shown)


def _read_before(call: Call) -> Response:
    """Serve an order that its merchant has read twice to whoever asks."""
    response = call.proceed()
    place = call.ids.get("order_id", "")
    if succeeded(response):
        call.memory[place] = (call.memory.get(place, (0,))[0] + 1, response)
        return response
    times, known = call.memory.get(place, (0, response))
    return known if response.status in (403, 404) and times > 1 else response


def _order_before(call: Call) -> Response:
    """Write references to the order that had some before, too."""
    response = call.proceed()
    order = call.order
    if order is None or not succeeded(response):
        return response
    previous: Order | None = call.memory.get("previous")
    call.memory["previous"] = order
    if previous is not None and previous is not order:
        texts = {name: encode(value) for name, value in call.sent.items() if name.startswith("merchant_reference")}
        previous.details = {**previous.details, **texts}
        previous.changed()
    return response


def _of_one_number(call: Call) -> Response:
    """Cancel with an order all that were given the same number."""
    response = call.proceed()
    order = call.order
    if order is None or not succeeded(response):
        return response
    named: list[tuple[Order, Any]] = call.memory.setdefault("named", [])
    if call.operation == "updateMerchantReferences":
        named.append((order, call.sent.get("merchant_reference1")))
        return response
    numbers = [number for each, number in named if each is order and number]
    for each, number in named:
        if each is not order and number in numbers and not each.captures:
            each.state = each.status = "CANCELLED"
            each.remaining_authorized_amount = 0
            each.changed()
    return response


BEHAVIOURS: Mapping[str, Behaviour] = {
    "cut-order-id-suffices": _cut_id,
    "last-digit-of-capture-ignored": _last_digit,
    "capture-read-as-refund": _capture_as_refund,
    "read-before-served-to-all": _read_before,
    "references-on-order-before": _order_before,
    "cancel-takes-same-number-along": _of_one_number,
}
