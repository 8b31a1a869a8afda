"""Faults of money: guards that let too much through or too little, and amounts that are booked or told wrong."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import Any

from conformance.exchange import Response
from conformance.simulator.faults.call import Call, answered_json
from conformance.simulator.faults.changes import after, asked, each_order, in_json, refused, succeeded, with_json
from conformance.simulator.faults.fault import Behaviour, Books
from conformance.simulator.order import Capture, Order

__all__ = ["BEHAVIOURS", "BOOKS"]


def _capture_up_to(limit: Callable[[Order], int]) -> Behaviour:
    """Let a capture through up to a limit of one's own; what is then left is never below zero."""

    def behave(call: Call) -> Response:
        order, amount = call.order, call.amount
        if (
            order is None
            or amount is None
            or order.state not in ("AUTHORIZED", "PART_CAPTURED", "CAPTURED", "RELEASED")
        ):
            return call.proceed()
        remaining = order.remaining_authorized_amount
        if not remaining < amount <= limit(order):
            return call.proceed()
        state, order.state, order.remaining_authorized_amount = order.state, "PART_CAPTURED", amount
        response = call.proceed()
        if not succeeded(response):
            order.state, order.remaining_authorized_amount = state, remaining
        order.changed()
        return response

    return behave


def _refund_up_to(limit: Callable[[Order], int]) -> Behaviour:
    """Let a refund through up to a limit of one's own, and book it."""

    def behave(call: Call) -> Response:
        order, amount = call.order, call.amount
        if order is None or amount is None or not amount <= limit(order):
            return call.proceed()
        refunded = order.refunded_amount
        order.refunded_amount = min(refunded, order.captured_amount - amount)
        response = call.proceed()
        order.refunded_amount = refunded + (amount if succeeded(response) else 0)
        order.changed()
        return response

    return behave


def _update_down_to(least: Callable[[Order], int]) -> Behaviour:
    """Let an update of the authorisation through down to a limit below what is captured."""

    def behave(call: Call) -> Response:
        order, amount = call.order, call.amount
        if order is None or amount is None or not least(order) <= amount < order.captured_amount:
            return call.proceed()
        captured = order.captured_amount
        order.captured_amount = amount
        response = call.proceed()
        order.captured_amount = captured
        order.changed()
        return response

    return behave


def _capture_number(number: int) -> Callable[[Call], bool]:
    return lambda call: call.order is not None and len(call.order.captures) == number


def _refund_number(number: int) -> Callable[[Call], bool]:
    return lambda call: call.order is not None and len(call.order.refunds) == number


def _with_lines(call: Call) -> bool:
    return bool(call.sent.get("order_lines"))


def _with_two_lines(call: Call) -> bool:
    lines = call.sent.get("order_lines")
    return isinstance(lines, list) and len(lines) > 1


def _add(name: str, amount: Callable[[Call], int]) -> Callable[[Call, Response], None]:
    """Change one amount of the order once a request has been carried out."""

    def change(call: Call, _response: Response) -> None:
        setattr(call.order, name, getattr(call.order, name) + amount(call))

    return change


def _asked(call: Call) -> int:
    return call.amount or 0


def _latest(order: Order) -> Capture:
    return next(reversed(order.captures.values()))


def _misstore(amount: Callable[[int], int]) -> Callable[[Call, Response], None]:
    """Keep another amount in the capture itself; the sums of the order follow what was asked."""

    def change(call: Call, _response: Response) -> None:
        if call.order is not None:
            capture = _latest(call.order)
            capture.captured_amount = amount(capture.captured_amount)

    return change


def _single(amount: int) -> int:
    """Round as a number of 32 bits with a floating point does."""
    return int(struct.unpack("f", struct.pack("f", amount))[0])


def _order_amount_grows(call: Call, _response: Response) -> None:
    if call.order is not None:
        call.order.original_order_amount = call.order.order_amount


def _remaining_is(compute: Callable[[Order], int]) -> Callable[[Call, Response], None]:
    def change(call: Call, _response: Response) -> None:
        if call.order is not None:
            call.order.remaining_authorized_amount = compute(call.order)

    return change


def _kept_remaining(call: Call) -> Response:
    """Leave the remainder as it was when the total changes."""
    order = call.order
    before = 0 if order is None else order.remaining_authorized_amount
    return after(_remaining_is(lambda _order: before))(call)


def _kept_remaining_when_raised(call: Call) -> Response:
    order, amount = call.order, call.amount
    raised = order is not None and amount is not None and amount > order.order_amount
    return _kept_remaining(call) if raised else call.proceed()


def _currency(call: Call, _response: Response) -> None:
    if call.order is not None:
        call.order.details = {**call.order.details, "purchase_currency": b'"SEK"'}


def _country(call: Call, _response: Response) -> None:
    if call.order is not None:
        call.order.details = {**call.order.details, "purchase_country": b'"AT"'}


def _all_captures_refunded(call: Call, _response: Response) -> None:
    """Charge the whole refund to every capture."""
    order = call.order
    for capture in () if order is None else order.captures.values():
        capture.allocate(_asked(call))


def _other_amount_later(call: Call) -> Response:
    """Tell the right amount at the first read and another at every later one."""
    response = call.proceed()
    value = answered_json(response)
    if response.status != 200 or not isinstance(value, dict):
        return response
    times = call.memory[call.ids["capture_id"]] = call.memory.get(call.ids["capture_id"], 0) + 1
    return response if times == 1 else with_json(response, {**value, "captured_amount": value["captured_amount"] - 1})


def _booked_twice(ledger: dict[str, Any]) -> None:
    ledger["captured"] += sum(each["amount"] for each in ledger["entries"] if each["kind"] == "capture")


def _refunds_not_booked(ledger: dict[str, Any]) -> None:
    ledger["refunded"] = 0


def _as_delta(sent: dict[str, Any], call: Call) -> dict[str, Any]:
    present = 0 if call.order is None else call.order.order_amount
    return {**sent, "order_amount": min(present + sent["order_amount"], 200_000_000)}


def _net(sent: dict[str, Any], _call: Call) -> dict[str, Any]:
    taxes = [line.get("total_tax_amount") for line in _lines(sent)]
    tax = sum(tax for tax in taxes if isinstance(tax, int))
    amount = sent.get("captured_amount")
    return {**sent, "captured_amount": max(amount - tax, 0)} if isinstance(amount, int) else sent


def _lines_decide(sent: dict[str, Any], _call: Call) -> dict[str, Any]:
    amounts = [line["total_amount"] for line in _lines(sent) if "total_amount" in line]
    return {**sent, "refunded_amount": amounts[0]} if amounts else sent


def _lines(sent: dict[str, Any]) -> list[dict[str, Any]]:
    lines = sent.get("order_lines")
    return [line for line in lines if isinstance(line, dict)] if isinstance(lines, list) else []


def _is_valid_amount(call: Call) -> bool:
    return call.amount is not None and 0 <= call.amount <= 200_000_000


def _refund_exact(call: Call) -> bool:
    order = call.order
    return order is not None and call.amount == order.captured_amount - order.refunded_amount > 0


def _capture_exact_again(call: Call) -> bool:
    order = call.order
    return order is not None and bool(order.captures) and call.amount == order.remaining_authorized_amount > 0


def _item(items: str, **fields: Callable[[dict[str, Any]], Any]) -> Behaviour:
    """Have a list within the order show other values; the single reads are right."""
    return each_order(
        **{
            items: lambda order: [
                {**item, **{name: compute(item) for name, compute in fields.items()}} for item in order[items]
            ]
        }
    )


def _partly_released(call: Call) -> Response:
    """Give only half of the remainder back."""
    half = 0 if call.order is None else call.order.remaining_authorized_amount // 2
    return after(_remaining_is(lambda _order: half))(call)


def _restored_by_extension(call: Call, _response: Response) -> None:
    if call.order is not None:
        call.order.remaining_authorized_amount = call.order.order_amount


def _in_krona(call: Call) -> bool:
    return call.order is not None and call.order.purchase_currency in ("SEK", "DKK", "NOK")


def _whole_krona(order: dict[str, Any]) -> int:
    remaining: int = order["remaining_authorized_amount"]
    return remaining // 100 * 100 if order["purchase_currency"] in ("SEK", "DKK", "NOK") else remaining


BEHAVIOURS: Mapping[str, Behaviour] = {
    "options-in-euro": in_json(lambda value, _call: {**value, "currency": "EUR"}),
    "remaining-in-whole-krona": each_order(remaining_authorized_amount=_whole_krona),
    "refund-in-krona-counted-twice": after(_add("refunded_amount", _asked), _in_krona),
    "tenth-refund-not-counted": after(_add("refunded_amount", lambda call: -_asked(call)), _refund_number(10)),
    "capture-above-by-one": _capture_up_to(lambda order: order.remaining_authorized_amount + 1),
    "second-capture-against-total": _capture_up_to(lambda order: order.order_amount if order.captures else 0),
    "capture-after-release": _capture_up_to(
        lambda order: order.order_amount - order.captured_amount if order.state == "RELEASED" else 0
    ),
    "capture-against-original": _capture_up_to(lambda order: order.original_order_amount - order.captured_amount),
    "capture-refunded-again": _capture_up_to(lambda order: order.remaining_authorized_amount + order.refunded_amount),
    "captures-beyond-tenth-unchecked": _capture_up_to(lambda order: 200_000_000 if len(order.captures) > 10 else 0),
    "refund-above-by-one": _refund_up_to(
        lambda order: order.captured_amount - order.refunded_amount + 1 if order.captures else 0
    ),
    "refunds-not-cumulative": _refund_up_to(lambda order: order.captured_amount),
    "refund-against-total": _refund_up_to(lambda order: order.order_amount if order.captures else 0),
    "refund-after-release-unchecked": _refund_up_to(
        lambda order: order.order_amount if order.state == "RELEASED" else 0
    ),
    "second-capture-remainder-refused": refused(
        403,
        "CAPTURE_NOT_ALLOWED",
        "Captured amount is higher than the remaining authorized amount.",
        when=_capture_exact_again,
    ),
    "full-refund-refused": refused(
        403, "REFUND_NOT_ALLOWED", "Refund amount is higher than captured amount.", when=_refund_exact
    ),
    "update-below-captured-by-one": _update_down_to(lambda order: order.captured_amount - 1),
    "update-below-captured": _update_down_to(lambda _order: 1),
    "update-as-difference": asked(_as_delta, _is_valid_amount),
    "update-keeps-remaining": _kept_remaining_when_raised,
    "update-forgets-captured": after(_remaining_is(lambda order: order.order_amount)),
    "decrease-leaves-negative": after(
        _remaining_is(
            lambda order: (
                -1 if order.order_amount == order.captured_amount else order.order_amount - order.captured_amount
            )
        )
    ),
    "second-capture-counted-twice": after(_add("captured_amount", _asked), _capture_number(2)),
    "third-capture-not-counted": after(_add("captured_amount", lambda call: -_asked(call)), _capture_number(3)),
    "capture-with-lines-keeps-remaining": after(_add("remaining_authorized_amount", _asked), _with_lines),
    "capture-without-tax": asked(_net, _with_lines),
    "refund-of-first-line": asked(_lines_decide, _with_two_lines),
    "round-capture-loses-one": after(_misstore(lambda amount: amount - (amount > 0 and amount % 1_000 == 0))),
    "large-capture-rounded": after(_misstore(_single)),
    "capture-with-description-lost": after(_misstore(lambda _amount: 0), lambda call: "description" in call.sent),
    "capture-other-when-read-again": _other_amount_later,
    "listed-captures-rounded": in_json(
        lambda value, _call: [{**item, "captured_amount": item["captured_amount"] // 100 * 100} for item in value]
    ),
    "order-shows-captures-rounded": _item(
        "captures", captured_amount=lambda item: item["captured_amount"] // 100 * 100
    ),
    "refund-read-in-major-units": in_json(
        lambda value, _call: {**value, "refunded_amount": value["refunded_amount"] // 100}
    ),
    "refund-with-lines-not-counted": after(_add("refunded_amount", lambda call: -_asked(call)), _with_lines),
    "second-refund-counted-twice": after(_add("refunded_amount", _asked), _refund_number(2)),
    "refund-restores-remaining": after(_add("remaining_authorized_amount", _asked)),
    "refund-lowers-captured": after(_add("captured_amount", lambda call: -_asked(call))),
    "release-keeps-half": _partly_released,
    "extension-restores-remaining": after(_restored_by_extension),
    "currency-after-refund": after(_currency),
    "country-after-address": after(_country),
    "original-follows-update": after(_order_amount_grows),
    "refund-charged-to-all-captures": after(_all_captures_refunded),
    "ledger-books-captures-twice": Call.proceed,
    "ledger-books-no-refunds": Call.proceed,
}

BOOKS: Mapping[str, Books] = {
    "ledger-books-captures-twice": _booked_twice,
    "ledger-books-no-refunds": _refunds_not_booked,
}
