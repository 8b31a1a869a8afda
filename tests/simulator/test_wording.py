from __future__ import annotations

import pytest

from conformance.contract.contract import Contract
from conformance.simulator.wording import messages, state_words


@pytest.mark.parametrize(
    ("row", "known", "operation", "expected"),
    [
        ("conflict", {}, "", ()),
        ("method-not-allowed", {}, "", ("",)),
        ("invalid-order-id", {}, "", ("Order ID must be a valid UUID.",)),
        ("no-such-order", {"order": "o"}, "getOrder", ("Order o cannot be found",)),
        ("no-such-order-unlisted", {"order": "o"}, "cancelOrder", ("Order o cannot be found. Cancel not possible.",)),
        ("cancel-not-allowed", {"words": "expired"}, "", ("Order is expired. Cancel not possible",)),
        ("cancel-not-allowed", {"words": "closed"}, "", ("Order is closed. Cancel not possible",)),
        (
            "extend-not-possible",
            {"words": "cancelled"},
            "",
            ("Order is cancelled. Authorization time cannot be extended.",),
        ),
        ("extend-not-possible", {}, "", ("Authorization time cannot be extended.",)),
        ("capture-expired", {"order": "o", "words": "expired"}, "", ("Order o is expired. Capture not possible.",)),
        ("capture-expired", {}, "", ("Capture not allowed",)),
        ("customer-details-not-allowed", {}, "", ("Customer details cannot be updated.",)),
    ],
)
def test_words_are_chosen_by_what_is_known(
    contract: Contract, row: str, known: dict[str, object], operation: str, expected: tuple[str, ...]
) -> None:
    assert messages(contract.errors.row(row), known, operation=operation) == expected


def test_what_is_filled_in_is_never_taken_for_a_placeholder(contract: Contract) -> None:
    row = contract.errors.row("no-such-capture-read")
    assert messages(row, {"capture": "{order}", "order": "\\1"}) == ("Capture {order} cannot be found for order \\1",)


def test_states_have_words() -> None:
    assert state_words("CANCELLED") == "cancelled"
    assert state_words("AUTHORIZED") == ""
