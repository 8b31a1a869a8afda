from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from conformance.simulator.control_error import ControlError
from conformance.simulator.demo import AUTHORIZED_ORDER_ID, CAPTURED_ORDER_ID, PART_CAPTURED_ORDER_ID
from tests.simulator.caller import Caller, answer, code


def test_the_table_fills_in_what_is_not_said(caller: Caller) -> None:
    for fields, status, expected, words in (
        ({}, 503, "TEMPORARILY_UNAVAILABLE", ["Temporarily unavailable"]),
        ({"status": 500}, 500, "INTERNAL_SERVER_ERROR", ["Unexpected server error"]),
        ({"status": 500, "error_code": "UNEXPECTED_ERROR"}, 500, "UNEXPECTED_ERROR", ["Unexpected server error"]),
        ({"status": 409, "operation": "cancelOrder"}, 409, "CONFLICT", []),
        ({"status": 429}, 429, "TOO_MANY_REQUESTS", ["Too many requests"]),
        (
            {"status": 403, "operation": "refundOrder"},
            403,
            "REFUND_NOT_ALLOWED",
            ["Order has no captures. Refund not possible"],
        ),
        ({"status": 418}, 418, "", []),
        ({"status": 404, "operation": "getOrder", "error_code": "MADE_UP"}, 404, "MADE_UP", []),
        ({"error_messages": ["a", ""]}, 503, "TEMPORARILY_UNAVAILABLE", ["a", ""]),
    ):
        caller.simulator.provoke(fields)
        operation = fields.get("operation", "getOrder")
        path = {"cancelOrder": "/cancel", "refundOrder": "/refunds"}.get(str(operation), "")
        response = caller.send("POST" if path else "GET", AUTHORIZED_ORDER_ID + path)
        assert code(response) == (status, expected)
        assert answer(response)["error_messages"] == words
        assert answer(response)["correlation_id"] == response.headers.get("Klarna-Correlation-Id")
        assert caller.simulator.faults() == []


def test_faults_are_narrowed_down_and_counted(caller: Caller) -> None:
    caller.simulator.provoke({"operation": "captureOrder", "order_id": AUTHORIZED_ORDER_ID, "times": 2})
    body = {"captured_amount": 1}
    assert caller.get(AUTHORIZED_ORDER_ID).status == 200
    assert caller.post(f"{PART_CAPTURED_ORDER_ID}/captures", body).status == 201
    statuses = [caller.post(f"{AUTHORIZED_ORDER_ID}/captures", body).status for _ in range(3)]
    assert statuses == [503, 503, 201]
    assert caller.order(AUTHORIZED_ORDER_ID)["captured_amount"] == 1


def test_a_fault_for_always_stays_until_it_is_cleared(caller: Caller) -> None:
    caller.simulator.provoke({"times": None})
    assert {caller.get(CAPTURED_ORDER_ID).status for _ in range(5)} == {503}
    assert caller.simulator.faults()[0]["times"] is None
    caller.simulator.clear_faults()
    assert caller.get(CAPTURED_ORDER_ID).status == 200


def test_the_first_that_was_asked_for_comes_first(caller: Caller) -> None:
    caller.simulator.provoke({"status": 502})
    caller.simulator.provoke({"status": 504})
    assert [caller.get(CAPTURED_ORDER_ID).status for _ in range(3)] == [502, 504, 200]


def test_the_work_can_be_done_and_its_answer_lost(caller: Caller) -> None:
    caller.simulator.provoke({"operation": "captureOrder", "carried_out": True})
    body = {"captured_amount": 100}
    assert caller.post(f"{AUTHORIZED_ORDER_ID}/captures", body, key="k").status == 503
    assert caller.order(AUTHORIZED_ORDER_ID)["captured_amount"] == 100
    assert caller.post(f"{AUTHORIZED_ORDER_ID}/captures", body, key="k").status == 201
    assert caller.order(AUTHORIZED_ORDER_ID)["captured_amount"] == 100


def test_a_fault_before_the_work_uses_up_no_key(caller: Caller) -> None:
    caller.simulator.provoke({})
    body = {"captured_amount": 100}
    assert caller.post(f"{AUTHORIZED_ORDER_ID}/captures", body, key="k").status == 503
    assert caller.order(AUTHORIZED_ORDER_ID)["captured_amount"] == 0
    assert caller.post(f"{AUTHORIZED_ORDER_ID}/captures", body, key="k").status == 201


def test_bodies_and_headers_can_be_anything(caller: Caller) -> None:
    caller.simulator.provoke(
        {"status": 502, "body": "<html>Ü</html>", "content_type": "text/html", "headers": {"Retry-After": "5"}}
    )
    response = caller.get(AUTHORIZED_ORDER_ID)
    assert response.body == "<html>Ü</html>".encode()
    assert response.headers.get("Content-Type") == "text/html"
    assert response.headers.get("Content-Length") == str(len(response.body))
    assert response.headers.get("Retry-After") == "5"
    caller.simulator.provoke({"status": 503, "body": ""})
    assert caller.get(AUTHORIZED_ORDER_ID).body == b""
    caller.simulator.provoke({"status": 204})
    empty = caller.get(AUTHORIZED_ORDER_ID)
    assert (empty.status, empty.body) == (204, b"")
    assert "Content-Length" not in empty.headers


def test_who_is_not_known_meets_no_fault(caller: Caller) -> None:
    caller.simulator.provoke({})
    assert caller.send("GET", AUTHORIZED_ORDER_ID, headers={"Authorization": "Basic x"}).status == 401
    assert caller.get("").status == 404
    assert len(caller.simulator.faults()) == 1


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"colour": 1}, "colour: is no field of a fault"),
        ({"operation": "fly"}, "operation: 'fly' is no operation"),
        ({"operation": 5}, "operation: must be text"),
        ({"order_id": 5}, "order_id: must be text"),
        ({"status": 99}, "status"),
        ({"status": "503"}, "status"),
        ({"status": True}, "status"),
        ({"times": 0}, "times"),
        ({"times": 1.5}, "times"),
        ({"carried_out": 1}, "carried_out"),
        ({"body": 5}, "body"),
        ({"status": 204, "body": "x"}, "body"),
        ({"content_type": "a\r\nb"}, "content_type"),
        ({"headers": []}, "headers"),
        ({"headers": {"a b": "x"}}, "headers"),
        ({"headers": {"A": 5}}, "headers"),
        ({"headers": {"A": "x\r\ny: z"}}, "headers"),
        ({"headers": {"A": "☃"}}, "headers"),
        ({"headers": {"Content-Length": "5"}}, "Content-Length is decided"),
        ({"error_messages": "x"}, "error_messages"),
        ({"error_messages": [5]}, "error_messages"),
    ],
)
def test_faults_that_cannot_be_are_refused(caller: Caller, fields: Mapping[str, Any], reason: str) -> None:
    with pytest.raises(ControlError, match=reason):
        caller.simulator.provoke(fields)
    assert caller.simulator.faults() == []


def test_there_is_an_end_to_faults(caller: Caller) -> None:
    for _ in range(1_000):
        caller.simulator.provoke({})
    with pytest.raises(ControlError, match="clear them first"):
        caller.simulator.provoke({})
