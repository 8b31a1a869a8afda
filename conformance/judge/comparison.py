"""Compares what a read shows with what the shadow expects, and names each difference by what could have caused it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from conformance.contract.contract import Contract
from conformance.judge.difference import told_apart
from conformance.judge.echo import EMPTY, Among, echo_code, shows
from conformance.judge.effects import INHERITED
from conformance.judge.observation import Remark, shown
from conformance.judge.shadow import AMOUNTS, Deed, Shadow, Written, moment

__all__ = ["compare_capture", "compare_captures", "compare_options", "compare_order", "compare_refund", "fits"]

_OPEN = frozenset({"AUTHORIZED", "PART_CAPTURED"})
_LAPSED = frozenset({"EXPIRED", "CLOSED"})
# Nothing is authorised any more of what is captured in whole or cancelled, so nothing of it can run out.
_SETTLED = frozenset({"CAPTURED", "CANCELLED"})
# On record are orders that were captured or refunded, also in whole, and are not closed for that.
_KEEP_OPEN = frozenset({"captureOrder", "refundOrder"})
# The least of all published prices is one unit of the currency; less than that is written in major units.
_LEAST_FEE = 100
_A_MOMENT = timedelta(hours=1)
_FIXED = frozenset({"original_order_amount", "purchase_currency"})
# Fields that an order gains by a write only.
_APPEARING = frozenset({"merchant_reference1", "merchant_reference2", "shipping_info", "merchant_data"})


@dataclass(frozen=True, slots=True)
class _Item:
    """How the items of a list of the order are told apart and which finding speaks of their amount."""

    identity: str
    amount: str
    code: str
    topic: str


_CAPTURE = _Item("capture_id", "captured_amount", "KOM-311", "capture")
_REFUND = _Item("refund_id", "refunded_amount", "KOM-312", "refund")


def fits(expected: Any, observed: Any) -> bool:
    """Tell whether a value shows what was expected; what a request wrote may have gained defaults."""
    if isinstance(expected, Written):
        return shows(expected.value, observed)
    return type(expected) is type(observed) and bool(expected == observed)


def compare_order(
    shadow: Shadow, order: Mapping[str, Any], contract: Contract, now: datetime | None
) -> Iterator[Remark]:
    """Yield how a read of the whole order differs from what the shadow expects."""
    expected_status = shadow.fields.get("status")
    yield from _compare_status(shadow, expected_status, order.get("status"), contract, now)
    skipped = {"status"}
    ended = expected_status != order.get("status") and order.get("status") in _LAPSED
    if ended or (shadow.state in _OPEN and shadow.expired(now)):
        # What remains authorised of an order that has just run out is not known, nor whether its total still counts it.
        skipped.add("remaining_authorized_amount")
        if order.get("order_amount") == order.get("captured_amount"):
            skipped.add("order_amount")
    if shadow.fields.get("fraud_status") == "PENDING":
        skipped.add("fraud_status")
    for name, expected in shadow.fields.items():
        if name in skipped:
            continue
        observed = order.get(name)
        if fits(expected, observed) or (name not in order and _may_be_missing(expected)):
            continue
        if name in AMOUNTS or name in _FIXED:
            yield _amount_remark(shadow, name, expected, observed)
        elif name == "expires_at" and name in shadow.touched:
            yield from _compare_expiry(expected, observed)
        else:
            yield _field_remark(shadow, name, expected, observed)
    if shadow.read:
        for name in _APPEARING - shadow.fields.keys() - shadow.unknown:
            if order.get(name) not in EMPTY:
                yield _field_remark(shadow, name, None, order[name])
    for items, item, known, complete in (
        ("captures", _CAPTURE, shadow.captures, shadow.captures_known),
        ("refunds", _REFUND, shadow.refunds, shadow.refunds_known),
    ):
        observed = order.get(items)
        if isinstance(observed, list):
            yield from _compare_items(shadow, item, known, observed, complete=complete, absent="KOM-408")


def compare_captures(shadow: Shadow, captures: list[Any]) -> Iterator[Remark]:
    """Yield how the list of captures differs from what the shadow expects."""
    complete = shadow.captures_known
    yield from _compare_items(shadow, _CAPTURE, shadow.captures, captures, complete=complete, absent="KOM-411")


def compare_capture(shadow: Shadow, capture: Mapping[str, Any]) -> Iterator[Remark]:
    """Yield how a read of one capture differs from what the shadow expects."""
    expected = shadow.captures.get(str(capture.get("capture_id")))
    if expected is not None:
        yield from _compare_item(shadow, _CAPTURE, expected, capture)


def compare_refund(shadow: Shadow, refund: Mapping[str, Any]) -> Iterator[Remark]:
    """Yield how a read of one refund differs from what the shadow expects."""
    expected = shadow.refunds.get(str(refund.get("refund_id")))
    if expected is not None:
        yield from _compare_item(shadow, _REFUND, expected, refund)


def compare_options(shadow: Shadow, options: Mapping[str, Any]) -> Iterator[Remark]:
    """Yield how the options for extending a due date differ from the order that they are for."""
    told, known = options.get("currency"), shadow.fields.get("purchase_currency")
    # The published example has small letters where orders have capitals.
    if isinstance(told, str) and isinstance(known, str) and told.upper() != known.upper():
        yield Remark("KOM-317", f"the options are in {shown(told)}, the order is in {known}")
    offers = [each for each in options.get("options") or () if isinstance(each, dict)]
    days = [each["number_of_days"] for each in offers if isinstance(each.get("number_of_days"), int)]
    for number in sorted({each for each in days if each < 1 or days.count(each) > 1}):
        yield Remark("KOM-318", f"{number} days are {'offered twice' if number > 0 else 'no extension'}")
    for each in offers:
        fee = each.get("amount")
        if isinstance(fee, int) and fee != 0 and fee < _LEAST_FEE:
            yield Remark("KOM-318", f"{each.get('number_of_days')} days cost {fee} minor units")


def _may_be_missing(expected: Any) -> bool:
    value = expected.value if isinstance(expected, Written) else expected
    alone = value.value if isinstance(value, Among) else value
    return isinstance(expected, Written) and alone in EMPTY


def _compare_status(
    shadow: Shadow, expected: Any, observed: Any, contract: Contract, now: datetime | None
) -> Iterator[Remark]:
    if not shadow.state:
        if expected == "CANCELLED" and observed not in (expected, "CLOSED") and not shadow.events:
            # Cancelled or run out: it is one of the two, and has been shown as it is.
            yield Remark("KOM-412", f"status is {shown(observed)}, was {expected}{_since(shadow)}")
        return
    state = contract.lifecycle.states[shadow.state]
    if observed == expected or observed in state.shows:
        return
    lapses = shadow.state not in _SETTLED
    possible = now is None or shadow.expired(now) is not False
    if lapses and observed == "EXPIRED" and possible and (not shadow.touched or _long_ago(shadow, now)):
        return
    if lapses and observed in ("EXPIRED", "CAPTURED", "CANCELLED", "CLOSED") and shadow.expired(now):
        return
    if observed == "CLOSED" and not _just_kept_open(shadow, now):
        # Klarna's own housekeeping; what triggers it is not said.
        return
    if shadow.fields.get("fraud_status") in ("PENDING", "REJECTED") and observed == "CANCELLED":
        return
    message = f"status is {shown(observed)}, expected was {' or '.join(state.shows)}"
    left = state.terminal and "status" not in shadow.touched
    fallback = "KOM-407" if left else "KOM-401"
    yield Remark(_blame(shadow, fallback), message)


def _long_ago(shadow: Shadow, now: datetime | None) -> bool:
    """Tell whether the last write was so long before that the order may have run out since."""
    times = [event.at for event in shadow.events if event.deed is Deed.DONE]
    known = [at for at in times if at is not None]
    return now is not None and bool(times) and len(known) == len(times) and all(now - at > _A_MOMENT for at in known)


def _just_kept_open(shadow: Shadow, now: datetime | None) -> bool:
    """Tell whether a call of which it is on record that it closes no order was carried out a moment ago."""
    return now is not None and any(
        event.deed is Deed.DONE
        and event.operation in _KEEP_OPEN
        and event.at is not None
        and now - event.at < _A_MOMENT
        for event in shadow.events
    )


def _compare_expiry(expected: Any, observed: Any) -> Iterator[Remark]:
    before, after = moment(expected.value if isinstance(expected, Written) else expected), moment(observed)
    if before is not None and after is not None and after < before:
        yield Remark("KOM-410", f"expires_at went back from {before.isoformat()} to {after.isoformat()}")


def _blame(shadow: Shadow, written: str, *, gained: bool = False) -> str:
    """Choose the code of a difference by what happened to the order since it was last read."""
    deeds = {event.deed for event in shadow.events}
    if Deed.REPLAYED in deeds and (gained or Deed.DONE not in deeds):
        return "KOM-501"
    if Deed.DONE in deeds or Deed.IN_DOUBT in deeds:
        return written
    return "KOM-404" if Deed.REFUSED in deeds else "KOM-412"


def _amount_remark(shadow: Shadow, name: str, expected: Any, observed: Any) -> Remark:
    wanted = expected.value if isinstance(expected, Written) else expected
    if name in _FIXED:
        return Remark(_blame(shadow, "KOM-314"), f"{name} is {shown(observed)}, was {shown(wanted)}")
    code = _blame(shadow, "KOM-309", gained=name in ("captured_amount", "refunded_amount"))
    return Remark(code, f"{name} is {shown(observed)}, expected was {shown(wanted)}{_since(shadow)}")


def _since(shadow: Shadow) -> str:
    deeds = [f"{event.operation} {event.deed.value}" for event in shadow.events[-4:]]
    return f" (since the last read: {', '.join(deeds)})" if deeds else " (nothing was written since the last read)"


def _field_remark(shadow: Shadow, name: str, expected: Any, observed: Any) -> Remark:
    wanted = expected.value if isinstance(expected, Written) else expected
    message = told_apart(name, wanted, observed)
    if name not in shadow.touched:
        return Remark(_blame(shadow, "KOM-406"), message + _since(shadow))
    return Remark(echo_code(wanted, observed), message)


def _compare_items(
    shadow: Shadow,
    item: _Item,
    known: Mapping[str, Mapping[str, Any]],
    observed: list[Any],
    *,
    complete: bool,
    absent: str,
) -> Iterator[Remark]:
    seen: set[str] = set()
    for entry in observed:
        if not isinstance(entry, dict):
            continue
        identity = str(entry.get(item.identity))
        if identity in seen:
            yield Remark(absent, f"{item.identity} {identity} is listed twice")
        seen.add(identity)
        expected = known.get(identity)
        if expected is not None:
            yield from _compare_item(shadow, item, expected, entry)
        elif complete and not shadow.doubts:
            code = absent if absent == "KOM-411" else _blame(shadow, absent, gained=True)
            yield Remark(code, f"{item.identity} {identity} appeared from nowhere{_since(shadow)}")
    for identity in known:
        if identity not in seen:
            yield Remark(absent, f"{item.identity} {identity} is missing from the list of {len(observed)}")


def _compare_item(
    shadow: Shadow, item: _Item, expected: Mapping[str, Any], observed: Mapping[str, Any]
) -> Iterator[Remark]:
    identity = observed.get(item.identity)
    for name, wanted in expected.items():
        got = observed.get(name)
        value = wanted.value if isinstance(wanted, Written) else wanted
        if item is _CAPTURE and name == "refunded_amount":
            if isinstance(got, int) and isinstance(value, int) and got < value:
                yield Remark("KOM-315", f"capture {identity}: refunded_amount fell from {value} to {got}")
            continue
        if fits(wanted, got) or (name not in observed and (name in INHERITED or _may_be_missing(wanted))):
            continue
        message = f"{item.identity} {identity}: {told_apart(name, value, got)}"
        if name == item.amount:
            yield Remark(item.code, message)
        elif name == "reference" and name not in observed:
            yield Remark("KOM-405", message, f"{item.topic}-reference-absent")
        elif isinstance(wanted, Written):
            yield Remark(echo_code(value, got), message)
        else:
            yield Remark(_blame(shadow, "KOM-406"), message)
