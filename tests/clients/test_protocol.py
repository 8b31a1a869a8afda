from __future__ import annotations

import json
from typing import Any

import jsonschema_rs
import pytest

from conformance.clients.call import Call, CouldNotTry, Outcome, Raised, Returned, Unsupported
from conformance.clients.protocol import BYE, HELLO, ProtocolError, encode_call, hello_from, outcome_from, parse_line
from conformance.contract.files import spec_directory

CALL = Call("c1", "s1", "http://127.0.0.1:1", "user", "sécret", "getOrder", {"order_id": "å/1"}, {"a": "日"}, "k", 2.5)
SCHEMA = jsonschema_rs.validator_for(json.loads((spec_directory() / "schemas/adapter.schema.json").read_text("utf-8")))


@pytest.mark.parametrize("line", [HELLO, BYE, encode_call(CALL)])
def test_what_the_suite_writes_fits_the_schema_and_is_one_line_of_ascii(line: bytes) -> None:
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert line.isascii()
    SCHEMA.validate(json.loads(line))


def test_a_call_says_everything() -> None:
    message = json.loads(encode_call(CALL))
    assert message == {
        "type": "run",
        "id": "c1",
        "session": "s1",
        "base_url": "http://127.0.0.1:1",
        "username": "user",
        "password": "sécret",
        "operation": "getOrder",
        "path": {"order_id": "å/1"},
        "body": {"a": "日"},
        "idempotency_key": "k",
        "timeout_s": 2.5,
    }


def test_a_call_does_not_show_its_password() -> None:
    assert "sécret" not in repr(CALL)


@pytest.mark.parametrize(
    ("fields", "outcome"),
    [
        ({"outcome": "returned", "value": {"capture_id": "x"}}, Returned({"capture_id": "x"})),
        ({"outcome": "returned"}, Returned(None)),
        ({"outcome": "unsupported"}, Unsupported()),
        ({"outcome": "could_not_try", "why": "no keys"}, CouldNotTry("no keys")),
        ({"outcome": "could_not_try"}, CouldNotTry("the adapter gave no reason")),
        (
            {"outcome": "raised", "error": {"kind": "ApiError", "status": 403, "error_messages": ["m"], "text": "t"}},
            Raised("ApiError", 403, None, ("m",), None, "t"),
        ),
        ({"outcome": "raised", "error": {"kind": "E", "error_messages": None, "status": None}}, Raised("E")),
    ],
)
def test_a_result_becomes_an_outcome(fields: dict[str, Any], outcome: Outcome) -> None:
    message = {"type": "result", "id": "1"} | fields
    SCHEMA.validate(message)
    assert outcome_from(parse_line(json.dumps(message).encode())) == outcome


def test_a_result_may_leave_out_its_type() -> None:
    assert parse_line(b'{"id":"1","outcome":"unsupported"}')["type"] == "result"


def test_a_greeting_says_what_the_client_can() -> None:
    hello = hello_from(
        parse_line(
            b'{"type":"hello","protocol":1,"name":"n","version":null,"operations":["getOrder"],'
            b'"features":{"idempotency_key":false,"concurrency":3}}'
        )
    )
    assert (hello.name, hello.version, hello.operations) == ("n", "", frozenset({"getOrder"}))
    assert not hello.has("idempotency_key")
    assert hello.has("timeout")
    assert hello.concurrency == 3


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"hello", "is no JSON"),
        (b"\xff\xfe", "is no JSON"),
        (b"[" * 100_000, "is no JSON"),
        (b"[1]", "is no JSON object"),
        (b"{}", "has the type 'None'"),
        (b'{"type":["result"]}', "which no adapter sends"),
        (b'{"type":"run"}', "has the type 'run'"),
        (b'{"type":"result","id":1,"outcome":"unsupported"}', "id: "),
        (b'{"type":"result","id":"1","outcome":"fine"}', "outcome: "),
        (b'{"type":"result","id":"1","outcome":"raised"}', "error"),
        (b'{"type":"result","id":"1","outcome":"raised","error":{"kind":""}}', "error/kind"),
        (b'{"type":"hello","protocol":2,"name":"n","operations":[]}', "protocol"),
        (b'{"type":"hello","protocol":1,"name":"n"}', "operations"),
    ],
)
def test_anything_else_is_refused_and_shown_in_part(line: bytes, reason: str) -> None:
    with pytest.raises(ProtocolError, match=reason) as caught:
        parse_line(line)
    assert len(str(caught.value)) < 600
