from __future__ import annotations

import pytest

from conformance.contract.contract import load_contract
from conformance.contract.error_table import BodyKind, ErrorRow, Party, Retry
from conformance.contract.truth import Truth

ERRORS = load_contract().errors
ORDER = "5ef9a5b3-6c08-42e1-91a3-065dcae5c5dd"
BELOW_CAPTURED = (
    "Resulting authorization amount {} cannot be less than the captured amount 8000 for order. "
    "Order authorization cannot be updated"
)
CAPTURE = "d25fb1a0-a6d9-4a65-8dac-cd7fb3a8dd24"


def _fits(row: ErrorRow, message: str) -> bool:
    return any(pattern.match(message) for pattern in row.patterns)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("no-such-order", f"Order {ORDER} cannot be found"),
        ("no-such-refund", f"Refund {CAPTURE} cannot be found for order {ORDER}"),
        ("no-such-capture", f"Capture could not be found. Shipping info cannot be added to capture {CAPTURE}"),
        ("authorization-below-captured", BELOW_CAPTURED.format("7000")),
        ("refund-without-captures", "Order has no captures. Refund not possible"),
        ("cancel-with-captures", "Order has previous captures. Cancel not possible"),
        ("unprocessable", "'captured_amount' must not be null"),
        ("unprocessable", "The size of the shipping_info/shipping_company value must be between 0 and 100"),
        ("invalid-address", "The shipping and/or billing address is invalid"),
        ("capture-above-remaining", "Captured amount 51 is higher than the remaining amount 50 of the order"),
        ("service-unavailable", "Temporarily unavailable"),
        ("method-not-allowed", ""),
    ],
)
def test_known_messages_fit_their_row(row: str, message: str) -> None:
    assert _fits(ERRORS.row(row), message)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("no-such-order", f"Order {ORDER} cannot be found today"),
        ("no-such-order", f"Sorry. Order {ORDER} cannot be found"),
        ("no-such-order", f"Order {ORDER} cannot be foundX"),
        ("no-such-order", f"Order {ORDER} cannot be found\n"),
        ("refund-without-captures", "Order has no captures, Refund not possible"),
        ("authorization-below-captured", BELOW_CAPTURED.format("seven")),
        ("too-many-requests", "too many requests"),
    ],
)
def test_other_messages_do_not(row: str, message: str) -> None:
    assert not _fits(ERRORS.row(row), message)


def test_the_dot_in_a_wording_stands_for_itself() -> None:
    assert not _fits(ERRORS.row("invalid-order-id"), "Order ID must be a valid UUIDs")
    assert _fits(ERRORS.row("invalid-order-id"), "Order ID must be a valid UUID.")


def test_what_is_left_out_has_its_default() -> None:
    row = ERRORS.row("no-such-order")
    assert (row.behaviour, row.body) == ("both", BodyKind.JSON)
    unrouted = ERRORS.row("no-such-route")
    assert unrouted.operations == frozenset()
    assert (unrouted.provoked_by, unrouted.retry, unrouted.tolerated) == (Party.CLIENT, Retry.FIX, frozenset())


def test_what_is_given_is_kept() -> None:
    row = ERRORS.row("illegal-characters-html")
    assert (row.status, row.code, row.body, row.behaviour) == (400, "", BodyKind.HTML, "observed")
    assert row.truth is Truth.OBSERVED
    assert len(row.operations) == 18
    assert (404, "NO_SUCH_ORDER") in row.tolerated


def test_sets_stand_for_their_operations() -> None:
    assert len(ERRORS.row("conflict").operations) == 13
    assert "getOrder" not in ERRORS.row("conflict").operations
    assert len(ERRORS.row("request-too-large").operations) == 8
    assert ERRORS.row("internal-server-error").operations == {operation.id for operation in load_contract().operations}


def test_a_row_accepts_its_own_answer_and_the_tolerated_ones() -> None:
    row = ERRORS.row("refund-on-unknown-order")
    assert row.accepts(404, "NOT_FOUND")
    assert row.accepts(404, "NO_SUCH_ORDER")
    assert not row.accepts(400, "NOT_FOUND")


def test_rows_are_found_by_cell_and_by_operation() -> None:
    assert [row.id for row in ERRORS.at("releaseRemainingAuthorization", 403, "NOT_ALLOWED")] == [
        "release-fully-captured",
        "release-without-captures",
        "release-not-allowed",
    ]
    assert ERRORS.at("getOrder", 403, "NOT_ALLOWED") == ()
    assert (409, "CONFLICT") in ERRORS.answers("cancelOrder")
    assert (409, "CONFLICT") not in ERRORS.answers("getOrder")
    assert ERRORS.answers("noSuchOperation") == ()


def test_rows_of_an_operation_are_found_by_status_in_the_order_of_the_table() -> None:
    for _ in range(2):
        rows = ERRORS.of("get", frozenset({400, 404}))
        assert [row.id for row in rows if row.truth.binds] == [
            "refund-not-found-400",
            "illegal-characters-html",
            "no-such-refund",
        ]
    assert ERRORS.of("get", frozenset({418})) == ()


def test_cells_are_sorted_and_named_once() -> None:
    cells = list(ERRORS.cells())
    assert cells == sorted(set(cells))
    assert ("getOrder", 404, "NO_SUCH_ORDER") in cells


def test_unrouted_rows_belong_to_no_cell() -> None:
    assert {row.id for row in ERRORS.unrouted} == {"no-such-route", "method-not-allowed"}
    assert not any(status == 405 for _, status, _ in ERRORS.cells())


def test_an_unknown_row_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        ERRORS.row("no-such-row")
