from __future__ import annotations

import base64
import gzip
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from conformance.exceptions import RecordingError
from conformance.exchange import Response
from conformance.recordings.reader import read_recording
from conformance.recordings.recording import Format, Interaction

Write = Callable[..., Path]
URL = "https://api.example.test/ordermanagement/v1/orders/o-1"


def entry(**more: Any) -> dict[str, Any]:
    found: dict[str, Any] = {
        "startedDateTime": "2021-09-17T15:22:25.123+02:00",
        "time": 12.5,
        "request": {"method": "GET", "url": URL, "httpVersion": "HTTP/2", "headers": [], "bodySize": 0},
        "response": {"status": 200, "statusText": "OK", "headers": [], "content": {"size": 0, "mimeType": ""}},
        "cache": {},
        "timings": {},
    }
    for side, fields in more.items():
        found[side] = {**found[side], **fields} if isinstance(fields, dict) else fields
    return found


def archive(*entries: Any) -> dict[str, Any]:
    return {"log": {"version": "1.2", "creator": {"name": "test", "version": "1"}, "entries": list(entries)}}


def only(path: Path) -> Interaction:
    recording = read_recording(path)
    assert recording.format is Format.HAR
    (interaction,) = recording.interactions
    return interaction


def answer(path: Path) -> Response:
    response = only(path).exchange.response
    assert response is not None
    return response


def test_an_entry_is_read(write: Write) -> None:
    path = write(
        archive(
            entry(
                request={
                    "method": "POST",
                    "headers": [
                        {"name": ":method", "value": "POST"},
                        {"name": "Accept", "value": "a"},
                        {"name": "accept", "value": "b"},
                        {"name": "X"},
                    ],
                    "postData": {"mimeType": "application/json", "text": '{"captured_amount": 1, "é": "\ud83d\udc9a"}'},
                },
                response={"status": 201, "content": {"size": 3, "text": "né"}},
            )
        ),
        "a.har",
    )

    interaction = only(path)

    request = interaction.exchange.request
    assert (request.method, request.target) == ("POST", URL)
    assert request.headers.items == (("Accept", "a"), ("accept", "b"), ("X", ""))
    assert request.body == '{"captured_amount": 1, "é": "💚"}'.encode()
    assert interaction.exchange.response is not None
    assert (interaction.exchange.response.status, interaction.exchange.response.body) == (201, "né".encode())
    assert interaction.recorded_at == datetime(2021, 9, 17, 13, 22, 25, 123_000, tzinfo=UTC)
    assert (interaction.index, interaction.line, interaction.lacking) == (1, None, "")


@pytest.mark.parametrize(
    ("content", "body"),
    [
        ({"text": "x"}, b"x"),
        ({"text": "\ud800"}, b"\xed\xa0\x80"),
        ({"text": base64.b64encode(b"\xff\x00").decode(), "encoding": "base64"}, b"\xff\x00"),
        ({"text": "YQ\n==", "encoding": "BASE64"}, b"a"),
        ({"text": "YQ==", "encoding": ""}, b"YQ=="),
        ({"text": "", "size": 10}, b""),
        ({"size": 0}, b""),
        ({"size": -1}, b""),
        ({}, b""),
        (None, b""),
    ],
)
def test_bodies_of_answers(write: Write, content: Any, body: bytes) -> None:
    assert answer(write(archive(entry(response={"content": content})))).body == body


def test_compressed_and_plain_bodies_under_one_header(write: Write) -> None:
    headers = [{"name": "Content-Encoding", "value": "gzip"}]
    packed = {"text": base64.b64encode(gzip.compress(b"{}")).decode(), "encoding": "base64"}

    for content in (packed, {"text": "{}"}):
        response = answer(write(archive(entry(response={"headers": headers, "content": content}))))
        assert response.body == b"{}"
        assert response.headers.get("content-encoding") == "gzip"


def test_a_body_that_was_sent_in_base64(write: Write) -> None:
    data = {"mimeType": "", "text": "/w==", "encoding": "base64"}

    assert only(write(archive(entry(request={"postData": data})))).exchange.request.body == b"\xff"


@pytest.mark.parametrize(
    ("more", "lacking"),
    [
        ({"response": {"content": {"size": 12}}}, "the recording leaves out the body of the response"),
        ({"response": {"content": {}, "bodySize": 12}}, "the recording leaves out the body of the response"),
        ({"request": {"bodySize": 12}}, "the recording leaves out the body of the request"),
        ({"request": {"postData": {"params": []}}}, "the recording leaves out the body of the request"),
        (
            {"request": {"bodySize": 12}, "response": {"content": {"size": 1}}},
            "the recording leaves out the body of the request",
        ),
        ({"request": {"bodySize": 12}, "response": {"status": 0}}, "the recording leaves out the body of the request"),
        ({"request": {"bodySize": -1}}, ""),
        ({"request": {"bodySize": "000"}}, ""),
    ],
)
def test_bodies_that_were_left_out(write: Write, more: Any, lacking: str) -> None:
    interaction = only(write(archive(entry(**more))))

    assert interaction.lacking == lacking
    assert interaction.exchange.failure == lacking
    assert (interaction.exchange.response is None) == bool(lacking)


@pytest.mark.parametrize("response", [None, {"status": 0}, {"status": -1}, {"status": None}])
def test_an_entry_without_answer(write: Write, response: Any) -> None:
    interaction = only(write(archive(entry(response=response))))

    assert interaction.exchange.response is None
    assert (interaction.exchange.failure, interaction.lacking) == ("the recording holds no answer", "")


def test_entries_are_told_in_the_order_in_which_they_began(write: Write) -> None:
    times = ["2021-01-01T12:00:03Z", "2021-01-01T13:00:01+01:00", "2021-01-01T12:00:02Z", "2021-01-01T12:00:02.000Z"]
    dated = [entry(startedDateTime=time) for time in times]

    assert [one.index for one in read_recording(write(archive(*dated))).interactions] == [2, 3, 4, 1]
    undated = [*dated, entry(startedDateTime="")]
    assert [one.index for one in read_recording(write(archive(*undated))).interactions] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("document", "place"),
    [
        ({"log": {"entries": {}}}, "log.entries: is no list"),
        ({"log": {"entries": None}}, "log: 'entries' is missing"),
        (archive(None), "log.entries#1: is no mapping"),
        (archive({}), "log.entries#1: 'request' is missing"),
        (archive(entry(), entry(request={"method": 5, "url": None})), "log.entries#2.request: 'url' is missing"),
        (archive(entry(request={"method": "@"})), "log.entries#1.request.method: is no HTTP method"),
        (archive(entry(request={"headers": {}})), "log.entries#1.request.headers: is no list"),
        (archive(entry(request={"headers": ["x"]})), "log.entries#1.request.headers#1: is no mapping"),
        (archive(entry(request={"headers": [{"value": "x"}]})), "log.entries#1.request.headers#1: 'name' is missing"),
        (archive(entry(request={"headers": [{"name": "x", "value": []}]})), "headers#1.value: is no text"),
        (archive(entry(request={"postData": "x"})), "log.entries#1.request.postData: is no mapping"),
        (archive(entry(request={"postData": {"text": {}}})), "log.entries#1.request.postData.text: is no text"),
        (archive(entry(response={"content": "x"})), "log.entries#1.response.content: is no mapping"),
        (archive(entry(response={"content": {"text": True}})), "log.entries#1.response.content.text: is no text"),
        (archive(entry(response={"content": {"text": "x", "encoding": "base64"}})), "content.text: holds base64"),
        (archive(entry(response={"content": {"text": "é===", "encoding": "base64"}})), "content.text: holds base64"),
        (archive(entry(response={"content": {"text": "x", "encoding": []}})), "content.encoding: is no text"),
        (archive(entry(response={"status": "OK"})), "log.entries#1.response.status: is no HTTP status"),
        (archive(entry(response=[])), "log.entries#1.response: is no mapping"),
    ],
)
def test_what_is_broken_is_named(write: Write, document: Any, place: str) -> None:
    path = write(document, "a.har")

    with pytest.raises(RecordingError) as caught:
        read_recording(path)

    assert str(caught.value).startswith(f"{path}: log")
    assert place in str(caught.value)


def test_headers_may_be_left_out(write: Write) -> None:
    interaction = only(write(archive(entry(request={"headers": None}, response={"headers": None}))))

    assert len(interaction.exchange.request.headers) == 0
    assert interaction.exchange.response is not None
    assert len(interaction.exchange.response.headers) == 0
