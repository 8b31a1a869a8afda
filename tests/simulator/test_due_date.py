from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.simulator.caller import Caller, answer, code

CAPTURE = "cccccccc-0000-4000-8000-000000000001"


def options(caller: Caller, order: str) -> dict[int, int]:
    told = answer(caller.get(f"{order}/captures/{CAPTURE}/extend-due-date-options"))
    return {option["number_of_days"]: option["amount"] for option in told["options"]}


@pytest.fixture
def captured(make: Callable[..., str]) -> Callable[..., str]:
    def made(amount: int = 100, **fields: object) -> str:
        return make(order_amount=amount, captures=[{"capture_id": CAPTURE, "captured_amount": 50}], **fields)

    return made


@pytest.mark.parametrize(
    ("currency", "country", "amount", "fees"),
    [
        ("EUR", "DE", 30_000, {2: 0, 10: 100, 30: 199, 60: 499}),
        ("EUR", "DE", 30_001, {2: 0, 10: 100, 30: 499, 60: 999}),
        ("EUR", "NL", 75_000, {2: 0, 10: 100, 30: 499, 60: 999}),
        ("GBP", "GB", 75_001, {2: 0, 10: 100, 30: 799, 60: 1_299}),
        ("SEK", "SE", 300_000, {2: 0, 10: 1_000, 30: 1_900, 60: 4_900}),
        ("NOK", "NO", 750_000, {2: 0, 10: 1_000, 30: 4_900, 60: 9_900}),
        ("DKK", "DK", 750_001, {2: 0, 10: 1_000, 30: 7_900, 60: 12_900}),
        ("EUR", "FR", 100, {}),
        ("USD", "US", 100, {}),
    ],
)
def test_fees_follow_market_and_order_value(
    caller: Caller, captured: Callable[..., str], currency: str, country: str, amount: int, fees: dict[int, int]
) -> None:
    order = captured(amount, purchase_currency=currency, purchase_country=country)
    assert options(caller, order) == fees
    told = answer(caller.get(f"{order}/captures/{CAPTURE}/extend-due-date-options"))
    assert told["currency"] == currency


def test_free_days_are_taken_once(caller: Caller, captured: Callable[..., str]) -> None:
    order = captured()
    extend = f"{order}/captures/{CAPTURE}/extend-due-date"
    assert caller.patch(extend, {"number_of_days": 2}).status == 204
    assert options(caller, order) == {10: 100, 30: 199, 60: 499}
    assert code(caller.patch(extend, {"number_of_days": 2})) == (403, "NOT_ALLOWED")
    assert caller.patch(extend, {"number_of_days": 10}).status == 204
    assert caller.patch(extend, {"number_of_days": 10}).status == 204


@pytest.mark.parametrize("days", [0, 1, 3, 61, -2])
def test_only_what_is_on_offer_can_be_taken(caller: Caller, captured: Callable[..., str], days: int) -> None:
    response = caller.patch(f"{captured()}/captures/{CAPTURE}/extend-due-date", {"number_of_days": days})
    assert code(response) == (403, "NOT_ALLOWED")


def test_methods_paid_at_once_have_no_date_to_move(caller: Caller, captured: Callable[..., str]) -> None:
    assert options(caller, captured(initial_payment_method="CARD")) == {}
