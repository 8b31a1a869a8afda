from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from conformance.exchange import Headers, Request, Response
from conformance.simulator.control import Control
from conformance.simulator.demo import AUTHORIZED_ORDER_ID, PART_CAPTURED_ORDER_ID
from conformance.simulator.merchant import DEFAULT_MERCHANTS
from conformance.simulator.service import Simulator
from tests.simulator.caller import Caller, authorization


@pytest.fixture
def control(simulator: Simulator) -> Control:
    return Control(simulator)


def ask(control: Control, method: str, path: str, body: Any = None) -> Response:
    content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    return control.handle(Request(method, path, Headers(), content))


def told(response: Response) -> Any:
    assert response.headers.get("Content-Type") == "application/json"
    assert response.headers.get("Content-Length") == str(len(response.body))
    return json.loads(response.body)


def test_orders_are_made(control: Control, caller: Caller) -> None:
    response = ask(control, "POST", "/orders", {"amount": 700, "status": "CAPTURED"})
    assert response.status == 201
    order = told(response)["order_id"]
    assert caller.order(order)["captured_amount"] == 700
    assert ask(control, "POST", "/orders").status == 201


def test_the_clock_is_moved(control: Control, caller: Caller) -> None:
    assert told(ask(control, "GET", "/clock")) == {"now": "2026-01-15T09:00:00.000Z"}
    assert told(ask(control, "POST", "/clock", {"advance_s": 90.5})) == {"now": "2026-01-15T09:01:30.500Z"}
    assert caller.get(AUTHORIZED_ORDER_ID).headers.get("Date") == "Thu, 15 Jan 2026 09:01:30 GMT"


def test_faults_come_and_go(control: Control, caller: Caller) -> None:
    assert ask(control, "POST", "/faults", {"status": 500, "times": 3}).status == 201
    assert caller.get(AUTHORIZED_ORDER_ID).status == 500
    faults = told(ask(control, "GET", "/faults"))
    assert [(fault["status"], fault["times"], fault["error_code"]) for fault in faults] == [
        (500, 2, "INTERNAL_SERVER_ERROR")
    ]
    cleared = ask(control, "DELETE", "/faults")
    assert (cleared.status, cleared.body) == (204, b"")
    assert caller.get(AUTHORIZED_ORDER_ID).status == 200
    assert ask(control, "POST", "/faults", {**faults[0], "times": 1}).status == 201


def test_exchanges_are_shown_without_secrets(control: Control, caller: Caller) -> None:
    caller.get(AUTHORIZED_ORDER_ID)
    caller.post(f"{PART_CAPTURED_ORDER_ID}/captures", '{"description":"ü"}'.encode())
    caller.send("GET", PART_CAPTURED_ORDER_ID, headers={"Authorization": "Bearer hunter2"})
    everything = ask(control, "GET", "/exchanges")
    assert authorization(DEFAULT_MERCHANTS[0]).partition(" ")[2] not in everything.body.decode()
    assert "hunter2" not in everything.body.decode()
    shown = told(everything)
    assert [each["number"] for each in shown] == [1, 2, 3]
    assert ["Authorization", "K100001_conformance"] in shown[0]["request"]["headers"]
    assert shown[1]["request"]["body"] == '{"description":"ü"}'
    assert shown[1]["response"]["status"] == 422
    assert "captured_amount" in shown[1]["response"]["body"]
    of_one = told(ask(control, "GET", f"/exchanges?order_id={PART_CAPTURED_ORDER_ID}"))
    assert [each["number"] for each in of_one] == [2, 3]


def test_the_ledger_is_shown(control: Control) -> None:
    shown = told(ask(control, "GET", f"/ledger/{PART_CAPTURED_ORDER_ID}"))
    assert [(entry["kind"], entry["amount"]) for entry in shown["entries"]] == [
        ("authorise", 10_000),
        ("capture", 4_000),
        ("refund", 1_000),
    ]
    assert (shown["order_id"], shown["remaining"]) == (PART_CAPTURED_ORDER_ID, 6_000)


def test_everything_is_reset(control: Control, caller: Caller) -> None:
    caller.post(f"{AUTHORIZED_ORDER_ID}/cancel")
    assert ask(control, "POST", "/reset").status == 204
    assert told(ask(control, "GET", "/exchanges")) == []
    assert caller.order(AUTHORIZED_ORDER_ID)["status"] == "AUTHORIZED"


def test_merchants_and_health_are_told(control: Control) -> None:
    assert told(ask(control, "GET", "/merchants"))[0] == {
        "username": "K100001_conformance",
        "password": "conformance-secret",
        "merchant_id": "K100001",
    }
    assert told(ask(control, "GET", "/health/"))["status"] == "ok"


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "reason"),
    [
        ("GET", "/", None, 404, "no such path"),
        ("GET", "/nothing", None, 404, "no such path"),
        ("GET", "/orders/5", None, 404, "no such path"),
        ("GET", "/ledger", None, 404, "no such path"),
        ("GET", "/ledger/", None, 404, "no such path"),
        ("GET", "/ledger/none", None, 404, "holds no order"),
        ("GET", "/orders", None, 405, "orders takes POST"),
        ("PUT", "/faults", None, 405, "faults takes DELETE and GET and POST"),
        ("POST", f"/ledger/{AUTHORIZED_ORDER_ID}", None, 405, "takes GET"),
        ("POST", "/orders", b"{", 400, "not valid JSON"),
        ("POST", "/orders", b"\xff", 400, "not valid JSON"),
        ("POST", "/orders", [], 400, "must be a JSON object"),
        ("POST", "/orders", {"x": 1}, 400, "x: is no field"),
        ("POST", "/faults", {"x": 1}, 400, "x: is no field"),
        ("POST", "/clock", {}, 400, "advance_s"),
        ("POST", "/clock", {"advance_s": "5"}, 400, "advance_s"),
        ("POST", "/clock", {"advance_s": True}, 400, "advance_s"),
        ("POST", "/clock", {"advance_s": -5}, 400, "advance_s"),
        ("POST", "/clock", {"advance_s": 5, "x": 1}, 400, "advance_s"),
        ("GET", "/exchanges?" + "&".join(["a=1"] * 50), None, 400, "too many fields"),
    ],
)
def test_mistakes_are_told(control: Control, method: str, path: str, body: Any, status: int, reason: str) -> None:
    response = ask(control, method, path, body)
    assert response.status == status
    assert reason in told(response)["error"]
    assert ("Allow" in response.headers) is (status == 405)


def test_a_fault_of_our_own_is_answered_and_logged(
    control: Control, simulator: Simulator, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a slip")

    monkeypatch.setattr(simulator, "reset", broken)
    with caplog.at_level(logging.ERROR):
        assert ask(control, "POST", "/reset").status == 500
    assert "a slip" in caplog.text
