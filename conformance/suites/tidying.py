"""Leaves orders as light as can be: what is authorised is cancelled or released, what is captured is refunded."""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from conformance.contract.operations import BASE_PATH
from conformance.exceptions import ConformanceError
from conformance.exchange import Exchange, Headers, Request
from conformance.suites.conversation import encoded

__all__ = ["read_order", "tidy"]

Send = Callable[[Request], Exchange]


def read_order(send: Send, authorization: str, order_id: str, prefix: str = "") -> dict[str, Any] | None:
    """Read an order outside of any case; None when it cannot be read."""
    exchange = send(_request("GET", f"{prefix}{BASE_PATH}/orders/{order_id}", authorization))
    if exchange.response is None or exchange.response.status != 200:
        return None
    try:
        found = json.loads(exchange.response.body)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def tidy(send: Send, authorization: str, order_ids: Iterable[str], prefix: str = "") -> dict[str, int]:
    """Cancel, release and refund what these orders still hold, and count what was done; never raises.

    An order with nothing captured is cancelled; of any other the rest is released and what was captured refunded.
    """
    done: Counter[str] = Counter()
    for order_id in order_ids:
        try:
            order = read_order(send, authorization, order_id, prefix)
            if order is None:
                done["unread"] += 1
                continue
            for what, path, body in _moves(order):
                exchange = send(_request("POST", f"{prefix}{BASE_PATH}/orders/{order_id}/{path}", authorization, body))
                answered = exchange.response is not None and 200 <= exchange.response.status < 300
                done[what if answered else "left"] += 1
        except ConformanceError:
            # Whatever keeps one order from being tidied is no reason to leave the others.
            done["left"] += 1
    return dict(done)


def _moves(order: Mapping[str, Any]) -> Iterable[tuple[str, str, dict[str, Any] | None]]:
    def amount(name: str) -> int:
        value = order.get(name)
        return value if isinstance(value, int) and not isinstance(value, bool) else 0

    status, captured, remaining = order.get("status"), amount("captured_amount"), amount("remaining_authorized_amount")
    if status == "AUTHORIZED" and not captured:
        yield "cancelled", "cancel", None
    if status == "PART_CAPTURED" and remaining:
        yield "released", "release-remaining-authorization", None
    left = captured - amount("refunded_amount")
    if status in ("PART_CAPTURED", "CAPTURED") and left > 0:
        yield "refunded", "refunds", {"refunded_amount": left}


def _request(method: str, target: str, authorization: str, body: dict[str, Any] | None = None) -> Request:
    headers = [("Authorization", authorization), ("Accept", "application/json")]
    if method != "GET":
        # Version 4: what is sent once belongs to nobody else.
        headers.append(("Klarna-Idempotency-Key", str(uuid.uuid4())))
    if body is not None:
        headers.append(("Content-Type", "application/json"))
    return Request(method, target, Headers(headers), b"" if body is None else encoded(body))
