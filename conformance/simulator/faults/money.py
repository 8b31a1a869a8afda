"""Faults of money: guards that let too much through or too little, and amounts that are booked or told wrong."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from conformance.exchange import Response
from conformance.simulator.faults.call import Call, answered_json
from conformance.simulator.faults.changes import after, asked, each_order, in_json, refused, succeeded, with_json
from conformance.simulator.faults.fault import Behaviour, Fault, FaultClass
from conformance.simulator.order import Capture, Order

__all__ = ["FAULTS"]

_CLASS = FaultClass.MONEY
_CAPTURE = ("captureOrder",)
_REFUND = ("refundOrder",)
_UPDATE = ("updateAuthorization",)
_TOLD = ("getOrder",)


def _capture_up_to(limit: Callable[[Order], int]) -> Behaviour:
    """Let a capture through up to a limit of one's own; what is then left is never below zero."""

    def behave(call: Call) -> Response:
        order, amount = call.order, call.amount
        if order is None or amount is None or order.state not in ("AUTHORIZED", "PART_CAPTURED", "CAPTURED", "RELEASED"):
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
    tax = sum(line.get("total_tax_amount", 0) for line in sent["order_lines"] if isinstance(line, dict))
    return {**sent, "captured_amount": max(sent["captured_amount"] - tax, 0)}


def _lines_decide(sent: dict[str, Any], _call: Call) -> dict[str, Any]:
    lines = [line["total_amount"] for line in sent["order_lines"] if isinstance(line, dict) and "total_amount" in line]
    return {**sent, "refunded_amount": lines[0] if lines else sent["refunded_amount"]}


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


FAULTS = (
    Fault("capture-above-by-one", _CLASS, _CAPTURE, "A capture of one above the remainder is accepted",
          "The customer is charged more than was agreed to.", "OM-MONEY-04",
          _capture_up_to(lambda order: order.remaining_authorized_amount + 1)),
    Fault("second-capture-against-total", _CLASS, _CAPTURE,
          "From the second capture on, the amount is checked against the order's total",
          "Two parcels charge the customer up to twice.", "OM-MONEY-04",
          _capture_up_to(lambda order: order.order_amount if order.captures else 0)),
    Fault("capture-after-release", _CLASS, _CAPTURE, "After a release the remainder can still be captured",
          "The customer is charged for what the merchant gave back.", "OM-MONEY-04",
          _capture_up_to(lambda order: order.order_amount - order.captured_amount if order.state == "RELEASED" else 0)),
    Fault("capture-against-original", _CLASS, _CAPTURE, "After a decrease the original amount can be captured",
          "The customer is charged for goods that were taken off the order.", "OM-MONEY-04",
          _capture_up_to(lambda order: order.original_order_amount - order.captured_amount)),
    Fault("capture-refunded-again", _CLASS, _CAPTURE, "What is refunded can be captured once more",
          "The customer is charged again for what was given back.", "OM-MONEY-04",
          _capture_up_to(lambda order: order.remaining_authorized_amount + order.refunded_amount)),
    Fault("captures-beyond-tenth-unchecked", _CLASS, _CAPTURE, "From the eleventh capture on nothing is checked",
          "Orders with many parcels charge without end.", "OM-MONEY-04",
          _capture_up_to(lambda order: 200_000_000 if len(order.captures) > 10 else 0)),
    Fault("refund-above-by-one", _CLASS, _REFUND, "A refund of one above what is captured is accepted",
          "The merchant pays back what was never paid.", "OM-MONEY-05",
          _refund_up_to(lambda order: order.captured_amount - order.refunded_amount + 1 if order.captures else 0)),
    Fault("refunds-not-cumulative", _CLASS, _REFUND, "Each refund may be as high as all that is captured",
          "A refund that is sent twice is paid twice.", "OM-MONEY-05", _refund_up_to(lambda order: order.captured_amount)),
    Fault("refund-against-total", _CLASS, _REFUND, "A part captured order can be refunded up to its total",
          "The merchant pays back what was never paid.", "OM-MONEY-05",
          _refund_up_to(lambda order: order.order_amount if order.captures else 0)),
    Fault("refund-after-release-unchecked", _CLASS, _REFUND, "After a release a refund is checked against the total",
          "The merchant pays back what was given back already.", "OM-MONEY-05",
          _refund_up_to(lambda order: order.order_amount if order.state == "RELEASED" else 0)),
    Fault("second-capture-remainder-refused", _CLASS, _CAPTURE, "Capturing exactly what remains is refused",
          "The last parcel of an order is never paid.", "OM-MONEY-06",
          refused(403, "CAPTURE_NOT_ALLOWED", "Captured amount is higher than the remaining authorized amount.",
                  when=_capture_exact_again)),
    Fault("full-refund-refused", _CLASS, _REFUND, "Refunding exactly what is left is refused",
          "A customer who returns everything does not get the last cent.", "OM-MONEY-06",
          refused(403, "REFUND_NOT_ALLOWED", "Refund amount is higher than captured amount.", when=_refund_exact)),
    Fault("update-below-captured-by-one", _CLASS, _UPDATE, "A total of one below what is captured is accepted",
          "More is captured than the order is worth.", "OM-MONEY-10", _update_down_to(lambda order: order.captured_amount - 1)),
    Fault("update-below-captured", _CLASS, _UPDATE, "Any total below what is captured is accepted",
          "The order is worth less than the customer was charged.", "OM-MONEY-10", _update_down_to(lambda _order: 1)),
    Fault("update-as-difference", _CLASS, _UPDATE, "The new total is added to the old one",
          "A correction of an order doubles it.", "OM-MONEY-07", asked(_as_delta, _is_valid_amount)),
    Fault("update-keeps-remaining", _CLASS, _UPDATE, "An increase does not raise the remainder",
          "What the customer agreed to pay in addition cannot be captured.", "OM-MONEY-01", _kept_remaining_when_raised),
    Fault("update-forgets-captured", _CLASS, _UPDATE, "After an update everything remains, captured or not",
          "What was captured can be captured again.", "OM-MONEY-01", after(_remaining_is(lambda order: order.order_amount))),
    Fault("decrease-leaves-negative", _CLASS, _UPDATE, "A decrease leaves less than nothing",
          "The negative remainder is added up in the merchant's reports.", "OM-MONEY-08",
          after(_remaining_is(lambda order: -1 if order.order_amount == order.captured_amount
                              else order.order_amount - order.captured_amount))),
    Fault("second-capture-counted-twice", _CLASS, _CAPTURE, "The second capture of an order is counted twice",
          "The shop believes that the order is paid in full.", "OM-MONEY-07",
          after(_add("captured_amount", _asked), _capture_number(2))),
    Fault("third-capture-not-counted", _CLASS, _CAPTURE, "The third capture of an order is not counted",
          "The shop captures the third parcel again.", "OM-MONEY-02",
          after(_add("captured_amount", lambda call: -_asked(call)), _capture_number(3))),
    Fault("capture-with-lines-keeps-remaining", _CLASS, _CAPTURE, "A capture with lines does not lower the remainder",
          "The same money can be captured again.", "OM-MONEY-01",
          after(_add("remaining_authorized_amount", _asked), _with_lines)),
    Fault("capture-without-tax", _CLASS, _CAPTURE, "A capture with lines is booked without its tax",
          "The merchant is paid net and owes the tax.", "OM-MONEY-09", asked(_net, _with_lines)),
    Fault("refund-of-first-line", _CLASS, _REFUND, "A refund with lines gives only the first line back",
          "The customer is refunded too little.", "OM-MONEY-09", asked(_lines_decide, lambda call: len(
              call.sent.get("order_lines") or ()) > 1)),
    Fault("round-capture-loses-one", _CLASS, _CAPTURE, "A capture of a multiple of a thousand is stored as one less",
          "Round prices do not add up in accounting.", "OM-MONEY-09",
          after(_misstore(lambda amount: amount - (amount > 0 and amount % 1_000 == 0)))),
    Fault("large-capture-rounded", _CLASS, _CAPTURE, "A capture above 2^24 is stored in single precision",
          "Large invoices are off by some minor units.", "OM-MONEY-09", after(_misstore(_single))),
    Fault("capture-with-description-lost", _CLASS, _CAPTURE, "A capture with a description is stored without amount",
          "The parcel is shipped and its capture shows nothing.", "OM-MONEY-09",
          after(_misstore(lambda _amount: 0), lambda call: "description" in call.sent)),
    Fault("capture-other-when-read-again", _CLASS, ("getCapture",), "A capture shows another amount when read again",
          "Two systems of a merchant book different amounts.", "OM-MONEY-09", _other_amount_later),
    Fault("listed-captures-rounded", _CLASS, ("getCaptures",), "The list shows captures in whole hundreds",
          "Whoever adds up the list misses the cents.", "OM-MONEY-09",
          in_json(lambda value, _call: [{**item, "captured_amount": item["captured_amount"] // 100 * 100}
                                        for item in value])),
    Fault("order-shows-captures-rounded", _CLASS, _TOLD, "The order shows its captures in whole hundreds",
          "Whoever adds up the captures of the order misses the cents.", "OM-MONEY-02",
          _item("captures", captured_amount=lambda item: item["captured_amount"] // 100 * 100)),
    Fault("refund-read-in-major-units", _CLASS, ("get",), "A refund that is read has a hundredth of its amount",
          "Accounting books a hundredth of the refund.", "OM-MONEY-09",
          in_json(lambda value, _call: {**value, "refunded_amount": value["refunded_amount"] // 100})),
    Fault("refund-with-lines-not-counted", _CLASS, _REFUND, "A refund with lines is not counted",
          "It can be made again and again.", "OM-MONEY-03",
          after(_add("refunded_amount", lambda call: -_asked(call)), _with_lines)),
    Fault("second-refund-counted-twice", _CLASS, _REFUND, "The second refund of an order is counted twice",
          "The customer cannot be refunded what is owed.", "OM-MONEY-03",
          after(_add("refunded_amount", _asked), _refund_number(2))),
    Fault("refund-restores-remaining", _CLASS, _REFUND, "A refund makes its amount capturable again",
          "The customer is charged again for what was given back.", "OM-MONEY-01",
          after(_add("remaining_authorized_amount", _asked))),
    Fault("refund-lowers-captured", _CLASS, _REFUND, "A refund is taken off the captured amount",
          "The order looks as if it had been paid less, and is captured once more.", "OM-MONEY-07",
          after(_add("captured_amount", lambda call: -_asked(call)))),
    Fault("release-keeps-half", _CLASS, ("releaseRemainingAuthorization",), "A release gives half of the remainder back",
          "The customer's credit stays blocked.", "OM-MONEY-07", _partly_released),
    Fault("release-keeps-all", _CLASS, ("releaseRemainingAuthorization",), "A release gives nothing back",
          "The customer's credit stays blocked for what will never be shipped.", "OM-MONEY-07",
          after(_remaining_is(lambda order: order.order_amount - order.captured_amount))),
    Fault("extension-restores-remaining", _CLASS, ("extendAuthorizationTime",),
          "An extension makes the whole total capturable again", "What was captured can be captured again.",
          "OM-MONEY-01", after(_restored_by_extension)),
    Fault("currency-after-refund", _CLASS, _REFUND, "A refund changes the currency of the order",
          "The amounts of the order mean other money.", "OM-MONEY-11", after(_currency)),
    Fault("country-after-address", _CLASS, ("updateConsumerDetails",), "A new address changes the purchase country",
          "Tax and terms of another country are applied.", "OM-MONEY-11", after(_country)),
    Fault("original-follows-update", _CLASS, _UPDATE, "The original amount follows an update",
          "Nobody can tell any more what the customer first agreed to.", "OM-MONEY-11", after(_order_amount_grows)),
    Fault("refund-charged-to-all-captures", _CLASS, _REFUND, "A refund is charged to every capture",
          "Captures show more refunded than was, and returns are refused.", "OM-MONEY-12", after(_all_captures_refunded)),
    Fault("ledger-books-captures-twice", _CLASS, _CAPTURE, "Captures are booked twice behind the scenes",
          "What is paid out is not what the orders report.", "OM-MONEY-13", Call.proceed, books=_booked_twice),
    Fault("ledger-books-no-refunds", _CLASS, _REFUND, "Refunds are reported and never booked",
          "Customers wait for money that the order says they got.", "OM-MONEY-13", Call.proceed,
          books=_refunds_not_booked),
)
