"""Faults that are there for those who come later: after a refusal, with age, with several values in one request."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from conformance.exchange import Headers, Response
from conformance.simulator.faults.call import Call
from conformance.simulator.faults.changes import asked, in_json, in_refusal, with_headers
from conformance.simulator.faults.fault import Behaviour

__all__ = ["BEHAVIOURS"]

_LIST_AGE = timedelta(days=60)


def _locked_by(failed: str, code: str) -> Behaviour:
    """Refuse other writes to an order on which one operation was refused."""

    def behave(call: Call) -> Response:
        order_id = call.ids["order_id"]
        if call.operation != failed and order_id in call.memory:
            return call.refuse(403, code, "Not possible.")
        response = call.proceed()
        if call.operation == failed and response.status == 403:
            call.memory[order_id] = True
        return response

    return behave


def _done_at_last(*statuses: int) -> Behaviour:
    """Take a key that was refused before for one that was carried out."""

    def behave(call: Call) -> Response:
        response = call.proceed()
        if response.status not in statuses or not call.key:
            return response
        place = call.operation, call.key
        if place in call.memory:
            kept = response.headers.without("Content-Type", "Content-Length", "Transfer-Encoding")
            return Response(204, Headers(kept.items))
        call.memory[place] = True
        return response

    return behave


def _shown_expired(value: Any, call: Call) -> Any:
    order = call.order
    lapsed = order is not None and order.state in ("CAPTURED", "CANCELLED") and call.now >= order.expires_at
    return {**value, "status": "EXPIRED"} if lapsed else value


def _no_refund_of_old(call: Call) -> Response:
    """Refuse refunds once the authorisation would have run out, had nothing been captured."""
    order = call.order
    if order is not None and order.captures and call.now >= order.expires_at:
        return call.refuse(403, "REFUND_NOT_ALLOWED", "Refund not possible.")
    return call.proceed()


def _young_captures(value: Any, call: Call) -> Any:
    return [each for each in value if call.now - datetime.fromisoformat(each["captured_at"]) < _LIST_AGE]


def _paid_otherwise(call: Call) -> Response:
    """Let the payment method be one that admits everything."""
    with call.pretending(payment_method="INVOICE"):
        return call.proceed()


def _first_two(sent: dict[str, Any], _call: Call) -> dict[str, Any]:
    parcels = sent.get("shipping_info")
    return {**sent, "shipping_info": parcels[:2]} if isinstance(parcels, list) else sent


def _first_over_second(sent: dict[str, Any], call: Call) -> dict[str, Any]:
    """Write the second reference from what the first has just become, where it is sent what the first was."""
    if call.order is None or not {"merchant_reference1", "merchant_reference2"} <= sent.keys():
        return sent
    before = json.loads(call.order.details.get("merchant_reference1", b'""'))
    swapped = bool(before) and sent["merchant_reference2"] == before
    return {**sent, "merchant_reference2": sent["merchant_reference1"]} if swapped else sent


def _one_cleared(sent: dict[str, Any], _call: Call) -> dict[str, Any]:
    address = sent.get("shipping_address")
    if not isinstance(address, dict):
        return sent
    cleared = [name for name, value in address.items() if value == ""]
    return {**sent, "shipping_address": {name: each for name, each in address.items() if name not in cleared[1:]}}


BEHAVIOURS: Mapping[str, Behaviour] = {
    "capture-locked-by-refused-decrease": _locked_by("updateAuthorization", "CAPTURE_NOT_ALLOWED"),
    "cancel-locked-by-refused-capture": _locked_by("captureOrder", "CANCEL_NOT_ALLOWED"),
    "refused-write-done-at-last": _done_at_last(403),
    "unknown-order-done-at-last": _done_at_last(404),
    "settled-shown-as-expired": in_json(_shown_expired),
    "refund-refused-with-age": _no_refund_of_old,
    "captures-of-two-months": in_json(_young_captures),
    "card-increased": _paid_otherwise,
    "financing-extended": _paid_otherwise,
    "third-parcel-of-call-lost": asked(_first_two),
    "swapped-references-one": asked(_first_over_second),
    "one-field-cleared-of-several": asked(_one_cleared),
    "refusal-for-caches": in_refusal(
        lambda response, _call: with_headers(response, {"Cache-Control": "public, max-age=300"}), 403, 404
    ),
}
