"""Checks of an order body by itself: do its amounts, its lists, its times and its status tell one story."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, TypeGuard

from conformance.judge.observation import Remark, shown
from conformance.judge.shadow import AMOUNTS, Shadow, moment

__all__ = ["check_arithmetic"]

# States in which the amounts follow from each other; what the others show of the remainder is not known.
_OPEN = frozenset({"AUTHORIZED", "PART_CAPTURED"})


def check_arithmetic(order: Mapping[str, Any], shadow: Shadow | None, now: datetime | None = None) -> Iterator[Remark]:
    """Yield the contradictions within one order body; ``shadow`` is what was known before it was read."""
    amounts = {name: order[name] for name in AMOUNTS if _is_amount(order.get(name))}
    for name, value in amounts.items():
        if value < 0:
            yield Remark("KOM-310", f"{name} is {value}")
    total, captured = amounts.get("order_amount"), amounts.get("captured_amount")
    refunded, remaining = amounts.get("refunded_amount"), amounts.get("remaining_authorized_amount")
    if total is not None and captured is not None and captured > total:
        yield Remark("KOM-304", f"captured_amount {captured} is above order_amount {total}")
    if captured is not None and refunded is not None and refunded > captured:
        yield Remark("KOM-305", f"refunded_amount {refunded} is above captured_amount {captured}")
    if total is not None and captured is not None and remaining is not None:
        yield from _check_remaining(order.get("status"), total, captured, remaining, shadow)
    if total is not None and captured is not None and not _captured_nothing(order.get("captures")):
        lapsed = shadow is not None and shadow.expired(now) is not False and now is not None
        shadow = None if lapsed else shadow
        if not (order.get("status") == "CANCELLED" and _is_over(order, now)):
            yield from _check_status(order.get("status"), total, captured, remaining, shadow)
    yield from _check_list(order, "captures", "captured_amount", captured, "KOM-302")
    yield from _check_list(order, "refunds", "refunded_amount", refunded, "KOM-303")
    yield from _check_allocation(order.get("captures"), refunded)
    yield from _check_references(order.get("captures"))
    yield from _check_dates(order)


def _is_over(order: Mapping[str, Any], now: datetime | None) -> bool:
    """Tell whether the authorisation has run out: what a part captured order is called then, is not known."""
    ends = moment(order.get("expires_at"))
    return now is not None and ends is not None and ends <= now


def _is_amount(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _captured_nothing(captures: Any) -> bool:
    # What state an order is in of which zero was captured, nobody knows.
    return any(capture.get("captured_amount") == 0 for capture in _entries(captures))


def _check_remaining(status: Any, total: int, captured: int, remaining: int, shadow: Shadow | None) -> Iterator[Remark]:
    left = total - captured
    if remaining == left:
        if status == "CANCELLED" and remaining > 0:
            yield Remark(
                "KOM-301", f"the cancelled order still reports {remaining} as authorised", "cancelled-remaining"
            )
        return
    # After a release, an expiry or a cancellation nothing is left, whatever the order's total still says.
    if remaining == 0 and (status not in _OPEN or (status == "PART_CAPTURED" and _may_be_released(shadow))):
        return
    yield Remark("KOM-301", f"remaining_authorized_amount is {remaining}, {total} less {captured} is {left}")


def _may_be_released(shadow: Shadow | None) -> bool:
    # What status a released order shows is not known.
    return (
        shadow is None or shadow.released or bool(shadow.doubts) or shadow.state not in ("AUTHORIZED", "PART_CAPTURED")
    )


def _check_status(
    status: Any, total: int, captured: int, remaining: int | None, shadow: Shadow | None
) -> Iterator[Remark]:
    if status in ("AUTHORIZED", "CANCELLED") and captured > 0:
        yield Remark("KOM-401", f"status {status} although {captured} is captured")
    elif status == "PART_CAPTURED" and captured == 0:
        yield Remark("KOM-401", "status PART_CAPTURED although nothing is captured")
    elif status == "CAPTURED" and captured == 0:
        yield Remark("KOM-401", "status CAPTURED although nothing is captured")
    elif status == "CAPTURED" and captured < total and remaining:
        # A released order may look like this; one whose whole history is known and holds no release may not.
        if shadow is not None and shadow.state in ("AUTHORIZED", "PART_CAPTURED") and not shadow.doubts:
            yield Remark("KOM-401", f"status CAPTURED although {remaining} of {total} is still authorised")
    elif status in _OPEN and captured == total > 0 and not _reduced(shadow):
        yield Remark("KOM-401", f"status {status} although all of {total} is captured")


def _reduced(shadow: Shadow | None) -> bool:
    # What status an order has whose total was lowered to what is captured is not known, by release or by update.
    if shadow is None:
        return True
    if shadow.state in ("", "PART_CAPTURED", "RELEASED"):
        return True
    return any(event.operation == "updateAuthorization" for event in shadow.events)


def _check_list(order: Mapping[str, Any], name: str, amount: str, total: int | None, code: str) -> Iterator[Remark]:
    items = order.get(name)
    if total is None or not isinstance(items, list):
        return
    found = [item.get(amount) for item in items if isinstance(item, dict)]
    values = [value for value in found if _is_amount(value)]
    if len(values) != len(items):
        return
    if sum(values) != total:
        yield Remark(code, f"{amount} is {total}, the {len(values)} {name} add up to {sum(values)}")


def _check_allocation(captures: Any, refunded: int | None) -> Iterator[Remark]:
    if not isinstance(captures, list):
        return
    allocated = 0
    for capture in captures:
        if not isinstance(capture, dict):
            continue
        amount, back = capture.get("captured_amount"), capture.get("refunded_amount")
        if not _is_amount(back) or not _is_amount(amount):
            continue
        allocated += back
        if back > amount or back < 0:
            yield Remark("KOM-315", f"capture {capture.get('capture_id')}: refunded {back} of {amount}")
    if refunded is not None and allocated > refunded:
        yield Remark("KOM-315", f"the captures say {allocated} is refunded, the order {refunded}")


def _check_references(captures: Any) -> Iterator[Remark]:
    holders: dict[str, Any] = {}
    for capture in _entries(captures):
        identity, reference = capture.get("capture_id"), capture.get("klarna_reference")
        if isinstance(reference, str) and reference and holders.setdefault(reference, identity) != identity:
            yield Remark("KOM-415", f"captures {holders[reference]} and {identity} are both called {shown(reference)}")


def _check_dates(order: Mapping[str, Any]) -> Iterator[Remark]:
    created = moment(order.get("created_at"))
    if created is None:
        return
    for items, name in (("captures", "captured_at"), ("refunds", "refunded_at")):
        for item in _entries(order.get(items)):
            made = moment(item.get(name))
            if made is not None and made < created:
                yield Remark("KOM-416", f"{name} is {item[name]}, the order was created at {order['created_at']}")
    captured = [moment(item.get("captured_at")) for item in _entries(order.get("captures"))]
    refunded = [moment(item.get("refunded_at")) for item in _entries(order.get("refunds"))]
    taken, back = _earliest(captured), _earliest(refunded)
    if taken is not None and back is not None and back < taken:
        yield Remark("KOM-416", f"refunded at {back.isoformat()}, and nothing was captured before {taken.isoformat()}")


def _earliest(times: list[datetime | None]) -> datetime | None:
    """Return the first of the times, None when there is none or any of them is unknown."""
    known = [time for time in times if time is not None]
    return min(known) if known and len(known) == len(times) else None


def _entries(items: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(items, list):
        yield from (item for item in items if isinstance(item, dict))
