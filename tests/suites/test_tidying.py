from __future__ import annotations

from typing import Any

import pytest

from conformance.contract.contract import load_contract
from conformance.exchange import Exchange, Request, Response
from conformance.simulator.service import Simulator
from conformance.suites.bodies import ORDER
from conformance.suites.stops import NotMeasuredError
from conformance.suites.target import EmbeddedTarget
from conformance.suites.tidying import read_order, tidy


@pytest.mark.parametrize(
    ("fields", "done"),
    [
        ({}, {"cancelled": 1}),
        ({"captured_amount": 4_000}, {"released": 1, "refunded": 1}),
        ({"captured_amount": 10_000}, {"refunded": 1}),
        ({"captured_amount": 10_000, "refunded_amount": 10_000}, {}),
        ({"status": "CANCELLED"}, {}),
    ],
)
def test_an_order_is_left_as_light_as_can_be(fields: dict[str, Any], done: dict[str, int]) -> None:
    simulator = Simulator(load_contract())
    target = EmbeddedTarget(simulator)
    order_id = simulator.create_order({**ORDER, **fields})
    assert tidy(target.send, target.credentials.authorization, [order_id]) == done
    ledger = simulator.ledger(order_id)
    assert ledger["captured"] == ledger["refunded"]
    assert tidy(target.send, target.credentials.authorization, [order_id]) == {}


def test_what_cannot_be_tidied_is_counted() -> None:
    simulator = Simulator(load_contract())
    target = EmbeddedTarget(simulator)
    order_id = simulator.create_order(ORDER)

    def spent(_: Request) -> Exchange:
        raise NotMeasuredError("the budget is spent")

    def refusing(request: Request) -> Exchange:
        return target.send(request) if request.method == "GET" else Exchange(request, Response(403))

    assert tidy(target.send, target.credentials.authorization, ["unknown"]) == {"unread": 1}
    assert tidy(spent, "", [order_id, order_id]) == {"left": 2}
    assert tidy(refusing, target.credentials.authorization, [order_id]) == {"left": 1}


@pytest.mark.parametrize("body", [b"", b"[]", b"<html>"])
def test_an_order_that_is_none_is_not_read(body: bytes) -> None:
    assert read_order(lambda request: Exchange(request, Response(200, body=body)), "", "x") is None
