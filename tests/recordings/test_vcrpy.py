from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import vcr  # type: ignore[import-untyped]  # it ships no types
from vcr.request import Request as Recorded  # type: ignore[import-untyped]  # it ships no types
from vcr.serialize import serialize  # type: ignore[import-untyped]  # it ships no types
from vcr.serializers import jsonserializer, yamlserializer  # type: ignore[import-untyped]  # it ships no types

from conformance.exceptions import RecordingError
from conformance.recordings.reader import read_recording
from conformance.recordings.recording import Format, Interaction

Write = Callable[..., Path]
URL = "https://api.klarna.com/ordermanagement/v1/orders/o-1/captures"


def only(path: Path) -> Interaction:
    recording = read_recording(path)
    assert recording.format is Format.VCRPY
    (interaction,) = recording.interactions
    return interaction


def cassette(body: Any, answered: Any, *, headers: Any = None, serializer: Any = yamlserializer) -> str:
    """Let the tool itself write a cassette."""
    request = Recorded("POST", URL, body, {"Content-Type": "application/json", "X-Kéy": "ü"})
    response = {
        "status": {"code": 201, "message": "Created"},
        "headers": headers or {"Location": [f"{URL}/c-1"], "Set-Cookie": ["a=1", "b=2"]},
        "body": {"string": answered},
    }
    text: str = serialize({"requests": [request], "responses": [response]}, serializer)
    return text


@pytest.mark.parametrize("serializer", [yamlserializer, jsonserializer])
@pytest.mark.parametrize(
    ("body", "answered"),
    [
        (b'{"captured_amount": 100}', b'{"ok": "\xc3\xa9"}'),
        ('{"description": "na\u00efve \u2013 \u2028"}', b""),
        (None, b"no"),
        (b"", b"123"),
        (b"null", b"null"),
        (b"~", b"line one\r\nline two\n\n"),
        ("  leading and trailing  ", b"\xf0\x9f\x92\xb6 # not a comment"),
    ],
)
def test_what_the_tool_writes_is_read(write: Write, body: Any, answered: bytes, serializer: Any) -> None:
    interaction = only(write(cassette(body, answered, serializer=serializer)))

    exchange = interaction.exchange
    wanted = body.encode() if isinstance(body, str) else body or b""
    assert (exchange.request.method, exchange.request.target, exchange.request.body) == ("POST", URL, wanted)
    assert exchange.request.headers.items == (("Content-Type", "application/json"), ("X-Kéy", "ü"))
    assert exchange.response is not None
    assert exchange.response.status == 201
    assert exchange.response.body == answered
    assert exchange.response.cut == ""
    assert exchange.response.headers.all("set-cookie") == ("a=1", "b=2")
    assert (interaction.index, interaction.recorded_at, interaction.lacking) == (1, None, "")


def test_bytes_that_are_no_text_survive(write: Write) -> None:
    body, answered = b"\xff\xfe{}", bytes(range(256))

    exchange = only(write(cassette(body, answered))).exchange

    assert exchange.request.body == body
    assert exchange.response is not None
    assert exchange.response.body == answered


def test_compressed_bodies_are_decoded_and_the_header_stays(write: Write) -> None:
    headers = {"content-encoding": ["gzip"], "Content-Length": ["12"]}

    packed = only(write(cassette(None, gzip.compress(b'{"a": 1}'), headers=headers))).exchange
    plain = only(write(cassette(None, b'{"a": 1}', headers=headers))).exchange

    assert packed == plain
    assert packed.response is not None
    assert packed.response.body == b'{"a": 1}'
    assert sorted(packed.response.headers) == [("Content-Length", "12"), ("content-encoding", "gzip")]


def test_a_file_and_an_iterator_as_body(write: Write) -> None:
    packed = base64.b64encode(b"from a file").decode()
    of_file = f"!!python/object/new:_io.BytesIO\n      state: !!python/tuple [!!binary {packed}, 0, null]"
    of_iterator = f"!!python/object/apply:builtins.iter\n      args: [[!!binary {packed}, ' and more']]"
    empty = "!!python/object/apply:builtins.iter\n      args: []"
    text = (
        "interactions:\n- request:\n    method: POST\n    uri: /x\n    headers: {{}}\n    body: {}\n"
        "  response: {{status: {{code: 204}}, headers: {{}}, body: {{string: ''}}}}\n"
    )

    assert only(write(text.format(of_file))).exchange.request.body == b"from a file"
    assert only(write(text.format(of_iterator))).exchange.request.body == b"from a file and more"
    assert only(write(text.format(empty))).exchange.request.body == b""


def test_lines_and_indexes_are_those_of_the_file(write: Write) -> None:
    one = {"request": {"method": "GET", "uri": "/a"}, "response": {"status": {"code": 200}}}
    text = "version: 1\ninteractions:\n- " + json.dumps(one) + "\n-\n  " + json.dumps(one) + "\n"

    recording = read_recording(write(text))

    assert [(one.index, one.line) for one in recording.interactions] == [(1, 3), (2, 5)]


@pytest.mark.parametrize(
    "response",
    [
        {"status": {"code": 200, "message": "OK"}, "headers": {"A": ["b"]}, "body": {"string": "x"}},
        {"status": {"code": "200"}, "headers": {"A": "b"}, "body": "x"},
        {"status_code": 200, "http_version": "HTTP/1.1", "headers": {"A": "b"}, "content": "x"},
    ],
)
def test_older_layouts_are_read(write: Write, response: Any) -> None:
    path = write({"interactions": [{"request": {"method": "GET", "uri": "/a"}, "response": response}]})

    answered = only(path).exchange.response

    assert answered is not None
    assert (answered.status, answered.headers.items, answered.body) == (200, (("A", "b"),), b"x")


@pytest.mark.parametrize("response", [None, {"status": {"code": 0}}, {"status": {"code": -1}}])
def test_an_exchange_without_answer(write: Write, response: Any) -> None:
    path = write({"interactions": [{"request": {"method": "GET", "uri": "/a"}, "response": response}]})

    interaction = only(path)

    assert interaction.exchange.response is None
    assert interaction.exchange.failure == "the recording holds no answer"
    assert interaction.lacking == ""


def test_a_body_in_an_unreadable_coding_is_lacking(write: Write) -> None:
    interaction = only(write(cassette(None, b"\x8b\xff\x00", headers={"Content-Encoding": ["br"]})))

    assert interaction.exchange.response is None
    assert interaction.lacking == interaction.exchange.failure
    assert "response" in interaction.lacking


REQUEST = {"method": "GET", "uri": "/a"}
RESPONSE = {"status": {"code": 200}}


@pytest.mark.parametrize(
    ("interactions", "place"),
    [
        ("x", "interactions: is no list"),
        ({"a": 1}, "interactions: is no list"),
        ([None], "interactions#1: is no mapping"),
        (["x"], "interactions#1: is no mapping"),
        ([[]], "interactions#1: is no mapping"),
        ([{}], "interactions#1: 'request' is missing"),
        ([{"request": "x"}], "interactions#1.request: is no mapping"),
        ([{"request": {"uri": "/a"}}], "interactions#1.request: 'method' is missing"),
        ([{"request": {"method": "GET"}}], "interactions#1.request: 'uri' is missing"),
        ([{"request": {"method": "GET", "uri": ""}}], "interactions#1.request.uri: is empty"),
        ([{"request": {"method": "GET", "uri": ["/a"]}}], "interactions#1.request.uri: is no text"),
        ([{"request": {"method": "G T", "uri": "/a"}}], "interactions#1.request.method: is no HTTP method"),
        ([{"request": {"method": "G" * 33, "uri": "/a"}}], "interactions#1.request.method: is no HTTP method"),
        ([{"request": {**REQUEST, "headers": "x"}}], "interactions#1.request.headers: is no mapping"),
        ([{"request": {**REQUEST, "headers": []}}], "interactions#1.request.headers: is no mapping"),
        ([{"request": {**REQUEST, "headers": {"A": {"b": "c"}}}}], "interactions#1.request.headers: is no text"),
        ([{"request": {**REQUEST, "headers": {"A": [["c"]]}}}], "interactions#1.request.headers#1: is no text"),
        ([{"request": {**REQUEST, "body": ["x"]}}], "interactions#1.request.body: is no text"),
        ([{"request": {**REQUEST, "body": {"a": 1}}}], "interactions#1.request.body: is no text"),
        ([{"request": REQUEST, "response": "x"}], "interactions#1.response: is no mapping"),
        ([{"request": REQUEST, "response": {}}], "interactions#1.response: 'status' is missing"),
        ([{"request": REQUEST, "response": {"status": {}}}], "interactions#1.response.status: 'code' is missing"),
        ([{"request": REQUEST, "response": {"status": 200}}], "interactions#1.response.status: is no mapping"),
        *(
            (
                [{"request": REQUEST, "response": {"status": {"code": code}}}],
                "interactions#1.response.status.code: is no HTTP status",
            )
            for code in ("OK", 20, 2000, "२००", "9" * 5000, 1e300, "+200")
        ),
        (
            [{"request": REQUEST, "response": {**RESPONSE, "body": {"string": ["x"]}}}],
            "response.body.string: is no text",
        ),
        ([{"request": REQUEST, "response": RESPONSE}, {"request": 1}], "interactions#2.request: is no mapping"),
    ],
)
@pytest.mark.parametrize("layout", ["yaml", "json"])
def test_what_is_broken_is_named(write: Write, interactions: Any, place: str, layout: str) -> None:
    text = json.dumps({"interactions": interactions})
    if layout == "yaml":
        # Every JSON text of this kind is YAML as well; a comment keeps it from being taken for JSON.
        text = f"# by hand\n{text}"
    path = write(text)

    with pytest.raises(RecordingError) as caught:
        read_recording(path)

    message = str(caught.value)
    assert message.startswith(f"{path}:2: " if layout == "yaml" else f"{path}: ")
    assert place in message


def test_no_complaint_repeats_what_the_file_holds(write: Write) -> None:
    secret = "Basic c2VjcmV0OnNlY3JldA=="  # a value that only this test uses
    bad = {"request": {"method": secret, "uri": "/a", "headers": {"Authorization": secret}, "body": [secret]}}

    with pytest.raises(RecordingError) as caught:
        read_recording(write({"interactions": [bad]}))

    assert secret not in str(caught.value)
    assert secret not in repr(caught.value.__context__)


def test_a_cassette_recorded_by_the_tool_reads_back(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    with vcr.use_cassette(str(path), record_mode="all") as tape:
        tape.append(
            Recorded("PATCH", URL, b"{}", {}),
            {"status": {"code": 204, "message": "No Content"}, "headers": {}, "body": {"string": b""}},
        )

    exchange = only(path).exchange

    assert exchange.request.method == "PATCH"
    assert exchange.response is not None
    assert exchange.response.status == 204
