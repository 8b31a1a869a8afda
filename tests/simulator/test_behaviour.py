"""The points at which recordings differ from the documentation, and that nothing else differs."""

from __future__ import annotations

import pytest

from conformance.exchange import Headers, Request
from conformance.simulator.behaviour import behaviour
from conformance.simulator.control_error import ControlError
from conformance.simulator.demo import AUTHORIZED_ORDER_ID, PART_CAPTURED_CAPTURE_ID, PART_CAPTURED_ORDER_ID
from conformance.simulator.service import Simulator
from tests.simulator.caller import BASE, Caller, answer, code


def test_only_two_are_known() -> None:
    assert behaviour("documented") != behaviour("observed")
    with pytest.raises(ControlError, match="neither documented nor observed"):
        behaviour("imagined")


@pytest.mark.parametrize(
    "path", ["%7B%7D/acknowledge", "{}/acknowledge", f"{PART_CAPTURED_ORDER_ID}/captures/%7B/trigger-send-out"]
)
def test_braces_in_a_path(simulator: Simulator, observed: Simulator, path: str) -> None:
    page = Caller(observed).post(path)
    assert page.status == 400
    assert page.headers.get("Content-Type") == "text/html;charset=utf-8"
    assert page.headers.get("Content-Language") == "en"
    assert page.headers.get("Content-Length") == str(len(page.body))
    assert "Klarna-Correlation-Id" in page.headers
    assert "X-Frame-Options" not in page.headers
    assert page.body.startswith(b"<!doctype html>")
    assert Caller(simulator).post(path).headers.get("Content-Type") == "application/json"


def test_braces_in_a_refund_id(simulator: Simulator, observed: Simulator) -> None:
    path = f"{PART_CAPTURED_ORDER_ID}/refunds/%7B%7D"
    assert Caller(observed).get(path).headers.get("Content-Type") == "text/html;charset=utf-8"
    assert code(Caller(simulator).get(path)) == (400, "NOT_FOUND")


def test_no_credentials(simulator: Simulator, observed: Simulator) -> None:
    request = Request("GET", f"{BASE}/{AUTHORIZED_ORDER_ID}")
    page = observed.handle(request)
    assert page.status == 401
    assert page.headers.get("Content-Type") == "text/html"
    assert page.headers.get("WWW-Authenticate") == 'Basic realm="order management"'
    assert "Klarna-Correlation-Id" not in page.headers
    refused = simulator.handle(request)
    assert code(refused) == (401, "UNAUTHORIZED")
    assert answer(refused)["correlation_id"] == refused.headers.get("Klarna-Correlation-Id")


def test_a_path_without_operation(simulator: Simulator, observed: Simulator) -> None:
    response = Caller(observed).get("")
    assert response.status == 404
    assert answer(response) == {
        "timestamp": "2026-01-15T09:00:00.000Z",
        "status": 404,
        "error": "Not Found",
        "message": "No message available",
        "path": "/merchants/K100001/orders/",
    }
    assert response.headers.all("Vary") == (
        "Accept-Encoding",
        "Origin,Access-Control-Request-Method,Access-Control-Request-Headers",
    )
    assert code(Caller(simulator).get("")) == (404, "NOT_FOUND")
    headers = Headers([("Authorization", response.headers.get("x") or "")])
    assert observed.handle(Request("GET", "/nowhere", headers)).status == 401
    foreign = observed.handle(Request("GET", "/nowhere?x", observed.exchanges[0].request.headers))
    assert answer(foreign)["path"] == "/nowhere"


def test_what_a_cancelled_order_still_reports(simulator: Simulator, observed: Simulator) -> None:
    for double, remaining in ((simulator, 0), (observed, 10_000)):
        caller = Caller(double)
        caller.post(f"{AUTHORIZED_ORDER_ID}/cancel")
        shown = caller.order(AUTHORIZED_ORDER_ID)
        assert (shown["status"], shown["order_amount"]) == ("CANCELLED", 10_000)
        assert shown["remaining_authorized_amount"] == remaining
        assert double.ledger(AUTHORIZED_ORDER_ID)["remaining"] == 0


def test_the_reference_of_a_refund(simulator: Simulator, observed: Simulator) -> None:
    for double, returned in ((simulator, True), (observed, False)):
        caller = Caller(double)
        refund = caller.refund(PART_CAPTURED_ORDER_ID, 5, reference="r-1", description="d")
        read = answer(caller.get(f"{PART_CAPTURED_ORDER_ID}/refunds/{refund}"))
        assert (read.get("reference") == "r-1") is returned
        assert read["description"] == "d"


def test_when_refunds_are_charged_to_captures(simulator: Simulator, observed: Simulator) -> None:
    for double, at_once in ((simulator, True), (observed, False)):
        caller = Caller(double)
        order = double.create_order({"order_amount": 100, "captures": [30, 30, 40], "refunds": [10]})

        def refunded(caller: Caller = caller, order: str = order) -> list[int]:
            return [capture["refunded_amount"] for capture in caller.order(order)["captures"]]

        caller.refund(order, 45)
        assert caller.order(order)["refunded_amount"] == 55
        assert refunded() == ([30, 25, 0] if at_once else [0, 0, 0])
        double.advance(1)
        assert refunded() == ([30, 25, 0] if at_once else [0, 0, 0])
        double.advance(0.001)
        assert refunded() == [30, 25, 0]
        caller.refund(order, 5)
        caller.refund(order, 1)
        double.advance(2)
        assert refunded() == [30, 30, 1]
        assert answer(caller.get(f"{order}/captures"))[2]["refunded_amount"] == 1


def test_a_tracking_number_given_as_a_number(simulator: Simulator, observed: Simulator) -> None:
    body = {"captured_amount": 5, "shipping_info": [{"tracking_number": 1245, "tracking_url": "x"}]}
    path = f"{AUTHORIZED_ORDER_ID}/captures"
    assert code(Caller(simulator).post(path, body)) == (422, "UNPROCESSABLE_ENTITY")
    caller = Caller(observed)
    assert caller.post(path, body).status == 201
    assert caller.order(AUTHORIZED_ORDER_ID)["captures"][0]["shipping_info"] == [{"tracking_number": "1245"}]
    path = f"{PART_CAPTURED_ORDER_ID}/captures/{PART_CAPTURED_CAPTURE_ID}/shipping-info"
    for wrong in (
        {"shipping_info": [{"tracking_number": True}]},
        {"shipping_info": [{"tracking_number": 5, "tracking_uri": 5}]},
        {"shipping_info": [5]},
        {"shipping_info": 5},
        [5],
    ):
        assert code(caller.post(path, wrong)) == (422, "UNPROCESSABLE_ENTITY")
