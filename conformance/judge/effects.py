"""Carries a write out on the shadow, by the effects of the lifecycle table, and learns from reads."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from conformance.contract.contract import Contract
from conformance.contract.lifecycle import Effect
from conformance.contract.operation import Operation
from conformance.judge.echo import Among, kept, shows
from conformance.judge.observation import Observation
from conformance.judge.shadow import Shadow, Written

__all__ = ["INHERITED", "carry_out", "learn_capture", "learn_captures", "learn_options", "learn_order", "learn_refund"]

_CREATED_ID = {"captures": ("Capture-Id", "capture_id"), "refunds": ("Refund-Id", "refund_id")}
_ADDRESS = "shipping_address"
_MANDATORY = frozenset(
    {"given_name", "family_name", "street_address", "postal_code", "city", "country", "email", "phone"}
)
# What an order that has run out may be called, and the states that it may have been in before it was read.
_LIKE_EXPIRED = frozenset({"CANCELLED", "CLOSED"})
_MAY_LAPSE = frozenset({"", "AUTHORIZED", "PART_CAPTURED", "EXPIRED"})
_LISTS = frozenset({"captures", "refunds"})


def carry_out(shadow: Shadow, seen: Observation, operation: Operation, contract: Contract) -> None:
    """Change the shadow as the table says that the operation changes the order."""
    if operation.id == "cancelOrder" and shadow.state == "CANCELLED":
        return
    if operation.id == "extendDueDate":
        # What was on offer may have been used up.
        shadow.offers.pop(seen.ids.get("capture_id", ""), None)
    shadow.released |= operation.id == "releaseRemainingAuthorization"
    # The effect of an operation is the same in every state that allows it.
    cell = contract.lifecycle.cell(operation.id, shadow.state or "AUTHORIZED")
    _change(shadow, cell.effect, seen, contract)
    moves = cell.effect.to or cell.effect.amounts or cell.effect.moves
    if moves and not cell.allowed and not cell.truth.binds:
        # What becomes of the order where only we thought that it would be refused is the service's own affair.
        shadow.state = ""
        shadow.forget("status", "remaining_authorized_amount")


def _change(shadow: Shadow, effect: Effect, seen: Observation, contract: Contract) -> None:
    reached = _reached(shadow, effect, seen)
    held = not reached or contract.lifecycle.states[reached].truth.binds
    for name, (change, operand) in effect.amounts.items():
        shadow.touched.add(name)
        value = _amount_after(shadow, seen, name, change, operand)
        if value is None or not held:
            shadow.forget(name)
        else:
            shadow.fields[name] = value
    if not held:
        shadow.forget("order_amount")
    if reached and contract.lifecycle.states[reached].terminal:
        # What a terminal order still reports as authorised differs between documentation and recordings.
        shadow.forget("remaining_authorized_amount")
    if effect.adds:
        _add(shadow, effect.adds, seen)
    if effect.replaces:
        shadow.fields[effect.replaces] = Written(kept(effect.replaces, seen.body.get(effect.replaces, [])))
        shadow.touched.add(effect.replaces)
    for name in effect.overwrites:
        if name in seen.nulls or (name == _ADDRESS and shadow.read and name not in shadow.fields):
            # A field that may have been cleared or left, and one that this server does not show.
            shadow.forget(name)
        elif name in seen.body:
            before = None if _holds_null(seen, name) else shadow.fields.get(name)
            shadow.fields[name] = Written(_changed(before, kept(name, seen.body[name])))
            shadow.touched.add(name)
    if effect.appends:
        _append(shadow, effect.appends, seen)
    if effect.moves:
        shadow.touched.add(effect.moves)
    if effect.to:
        shadow.state, shadow.guessed = reached, False
        shadow.touched.add("status")
        shadow.forget("status")


def _holds_null(seen: Observation, name: str) -> bool:
    """Tell whether null is in a part of a field: what becomes of the parts that were not sent is then not known."""
    value = seen.sent.value
    part = value.get(name) if isinstance(value, dict) else None
    return isinstance(part, dict) and None in part.values()


def _reached(shadow: Shadow, effect: Effect, seen: Observation) -> str:
    """Return the state that the effect leads to; empty when it stays or cannot be told."""
    if not effect.to or (effect.adds and _asked(effect, seen) == 0):
        return ""
    if "nothing_remains" in effect.to:
        change = effect.amounts.get("remaining_authorized_amount")
        left = None if change is None else _amount_after(shadow, seen, "remaining_authorized_amount", *change)
        if left is None:
            return ""
        if left == 0:
            # What an order is called whose total was lowered to what is captured, nobody knows.
            return effect.to["nothing_remains"] if effect.adds else ""
    if "nothing_captured" in effect.to and shadow.amount("captured_amount") == 0:
        return effect.to["nothing_captured"]
    return effect.to["otherwise"]


def _asked(effect: Effect, seen: Observation) -> Any:
    """Return the amount that a write is about; nobody knows what one of nothing leads to."""
    return next((seen.body.get(operand) for change, operand in effect.amounts.values() if change == "add"), None)


def _amount_after(shadow: Shadow, seen: Observation, name: str, change: str, operand: str) -> int | None:
    if change == "set_to":
        if operand == "zero":
            return 0
        total, captured = seen.body.get("order_amount"), shadow.amount("captured_amount")
        return total - captured if isinstance(total, int) and captured is not None else None
    by = seen.body.get(operand)
    if not isinstance(by, int) or isinstance(by, bool):
        return None
    if change == "set":
        return by
    before = shadow.amount(name)
    if before is None:
        return None
    return before + by if change == "add" else before - by


def _add(shadow: Shadow, items: str, seen: Observation) -> None:
    header, identity = _CREATED_ID[items]
    created = seen.response.headers.get(header) if seen.succeeded else None
    shadow.touched.add(items)
    if created is None:
        if items == "captures":
            shadow.captures_known = False
        else:
            shadow.refunds_known = False
        return
    # On record, what was not sent reads as empty.
    entry: dict[str, Any] = {identity: created, "description": Written(""), "order_lines": Written([])}
    entry.update((name, Written(kept(name, value))) for name, value in seen.body.items() if name in _KEPT[items])
    told = "shipping_info" in shadow.fields or (shadow.read and "shipping_info" not in shadow.unknown)
    if items == "captures" and (told or "shipping_info" in entry):
        entry["shipping_info"] = _parcels(shadow, entry.get("shipping_info"))
    if items == "captures":
        entry.update((name, _written(shadow.fields[name])) for name in INHERITED if name in shadow.fields)
    (shadow.captures if items == "captures" else shadow.refunds)[created] = entry


def _parcels(shadow: Shadow, sent: Written | None) -> Written:
    """Return the parcels of a new capture, which may have taken over those of its order."""
    own = [] if sent is None else sent.value
    if not isinstance(own, list):
        return Written(own)
    taken_over = [each for each in _lists(shadow.fields.get("shipping_info")) if each]
    return _either([own, *([*each, *own] for each in taken_over), *([*own, *each] for each in taken_over)])


INHERITED = ("billing_address", "shipping_address")
"""What a capture takes over from its order at the moment when it is made, and shows if it shows it at all."""

_KEPT: Mapping[str, frozenset[str]] = {
    "captures": frozenset({"captured_amount", "description", "order_lines", "reference", "shipping_info"}),
    "refunds": frozenset({"refunded_amount", "description", "order_lines", "reference"}),
}


def _written(value: Any) -> Written:
    return value if isinstance(value, Written) else Written(value)


def _changed(before: Any, sent: Any) -> Any:
    """Return what a field holds once it was overwritten; the parts of an address are changed one by one."""
    known = before.value if isinstance(before, Written) else before
    if not isinstance(sent, dict):
        return sent
    # Parts that an address must have cannot be cleared, and what is answered to that is not known.
    left = {name: value for name, value in sent.items() if value != "" or name not in _MANDATORY}
    if not isinstance(known, dict):
        return left
    return {**{name: value for name, value in known.items() if sent.get(name) != "" or name not in _MANDATORY}, **left}


def _append(shadow: Shadow, place: str, seen: Observation) -> None:
    added = kept("shipping_info", seen.body.get("shipping_info"))
    items = added if isinstance(added, list) else []
    shadow.touched.add(place)
    if place == "shipping_info":
        if place in shadow.fields or (shadow.read and place not in shadow.unknown):
            shadow.fields[place] = _longer(shadow.fields.get(place, []), items)
        return
    capture = shadow.captures.get(seen.ids.get("capture_id", ""))
    if capture is not None and "shipping_info" in capture:
        capture["shipping_info"] = _longer(capture["shipping_info"], items)


def _longer(before: Any, added: list[Any]) -> Written:
    listed = _lists(before)
    # On record, adding what is there already is answered as what changes nothing; whether it is listed twice is not.
    there = [each for each in listed if added and all(any(shows(item, one) for one in each) for item in added)]
    return _either([*([*each, *added] for each in listed), *there])


def _lists(value: Any) -> tuple[list[Any], ...]:
    """Return every list that a field may hold."""
    held = value.value if isinstance(value, Written) else value
    if isinstance(held, Among):
        return held.lists
    return (held if isinstance(held, list) else [],)


def _either(lists: list[list[Any]]) -> Written:
    different = [each for index, each in enumerate(lists) if each not in lists[:index]]
    return Written(different[0] if len(different) == 1 else Among(tuple(different)))


def learn_order(shadow: Shadow, order: Mapping[str, Any], now: datetime | None = None) -> None:
    """Take a read of the whole order as what is known from now on; ``now`` is the target's time (aware), if known."""
    shadow.fields = {name: value for name, value in order.items() if name not in _LISTS}
    if isinstance(order.get("captures"), list):
        learn_captures(shadow, order["captures"])
    if isinstance(order.get("refunds"), list):
        shadow.refunds = _by_id(order["refunds"], "refund_id")
        shadow.refunds_known = True
    released = shadow.state == "RELEASED"
    shadow.state = _state_shown(shadow, order, now)
    # What was captured in part and shows itself as captured may have been released, or have expired.
    shadow.guessed = shadow.state == "RELEASED" and (shadow.guessed or not released)
    shadow.events.clear()
    shadow.touched.clear()
    shadow.doubts.clear()
    shadow.unknown.clear()
    shadow.read = True


def learn_captures(shadow: Shadow, captures: list[Any]) -> None:
    """Take a list of captures as all that there are."""
    known = shadow.captures
    shadow.captures = {
        identity: _with_parcels(known.get(identity), capture)
        for identity, capture in _by_id(captures, "capture_id").items()
    }
    shadow.captures_known = True


def learn_capture(shadow: Shadow, capture: Mapping[str, Any]) -> None:
    """Take a read of one capture as what is known of it."""
    if isinstance(capture.get("capture_id"), str):
        shadow.captures[capture["capture_id"]] = _with_parcels(shadow.captures.get(capture["capture_id"]), capture)


def _with_parcels(before: Mapping[str, Any] | None, capture: Mapping[str, Any]) -> dict[str, Any]:
    """Take a capture as it is shown; one that shows no parcels has those that it is known to have."""
    known = (before or {}).get("shipping_info")
    return {"shipping_info": known, **capture} if isinstance(known, Written) else dict(capture)


def learn_options(shadow: Shadow, capture_id: str, options: Mapping[str, Any]) -> None:
    """Take the options for extending the due date of a capture as those that it has."""
    offers = options.get("options")
    if isinstance(offers, list):
        days = (offer.get("number_of_days") for offer in offers if isinstance(offer, dict))
        shadow.offers[capture_id] = frozenset(day for day in days if isinstance(day, int))


def learn_refund(shadow: Shadow, refund: Mapping[str, Any]) -> None:
    """Take a read of one refund as what is known of it."""
    if isinstance(refund.get("refund_id"), str):
        shadow.refunds[refund["refund_id"]] = dict(refund)


def _by_id(items: list[Any], identity: str) -> dict[str, dict[str, Any]]:
    return {str(item.get(identity)): dict(item) for item in items if isinstance(item, dict)}


def _state_shown(shadow: Shadow, order: Mapping[str, Any], now: datetime | None) -> str:
    status, total, captured = order.get("status"), order.get("order_amount"), order.get("captured_amount")
    if status in _LIKE_EXPIRED and shadow.state in _MAY_LAPSE and shadow.expired(now):
        # What has run out may be shown as if it had been ended, and whether it had is known of orders seen before.
        return "EXPIRED" if shadow.state else ""
    over = shadow.state == "RELEASED" or (shadow.released and order.get("remaining_authorized_amount") == 0)
    if over and status in ("CAPTURED", "PART_CAPTURED"):
        return "RELEASED"
    if status == "PART_CAPTURED" and isinstance(total, int) and total == captured:
        # Its total was lowered to what is captured: what such an order allows, nobody knows.
        return ""
    if status == "CAPTURED" and isinstance(total, int) and isinstance(captured, int) and captured < total:
        return "RELEASED"
    known = ("AUTHORIZED", "PART_CAPTURED", "CAPTURED", "CANCELLED", "EXPIRED", "CLOSED")
    return status if isinstance(status, str) and status in known else ""
