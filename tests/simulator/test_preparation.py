from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from conformance.contract.contract import Contract
from conformance.simulator.control_error import ControlError, UnknownOrderError
from conformance.simulator.merchant import DEFAULT_MERCHANTS
from conformance.simulator.service import Simulator
from tests.simulator.caller import Caller

AMOUNTS = ("order_amount", "captured_amount", "refunded_amount", "remaining_authorized_amount")


@pytest.mark.parametrize(
    ("fields", "status", "amounts"),
    [
        ({}, "AUTHORIZED", (10_000, 0, 0, 10_000)),
        ({"amount": 500}, "AUTHORIZED", (500, 0, 0, 500)),
        ({"order_amount": 0}, "AUTHORIZED", (0, 0, 0, 0)),
        ({"amount": 500, "captured_amount": 200}, "PART_CAPTURED", (500, 200, 0, 300)),
        ({"amount": 500, "captures": [200, {"captured_amount": 300}]}, "CAPTURED", (500, 500, 0, 0)),
        ({"amount": 500, "captures": [], "status": "AUTHORIZED"}, "AUTHORIZED", (500, 0, 0, 500)),
        ({"status": "PART_CAPTURED"}, "PART_CAPTURED", (10_000, 5_000, 0, 5_000)),
        ({"status": "PART_CAPTURED", "captured_amount": 1}, "PART_CAPTURED", (10_000, 1, 0, 9_999)),
        ({"status": "CAPTURED", "refunded_amount": 30}, "CAPTURED", (10_000, 10_000, 30, 0)),
        ({"status": "CAPTURED", "refunds": [10, 20]}, "CAPTURED", (10_000, 10_000, 30, 0)),
        ({"status": "CANCELLED"}, "CANCELLED", (10_000, 0, 0, 0)),
        ({"status": "EXPIRED"}, "EXPIRED", (10_000, 0, 0, 0)),
        ({"status": "EXPIRED", "captures": [40]}, "EXPIRED", (10_000, 40, 0, 0)),
        ({"status": "CLOSED"}, "CLOSED", (10_000, 10_000, 0, 0)),
        ({"status": "CLOSED", "captures": []}, "CLOSED", (10_000, 0, 0, 10_000)),
        ({"released": True}, "CAPTURED", (10_000, 5_000, 0, 0)),
        ({"released": True, "status": "PART_CAPTURED", "captures": [1]}, "CAPTURED", (10_000, 1, 0, 0)),
        ({"status": "RELEASED", "refunds": [7]}, "CAPTURED", (10_000, 5_000, 7, 0)),
        ({"captures": [10], "remaining_authorized_amount": 9_990}, "PART_CAPTURED", (10_000, 10, 0, 9_990)),
    ],
)
def test_states_are_brought_about_consistently(
    caller: Caller, make: Callable[..., str], fields: Mapping[str, Any], status: str, amounts: tuple[int, ...]
) -> None:
    shown = caller.order(make(**fields))
    assert shown["status"] == status
    assert tuple(shown[name] for name in AMOUNTS) == amounts
    assert sum(capture["captured_amount"] for capture in shown["captures"]) == amounts[1]
    assert sum(refund["refunded_amount"] for refund in shown["refunds"]) == amounts[2]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"colour": "red"}, "colour: is no field"),
        ({"amount": 1, "order_amount": 1}, "says again"),
        ({"order_amount": -1}, "order_amount"),
        ({"order_amount": 200_000_001}, "order_amount"),
        ({"order_amount": "5"}, "order_amount"),
        ({"order_amount": True}, "order_amount"),
        ({"status": "OPEN"}, "status"),
        ({"fraud_status": "MAYBE"}, "fraud_status"),
        ({"status": "CAPTURED", "captured_amount": 5}, "status: .* PART_CAPTURED, not CAPTURED"),
        ({"status": "AUTHORIZED", "captures": [5]}, "status"),
        ({"status": "PART_CAPTURED", "order_amount": 0}, "status"),
        ({"status": "CANCELLED", "captures": [5]}, "status: Order has previous captures"),
        ({"status": "EXPIRED", "captures": [10_000]}, "status"),
        ({"captures": [10_001]}, r"captures\[0\]: Captured amount is higher"),
        ({"captures": [0]}, r"captures\[0\]"),
        ({"captures": [-1]}, r"captures\[0\]"),
        ({"captures": ["5"]}, r"captures\[0\]: must be an amount"),
        ({"captures": [True]}, r"captures\[0\]: must be an amount"),
        ({"captures": 5}, "captures: must be a list"),
        ({"captures": [{"capture_id": "x", "captured_amount": 1}]}, "capture_id must be a UUID"),
        ({"captures": [{"capture_id": 5, "captured_amount": 1}]}, "capture_id must be a UUID"),
        (
            {"captures": [{"capture_id": "cccccccc-0000-4000-8000-000000000001", "captured_amount": 1}] * 2},
            r"captures\[1\]: capture_id must be a UUID that no other",
        ),
        ({"captures": [{}]}, r"captures\[0\]"),
        ({"refunds": [5]}, r"refunds\[0\]: Order has no captures"),
        ({"captures": [5], "refunds": [6]}, r"refunds\[0\]: Over refund"),
        ({"captures": [5], "captured_amount": 6}, "captured_amount: the other fields make it 5"),
        ({"remaining_authorized_amount": 6}, "remaining_authorized_amount"),
        ({"released": True, "status": "AUTHORIZED"}, "released"),
        ({"released": 1}, "released"),
        ({"released": True, "captures": []}, "released: Order has no captures"),
        ({"order_id": "x"}, "order_id: must be a UUID"),
        ({"order_id": "0a5c1f0e-7b7d-4c2e-9d3a-4f1e2b6c8d90"}, "already"),
        ({"merchant": "nobody"}, "merchant"),
        ({"merchant": 5}, "merchant"),
        ({"created_at": "2026-01-15T09:00:01Z"}, "created_at: lies ahead"),
        ({"created_at": "yesterday"}, "created_at"),
        ({"created_at": "0001-01-01T00:00:00+14:00"}, "created_at"),
        ({"expires_at": "2026-01-01T00:00:00Z", "status": "AUTHORIZED"}, "expires_at: is past"),
        ({"status": "EXPIRED", "created_at": "2026-01-10T00:00:00Z"}, "status"),
        ({"order_lines": [{"name": "x"}]}, "order_lines"),
        (
            {"lines": [{"name": "x", "quantity": 1, "unit_price": -5, "total_amount": -5}]},
            "order_lines: add up to -5",
        ),
        ({"billing_address": {"city": 5}}, "billing_address/city"),
        ({"merchant_reference1": "\ud800"}, "Unicode"),
    ],
)
def test_what_cannot_be_is_refused_with_a_reason(
    simulator: Simulator, make: Callable[..., str], fields: Mapping[str, Any], reason: str
) -> None:
    with pytest.raises(ControlError, match=reason) as caught:
        make(**fields)
    assert "\n" not in str(caught.value)
    assert len(simulator._store) == 3


def test_fields_are_shown_as_they_were_wished_for(caller: Caller, make: Callable[..., str]) -> None:
    wished = {
        "order_id": "EEEEEEEE-0000-4000-8000-000000000001",
        "purchase_currency": "SEK",
        "purchase_country": "SE",
        "locale": "sv-SE",
        "klarna_reference": 'Q"☃',
        "merchant_reference1": "1",
        "merchant_reference2": "2",
        "merchant_data": "m",
        "customer": {"date_of_birth": "1941-03-21"},
        "billing_address": {"given_name": "Åsa", "title": "", "street_address2": "", "region": ""},
        "selected_shipping_option": {"id": "express"},
        "shipping_info": [{"tracking_number": "1"}],
        "fraud_status": "PENDING",
        "original_order_amount": 7,
        "expires_at": "2026-03-01T00:00:00.000Z",
        "created_at": "2026-01-01T12:00:00.500Z",
        "initial_payment_method": {"type": "PAY_IN_X", "description": "Pay in 4", "number_of_installments": 4},
    }
    order = make(**wished)
    shown = caller.order(order)
    assert order == wished["order_id"]
    assert {name: shown[name] for name in wished} == wished


def test_markets_have_defaults(caller: Caller, make: Callable[..., str]) -> None:
    for fields, country, locale in (
        ({}, "DE", "de-DE"),
        ({"currency": "USD"}, "US", "en-US"),
        ({"purchase_country": "GB", "currency": "GBP"}, "GB", "en-GB"),
        ({"purchase_country": "IS"}, "IS", "en-IS"),
        ({"currency": "XTS"}, "DE", "de-DE"),
    ):
        shown = caller.order(make(**fields))
        assert (shown["purchase_country"], shown["locale"]) == (country, locale)
        assert shown["shipping_address"]["country"] == country
    assert caller.order(make(initial_payment_method="PAY_IN_X"))["initial_payment_method"] == {
        "type": "PAY_IN_X",
        "description": "Pay in x",
    }


def test_the_amount_follows_from_the_lines(caller: Caller, make: Callable[..., str]) -> None:
    lines = [{"name": name, "quantity": 1, "unit_price": 30, "total_amount": 30} for name in ("a", "b")]
    shown = caller.order(make(lines=lines))
    assert shown["order_amount"] == 60
    assert [line["name"] for line in shown["order_lines"]] == ["a", "b"]
    assert caller.order(make(lines=[]))["order_lines"] == []


def test_an_old_order_that_is_open_was_extended(caller: Caller, make: Callable[..., str]) -> None:
    old = datetime(2025, 11, 1, tzinfo=UTC)
    assert caller.order(make(created_at=old, status="AUTHORIZED"))["expires_at"] == "2026-02-12T00:00:00.000Z"
    assert caller.order(make(created_at=old))["status"] == "EXPIRED"


def test_an_order_belongs_to_the_merchant_named(simulator: Simulator) -> None:
    for name in ("K100002", "K100002_conformance"):
        order = simulator.create_order({"merchant": name})
        assert Caller(simulator, DEFAULT_MERCHANTS[1]).get(order).status == 200
        assert Caller(simulator).get(order).status == 404


def test_ids_of_captures_and_refunds_can_be_wished_for(caller: Caller, make: Callable[..., str]) -> None:
    capture, refund = "cccccccc-0000-4000-8000-000000000001", "dddddddd-0000-4000-8000-000000000001"
    order = make(
        captures=[{"capture_id": capture, "captured_amount": 5, "description": "x"}],
        refunds=[{"refund_id": refund, "refunded_amount": 5}],
    )
    assert caller.get(f"{order}/captures/{capture}").status == 200
    assert caller.get(f"{order}/refunds/{refund}").status == 200


def test_everything_that_is_made_fits_the_description(
    contract: Contract, caller: Caller, make: Callable[..., str]
) -> None:
    schema = contract.operations["getOrder"].success.media["application/json"] or {}
    validator = contract.operations.validator(schema)
    for status in ("AUTHORIZED", "PART_CAPTURED", "CAPTURED", "CANCELLED", "EXPIRED", "CLOSED", "RELEASED"):
        validator.validate(caller.order(make(status=status)))


def test_the_ledger_knows_every_movement(caller: Caller, make: Callable[..., str]) -> None:
    order = make(order_amount=1_000)
    caller.post(f"{order}/captures", {"captured_amount": 400}, key="k-1")
    caller.refund(order, 100)
    caller.patch(f"{order}/authorization", {"order_amount": 900})
    caller.post(f"{order}/release-remaining-authorization")
    told = caller.simulator.ledger(order)
    assert [(entry["kind"], entry["amount"], entry["request"]) for entry in told["entries"]] == [
        ("authorise", 1_000, 0),
        ("capture", 400, 1),
        ("refund", 100, 2),
        ("adjust", -100, 3),
        ("release", 500, 4),
    ]
    assert told["entries"][1]["idempotency_key"] == "k-1"
    assert {name: told[name] for name in ("authorised", "captured", "refunded", "released", "remaining")} == {
        "authorised": 900,
        "captured": 400,
        "refunded": 100,
        "released": 500,
        "remaining": 0,
    }
    with pytest.raises(UnknownOrderError, match="holds no order"):
        caller.simulator.ledger("x" * 1_000)
