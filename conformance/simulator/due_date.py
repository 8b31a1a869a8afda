"""What a customer pays for more time to pay, per market and order value."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from conformance.simulator.order import Capture, Order

__all__ = ["Option", "due_date_options", "offered"]

# Days that are free of charge can be taken once for an order.
_FREE_DAYS = 2

# Only methods that are paid after delivery have a date to move. Which ones exactly is not documented.
_METHODS = frozenset({"INVOICE", "INVOICE_BUSINESS", "B2B_INVOICE", "PAY_LATER_BY_CARD"})


@dataclass(frozen=True, slots=True)
class Option:
    """One offer: the fee in minor units of the order's currency."""

    number_of_days: int
    amount: int


@dataclass(frozen=True, slots=True)
class _Tariff:
    countries: frozenset[str]
    # Order values (minor units, inclusive) up to which the first and the second fee hold.
    bounds: tuple[int, int]
    fees: tuple[tuple[int, tuple[int, int, int]], ...]


_SMALL_UNIT = ((2, (0, 0, 0)), (10, (100, 100, 100)), (30, (199, 499, 799)), (60, (499, 999, 1299)))
_CROWNS = ((2, (0, 0, 0)), (10, (1000, 1000, 1000)), (30, (1900, 4900, 7900)), (60, (4900, 9900, 12900)))
_TARIFFS = {
    "EUR": _Tariff(frozenset({"AT", "BE", "DE", "FI", "NL"}), (30_000, 75_000), _SMALL_UNIT),
    "GBP": _Tariff(frozenset({"GB"}), (30_000, 75_000), _SMALL_UNIT),
    "DKK": _Tariff(frozenset({"DK"}), (300_000, 750_000), _CROWNS),
    "NOK": _Tariff(frozenset({"NO"}), (300_000, 750_000), _CROWNS),
    "SEK": _Tariff(frozenset({"SE"}), (300_000, 750_000), _CROWNS),
}


def offered(order: Order, capture: Capture) -> tuple[Option, ...]:
    """Return the offers for a capture; none where the market or the payment method has no such product."""
    tariff = _TARIFFS.get(order.purchase_currency.upper())
    if (
        tariff is None
        or order.purchase_country.upper() not in tariff.countries
        or order.payment_method not in _METHODS
        or capture.capture_id not in order.captures
    ):
        return ()
    column = sum(order.order_amount > bound for bound in tariff.bounds)
    free_taken = any(_FREE_DAYS in each.extended_days for each in order.captures.values())
    return tuple(Option(days, fees[column]) for days, fees in tariff.fees if not (days == _FREE_DAYS and free_taken))


def due_date_options(order: Order, options: Iterable[Option]) -> dict[str, Any]:
    """Return the answer that tells the offers."""
    return {
        "currency": order.purchase_currency,
        "options": [{"number_of_days": option.number_of_days, "amount": option.amount} for option in options],
    }
