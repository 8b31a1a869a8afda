from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest

from conformance.clients.reference.call import (
    OPERATIONS,
    Call,
    build_request,
    encode_body,
    encode_credentials,
    encode_id,
    trimmed_base_url,
)
from conformance.clients.reference.errors import InvalidRequestError
from conformance.contract.contract import load_contract

IDS = {"order_id": "o", "capture_id": "c", "refund_id": "r"}


def test_the_table_is_the_contracts() -> None:
    contract = load_contract()
    assert set(OPERATIONS) == {operation.id for operation in contract.operations}
    for name, operation in OPERATIONS.items():
        route = contract.operations.route(operation.method, operation.path.format(**IDS))
        assert route is not None
        assert route.operation is not None
        assert route.operation.id == name
        assert operation.has_body == (route.operation.body is not None)


def test_a_write_gets_a_key_of_its_own_each_time() -> None:
    keys = {build_request(Call("cancelOrder", {"order_id": "o"})).headers["Klarna-Idempotency-Key"] for _ in range(3)}
    assert len(keys) == 3
    assert {UUID(key).version for key in keys} == {4}


def test_a_key_of_the_caller_is_sent_as_it_is() -> None:
    request = build_request(Call("captureOrder", {"order_id": "o"}, {"captured_amount": 0}, "order 7, shipment 1"))
    assert request.headers["Klarna-Idempotency-Key"] == "order 7, shipment 1"
    assert request.body == b'{"captured_amount":0}'
    assert request.headers["Content-Type"] == "application/json"
    assert request.is_repeatable


@pytest.mark.parametrize("key", ["", " ", "a ", "a\r\nX: y", "schlüssel"])
def test_a_key_that_cannot_travel_is_refused(key: str) -> None:
    with pytest.raises(InvalidRequestError):
        build_request(Call("cancelOrder", {"order_id": "o"}, None, key))


def test_a_read_has_neither_key_nor_body() -> None:
    request = build_request(Call("getOrder", {"order_id": "o"}))
    assert request.body is None
    assert "Klarna-Idempotency-Key" not in request.headers
    assert request.is_repeatable


@pytest.mark.parametrize(
    ("plain", "encoded"),
    [
        ("a b", "a%20b"),
        ("a/b", "a%2Fb"),
        ("../x", "..%2Fx"),
        ("100%", "100%25"),
        ("%s", "%25s"),
        ("%2F", "%252F"),
        ("a?b#c", "a%3Fb%23c"),
        ("ä€", "%C3%A4%E2%82%AC"),
        ("a-b_c.d~e", "a-b_c.d~e"),
    ],
)
def test_an_id_is_one_segment_whatever_it_holds(plain: str, encoded: str) -> None:
    assert encode_id("order_id", plain) == encoded


@pytest.mark.parametrize("value", ["", ".", "..", "\ud800", None, 7])
def test_an_id_that_can_be_no_segment_is_refused(value: Any) -> None:
    with pytest.raises(InvalidRequestError):
        encode_id("order_id", value)


@pytest.mark.parametrize("amount", [0, 1, 2**31, 200_000_000, -5])
def test_integers_are_written_as_they_are(amount: int) -> None:
    assert json.loads(encode_body({"order_amount": amount, "order_lines": [{"unit_price": amount}]})) == {
        "order_amount": amount,
        "order_lines": [{"unit_price": amount}],
    }


@pytest.mark.parametrize("amount", [1.0, "1", True, None])
def test_an_amount_that_is_no_integer_is_refused(amount: Any) -> None:
    with pytest.raises(InvalidRequestError, match="unit_price"):
        encode_body({"order_amount": 1, "order_lines": ({"unit_price": amount},)})


def test_text_leaves_byte_for_byte() -> None:
    text = 'e\u0301 \u00e9 \U0001f600 \u2028 \\ " \x07'
    assert json.loads(encode_body({"description": text})) == {"description": text}
    assert "\U0001f600".encode() in encode_body({"description": text})


@pytest.mark.parametrize("body", [None, [], "x", {"a": float("nan")}, {"a": object()}, {"a": "\ud800"}])
def test_a_body_that_is_no_json_object_is_refused(body: Any) -> None:
    with pytest.raises(InvalidRequestError):
        encode_body(body)


def test_a_body_that_holds_itself_is_refused() -> None:
    body: dict[str, Any] = {}
    body["itself"] = body
    with pytest.raises(InvalidRequestError):
        encode_body(body)


def test_credentials_are_utf8_on_one_line() -> None:
    assert encode_credentials("user", "pässwörd") == "Basic dXNlcjpww6Rzc3fDtnJk"
    assert "\n" not in encode_credentials("u" * 250, "p" * 250)


@pytest.mark.parametrize(
    ("username", "password"), [("a:b", "secret-word"), ("a", "secret\nword"), ("a", "secret\ud800")]
)
def test_credentials_that_basic_cannot_carry_are_refused_without_being_shown(username: str, password: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        encode_credentials(username, password)
    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_a_colon_in_the_password_is_nothing_special() -> None:
    assert encode_credentials("a", "b:c") == "Basic YTpiOmM="


@pytest.mark.parametrize(
    "url",
    [
        "ftp://127.0.0.1",
        "https://user:word@api.klarna.com",
        "https://api.klarna.com?a=b",
        "http://api.klarna.com",
        "https://",
        "x",
    ],
)
def test_an_address_that_endangers_credentials_is_refused(url: str) -> None:
    with pytest.raises(InvalidRequestError):
        trimmed_base_url(url)


def test_a_closing_slash_is_not_doubled() -> None:
    assert trimmed_base_url("https://api.klarna.com/gateway/") == "https://api.klarna.com/gateway"
