"""Faults of bodies that are read by halves: what is refused and filed, what lines excuse, what spelling decides."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from conformance.exchange import Request, Response
from conformance.simulator.faults.call import AMOUNT_FIELD, KEY, Call
from conformance.simulator.faults.changes import asked, each_text, refused
from conformance.simulator.faults.fault import Behaviour
from conformance.simulator.shape import encode

__all__ = ["BEHAVIOURS"]


def _filed(half: Callable[[Mapping[str, Any]], dict[str, Any] | None], status: int) -> Behaviour:
    """Refuse a body, and carry out a half of it all the same."""

    def behave(call: Call) -> Response:
        response = call.proceed()
        right = half(call.sent) if response.status == status else None
        if right is not None:
            request = call.request
            call.proceed(Request(request.method, request.target, request.headers.without(KEY), encode(right)))
        return response

    return behave


def _first_parcel(sent: Mapping[str, Any]) -> dict[str, Any] | None:
    parcels = sent.get("shipping_info")
    return {"shipping_info": parcels[:1]} if isinstance(parcels, list) and 1 < len(parcels) < 10 else None


def _shipping_alone(sent: Mapping[str, Any]) -> dict[str, Any] | None:
    both = "billing_address" in sent and "shipping_address" in sent
    return {"shipping_address": sent["shipping_address"]} if both else None


def _lines_excuse(call: Call) -> Response:
    """Hold a capture that is sent with lines against the total in place of what is left."""
    order, amount = call.order, call.amount
    lines = bool(call.sent.get("order_lines"))
    if order is None or amount is None or not lines or order.status != "PART_CAPTURED":
        return call.proceed()
    with call.pretending(remaining_authorized_amount=max(order.remaining_authorized_amount, order.order_amount)):
        return call.proceed()


def _amount_is_not_first(call: Call) -> bool:
    name = AMOUNT_FIELD.get(call.operation, "")
    return name in call.sent and next(iter(call.sent)) != name


def _is_indented(call: Call) -> bool:
    return b"\n" in call.request.body and bool(call.sent)


BEHAVIOURS: Mapping[str, Behaviour] = {
    "first-parcel-of-refused-list-filed": _filed(_first_parcel, 422),
    "address-filed-with-refused-billing": _filed(_shipping_alone, 403),
    "lines-excuse-overcapture": _lines_excuse,
    "amount-must-come-first": refused(
        422, "UNPROCESSABLE_ENTITY", "'captured_amount' must not be null", when=_amount_is_not_first
    ),
    "indented-body-refused": refused(400, "BAD_VALUE", "The body cannot be read.", when=_is_indented),
    "article-number-without-zeros": asked(
        lambda sent, _call: each_text(
            sent, frozenset({"global_trade_item_number"}), lambda text: text.lstrip("0") or text
        )
    ),
}
