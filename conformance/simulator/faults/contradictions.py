"""Faults of answers that tell two stories at once: choices, dates, a status and members that contradict each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from conformance.exchange import Response
from conformance.simulator.faults.call import Call
from conformance.simulator.faults.changes import each_order, in_json, in_success, with_body
from conformance.simulator.faults.fault import Behaviour

__all__ = ["BEHAVIOURS"]

Offers = list[dict[str, Any]]


def _offered(change: Callable[[Offers], Offers]) -> Behaviour:
    return in_json(lambda value, _call: {**value, "options": change(value["options"])})


def _dated_like_the_order(order: dict[str, Any]) -> Offers:
    return [{**each, "refunded_at": order["created_at"]} for each in order["refunds"]]


def _closed_once_refunded(order: dict[str, Any]) -> str:
    whole = order["refunded_amount"] == order["captured_amount"] > 0
    return "CLOSED" if whole and order["status"] == "CAPTURED" else str(order["status"])


def _closed_once_captured(order: dict[str, Any]) -> str:
    return "CLOSED" if order["status"] == "CAPTURED" and not order["refunds"] else str(order["status"])


def _captured_twice_told(response: Response, _call: Call) -> Response:
    """Say what is captured twice: first with nothing, then as it is."""
    return with_body(response, response.body.replace(b"{", b'{"captured_amount":0,', 1))


BEHAVIOURS: Mapping[str, Behaviour] = {
    "option-offered-twice": _offered(lambda offers: [*offers, {**offers[1], "amount": offers[1]["amount"] * 2}]),
    "fees-in-major-units": _offered(lambda offers: [{**each, "amount": each["amount"] // 100} for each in offers]),
    "first-option-pays": _offered(lambda offers: [{**offers[0], "amount": -100}, *offers[1:]]),
    "refunds-dated-like-the-order": each_order(refunds=_dated_like_the_order),
    "closed-once-refunded": each_order(status=_closed_once_refunded),
    "closed-once-captured": each_order(status=_closed_once_captured),
    "captured-amount-of-two-values": in_success(_captured_twice_told),
}
