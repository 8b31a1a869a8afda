"""Faults of the moment: requests that arrive together are decided on an order that none of them has changed yet."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from conformance.exchange import Headers, Response
from conformance.simulator.faults.call import Call
from conformance.simulator.faults.changes import succeeded
from conformance.simulator.faults.fault import Behaviour

__all__ = ["BEHAVIOURS"]

_SEEN = ("captured_amount", "refunded_amount", "remaining_authorized_amount", "order_amount", "state", "status")


def _key_not_yet_known(call: Call) -> Response:
    """A key becomes known only when its request is through, so rivals do not find it."""
    return call.proceed(call.keyed(f"{call.key}#{call.rival}") if call.rival and call.key else None)


def _stale(*counted: str) -> Behaviour:
    """Let rivals decide on the order as it was when the first of them came, and add up what they move.

    ``counted`` names the amounts that are kept as the rivals before have left them, each with its own share added.
    """

    def behave(call: Call) -> Response:
        order = call.order
        if order is None:
            return call.proceed()
        seen = call.moment.setdefault(order.order_id, {name: getattr(order, name) for name in _SEEN})
        present = {name: getattr(order, name) for name in _SEEN}
        if call.rival:
            _write(order, seen)
        response = call.proceed()
        if not succeeded(response):
            _write(order, present)
        elif call.rival:
            for name in counted:
                setattr(order, name, present[name] + getattr(order, name) - seen[name])
        order.captures_changed()
        return response

    return behave


def _write(order: Any, values: dict[str, Any]) -> None:
    for name, value in values.items():
        setattr(order, name, value)


def _state_of_before(call: Call) -> Response:
    """Let a rival find the order in the state in which the first of the moment found it, and keep what it does."""
    order = call.order
    if order is None:
        return call.proceed()
    seen = call.moment.setdefault(order.order_id, {name: getattr(order, name) for name in _SEEN})
    if call.rival:
        _write(order, {name: seen[name] for name in ("state", "status", "remaining_authorized_amount")})
        order.captures_changed()
    return call.proceed()


def _one_id(call: Call) -> Response:
    """Give the captures of one moment the id of the first."""
    response = call.proceed()
    made = response.headers.get("Capture-Id")
    if made is None:
        return response
    first: str = call.moment.setdefault("made", made)
    return Response(response.status, Headers((name, value.replace(made, first)) for name, value in response.headers))


def _rival_fails(call: Call) -> Response:
    """Make the capture of a rival, and answer that it was refused."""
    response = call.proceed()
    if call.rival and succeeded(response):
        return call.refuse(403, "REFUND_NOT_ALLOWED", "Refund amount is higher than captured amount.")
    return response


def _rivals_share_correlation(call: Call) -> Response:
    response = call.proceed()
    name = "Klarna-Correlation-Id"
    if not succeeded(response):
        return response
    value: str = call.moment.setdefault(name, response.headers.get(name) or str(uuid.UUID(int=call.number)))
    return Response(response.status, Headers((*response.headers.without(name).items, (name, value))), response.body)


BEHAVIOURS: Mapping[str, Behaviour] = {
    "capture-key-race": _key_not_yet_known,
    "refund-key-race": _key_not_yet_known,
    "capture-race": _stale("captured_amount"),
    "refund-race": _stale("refunded_amount"),
    "capture-lost-update": _stale(),
    "refund-lost-update": _stale(),
    "capture-races-cancel": _state_of_before,
    "captures-share-id": _one_id,
    "refund-made-and-refused": _rival_fails,
    "correlation-race": _rivals_share_correlation,
}
