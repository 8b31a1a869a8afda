from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest

from conformance.contract.contract import Contract
from conformance.exchange import Headers, Request
from conformance.simulator.demo import (
    AUTHORIZED_ORDER_ID,
    CAPTURED_CAPTURE_ID,
    CAPTURED_ORDER_ID,
    PART_CAPTURED_CAPTURE_ID,
    PART_CAPTURED_ORDER_ID,
    PART_CAPTURED_REFUND_ID,
)
from conformance.simulator.merchant import DEFAULT_MERCHANTS
from conformance.simulator.service import Simulator
from tests.simulator.caller import BASE, Caller, answer, authorization, code

UNKNOWN = "aaaaaaaa-0000-4000-8000-000000000000"

SECURITY = [
    ("X-Content-Type-Options", "nosniff"),
    ("X-Xss-Protection", "1; mode=block"),
    ("Cache-Control", "no-cache, no-store, max-age=0, must-revalidate"),
    ("Pragma", "no-cache"),
    ("Expires", "0"),
    ("X-Frame-Options", "DENY"),
]
STRICT = ("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
DATE = ("Date", "Thu, 15 Jan 2026 09:00:00 GMT")

ORDER_KEYS = [
    "order_id",
    "status",
    "fraud_status",
    "order_amount",
    "original_order_amount",
    "captured_amount",
    "refunded_amount",
    "remaining_authorized_amount",
    "purchase_currency",
    "locale",
    "order_lines",
    "merchant_reference1",
    "klarna_reference",
    "customer",
    "billing_address",
    "shipping_address",
    "created_at",
    "purchase_country",
    "expires_at",
    "captures",
    "refunds",
    "initial_payment_method",
]


# --- the recorded shapes ---------------------------------------------------------------------------------------------


def test_an_order_is_read_in_the_recorded_shape(caller: Caller) -> None:
    response = caller.get(PART_CAPTURED_ORDER_ID)
    correlation = response.headers.get("Klarna-Correlation-Id") or ""
    assert list(response.headers) == [
        DATE,
        ("Content-Type", "application/json"),
        ("Transfer-Encoding", "chunked"),
        ("Server", "openresty"),
        ("Vary", "Accept-Encoding"),
        *SECURITY,
        ("Klarna-Correlation-Id", correlation),
        STRICT,
    ]
    order = answer(response)
    assert list(order) == ORDER_KEYS
    assert json.dumps(order, ensure_ascii=False, separators=(",", ":")).encode() == response.body
    assert list(order["captures"][0]) == [
        "capture_id",
        "klarna_reference",
        "captured_amount",
        "captured_at",
        "description",
        "order_lines",
        "refunded_amount",
        "billing_address",
        "shipping_address",
        "shipping_info",
    ]
    assert list(order["refunds"][0]) == [
        "refund_id",
        "refunded_amount",
        "refunded_at",
        "description",
        "order_lines",
        "credit_invoice",
    ]
    assert order["captures"][0]["klarna_reference"] == order["klarna_reference"] + "-1"
    assert order["created_at"] == "2026-01-15T09:00:00.000Z"
    assert order["expires_at"] == "2026-02-12T00:00:00.000Z"
    assert None not in order.values()


def test_a_capture_is_created_in_the_recorded_shape(caller: Caller, make: Callable[..., str]) -> None:
    order = make()
    response = caller.post(f"{order}/captures", {"captured_amount": 50})
    capture = response.headers.get("Capture-Id") or ""
    assert (response.status, response.body) == (201, b"")
    assert [name for name, _ in response.headers] == [
        "Date",
        "Content-Length",
        "Server",
        "Location",
        "Transaction-Id",
        "Capture-Id",
        *(name for name, _ in SECURITY),
        "Klarna-Correlation-Id",
        "Strict-Transport-Security",
    ]
    assert response.headers.get("Content-Length") == "0"
    assert response.headers.get("Location") == f"http://127.0.0.1:8080{BASE}/{order}/captures/{capture}"


def test_a_refund_is_created_in_the_recorded_shape(caller: Caller) -> None:
    response = caller.post(f"{PART_CAPTURED_ORDER_ID}/refunds", {"refunded_amount": 5})
    refund = response.headers.get("Refund-Id") or ""
    assert (response.status, response.body) == (201, b"")
    assert [name for name, _ in response.headers][3:6] == ["Location", "Refund-Id", "Transaction-Id"]
    assert (response.headers.get("Location") or "").endswith(f"{PART_CAPTURED_ORDER_ID}/refunds/{refund}")


def test_other_writes_are_answered_in_the_recorded_shape(caller: Caller) -> None:
    response = caller.post(f"{AUTHORIZED_ORDER_ID}/acknowledge")
    assert (response.status, response.body) == (204, b"")
    assert [name for name, _ in response.headers] == [
        "Date",
        "Server",
        "Transaction-Id",
        *(name for name, _ in SECURITY),
        "Klarna-Correlation-Id",
        "Strict-Transport-Security",
    ]


@pytest.mark.parametrize(
    ("path", "field", "length"),
    [
        ("captures", "captured_amount", 149),
        ("refunds", "refunded_amount", 149),
        (f"captures/{PART_CAPTURED_CAPTURE_ID}/shipping-info", "shipping_info", 147),
    ],
)
@pytest.mark.parametrize("missing", [True, False])
def test_a_missing_field_is_refused_byte_for_byte_as_recorded(
    caller: Caller, path: str, field: str, length: int, missing: bool
) -> None:
    response = caller.post(f"{PART_CAPTURED_ORDER_ID}/{path}", {} if missing else {field: None})
    correlation = response.headers.get("Klarna-Correlation-Id")
    expected = (
        f'{{"error_code":"UNPROCESSABLE_ENTITY","error_messages":["\'{field}\' must not be null"],'
        f'"correlation_id":"{correlation}"}}'
    )
    assert response.status == 422
    assert response.body == expected.encode()
    assert len(response.body) == length
    assert [name for name, _ in response.headers][:4] == ["Date", "Content-Type", "Content-Length", "Server"]
    assert response.headers.get("Content-Length") == str(length)


def test_lines_are_said_to_be_valid_when_lines_were_sent(caller: Caller) -> None:
    line = {"name": "a", "quantity": 1, "unit_price": 5, "total_amount": 5}
    for path, field in (("captures", "captured_amount"), ("refunds", "refunded_amount")):
        with_lines = caller.post(f"{PART_CAPTURED_ORDER_ID}/{path}", {field: 5, "order_lines": [line]})
        without = caller.post(f"{PART_CAPTURED_ORDER_ID}/{path}", {field: 5})
        assert with_lines.headers.get("Klarna-Order-Validation") == "Valid"
        assert "Klarna-Order-Validation" not in without.headers


def test_defaults_are_filled_in_when_lines_are_read(caller: Caller) -> None:
    line = {"name": 'ä\u2028"\\', "quantity": 2, "unit_price": 5, "total_amount": 10, "unknown": 1, "type": "digital"}
    capture = caller.capture(AUTHORIZED_ORDER_ID, 10, order_lines=[line])
    read = answer(caller.get(f"{AUTHORIZED_ORDER_ID}/captures/{capture}"))["order_lines"]
    assert list(read[0].items()) == [
        ("type", "digital"),
        ("quantity", 2),
        ("quantity_unit", ""),
        ("name", 'ä\u2028"\\'),
        ("total_amount", 10),
        ("unit_price", 5),
        ("total_discount_amount", 0),
        ("tax_rate", 0),
        ("total_tax_amount", 0),
    ]


# --- reads ----------------------------------------------------------------------------------------------------------


def test_captures_and_refunds_are_read_alone_as_within_the_order(caller: Caller) -> None:
    order = caller.order(PART_CAPTURED_ORDER_ID)
    captures = answer(caller.get(f"{PART_CAPTURED_ORDER_ID}/captures"))
    capture = answer(caller.get(f"{PART_CAPTURED_ORDER_ID}/captures/{PART_CAPTURED_CAPTURE_ID}"))
    refund = answer(caller.get(f"{PART_CAPTURED_ORDER_ID}/refunds/{PART_CAPTURED_REFUND_ID}"))
    assert captures == order["captures"] == [capture]
    assert order["refunds"] == [refund]
    assert answer(caller.get(f"{AUTHORIZED_ORDER_ID}/captures")) == []


def test_the_demo_orders_are_as_published(caller: Caller) -> None:
    part, fresh, full = (
        caller.order(order) for order in (PART_CAPTURED_ORDER_ID, AUTHORIZED_ORDER_ID, CAPTURED_ORDER_ID)
    )
    assert (part["status"], part["captured_amount"], part["refunded_amount"]) == ("PART_CAPTURED", 4_000, 1_000)
    assert part["remaining_authorized_amount"] == 6_000
    assert (fresh["status"], fresh["remaining_authorized_amount"]) == ("AUTHORIZED", 10_000)
    assert (full["status"], full["captures"][0]["capture_id"]) == ("CAPTURED", CAPTURED_CAPTURE_ID)


def test_text_survives_byte_for_byte(caller: Caller) -> None:
    text = 'Ünï ☃ 😀 e\u0301 \u200f\t\n"\\/ \u0000'
    capture = caller.capture(AUTHORIZED_ORDER_ID, 1, description=text)
    response = caller.get(f"{AUTHORIZED_ORDER_ID}/captures/{capture}")
    assert answer(response)["description"] == text
    assert "Ünï ☃ 😀 e\u0301".encode() in response.body


# --- writes ---------------------------------------------------------------------------------------------------------


def test_an_update_without_lines_deletes_the_lines(caller: Caller, make: Callable[..., str]) -> None:
    order = make(order_amount=100)
    assert len(caller.order(order)["order_lines"]) == 1
    assert caller.patch(f"{order}/authorization", {"order_amount": 90}).status == 204
    updated = caller.order(order)
    assert updated["order_lines"] == []
    assert (updated["order_amount"], updated["original_order_amount"]) == (90, 100)
    assert updated["remaining_authorized_amount"] == 90


def test_references_are_overwritten_kept_and_cleared(caller: Caller, make: Callable[..., str]) -> None:
    order = make(merchant_reference1="one")
    caller.patch(f"{order}/merchant-references", {"merchant_reference2": "zwei ☃"})
    assert caller.order(order)["merchant_reference1"] == "one"
    assert caller.order(order)["merchant_reference2"] == "zwei ☃"
    caller.patch(f"{order}/merchant-references", {"merchant_reference1": "", "merchant_reference2": "2"})
    assert "merchant_reference1" not in caller.order(order)
    assert caller.order(order)["merchant_reference2"] == "2"
    assert "merchant_reference2" not in caller.order(make())


def test_parts_of_the_shipping_address_are_changed_and_cleared(caller: Caller, make: Callable[..., str]) -> None:
    order = make(purchase_country="US", purchase_currency="USD")
    before = caller.order(order)
    change = {"shipping_address": {"city": "Brooklyn", "region": "", "unknown": "x"}}
    assert caller.patch(f"{order}/customer-details", change).status == 204
    after = caller.order(order)
    assert after["shipping_address"] == {**before["shipping_address"], "city": "Brooklyn", "region": ""}
    assert after["billing_address"] == before["billing_address"]
    assert caller.patch(f"{order}/customer-details", {}).status == 204
    assert caller.order(order) == after


def test_a_capture_keeps_the_address_it_was_made_with(caller: Caller, make: Callable[..., str]) -> None:
    order = make(order_amount=10)
    caller.patch(f"{order}/customer-details", {"shipping_address": {"city": "Köln", "postal_code": "50667"}})
    capture = caller.capture(order, 5)
    assert answer(caller.get(f"{order}/captures/{capture}"))["shipping_address"]["city"] == "Köln"


def test_a_billing_address_is_refused_in_the_documented_words(caller: Caller, make: Callable[..., str]) -> None:
    order = make()
    response = caller.patch(f"{order}/customer-details", {"billing_address": {"city": "x"}})
    assert code(response) == (403, "NOT_ALLOWED")
    assert answer(response)["error_messages"][0].startswith("Billing address cannot be updated")


def test_an_address_that_cannot_be_is_refused(caller: Caller, make: Callable[..., str]) -> None:
    order = make()
    before = caller.order(order)
    response = caller.patch(f"{order}/customer-details", {"shipping_address": {"postal_code": "1"}})
    assert code(response) == (422, "INVALID_ADDRESS")
    assert caller.order(order) == before


def test_shipping_details_are_appended(caller: Caller) -> None:
    path = f"{PART_CAPTURED_ORDER_ID}/captures/{PART_CAPTURED_CAPTURE_ID}/shipping-info"
    assert caller.post(path, {"shipping_info": [{"tracking_number": "1"}]}).status == 204
    assert caller.post(path, {"shipping_info": [{"tracking_number": "2", "tracking_url": "x"}]}).status == 204
    read = answer(caller.get(f"{PART_CAPTURED_ORDER_ID}/captures/{PART_CAPTURED_CAPTURE_ID}"))
    assert read["shipping_info"] == [{"tracking_number": "1"}, {"tracking_number": "2"}]
    assert "shipping_info" not in caller.order(PART_CAPTURED_ORDER_ID)
    caller.post(f"{PART_CAPTURED_ORDER_ID}/shipping-info", {"shipping_info": [{"tracking_number": "3"}]})
    caller.post(f"{PART_CAPTURED_ORDER_ID}/shipping-info", {"shipping_info": [{"tracking_number": "4"}]})
    assert caller.order(PART_CAPTURED_ORDER_ID)["shipping_info"] == [{"tracking_number": "3"}, {"tracking_number": "4"}]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "acknowledge", None),
        ("POST", "cancel", None),
        ("POST", "extend-authorization-time", None),
        ("POST", "shipping-info", {"shipping_info": [{"tracking_number": "1"}]}),
        ("PATCH", "merchant-references", {"merchant_reference1": "a"}),
    ],
)
def test_asking_for_the_same_again_is_the_same_transaction(
    caller: Caller, make: Callable[..., str], method: str, path: str, body: Any
) -> None:
    order = make()
    first, again = (caller.send(method, f"{order}/{path}", body) for _ in range(2))
    assert first.status == again.status == 204
    assert first.headers.get("Transaction-Id") == again.headers.get("Transaction-Id")
    assert first.headers.get("Klarna-Correlation-Id") != again.headers.get("Klarna-Correlation-Id")


def test_asking_for_something_else_is_another_transaction(caller: Caller, make: Callable[..., str]) -> None:
    order = make()
    answers = [
        caller.patch(f"{order}/merchant-references", {"merchant_reference1": "a"}),
        caller.patch(f"{order}/merchant-references", {"merchant_reference1": "b"}),
        caller.patch(f"{order}/merchant-references", {"merchant_reference1": "a"}),
        caller.post(f"{order}/extend-authorization-time"),
        caller.post(f"{order}/captures", {"captured_amount": 1}),
        caller.post(f"{order}/captures", {"captured_amount": 1}),
    ]
    caller.simulator.advance(86_400)
    answers.append(caller.post(f"{order}/extend-authorization-time"))
    assert len({response.headers.get("Transaction-Id") for response in answers}) == len(answers)


# --- the order of checks --------------------------------------------------------------------------------------------


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


# --- the double as a thing ------------------------------------------------------------------------------------------


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
