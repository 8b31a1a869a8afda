"""The double does in every cell what the lifecycle table says, and the table alone decides."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from conformance.contract.contract import Contract, load_contract
from conformance.contract.lifecycle import Cell
from conformance.exceptions import ContractError
from conformance.simulator.service import Simulator
from tests.simulator.caller import Caller, answer, code

CELLS = sorted(load_contract().lifecycle.cells.values(), key=lambda cell: (cell.operation, cell.state))
DAY = 86_400

# Requests that nothing but the state can refuse.
BODIES: Mapping[str, Any] = {
    "updateAuthorization": {"order_amount": 9_000},
    "captureOrder": {"captured_amount": 100},
    "extendDueDate": {"number_of_days": 10},
    "appendShippingInfo": {"shipping_info": [{"tracking_number": "1"}]},
    "updateConsumerDetails": {"shipping_address": {"city": "Potsdam"}},
    "updateMerchantReferences": {"merchant_reference1": "changed"},
    "refundOrder": {"refunded_amount": 100},
    "appendOrderShippingInfo": {"shipping_info": [{"tracking_number": "1"}]},
}
CAPTURE = "cccccccc-0000-4000-8000-000000000001"
REFUND = "dddddddd-0000-4000-8000-000000000001"

FIELDS: Mapping[str, dict[str, Any]] = {
    "AUTHORIZED": {"status": "AUTHORIZED"},
    "PART_CAPTURED": {"status": "PART_CAPTURED", "captures": [{"captured_amount": 4_000, "capture_id": CAPTURE}]},
    "CAPTURED": {"status": "CAPTURED", "captures": [{"captured_amount": 10_000, "capture_id": CAPTURE}]},
    "RELEASED": {"released": True, "captures": [{"captured_amount": 4_000, "capture_id": CAPTURE}]},
    "CANCELLED": {"status": "CANCELLED"},
    "EXPIRED": {"status": "EXPIRED", "captures": [{"captured_amount": 4_000, "capture_id": CAPTURE}]},
    "CLOSED": {"status": "CLOSED", "captures": [{"captured_amount": 10_000, "capture_id": CAPTURE}]},
}


def put(simulator: Simulator, state: str) -> str:
    fields = dict(FIELDS[state])
    if "captures" in fields:
        fields["refunds"] = [{"refunded_amount": 500, "refund_id": REFUND}]
    return simulator.create_order({"order_amount": 10_000, **fields})


def ask(caller: Caller, order: str, cell: Cell) -> Any:
    operation = caller.simulator.contract.operations[cell.operation]
    path = operation.path.replace("{order_id}", order).replace("{capture_id}", CAPTURE).replace("{refund_id}", REFUND)
    return caller.send(operation.method, path.partition("/orders/")[2], BODIES.get(cell.operation))


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: f"{cell.operation}-{cell.state}")
@pytest.mark.parametrize("behaviour", ["documented", "observed"])
def test_every_cell_answers_as_the_table_says(contract: Contract, cell: Cell, behaviour: str) -> None:
    simulator = Simulator(contract, behaviour=behaviour)
    caller = Caller(simulator)
    order = put(simulator, cell.state)
    held = simulator._store.any(order)
    assert held.state == cell.state
    before, movements = caller.order(order), list(held.movements)
    response = ask(caller, order, cell)
    if not cell.allowed:
        row = contract.errors.row(cell.error)
        assert code(response) == (row.status, row.code)
        assert any(pattern.match(answer(response)["error_messages"][0]) for pattern in row.patterns)
        assert caller.order(order) == before
        assert list(held.movements) == movements
        return
    if not FIELDS[cell.state].get("captures") and "{capture_id}" in contract.operations[cell.operation].path:
        assert response.status in (403, 404)
        return
    if cell.operation == "get" and not FIELDS[cell.state].get("captures"):
        assert response.status == 404
        return
    assert response.status == contract.operations[cell.operation].success.status, response.body
    after = caller.order(order)
    expected = expected_order(cell, before)
    assert {name: after[name] for name in expected} == expected
    reached = held.state
    assert after["status"] == contract.lifecycle.states[reached].shows[0]
    assert reached in (*cell.effect.to.values(), *(() if cell.effect.to else (cell.state,)))
    if not cell.effect.amounts and not cell.effect.to:
        assert list(held.movements) == movements


def expected_order(cell: Cell, before: Mapping[str, Any]) -> dict[str, Any]:
    """What the order must show afterwards, worked out by hand for the requests of this module."""
    effect = cell.effect.id
    return {
        "capture": {
            "captured_amount": before["captured_amount"] + 100,
            "remaining_authorized_amount": before["remaining_authorized_amount"] - 100,
            "order_amount": 10_000,
        },
        "refund": {
            "refunded_amount": before["refunded_amount"] + 100,
            "captured_amount": before["captured_amount"],
            "remaining_authorized_amount": before["remaining_authorized_amount"],
        },
        "change_authorization": {
            "order_amount": 9_000,
            "original_order_amount": 10_000,
            "remaining_authorized_amount": 9_000 - before["captured_amount"],
            "order_lines": [],
        },
        "cancel": {"status": "CANCELLED", "order_amount": 10_000, "captured_amount": 0},
        "release": {"remaining_authorized_amount": 0, "captured_amount": 4_000, "order_amount": 10_000},
        "extend": {"expires_at": "2026-02-12T00:00:00.000Z"},
        "change_references": {"merchant_reference1": "changed"},
        "change_shipping_address": {"billing_address": before["billing_address"]},
        "append_shipping_info": {"shipping_info": [{"tracking_number": "1"}]},
    }.get(effect, {"status": before["status"], "captured_amount": before["captured_amount"]})


# --- guards ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "method", "path", "body", "expected"),
    [
        ({}, "POST", "captures", {"captured_amount": 0}, "CAPTURE_NOT_ALLOWED"),
        ({}, "POST", "captures", {"captured_amount": 10_001}, "CAPTURE_NOT_ALLOWED"),
        ({"fraud_status": "PENDING"}, "POST", "captures", {"captured_amount": 1}, "CAPTURE_NOT_ALLOWED"),
        ({"captures": [4_000]}, "POST", "captures", {"captured_amount": 6_001}, "CAPTURE_NOT_ALLOWED"),
        ({"captures": [4_000]}, "POST", "refunds", {"refunded_amount": 0}, "REFUND_NOT_ALLOWED"),
        ({"captures": [4_000]}, "POST", "refunds", {"refunded_amount": 4_001}, "REFUND_NOT_ALLOWED"),
        ({"captures": [4_000], "refunds": [1]}, "POST", "refunds", {"refunded_amount": 4_000}, "REFUND_NOT_ALLOWED"),
        ({"captures": [4_000]}, "PATCH", "authorization", {"order_amount": 3_999}, "NOT_ALLOWED"),
        ({}, "PATCH", "authorization", {"order_amount": 0}, "NOT_ALLOWED"),
        ({"fraud_status": "PENDING"}, "PATCH", "authorization", {"order_amount": 1}, "NOT_ALLOWED"),
        ({"initial_payment_method": "CARD"}, "PATCH", "authorization", {"order_amount": 10_001}, "NOT_ALLOWED"),
        ({"fraud_status": "PENDING"}, "PATCH", "customer-details", {"shipping_address": {}}, "NOT_ALLOWED"),
        ({"initial_payment_method": "PAY_BY_CARD"}, "POST", "extend-authorization-time", None, "NOT_ALLOWED"),
    ],
)
def test_guards_refuse(
    caller: Caller,
    make: Callable[..., str],
    fields: Mapping[str, Any],
    method: str,
    path: str,
    body: Any,
    expected: str,
) -> None:
    order = make(order_amount=10_000, **fields)
    before = caller.get(order).body
    assert code(caller.send(method, f"{order}/{path}", body)) == (403, expected)
    assert caller.get(order).body == before


@pytest.mark.parametrize(
    ("method", "country", "allowed"),
    [
        ("INVOICE", "DE", True),
        ("DIRECT_DEBIT", "DE", True),
        ("DIRECT_DEBIT", "CH", False),
        ("FIXED_AMOUNT", "SE", True),
        ("FIXED_AMOUNT", "US", False),
        ("DEFERRED_INTEREST", "US", True),
        ("CARD", "DE", False),
        ("NOBODY_KNOWS", "DE", False),
    ],
)
def test_an_increase_depends_on_method_and_market(
    caller: Caller, make: Callable[..., str], method: str, country: str, allowed: bool
) -> None:
    order = make(order_amount=100, initial_payment_method={"type": method}, purchase_country=country)
    assert (caller.patch(f"{order}/authorization", {"order_amount": 101}).status == 204) is allowed
    assert caller.patch(f"{order}/authorization", {"order_amount": 100}).status == 204


def test_lowering_to_what_is_captured_completes_the_order(caller: Caller, make: Callable[..., str]) -> None:
    order = make(order_amount=1_000, captures=[400])
    caller.patch(f"{order}/authorization", {"order_amount": 400})
    assert caller.order(order)["status"] == "CAPTURED"
    assert caller.order(order)["remaining_authorized_amount"] == 0


def test_messages_carry_the_amounts(caller: Caller, make: Callable[..., str]) -> None:
    order = make(order_amount=10_000, captures=[8_000])
    response = caller.patch(f"{order}/authorization", {"order_amount": 7_000})
    told = "Resulting authorization amount 7000 cannot be less than the captured amount 8000 for order."
    assert answer(response)["error_messages"] == [f"{told} Order authorization cannot be updated"]


# --- time -----------------------------------------------------------------------------------------------------------


def test_an_authorisation_lapses_at_midnight(caller: Caller, make: Callable[..., str]) -> None:
    order, part = make(order_amount=1_000), make(order_amount=1_000, captures=[400])
    full = make(order_amount=1_000, captures=[1_000])
    caller.simulator.advance(28 * DAY - 9 * 3_600 - 1)
    assert caller.order(order)["status"] == "AUTHORIZED"
    caller.simulator.advance(1)
    for expired, captured in ((order, 0), (part, 400)):
        shown = caller.order(expired)
        assert (shown["status"], shown["captured_amount"]) == ("EXPIRED", captured)
        assert shown["remaining_authorized_amount"] == 0
    assert caller.order(full)["status"] == "CAPTURED"
    refused = caller.post(f"{order}/captures", {"captured_amount": 1})
    assert answer(refused)["error_messages"] == [f"Order {order} is expired. Capture not possible."]
    entry = caller.simulator.ledger(part)["entries"][-1]
    assert (entry["kind"], entry["amount"], entry["at"]) == ("expire", 600, "2026-02-12T00:00:00.000Z")


def test_a_write_notices_the_lapse_too(caller: Caller, make: Callable[..., str]) -> None:
    order = make(order_amount=1_000)
    caller.simulator.advance(30 * DAY)
    assert code(caller.post(f"{order}/extend-authorization-time")) == (403, "NOT_ALLOWED")


def test_an_extension_counts_from_the_day_of_the_call(caller: Caller, make: Callable[..., str]) -> None:
    order = make()
    caller.simulator.advance(10 * DAY)
    for _ in range(2):
        assert caller.post(f"{order}/extend-authorization-time").status == 204
        assert caller.order(order)["expires_at"] == "2026-02-22T00:00:00.000Z"
        caller.simulator.advance(3_600)


def test_an_extension_ends_after_180_days(caller: Caller, make: Callable[..., str]) -> None:
    old = make(created_at="2025-07-19T09:00:01Z", status="AUTHORIZED")
    assert caller.post(f"{old}/extend-authorization-time").status == 204
    caller.simulator.advance(1)
    assert caller.post(f"{old}/extend-authorization-time").status == 403


# --- the table decides ----------------------------------------------------------------------------------------------


def changed(contract: Contract, operation: str, state: str, **fields: Any) -> Contract:
    cells = dict(contract.lifecycle.cells)
    cells[operation, state] = dataclasses.replace(cells[operation, state], **fields)
    return dataclasses.replace(contract, lifecycle=dataclasses.replace(contract.lifecycle, cells=cells))


def test_another_table_makes_another_double(contract: Contract) -> None:
    refusing = changed(contract, "cancelOrder", "AUTHORIZED", allowed=False, error="cancel-not-allowed")
    simulator = Simulator(refusing)
    assert code(Caller(simulator).post(f"{put(simulator, 'AUTHORIZED')}/cancel")) == (403, "CANCEL_NOT_ALLOWED")
    unguarded = changed(contract, "captureOrder", "AUTHORIZED", guards=())
    simulator = Simulator(unguarded)
    assert Caller(simulator).post(f"{put(simulator, 'AUTHORIZED')}/captures", {"captured_amount": 0}).status == 201


def test_a_guard_that_nobody_implements_is_refused(contract: Contract) -> None:
    cell = contract.lifecycle.cell("captureOrder", "AUTHORIZED")
    unknown = dataclasses.replace(cell.guards[0], guard="moon_is_full")
    with pytest.raises(ContractError, match="moon_is_full"):
        Simulator(changed(contract, "captureOrder", "AUTHORIZED", guards=(unknown,)))
