from __future__ import annotations

import pytest

from conformance.contract.contract import load_contract
from conformance.contract.truth import Truth

LIFECYCLE = load_contract().lifecycle
STATES = ("AUTHORIZED", "PART_CAPTURED", "CAPTURED", "RELEASED", "CANCELLED", "EXPIRED", "CLOSED")


def test_every_operation_is_answered_for_in_every_state() -> None:
    operations = {operation.id for operation in load_contract().operations}
    assert set(LIFECYCLE.cells) == {(operation, state) for operation in operations for state in STATES}
    assert tuple(LIFECYCLE.states) == STATES


def test_a_cell_is_allowed_with_guards_or_refused_with_a_row() -> None:
    errors = load_contract().errors
    for (operation, _), cell in LIFECYCLE.cells.items():
        assert cell.allowed is (cell.error == "")
        refusals = {guard.error for guard in cell.guards} if cell.allowed else {cell.error}
        assert all(operation in errors.row(row).operations for row in refusals)
        if not cell.allowed:
            assert cell.guards == ()


@pytest.mark.parametrize(
    ("operation", "state", "error"),
    [
        ("captureOrder", "CANCELLED", "capture-not-allowed"),
        ("captureOrder", "CAPTURED", "capture-above-remaining"),
        ("cancelOrder", "PART_CAPTURED", "cancel-with-captures"),
        ("refundOrder", "AUTHORIZED", "refund-without-captures"),
        ("extendAuthorizationTime", "EXPIRED", "extend-expired"),
        ("updateMerchantReferences", "CANCELLED", "references-not-allowed"),
    ],
)
def test_documented_refusals_name_their_row(operation: str, state: str, error: str) -> None:
    cell = LIFECYCLE.cell(operation, state)
    assert (cell.allowed, cell.error) == (False, error)
    assert cell.truth.binds


def test_an_allowed_cell_keeps_its_guards_in_order() -> None:
    cell = LIFECYCLE.cell("captureOrder", "AUTHORIZED")
    assert [guard.guard for guard in cell.guards] == ["amount_positive", "fraud_decided", "amount_within_remaining"]
    assert cell.truth is Truth.OBSERVED
    assert not any(guard.discretionary for guard in cell.guards)
    increase = LIFECYCLE.cell("updateAuthorization", "AUTHORIZED").guards[-1]
    assert (increase.guard, increase.discretionary) == ("credit_granted", True)


def test_effects_say_what_changes() -> None:
    capture = LIFECYCLE.effects["capture"]
    assert capture.amounts == {
        "captured_amount": ("add", "captured_amount"),
        "remaining_authorized_amount": ("subtract", "captured_amount"),
    }
    assert (capture.adds, list(capture.to)) == ("captures", ["nothing_remains", "otherwise"])
    change = LIFECYCLE.effects["change_authorization"]
    assert change.amounts["remaining_authorized_amount"] == ("set_to", "order_amount_less_captured_amount")
    assert list(change.to) == ["nothing_remains", "nothing_captured", "otherwise"]
    assert LIFECYCLE.effects["release"].amounts == {"remaining_authorized_amount": ("set_to", "zero")}
    assert LIFECYCLE.effects["change_references"].overwrites == ("merchant_reference1", "merchant_reference2")
    assert (LIFECYCLE.effects["extend"].moves, LIFECYCLE.effects["extend"].to) == ("expires_at", {})
    assert LIFECYCLE.effects["append_capture_shipping_info"].appends == "captures.shipping_info"


def test_reads_change_nothing_and_are_allowed_everywhere() -> None:
    for operation in load_contract().operations:
        if not operation.writes:
            for state in STATES:
                cell = LIFECYCLE.cell(operation.id, state)
                assert (cell.allowed, cell.effect.amounts, cell.effect.to) == (True, {}, {})


def test_no_allowed_write_leads_out_of_a_terminal_state() -> None:
    for (_, state), cell in LIFECYCLE.cells.items():
        if LIFECYCLE.states[state].terminal and cell.allowed:
            assert set(cell.effect.to.values()) <= {state}


def test_every_state_shows_a_status_and_every_guard_is_asked() -> None:
    asked = {guard.guard for cell in LIFECYCLE.cells.values() for guard in cell.guards}
    assert asked == set(LIFECYCLE.guards)
    assert all(state.shows for state in LIFECYCLE.states.values())
    assert {cell.effect.id for cell in LIFECYCLE.cells.values()} == set(LIFECYCLE.effects)


def test_an_unknown_cell_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        LIFECYCLE.cell("captureOrder", "SHIPPED")
