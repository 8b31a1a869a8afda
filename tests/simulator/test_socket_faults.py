"""What each toxic does, seen from a raw socket and by the standard library: what comes, how it ends, what is done."""

from __future__ import annotations

import gzip
import http.client
import json
import zlib

import pytest

from conformance.simulator.padding import parted
from conformance.simulator.toxic import TOXICS, Toxic
from conformance.simulator.wire import Closed
from tests.simulator.caller import BASE
from tests.simulator.raw_caller import (
    JSON_HEADERS,
    LAST,
    SHORT,
    RawCaller,
    capture_bytes,
    drained,
    get,
    post,
    read_bytes,
)

NOTHING_COMES = {"timeout", "close_before", "reset_before", "close_after", "reset_after"}
UNFINISHED = {"cut_head", "cut_body", "wrong_length", "malformed_chunk"}
NOT_DONE = {kind.id for kind in TOXICS.values() if kind.works != "yes"}


@pytest.mark.parametrize("kind", TOXICS)
def test_a_toxic_strikes_once_and_a_good_answer_follows(raw: RawCaller, kind: str) -> None:
    order_id = raw.order(Toxic(kind, SHORT.get(kind, {})), operation="captureOrder")
    received, end = raw.ask(capture_bytes(order_id, 100, LAST))
    assert end == ("reset" if kind.startswith("reset") else "closed")
    assert bool(received) != (kind in NOTHING_COMES)
    assert raw.captured(order_id) == (0 if kind in NOT_DONE else 1)
    struck = raw.only(order_id)
    assert (struck.toxic, struck.attempt, struck.operation) == (kind, 1, "captureOrder")
    assert struck.raw + struck.body == capture_bytes(order_id, 100, LAST)
    assert struck.bytes_sent == len(received)
    assert struck.unanswered == (kind in NOTHING_COMES)
    assert struck.worked == (kind not in NOT_DONE)
    assert (struck.status_sent is None) == (kind in NOTHING_COMES)
    assert struck.closed_how == (Closed.RESET_BY_SERVER if kind.startswith("reset") else Closed.BY_SERVER)
    if received:
        assert received.startswith(f"HTTP/1.1 {struck.status_sent} ".encode())

    again, _ = raw.ask(capture_bytes(order_id, 100, LAST))
    assert again.startswith(b"HTTP/1.1 201 Created\r\n")
    assert raw.captured(order_id) == (1 if kind in NOT_DONE else 2)
    assert [(each.toxic, each.attempt) for each in raw.server.wire(order_id)] == [(kind, 1), ("", 2)]


@pytest.mark.parametrize("kind", TOXICS)
def test_the_standard_library_sees_what_a_toxic_means(raw: RawCaller, kind: str) -> None:
    order_id = raw.order(Toxic(kind, SHORT.get(kind, {})), operation="getOrder")
    connection = raw.http()
    if kind in NOTHING_COMES:
        with pytest.raises(ConnectionError):
            get(connection, order_id)
    elif kind in UNFINISHED - {"cut_head"}:
        with pytest.raises(http.client.IncompleteRead):
            get(connection, order_id)
    else:
        status, body, headers = get(connection, order_id)
        SEEN.get(kind, good)(status, body, headers, order_id)
    connection.close()
    status, body, headers = get(connection, order_id)
    good(status, body, headers, order_id)
    connection.close()


def good(status: int, body: bytes, headers: http.client.HTTPMessage, order_id: str) -> None:
    assert status == 200
    assert json.loads(body)["order_id"] == order_id
    assert headers["Klarna-Correlation-Id"]


def headless(status: int, body: bytes, headers: http.client.HTTPMessage, _order_id: str) -> None:
    # This library takes the end of a connection for the end of a head.
    assert (status, body) == (200, b"")
    assert "Klarna-Correlation-Id" not in headers


def broken_json(status: int, body: bytes, _headers: http.client.HTTPMessage, _order_id: str) -> None:
    assert status == 200
    with pytest.raises(ValueError, match=r"."):
        json.loads(body)


def page(status: int, body: bytes, headers: http.client.HTTPMessage, _order_id: str) -> None:
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert body.startswith(b"<html>")


def nothing(status: int, body: bytes, headers: http.client.HTTPMessage, _order_id: str) -> None:
    assert (status, body, headers["Content-Length"], headers["Content-Type"]) == (500, b"", "0", None)


def huge(status: int, body: bytes, _headers: http.client.HTTPMessage, order_id: str) -> None:
    assert status == 200
    assert json.loads(body)["order_id"] == order_id
    assert len(json.loads(body)["padding"]) == 1_000_000


def bomb(status: int, body: bytes, headers: http.client.HTTPMessage, order_id: str) -> None:
    assert (status, headers["Content-Encoding"]) == (200, "gzip")
    assert len(body) < 10_000
    unpacked = gzip.decompress(body)
    assert len(unpacked) > 1_000_000
    assert json.loads(unpacked)["order_id"] == order_id


def packed(status: int, body: bytes, headers: http.client.HTTPMessage, order_id: str) -> None:
    assert (status, headers["Content-Encoding"], headers["Content-Length"]) == (200, "gzip", str(len(body)))
    assert json.loads(zlib.decompress(body, zlib.MAX_WBITS | 16))["order_id"] == order_id


def elsewhere(status: int, body: bytes, headers: http.client.HTTPMessage, order_id: str) -> None:
    assert (status, body) == (307, b"")
    assert headers["Location"].endswith(f"{BASE}/{order_id}")


def lower(status: int, body: bytes, headers: http.client.HTTPMessage, order_id: str) -> None:
    good(status, body, headers, order_id)
    assert all(name == name.lower() for name in headers)
    assert headers["Transfer-Encoding"] == "chunked"


def asked(status: int, _body: bytes, headers: http.client.HTTPMessage, _order_id: str) -> None:
    assert status == 401
    assert headers["WWW-Authenticate"].startswith("Basic realm=")


def unavailable(status: int, body: bytes, _headers: http.client.HTTPMessage, _order_id: str) -> None:
    assert status == 503
    assert json.loads(body)["error_code"]


SEEN = {
    "cut_head": headless,
    "invalid_json": broken_json,
    "html_body": page,
    "empty_body": nothing,
    "huge_body": huge,
    "gzip_bomb": bomb,
    "gzip": packed,
    "redirect": elsewhere,
    "lower_case_headers": lower,
    "challenge": asked,
    "answer": unavailable,
}


def test_a_capture_is_told_in_every_way(raw: RawCaller) -> None:
    order_id = raw.order(
        Toxic("relative_location"),
        Toxic("no_location"),
        Toxic("no_id_header"),
        Toxic("other_success", {"status": 200}),
        Toxic("other_success", {"status": 204}),
        Toxic("lower_case_headers"),
    )
    connection = raw.http()
    answers = [post(connection, order_id, 10) for _ in range(6)]
    assert [status for status, _, _ in answers] == [201, 201, 201, 200, 204, 201]
    told = [(headers["Location"], headers["Capture-Id"]) for _, _, headers in answers]
    assert told[0][0] == f"{BASE}/{order_id}/captures/{told[0][1]}"
    assert told[1][0] is None
    assert told[1][1]
    assert told[2][0].startswith(raw.server.base_url.replace(raw.server.base_url, "http://"))
    assert told[2][1] is None
    assert all(location and name for location, name in told[3:])
    assert raw.captured(order_id) == 6
    connection.close()


def test_a_refused_write_stays_refused_whatever_success_is_called(raw: RawCaller) -> None:
    order_id = raw.order(Toxic("other_success"), order_amount=50)
    connection = raw.http()
    assert post(connection, order_id, 60)[0] == 403
    connection.close()


def test_a_read_can_be_answered_without_content(raw: RawCaller) -> None:
    order_id = raw.order(Toxic("other_success", {"status": 204}), Toxic("other_success", {"status": 206}))
    connection = raw.http()
    assert get(connection, order_id)[:2] == (204, b"")
    status, body, _ = get(connection, order_id)
    assert (status, json.loads(body)["order_id"]) == (206, order_id)
    connection.close()


def test_a_forced_answer_is_what_was_asked_for(raw: RawCaller) -> None:
    headers = {"Retry-After": "7", "Klarna-Correlation-Id": "corr", "Server": "mine"}
    order_id = raw.order(
        Toxic("answer", {"status": 429, "headers": headers}),
        Toxic("answer", {"status": 409, "error_code": "X_Y", "error_messages": ["å", "b"], "carried_out": True}),
        Toxic("answer", {"status": 500, "body": "<p>ö</p>", "media": "text/html"}),
        Toxic("answer", {"status": 201, "body": "", "media": ""}),
        Toxic("answer", {"status": 204}),
        Toxic("html_body", {"status": 502, "carried_out": True}),
        Toxic("html_body", {"status": 204}),
        Toxic("empty_body", {"status": 503, "carried_out": True}),
        operation="captureOrder",
    )
    connection = raw.http()
    status, body, told = post(connection, order_id)
    assert (status, told["Retry-After"], told.get_all("Server")) == (429, "7", ["mine"])
    assert json.loads(body)["correlation_id"] == told["Klarna-Correlation-Id"] == "corr"
    assert json.loads(body)["error_code"] == "TOO_MANY_REQUESTS"
    assert raw.captured(order_id) == 0
    status, body, _ = post(connection, order_id)
    assert (status, json.loads(body)["error_code"], json.loads(body)["error_messages"]) == (409, "X_Y", ["å", "b"])
    assert raw.captured(order_id) == 1
    status, body, told = post(connection, order_id)
    assert (status, body.decode(), told["Content-Type"]) == (500, "<p>ö</p>", "text/html")
    status, body, told = post(connection, order_id)
    assert (status, body, told["Content-Type"], told["Content-Length"]) == (201, b"", None, "0")
    assert post(connection, order_id)[:2] == (204, b"")
    assert post(connection, order_id)[0] == 502
    assert post(connection, order_id)[:2] == (204, b"")
    assert post(connection, order_id)[0] == 503
    assert raw.captured(order_id) == 3
    connection.close()


def test_a_redirect_may_lead_anywhere(raw: RawCaller) -> None:
    there = "https://elsewhere.invalid/x?y=1"
    order_id = raw.order(Toxic("redirect", {"status": 308, "location": there}))
    connection = raw.http()
    status, _, headers = get(connection, order_id)
    assert (status, headers["Location"]) == (308, there)
    connection.close()


def test_a_list_is_padded_too(raw: RawCaller) -> None:
    order_id = raw.order(
        *[Toxic("huge_body", {"bytes": 100_000})] * 2,
        Toxic("gzip_bomb", {"bytes": 100_000}),
        operation="getCaptures",
    )
    connection = raw.http()
    bodies = []
    for captures in (False, True, True):
        if captures:
            post(connection, order_id)
        connection.request("GET", f"{BASE}/{order_id}/captures", headers=JSON_HEADERS)
        answer = connection.getresponse()
        body = answer.read()
        bodies.append(json.loads(gzip.decompress(body) if answer.headers["Content-Encoding"] else body))
    assert [len(body) for body in bodies] == [1, 2, 2]
    assert [len(body[0]) for body in bodies[:2]] == [100_000, 100_000]
    connection.close()


def test_a_page_is_padded_by_its_length(raw: RawCaller) -> None:
    order_id = raw.order(Toxic("huge_body", {"bytes": 10}))
    received, _ = raw.ask(read_bytes("no-order-of-this-name", LAST) + b"")
    assert b" 404 " in received.partition(b"\r\n")[0] or b" 400 " in received.partition(b"\r\n")[0]
    received, _ = raw.ask(read_bytes(order_id, LAST))
    assert b'"padding":"xxxxxxxxxx",' in received


@pytest.mark.parametrize(
    ("body", "whole"), [(b"<p>", b"x<p>"), (b"7", b"x7"), (b" {}", b'{"padding":"x"}'), (b"[]", b'["x"]')]
)
def test_any_body_can_be_padded(body: bytes, whole: bytes) -> None:
    begin, end = parted(body)
    assert begin + b"x" + end == whole


@pytest.mark.parametrize("kind", ["cut_head", "cut_body"])
def test_a_message_can_be_torn_by_a_reset(raw: RawCaller, kind: str) -> None:
    order_id = raw.order(Toxic(kind, {"reset": True}))
    received, end = raw.ask(read_bytes(order_id))
    assert received.startswith(b"HTTP/1.1 200 OK\r\n")
    assert end == "reset"
    assert raw.only(order_id).closed_how == Closed.RESET_BY_SERVER


def test_too_short_a_length_is_told_too(raw: RawCaller) -> None:
    order_id = raw.order(Toxic("wrong_length", {"by": -5}), Toxic("wrong_length", {"by": -100_000}))
    for fewer in (5, None):
        received, _ = raw.ask(read_bytes(order_id))
        head, _, body = received.partition(b"\r\n\r\n")
        told = next(line for line in head.split(b"\r\n") if line.startswith(b"Content-Length: "))
        assert int(told[16:]) == (len(body) - fewer if fewer else 0)


def test_one_chunk_has_no_size(raw: RawCaller) -> None:
    order_id = raw.order(Toxic("malformed_chunk"))
    received, _ = raw.ask(read_bytes(order_id))
    assert b"\r\nTransfer-Encoding: chunked\r\n" in received
    assert b"\r\nno size\r\n" in received


def test_a_kept_connection_dies_between_two_calls(raw: RawCaller) -> None:
    order_id = raw.order(Toxic("close_next", {"ms": 20}), operation="getOrder")
    with raw.line() as line:
        line.sendall(read_bytes(order_id))
        received, end = drained(line)
    assert b"\r\nConnection: keep-alive\r\n" in received
    assert end == "closed"
