"""The double as a thing: its seeds, its memory, and what it withstands."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable

import pytest

from conformance.contract.contract import Contract
from conformance.exchange import Headers, Request
from conformance.simulator.demo import (
    AUTHORIZED_ORDER_ID,
    PART_CAPTURED_ORDER_ID,
)
from conformance.simulator.merchant import DEFAULT_MERCHANTS
from conformance.simulator.service import Simulator
from tests.simulator.caller import BASE, Caller, authorization, code


def test_two_simulators_with_one_seed_answer_alike(contract: Contract) -> None:
    def run(seed: int) -> list[bytes]:
        caller = Caller(Simulator(contract, seed=seed))
        order = caller.simulator.create_order({"order_amount": 500})
        caller.capture(order, 100)
        caller.refund(order, 50)
        return [
            repr((exchange.response.status, exchange.response.headers.items, exchange.response.body)).encode()
            for exchange in caller.simulator.exchanges
            if exchange.response is not None
        ] + [caller.get(order).body]

    assert run(1) == run(1)
    assert run(1) != run(2)


def test_ids_do_not_depend_on_what_happens_beside(contract: Contract) -> None:
    alone, beside = Caller(Simulator(contract)), Caller(Simulator(contract))
    first = alone.capture(AUTHORIZED_ORDER_ID, 5)
    beside.capture(PART_CAPTURED_ORDER_ID, 5)
    beside.get(AUTHORIZED_ORDER_ID)
    assert beside.capture(AUTHORIZED_ORDER_ID, 5) == first


def test_reset_goes_back_to_the_beginning(caller: Caller, make: Callable[..., str]) -> None:
    simulator = caller.simulator
    fresh = caller.get(AUTHORIZED_ORDER_ID)
    order = make()
    caller.post(f"{AUTHORIZED_ORDER_ID}/captures", {"captured_amount": 1}, key="k")
    simulator.advance(3_600)
    simulator.provoke({"times": None})
    simulator.reset()
    assert simulator.exchanges == ()
    assert caller.get(AUTHORIZED_ORDER_ID) == fresh
    assert caller.get(order).status == 404
    assert caller.post(f"{AUTHORIZED_ORDER_ID}/captures", {"captured_amount": 1}, key="k").status == 201
    assert make() == order


def test_exchanges_are_kept_in_order(caller: Caller) -> None:
    caller.get(AUTHORIZED_ORDER_ID)
    caller.post(f"{AUTHORIZED_ORDER_ID}/cancel")
    kept = [(each.request.method, each.response.status if each.response else 0) for each in caller.simulator.exchanges]
    assert kept == [("GET", 200), ("POST", 204)]


def test_a_fault_of_our_own_is_answered_and_logged(
    caller: Caller, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a slip")

    monkeypatch.setattr(caller.simulator, "_routed", broken)
    with caplog.at_level(logging.ERROR):
        response = caller.get(AUTHORIZED_ORDER_ID)
    assert code(response) == (500, "INTERNAL_SERVER_ERROR")
    assert "a slip" in caplog.text
    assert authorization(caller.merchant) not in caplog.text


def test_reading_again_writes_nothing_anew(caller: Caller) -> None:
    first = caller.get(PART_CAPTURED_ORDER_ID)
    assert caller.get(PART_CAPTURED_ORDER_ID).body is first.body
    caller.capture(PART_CAPTURED_ORDER_ID, 1)
    assert caller.get(PART_CAPTURED_ORDER_ID).body != first.body


def test_a_capture_leaves_the_json_of_other_captures_alone(caller: Caller, make: Callable[..., str]) -> None:
    order = make(order_amount=100_000, captures=[1] * 1_000)
    caller.get(order)
    held = caller.simulator._store.any(order)
    written = [capture.encoded() for capture in held.captures.values()]
    caller.capture(order, 1)
    assert all(capture.encoded() is json for capture, json in zip(held.captures.values(), written, strict=False))


@pytest.mark.parametrize(
    "body",
    [
        b'{"captured_amount":' + b"9" * 5_000 + b"}",
        b'{"captured_amount":1,"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"captured_amount":1,"x":' + b"[" * 900 + b"]" * 900 + b"}",
        b'{"captured_amount":NaN}',
        b'{"captured_amount":1,"x":Infinity}',
        b'{"captured_amount":1e999}',
        b'{"captured_amount":1,"description":"\\ud800"}',
        b'{"captured_amount":1,"description":"\xff"}',
        b'{"captured_amount":1}x',
        b"\xef\xbb\xbf{}",
        b"{" * 1_000_000,
        b'"' * 999_999,
        b'{"captured_amount":-1}',
        b'{"captured_amount":true}',
        b'{"captured_amount":"1"}',
        b'{"captured_amount":1.5}',
        b'{"captured_amount":18446744073709551617}',
        b"null",
        b"[]",
        b"0",
    ],
)
def test_monstrous_bodies_are_answered(caller: Caller, body: bytes) -> None:
    response = caller.post(f"{AUTHORIZED_ORDER_ID}/captures", body)
    assert response.status in (201, 400, 422)
    json.loads(response.body or b"{}")
    caller.order(AUTHORIZED_ORDER_ID)


@pytest.mark.parametrize(
    "target",
    ["", "*", "/", "x", f"{BASE}/\udcff", f"{BASE}/%ED%A0%80", "http://[", f"{BASE}/a/captures/\x00", "?" * 9_000],
)
def test_monstrous_targets_are_answered(simulator: Simulator, target: str) -> None:
    headers = Headers([("Authorization", authorization(DEFAULT_MERCHANTS[0])), ("Host", "\x00")])
    response = simulator.handle(Request("GET", target, headers))
    assert response.status in (400, 404)
    json.loads(response.body)
