"""What is checked of a request before the lifecycle is asked, and in which order."""

from __future__ import annotations

import pytest

from conformance.exchange import Headers, Request
from conformance.simulator.demo import (
    AUTHORIZED_ORDER_ID,
    PART_CAPTURED_ORDER_ID,
    PART_CAPTURED_REFUND_ID,
)
from conformance.simulator.merchant import DEFAULT_MERCHANTS
from conformance.simulator.service import Simulator
from tests.simulator.caller import BASE, Caller, answer, authorization, code

UNKNOWN = "aaaaaaaa-0000-4000-8000-000000000000"


def test_another_merchants_order_is_as_good_as_absent(simulator: Simulator) -> None:
    second = Caller(simulator, DEFAULT_MERCHANTS[1])
    own = simulator.create_order({"merchant": "K100002_conformance"})
    assert second.order(own)["order_id"] == own
    for method, path, body in (
        ("GET", "", None),
        ("POST", "/cancel", None),
        ("POST", "/captures", {"captured_amount": 1}),
        ("GET", f"/refunds/{PART_CAPTURED_REFUND_ID}", None),
    ):
        foreign = second.send(method, PART_CAPTURED_ORDER_ID + path, body)
        absent = second.send(method, UNKNOWN + path, body)
        assert foreign.status == absent.status == 404
        assert len(foreign.body) == len(absent.body)
        assert code(foreign) == code(absent)
    assert Caller(simulator).order(PART_CAPTURED_ORDER_ID)["captured_amount"] == 4_000


@pytest.mark.parametrize("header", [None, "Basic", "Bearer x", "Basic !!", authorization(DEFAULT_MERCHANTS[0]) + "A"])
def test_who_is_not_known_learns_nothing(simulator: Simulator, header: str | None) -> None:
    headers = Headers([] if header is None else [("Authorization", header)])
    for path in (PART_CAPTURED_ORDER_ID, UNKNOWN, "not-an-id", "", "%7B%7D/nothing"):
        response = simulator.handle(Request("GET", f"{BASE}/{path}", headers))
        assert code(response) == (401, "UNAUTHORIZED")
        assert (response.headers.get("WWW-Authenticate") or "").startswith("Basic realm=")


@pytest.mark.parametrize(
    ("method", "path", "expected", "allow"),
    [
        ("PUT", PART_CAPTURED_ORDER_ID, (405, "HTTP_ERROR"), "GET"),
        ("HEAD", PART_CAPTURED_ORDER_ID, (405, "HTTP_ERROR"), "GET"),
        ("DELETE", f"{PART_CAPTURED_ORDER_ID}/captures", (405, "HTTP_ERROR"), "GET, POST"),
        ("GET", "", (404, "NOT_FOUND"), None),
        ("GET", f"{PART_CAPTURED_ORDER_ID}/nothing", (404, "NOT_FOUND"), None),
        ("POST", f"{PART_CAPTURED_ORDER_ID}/cancel/", (404, "NOT_FOUND"), None),
    ],
)
def test_what_no_operation_has_is_not_found(
    caller: Caller, method: str, path: str, expected: tuple[int, str], allow: str | None
) -> None:
    response = caller.send(method, path)
    assert code(response) == expected
    assert response.headers.get("Allow") == allow


def test_a_foreign_path_is_not_found(simulator: Simulator) -> None:
    headers = Headers([("Authorization", authorization(DEFAULT_MERCHANTS[0]))])
    assert code(simulator.handle(Request("GET", "/payments/v1/sessions/x", headers))) == (404, "NOT_FOUND")


@pytest.mark.parametrize("order_id", ["not-an-id", "1", "%7B%7D", "%FF", "%00", "a" * 5_000])
def test_an_order_id_must_be_a_uuid(caller: Caller, order_id: str) -> None:
    assert code(caller.get(order_id)) == (400, "INVALID_ORDER_ID")
    assert code(caller.post(f"{order_id}/captures", b"{")) == (400, "INVALID_ORDER_ID")


def test_a_refund_id_that_is_none_is_told_from_an_unknown_one(caller: Caller) -> None:
    wrong = caller.get(f"{PART_CAPTURED_ORDER_ID}/refunds/nothing")
    assert code(wrong) == (400, "NOT_FOUND")
    assert answer(wrong)["error_messages"] == [f"Refund nothing cannot be found for order {PART_CAPTURED_ORDER_ID}"]
    assert code(caller.get(f"{PART_CAPTURED_ORDER_ID}/refunds/{UNKNOWN}")) == (404, "NOT_FOUND")


def test_what_is_wrong_with_a_body_is_told_in_turn(caller: Caller) -> None:
    path = f"{AUTHORIZED_ORDER_ID}/captures"
    text = {"Content-Type": "text/plain"}
    assert code(caller.send("POST", path, b"{}", headers=text)) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert code(caller.post(path, b"x" * 1_000_001)) == (413, "REQUEST_TOO_LARGE")
    assert code(caller.post(path, b"")) == (400, "BAD_REQUEST")
    assert code(caller.post(path)) == (400, "BAD_REQUEST")
    assert code(caller.post(path, b"[1,")) == (400, "BAD_REQUEST")
    assert code(caller.post(f"{UNKNOWN}/captures", b"{}")) == (404, "NO_SUCH_ORDER")
    assert code(caller.post(path, b"{}")) == (422, "UNPROCESSABLE_ENTITY")
    assert code(caller.post(path, {"captured_amount": 10_001})) == (403, "CAPTURE_NOT_ALLOWED")
    assert caller.order(AUTHORIZED_ORDER_ID)["captured_amount"] == 0


def test_a_body_of_a_megabyte_is_just_small_enough(caller: Caller) -> None:
    body = b'{"captured_amount":1,"padding":"' + b"x" * 999_966 + b'"}'
    assert len(body) == 1_000_000
    assert caller.post(f"{AUTHORIZED_ORDER_ID}/captures", body).status == 201


def test_a_body_where_none_is_expected_is_ignored(caller: Caller) -> None:
    for body in (b"{}", b"null", b"\xff", b'{"a":1}'):
        assert caller.post(f"{AUTHORIZED_ORDER_ID}/acknowledge", body).status == 204


def test_an_unknown_capture_is_told_by_each_operation(caller: Caller) -> None:
    path = f"{PART_CAPTURED_ORDER_ID}/captures/{UNKNOWN}"
    shipping = {"shipping_info": [{"tracking_number": "1"}]}
    for response in (
        caller.get(path),
        caller.get(f"{path}/extend-due-date-options"),
        caller.patch(f"{path}/extend-due-date", {"number_of_days": 10}),
        caller.post(f"{path}/shipping-info", shipping),
        caller.post(f"{path}/trigger-send-out"),
    ):
        assert code(response) == (404, "NO_SUCH_CAPTURE")
    without = f"{AUTHORIZED_ORDER_ID}/captures/{UNKNOWN}"
    assert code(caller.post(f"{without}/shipping-info", shipping)) == (403, "NOT_ALLOWED")
    assert code(caller.get(without)) == (404, "NO_SUCH_CAPTURE")


def test_paths_are_found_behind_prefixes_and_doubled_slashes(simulator: Simulator) -> None:
    headers = Headers([("Authorization", authorization(DEFAULT_MERCHANTS[0]))])
    for target in (
        f"//ordermanagement/v1/orders/{AUTHORIZED_ORDER_ID}",
        f"/prefix/ordermanagement/v1/orders/{AUTHORIZED_ORDER_ID}?x=y",
        f"https://api.playground.klarna.com{BASE}/{AUTHORIZED_ORDER_ID}",
    ):
        assert simulator.handle(Request("GET", target, headers)).status == 200
