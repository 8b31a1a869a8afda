"""What a read must give back of a write, what it may leave out, and what it may never change."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.judge.echo import MayShow, echo_code, kept, shows

LINE: dict[str, Any] = {"name": "Heft", "quantity": 1, "unit_price": 5, "total_amount": 5}
IDENTIFIERS = {"global_trade_item_number": "0073366118951", "size": ""}
SUBSCRIPTION = {"name": "Abo", "interval": "MONTH", "interval_count": 3}
RICH = {**LINE, "merchant_data": "x", "product_identifiers": IDENTIFIERS, "subscription": SUBSCRIPTION, "odd": 1}


def lines(**changed: Any) -> list[dict[str, Any]]:
    return [{**RICH, **changed}]


def without(*names: str) -> list[dict[str, Any]]:
    return [{name: value for name, value in RICH.items() if name not in names}]


@pytest.mark.parametrize(
    "observed",
    [
        lines(),
        without("merchant_data"),
        without("merchant_data", "product_identifiers", "subscription", "odd"),
        lines(product_identifiers={}),
        lines(product_identifiers={"size": "", "color": "Röd", **IDENTIFIERS}),
        lines(product_identifiers={"global_trade_item_number": "0073366118951"}),
        lines(merchant_data=""),
        lines(odd=2),
    ],
)
def test_what_is_perhaps_shown_may_be_left_out(observed: Any) -> None:
    assert shows(kept("order_lines", [RICH]), observed)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"merchant_data": "X"}, "KOM-601"),
        ({"product_identifiers": {"global_trade_item_number": "73366118951"}}, "KOM-601"),
        ({"product_identifiers": "none"}, "KOM-405"),
        ({"subscription": {**SUBSCRIPTION, "interval_count": 1}}, "KOM-602"),
        ({"name": ""}, "KOM-405"),
    ],
)
def test_what_is_shown_is_shown_as_it_was_sent(changed: dict[str, Any], code: str) -> None:
    wanted = kept("order_lines", [RICH])

    assert not shows(wanted, lines(**changed))
    assert echo_code(wanted, lines(**changed)) == code


def test_what_must_be_shown_may_not_be_left_out() -> None:
    assert not shows(kept("order_lines", [RICH]), without("name"))


def test_a_value_that_may_be_left_out_reads_as_itself_in_a_message() -> None:
    assert str(MayShow("Röd")) == "Röd"
