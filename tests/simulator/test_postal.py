from __future__ import annotations

import pytest

from conformance.simulator.market import _MARKETS
from conformance.simulator.postal import is_plausible


@pytest.mark.parametrize(
    ("address", "home", "expected"),
    [
        ({"postal_code": "10178"}, "DE", True),
        ({"postal_code": "1017"}, "DE", False),
        ({"postal_code": "1017", "country": "at"}, "DE", True),
        ({"postal_code": "12345", "country": ""}, "AT", False),
        ({"postal_code": "36522-2156"}, "US", True),
        ({"postal_code": "W1S 3BE"}, "GB", True),
        ({"postal_code": "١٢٣٤٥"}, "DE", False),
        ({"postal_code": "anything"}, "IS", True),
        ({"postal_code": ""}, "DE", True),
        ({}, "DE", True),
    ],
)
def test_codes_fit_their_countries(address: dict[str, str], home: str, expected: bool) -> None:
    assert is_plausible(address, home) is expected


def test_our_own_addresses_are_plausible() -> None:
    assert all(is_plausible(market.address, market.country) for market in _MARKETS.values())
