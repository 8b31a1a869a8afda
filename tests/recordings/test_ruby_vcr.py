from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from conformance.exceptions import RecordingError
from conformance.exchange import Exchange
from conformance.recordings.reader import read_recording
from conformance.recordings.recording import Format, Interaction

Write = Callable[..., Path]
URL = "https://api.example.test/ordermanagement/v1/orders/o-1"

CASSETTE = """\
---
http_interactions:
- request:
    method: {method}
    uri: {url}
    body:
      encoding: UTF-8
      string: '{{"captured_amount":50}}'
    headers:
      Accept:
      - "*/*"
      Cookie:
      - a=1
      - b=2
      Authorization: "<REDACTED>"
      X-Empty:
  response:
    status:
      code: 201
      message: Created
    headers: {headers}
    body: {body}
    http_version:
  recorded_at: {time}
recorded_with: VCR 6.2.0
"""


def cassette(body: str = "''", method: str = "post", headers: str = "{}", time: str = "") -> str:
    return CASSETTE.format(method=method, url=URL, headers=headers, body=body, time=time)


def only(path: Path) -> Interaction:
    recording = read_recording(path)
    assert recording.format is Format.RUBY_VCR
    (interaction,) = recording.interactions
    return interaction


def answered(exchange: Exchange) -> bytes:
    assert exchange.response is not None
    return exchange.response.body


def test_a_cassette_is_read(write: Write) -> None:
    interaction = only(write(cassette(time="Fri, 17 Sep 2021 15:22:25 +0200")))

    request = interaction.exchange.request
    assert (request.method, request.target, request.body) == ("POST", URL, b'{"captured_amount":50}')
    assert request.headers.items == (
        ("Accept", "*/*"),
        ("Cookie", "a=1"),
        ("Cookie", "b=2"),
        ("Authorization", "<REDACTED>"),
        ("X-Empty", ""),
    )
    assert interaction.exchange.response is not None
    assert interaction.exchange.response.status == 201
    assert interaction.recorded_at == datetime(2021, 9, 17, 13, 22, 25, tzinfo=UTC)
    assert (interaction.index, interaction.line) == (1, 3)


@pytest.mark.parametrize("method", ["post", "POST", ":post", "!ruby/symbol post"])
def test_methods_are_capitals_on_the_wire(write: Write, method: str) -> None:
    assert only(write(cassette(method=method))).exchange.request.method == "POST"


TEXT = 'é € "x"'
PACKED = base64.b64encode(TEXT.encode()).decode()


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ("", b""),
        ("''", b""),
        (f"'{TEXT}'", TEXT.encode()),
        ("{encoding: UTF-8, string: ''}", b""),
        ("{encoding: UTF-8, string: }", b""),
        (f"{{encoding: UTF-8, string: '{TEXT}'}}", TEXT.encode()),
        (f"{{':encoding': UTF-8, ':string': '{TEXT}'}}", TEXT.encode()),
        (f"{{string: '{TEXT}'}}", TEXT.encode()),
        (f"{{encoding: ASCII-8BIT, string: '{TEXT}'}}", TEXT.encode()),
        (f"{{encoding: US-ASCII, string: '{TEXT}'}}", TEXT.encode()),
        (f"{{encoding: !!null '', string: '{TEXT}'}}", TEXT.encode()),
        (f"{{encoding: 'x\\0', string: '{TEXT}'}}", TEXT.encode()),
        (f"{{encoding: rot13, string: '{TEXT}'}}", TEXT.encode()),
        (f"{{encoding: base64, string: '{TEXT}'}}", TEXT.encode()),
        (f"{{encoding: {'x' * 5000}, string: '{TEXT}'}}", TEXT.encode()),
        ("{encoding: ISO-8859-1, string: 'é'}", b"\xe9"),
        ("{encoding: UTF-16LE, string: 'é'}", b"\xe9\x00"),
        (f"{{encoding: ASCII-8BIT, string: !binary {PACKED}}}", TEXT.encode()),
        ("{encoding: UTF-8, string: !binary /wD+}", b"\xff\x00\xfe"),
        (f"{{encoding: UTF-8, base64_string: {PACKED}}}", TEXT.encode()),
        (f'{{encoding: UTF-8, base64_string: "{PACKED[:4]}\\n{PACKED[4:]}\\n"}}', TEXT.encode()),
        ("{encoding: UTF-8, string: 12.50}", b"12.50"),
        ("{encoding: UTF-8, string: no}", b"no"),
        ("!ruby/string 'x'", b"x"),
    ],
)
def test_bodies_are_the_bytes_of_the_wire(write: Write, body: str, wanted: bytes) -> None:
    assert answered(only(write(cassette(body))).exchange) == wanted


@pytest.mark.parametrize("key", ["Content-Encoding", "content-encoding", '!binary "Q29udGVudC1FbmNvZGluZw=="'])
def test_compressed_bodies_are_decoded(write: Write, key: str) -> None:
    packed = base64.b64encode(gzip.compress(b'{"a":1}')).decode()

    exchange = only(write(cassette(f"{{string: !binary {packed}}}", headers=f"{{{key}: [gzip]}}"))).exchange

    assert answered(exchange) == b'{"a":1}'
    assert exchange.response is not None
    assert exchange.response.headers.get("Content-Encoding") == "gzip"


@pytest.mark.parametrize(
    ("time", "wanted"),
    [
        ("", None),
        ("yesterday", None),
        ("9" * 100, None),
        ("'Fri, 99 Sep 2021 13:22:25 GMT'", None),
        ("[x]", None),
        ("2021-09-17T13:22:25Z", datetime(2021, 9, 17, 13, 22, 25, tzinfo=UTC)),
        ("2021-09-17T15:22:25.5+02:00", datetime(2021, 9, 17, 13, 22, 25, 500_000, tzinfo=UTC)),
        ("2021-09-17T13:22:25", datetime(2021, 9, 17, 13, 22, 25, tzinfo=UTC)),
        ("'Fri, 17 Sep 2021 13:22:25 GMT'", datetime(2021, 9, 17, 13, 22, 25, tzinfo=UTC)),
        ("'Fri, 17 Sep 2021 13:22:25 -0000'", datetime(2021, 9, 17, 13, 22, 25, tzinfo=UTC)),
        ("'0001-01-01T00:00:00+12:00'", None),
    ],
)
def test_times_are_utc_or_nothing(write: Write, time: str, wanted: datetime | None) -> None:
    assert only(write(cassette(time=time))).recorded_at == wanted


def test_repeated_strings_may_be_aliases(write: Write) -> None:
    text = cassette(
        "{encoding: &enc UTF-8, string: &text 'x'}", headers="{Server: &list [&one envoy], Via: *list, X: *one}"
    )

    exchange = only(write(text)).exchange

    assert exchange.response is not None
    assert exchange.response.headers.items == (("Server", "envoy"), ("Via", "envoy"), ("X", "envoy"))


def test_the_layout_is_read_as_json_too(write: Write) -> None:
    interaction = {
        "request": {"method": "GET", "uri": URL, "headers": {"A": ["b"]}, "body": {"encoding": "utf-8", "string": ""}},
        "response": {
            "status": {"code": 200, "message": None},
            "headers": {},
            "body": {"encoding": None, "base64_string": PACKED},
        },
        "recorded_at": "2021-09-17T13:22:25",
    }

    exchange = only(write({"http_interactions": [interaction], "recorded_with": "x"}, "c.json")).exchange

    assert answered(exchange) == TEXT.encode()


def test_symbols_as_keys(write: Write) -> None:
    text = (
        ":http_interactions:\n- :request:\n    :method: :get\n    :uri: /a\n"
        "  :response:\n    :status:\n      :code: 204\n"
    )

    exchange = only(write(text)).exchange

    assert (exchange.request.method, exchange.request.target) == ("GET", "/a")


@pytest.mark.parametrize("response", [None, {"status": {"code": None}}, {"status": {"code": 0}}])
def test_an_exchange_without_answer(write: Write, response: Any) -> None:
    path = write({"http_interactions": [{"request": {"method": "get", "uri": "/a"}, "response": response}]})

    assert only(path).exchange.response is None


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ("[x]", "response.body: is no text"),
        ("{string: {a: b}}", "response.body.string: is no text"),
        ("{base64_string: 'x'}", "response.body.base64_string: holds base64"),
        ("{base64_string: 'é==='}", "response.body.base64_string: holds base64"),
        ("{encoding: [x], string: x}", "response.body.encoding: is no text"),
    ],
)
def test_broken_bodies_are_named(write: Write, body: str, place: str) -> None:
    path = write(cassette(body))

    with pytest.raises(RecordingError) as caught:
        read_recording(path)

    assert str(caught.value).startswith(f"{path}:")
    assert f"http_interactions#1.{place}" in str(caught.value)


@pytest.mark.parametrize(
    ("interactions", "place"),
    [
        ({}, "http_interactions: is no list"),
        ([1], "http_interactions#1: is no mapping"),
        ([{}], "http_interactions#1: 'request' is missing"),
        ([{"request": {"uri": "/a"}}], "http_interactions#1.request: 'method' is missing"),
        ([{"request": {"method": ["get"], "uri": "/a"}}], "http_interactions#1.request.method: is no text"),
        ([{"request": {"method": "", "uri": "/a"}}], "http_interactions#1.request.method: is no HTTP method"),
        ([{"request": {"method": "get", "uri": "/a"}, "response": {}}], "response: 'status' is missing"),
        ([{"request": {"method": "get", "uri": "/a"}, "response": {"status": "x"}}], "status: is no mapping"),
    ],
)
def test_broken_structure_is_named(write: Write, interactions: Any, place: str) -> None:
    path = write(json.dumps({"http_interactions": interactions}))

    with pytest.raises(RecordingError) as caught:
        read_recording(path)

    assert place in str(caught.value)
