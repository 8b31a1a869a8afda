"""Faults that show only as the sequel of something else: after an update, a release, another key, a fourth parcel."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from conformance.exchange import Response
from conformance.simulator.faults.call import Call, answered_json
from conformance.simulator.faults.changes import after, asked, in_json, refused, succeeded, with_headers, with_json
from conformance.simulator.faults.fault import Behaviour
from conformance.simulator.order import Order
from conformance.simulator.shape import encode
from conformance.simulator.transition import AUTHORIZATION_PERIOD, EXPIRING

__all__ = ["BEHAVIOURS"]


def _extended_then_refunded(call: Call) -> Response:
    """Refuse refunds of an order whose authorisation was extended."""
    order = call.order
    if order is None:
        return call.proceed()
    if call.operation == "refundOrder" and call.memory.get(order.order_id) and order.captures:
        return call.refuse(403, "REFUND_NOT_ALLOWED", "Refund not possible.")
    response = call.proceed()
    if succeeded(response) and call.operation == "extendAuthorizationTime":
        call.memory[order.order_id] = True
    return response


def _changed_total(order: Order) -> bool:
    return any(movement.kind == "adjust" for movement in order.movements)


def _twice_off_the_remainder(call: Call, _response: Response) -> None:
    order = call.order
    if order is not None and _changed_total(order):
        order.remaining_authorized_amount = max(order.remaining_authorized_amount - (call.amount or 0), 0)


def _second_reference_gone(call: Call, _response: Response) -> None:
    if call.order is not None:
        call.order.details = {
            name: value for name, value in call.order.details.items() if name != "merchant_reference2"
        }


def _lines_added(call: Call) -> Response:
    """Add the lines of a second update to those of the first."""
    order = call.order
    before: list[Any] = []
    if order is not None and order.order_lines is not None and _changed_total(order):
        before = json.loads(order.order_lines)

    def change(_call: Call, _response: Response) -> None:
        if order is not None and order.order_lines is not None:
            order.order_lines = encode([*before, *json.loads(order.order_lines)])

    return after(change)(call)


def _without_refunded_lines(value: Any, call: Call) -> Any:
    """Show a capture without its lines once something is refunded on the order."""
    refunded = call.order is not None and bool(call.order.refunds)
    items = [{**item, "order_lines": []} for item in (value if isinstance(value, list) else [value])]
    if not refunded:
        return value
    return items if isinstance(value, list) else items[0]


def _later_captured(call: Call) -> Response:
    """Let a parcel that is filed later move the time of its capture."""
    response = call.proceed()
    capture, order = call.capture, call.order
    if capture is None or order is None:
        return response
    if call.operation == "appendShippingInfo" and succeeded(response):
        call.memory[capture.capture_id] = True
    value = answered_json(response)
    if call.operation != "getCapture" or response.status != 200 or capture.capture_id not in call.memory:
        return response
    moved = (call.now + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return with_json(response, {**value, "captured_at": moved})


def _description_of_last_time(sent: dict[str, Any], call: Call) -> dict[str, Any]:
    if "description" in sent:
        call.memory["description"] = sent["description"]
        return sent
    text = call.memory.get("description")
    return {**sent, "description": text[:255]} if isinstance(text, str) else sent


def _parcels_gone(call: Call, _response: Response) -> None:
    if call.order is not None:
        call.order._shipping_info = []  # noqa: SLF001 - a fault reaches where the service does not


def _state_before_key(call: Call) -> Response:
    """Look at the order's state first, so that the last capture's own replay is refused."""
    order = call.order
    if order is not None and call.key in call.memory and order.state in ("CAPTURED", "RELEASED"):
        return call.refuse(403, "CAPTURE_NOT_ALLOWED", "Capture not possible. Order is fully captured.")
    response = call.proceed()
    if call.key and succeeded(response):
        call.memory[call.key] = True
    return response


def _latest_key_only(call: Call) -> Response:
    """Remember one key for each order."""
    place = call.ids["order_id"]
    latest, round_ = call.memory.get(place, ("", 0))
    if call.key != latest:
        round_ += 1
        call.memory[place] = call.key, round_
    return call.proceed(call.keyed(f"{call.key}#{round_}" if call.key else ""))


def _third_parcel_last(call: Call) -> Response:
    """Drop what is filed after the third parcel of an order."""
    order = call.order
    kept = 0 if order is None else len(order._shipping_info)  # noqa: SLF001 - as above
    response = call.proceed()
    if order is not None and succeeded(response) and kept >= 3:
        del order._shipping_info[kept:]  # noqa: SLF001 - as above
        order.changed()
    return response


def _rest_of_address_gone(call: Call, _response: Response) -> None:
    """Keep only those parts of an address that were sent."""
    address = call.sent.get("shipping_address")
    if call.order is not None and isinstance(address, dict):
        call.order.details = {**call.order.details, "shipping_address": encode(address)}


def _transaction_of_first(call: Call) -> Response:
    """Answer all captures of an order with the Transaction-Id of the first."""
    response = call.proceed()
    if not succeeded(response):
        return response
    value = call.memory.setdefault(call.ids["order_id"], response.headers.get("Transaction-Id"))
    return with_headers(response, {"Transaction-Id": value})


def _one_reference(value: Any, call: Call) -> Any:
    """Number every capture of an order as the first."""
    reference = "" if call.order is None else f"{call.order.klarna_reference}-1"
    return {**value, "captures": [{**item, "klarna_reference": reference} for item in value["captures"]]}


def _captures_of_before(value: Any, _call: Call) -> Any:
    """Date captures a year before they were made."""
    return {**value, "captures": [{**item, "captured_at": _a_year_before(item)} for item in value["captures"]]}


def _a_year_before(item: Mapping[str, Any]) -> str:
    return f"{int(item['captured_at'][:4]) - 1}{item['captured_at'][4:]}"


def _from_old_end(call: Call) -> Response:
    """Count the period of an extension from the end before and not from today."""
    order = call.order
    before = None if order is None else order.expires_at
    response = call.proceed()
    if order is not None and before is not None and succeeded(response) and order.state in EXPIRING:
        order.expires_at = before + AUTHORIZATION_PERIOD
        order.changed()
    return response


def _neighbour_too(call: Call, _response: Response) -> None:
    """Write new references to the order that was asked about before as well."""
    other = call.memory.get("before")
    if call.order is not None and other is not None and other is not call.order:
        other.details = {**other.details, "merchant_reference1": encode("the neighbour's")}
        other.changed()


def _with_neighbour(call: Call) -> Response:
    response = after(_neighbour_too, lambda each: each.operation == "updateMerchantReferences")(call)
    if call.operation == "getOrder" and call.order is not None:
        call.memory["before"], call.memory["last"] = call.memory.get("last", call.order), call.order
    return response


def _addressed_as_before(call: Call, _response: Response) -> None:
    """Give a capture the address that the order had before it was changed."""
    order = call.order
    first = None if order is None else call.memory.get(order.order_id)
    if order is not None and first is not None:
        capture = next(reversed(order.captures.values()))
        capture._addresses = {**capture._addresses, "shipping_address": first}  # noqa: SLF001 - as above


def _first_address(call: Call) -> Response:
    order = call.order
    if order is not None and call.operation == "updateConsumerDetails" and "shipping_address" in order.details:
        call.memory.setdefault(order.order_id, order.details["shipping_address"])
    return after(_addressed_as_before, lambda each: each.operation == "captureOrder")(call)


def _second_capture_paid(call: Call) -> bool:
    order = call.order
    return order is not None and call.capture is not None and next(iter(order.captures)) != call.capture.capture_id


BEHAVIOURS: Mapping[str, Behaviour] = {
    "capture-with-old-address": _first_address,
    "due-date-of-second-capture-refused": refused(
        403, "NOT_ALLOWED", "Due date cannot be extended.", when=_second_capture_paid
    ),
    "transaction-of-first-capture": _transaction_of_first,
    "captures-share-reference": in_json(_one_reference),
    "captures-dated-before": in_json(_captures_of_before),
    "extension-from-old-end": _from_old_end,
    "references-for-neighbour-too": _with_neighbour,
    "refund-refused-after-extension": _extended_then_refunded,
    "capture-off-twice-after-update": after(_twice_off_the_remainder),
    "address-clears-second-reference": after(_second_reference_gone),
    "second-update-adds-lines": _lines_added,
    "refund-hides-captured-lines": in_json(_without_refunded_lines),
    "parcel-moves-capture-time": _later_captured,
    "capture-text-of-last-time": asked(_description_of_last_time),
    "release-drops-parcels": after(_parcels_gone),
    "replay-of-last-capture-refused": _state_before_key,
    "latest-key-only": _latest_key_only,
    "fourth-parcel-dropped": _third_parcel_last,
    "address-part-clears-the-rest": after(_rest_of_address_gone),
}
