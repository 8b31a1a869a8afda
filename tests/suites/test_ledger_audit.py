"""An order and its ledger tell one story, or the difference is told."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.suites.ledger_audit import discrepancies

ORDER = {
    "status": "PART_CAPTURED",
    "order_amount": 1_000,
    "captured_amount": 400,
    "refunded_amount": 100,
    "remaining_authorized_amount": 600,
}
ENTRIES = [
    {"kind": "authorise", "amount": 1_000},
    {"kind": "capture", "amount": 300},
    {"kind": "capture", "amount": 100},
    {"kind": "refund", "amount": 100},
]
LEDGER: dict[str, Any] = {"authorised": 1_000, "captured": 400, "refunded": 100, "remaining": 600, "entries": ENTRIES}


@pytest.mark.parametrize(
    ("order", "ledger"),
    [
        ({}, {}),
        ({}, {"entries": None}),
        ({}, {"entries": []}),
        ({}, {"captured": 400}),
        ({"status": "CANCELLED", "remaining_authorized_amount": 0}, {}),
    ],
)
def test_what_agrees_or_is_not_shown_is_no_discrepancy(order: dict[str, Any], ledger: dict[str, Any]) -> None:
    shown = LEDGER | ledger if ledger != {"captured": 400} else ledger
    assert list(discrepancies(ORDER | order, shown)) == []


@pytest.mark.parametrize(
    ("ledger", "words"),
    [
        ({"captured": 800}, "the ledger has 800 captured"),
        ({"remaining": 0}, "the ledger has 0 remaining"),
        ({"entries": [*ENTRIES, {"kind": "capture", "amount": 300}]}, "entries of capture add up to 700"),
        ({"entries": ENTRIES[:-1]}, "entries of refund add up to 0"),
    ],
)
def test_a_difference_is_told_with_both_numbers(ledger: dict[str, Any], words: str) -> None:
    (told,) = discrepancies(ORDER, LEDGER | ledger)

    assert told.startswith("the order reports ")
    assert words in told
