"""Each operation is told in its own words what its path names and is not there."""

from __future__ import annotations

import pytest

from conformance.contract.contract import Contract
from conformance.simulator.refusal import Refusals, named

_IDS = {
    "order_id": "00000000-0000-4000-8000-000000000001",
    "capture_id": "00000000-0000-4000-8000-000000000002",
    "refund_id": "00000000-0000-4000-8000-000000000003",
}


@pytest.fixture
def refusals(contract: Contract) -> Refusals:
    return Refusals(contract.errors)


def test_every_operation_knows_how_to_miss_an_order(contract: Contract, refusals: Refusals) -> None:
    rows = {operation.id: refusals.order_missing(operation.id, _IDS).row for operation in contract.operations}

    assert {row.status for row in rows.values()} == {404}
    assert all(operation in row.operations for operation, row in rows.items())


def test_every_operation_on_a_capture_knows_how_to_miss_it(contract: Contract, refusals: Refusals) -> None:
    below = [operation.id for operation in contract.operations if "{capture_id}" in operation.path]

    rows = {operation: refusals.capture_missing(operation, _IDS).row for operation in below}

    assert len(rows) == 5
    assert {row.status for row in rows.values()} == {404}
    assert all(operation in row.operations for operation, row in rows.items())


def test_what_is_missing_is_named(refusals: Refusals) -> None:
    (words,) = refusals.capture_missing("getCapture", _IDS).words

    assert _IDS["capture_id"] in words


def test_words_of_ones_own_take_the_place_of_the_rows(refusals: Refusals) -> None:
    assert refusals.of("unprocessable", ("'captured_amount' must not be null",)).words == (
        "'captured_amount' must not be null",
    )
    assert refusals.of("malformed-request").words


def test_an_unknown_row_is_refused(refusals: Refusals) -> None:
    with pytest.raises(KeyError):
        refusals.of("no-such-row")


def test_ids_have_the_names_that_messages_know() -> None:
    assert set(named(_IDS)) == {"order", "capture", "refund"}
