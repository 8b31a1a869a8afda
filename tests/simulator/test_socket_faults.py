from __future__ import annotations

import asyncio
import contextlib
import gzip
import http.client
import json
import logging
import random
import socket
import ssl
import sys
import threading
import time
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from conformance.exceptions import UsageError
from conformance.exchange import Request, Response
from conformance.simulator import connection, door
from conformance.simulator.certificate import CERTIFICATES, Certificates
from conformance.simulator.door import Door
from conformance.simulator.padding import parted
from conformance.simulator.script import Script
from conformance.simulator.service import Simulator
from conformance.simulator.socket_door import ServerThread, SocketServer
from conformance.simulator.tampering import Tampering
from conformance.simulator.toxic import TOXICS, SpoiltError, Toxic
from conformance.simulator.wire import Closed
from tests.simulator.caller import BASE
from tests.simulator.raw_caller import AUTHORIZATION, RawCaller, address, capture_bytes, drained, read_bytes, until

JSON_HEADERS = {"Authorization": AUTHORIZATION, "Content-Type": "application/json"}
LAST = "Connection: close"


@pytest.fixture(scope="module")
def raw(contract: Any) -> Iterator[RawCaller]:
    with ServerThread(Simulator(contract)) as server:
        yield RawCaller(server)


def post(
    connection: http.client.HTTPConnection, order_id: str, amount: int = 100
) -> tuple[int, bytes, http.client.HTTPMessage]:
    connection.request("POST", f"{BASE}/{order_id}/captures", json.dumps({"captured_amount": amount}), JSON_HEADERS)
    response = connection.getresponse()
    return response.status, response.read(), response.headers


def get(connection: http.client.HTTPConnection, order_id: str) -> tuple[int, bytes, http.client.HTTPMessage]:
    connection.request("GET", f"{BASE}/{order_id}", headers=JSON_HEADERS)
    response = connection.getresponse()
    return response.status, response.read(), response.headers


# --- what each toxic does, seen from a raw socket: how often the work is done, what comes, how it ends ---------------

SHORT: Mapping[str, Mapping[str, Any]] = {
    "latency": {"ms": 20},
    "late_reply": {"ms": 20},
    "timeout": {"ms": 30},
    "drip": {"bytes": 50, "ms": 1},
    "huge_body": {"bytes": 1_000_000},
    "gzip_bomb": {"bytes": 1_000_000},
}
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


# --- time ------------------------------------------------------------------------------------------------------------


def test_what_waits_waits_in_parallel(raw: RawCaller) -> None:
    orders = [raw.order(Toxic("latency", {"ms": 800})) for _ in range(40)]
    orders += [raw.order(Toxic("late_reply", {"ms": 800})) for _ in range(40)]
    lines = [raw.line() for _ in orders]
    for line, order_id in zip(lines, orders, strict=True):
        line.sendall(capture_bytes(order_id, 100, LAST))
    # While all of these wait, another caller is served: its answer is there before any of theirs.
    quick = raw.order()
    received, _ = raw.ask(read_bytes(quick, LAST))
    assert received.startswith(b"HTTP/1.1 200 OK")
    done = raw.only(quick).answered_s
    assert done is not None
    for line in lines:
        with line:
            assert drained(line)[0].startswith(b"HTTP/1.1 201 Created")
    answered = [raw.only(order_id).answered_s for order_id in orders]
    assert all(at is not None and at > done for at in answered)


def test_a_late_reply_is_of_work_long_done(raw: RawCaller) -> None:
    order_id = raw.order(Toxic("late_reply", {"ms": 30_000}))
    with raw.line() as line:
        line.sendall(capture_bytes(order_id))
        until(lambda: raw.captured(order_id) == 1)
        assert raw.only(order_id).answered_s is None
    until(lambda: raw.only(order_id).gave_up_s is not None)
    assert raw.only(order_id).status_sent is None


def test_who_never_gets_an_answer_may_leave(raw: RawCaller) -> None:
    order_id = raw.order(Toxic("timeout", {"ms": 30_000}))
    with raw.line() as line:
        line.sendall(capture_bytes(order_id))
        until(lambda: raw.server.wire(order_id))
    until(lambda: raw.only(order_id).closed_how == Closed.BY_CLIENT)
    left = raw.only(order_id)
    assert left.unanswered
    assert not left.worked
    assert left.gave_up_s is not None


def test_a_caller_who_leaves_in_the_middle_takes_nobody_along(raw: RawCaller) -> None:
    order_id = raw.order(Toxic("drip", {"bytes": 1, "ms": 1}))
    with raw.line() as line:
        line.sendall(read_bytes(order_id))
        assert line.recv(1)
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    until(lambda: raw.only(order_id).closed_how)
    assert raw.only(order_id).closed_how in (Closed.RESET_BY_CLIENT, Closed.BY_CLIENT)
    assert raw.ask(read_bytes(raw.order(), LAST))[0].startswith(b"HTTP/1.1 200 OK")


def test_a_caller_who_stops_sending_still_gets_a_slow_answer(raw: RawCaller) -> None:
    order_id = raw.order(Toxic("latency", {"ms": 30}))
    with raw.line() as line:
        line.sendall(read_bytes(order_id))
        line.shutdown(socket.SHUT_WR)
        received, end = drained(line)
    assert received.startswith(b"HTTP/1.1 200 OK")
    assert received.endswith(b"0\r\n\r\n")
    assert end == "closed"


def test_pipelined_requests_wait_for_one_that_is_slow(raw: RawCaller) -> None:
    order_id = raw.order(Toxic("latency", {"ms": 20}), None, Toxic("drip"), operation="getOrder")
    received, _ = raw.ask(read_bytes(order_id) * 2 + read_bytes(order_id) + capture_bytes(order_id, 100, LAST))
    assert received.count(b"HTTP/1.1 200 OK\r\n") == 3
    assert received.rfind(b"HTTP/1.1 201 Created") > received.rfind(b"HTTP/1.1 200 OK")


def test_many_scripted_requests_may_come_in_one_piece(raw: RawCaller) -> None:
    orders = [raw.order(Toxic("lower_case_headers")) for _ in range(400)]
    sent = b"".join(read_bytes(order_id) for order_id in orders) + read_bytes(orders[0], LAST)
    received, _ = raw.ask(sent)
    assert received.count(b"HTTP/1.1 200 OK\r\n") == 401
    assert received.count(b"\r\nserver: ") == 400


def test_a_caller_who_does_not_read_stops_a_huge_answer(raw: RawCaller) -> None:
    order_id = raw.order(Toxic("huge_body", {"bytes": 40_000_000}))
    with raw.line() as line:
        line.sendall(read_bytes(order_id, LAST))
        until(lambda: raw.server.wire(order_id) and raw.only(order_id).bytes_sent)
        time.sleep(0.05)
        assert raw.only(order_id).bytes_sent < 35_000_000
        received, end = drained(line)
    assert end == "closed"
    assert len(received) > 40_000_000
    assert raw.only(order_id).bytes_sent == len(received)


def test_who_sends_far_ahead_is_not_read(raw: RawCaller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "_MOST_WAITING", 2)
    order_id = raw.order(Toxic("latency", {"ms": 50}))
    with raw.line() as line:
        for _ in range(6):
            line.sendall(read_bytes(order_id))
            time.sleep(0.002)
        line.sendall(read_bytes(order_id, LAST))
        received, _ = drained(line)
    assert received.count(b"HTTP/1.1 200 OK\r\n") == 7


def test_no_performance_goes_on_for_ever(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "_PERFORMING_TIME", 0.05)
    monkeypatch.setattr(door, "_SWEEP_EVERY", 0.01)
    with ServerThread(simulator) as server:
        raw = RawCaller(server)
        order_id = raw.order(Toxic("timeout", {"ms": 60_000}))
        assert raw.ask(capture_bytes(order_id))[0] == b""
        assert raw.only(order_id).closed_how == Closed.BY_SERVER


def test_a_performance_that_fails_ends_one_connection(
    raw: RawCaller, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def failing(*_arguments: Any) -> Iterator[Any]:
        return map(int, ["no number"])

    monkeypatch.setattr(Door, "moves", failing)
    order_id = raw.order(Toxic("latency"))
    with caplog.at_level(logging.CRITICAL):
        assert raw.ask(capture_bytes(order_id)) == (b"", "reset")
    monkeypatch.undo()
    assert raw.ask(capture_bytes(order_id, 100, LAST))[0].startswith(b"HTTP/1.1 201")


# --- credentials and attempts ----------------------------------------------------------------------------------------


def test_a_request_without_credentials_is_no_attempt(raw: RawCaller) -> None:
    order_id = raw.order(Toxic("close_after"))
    received, _ = raw.ask(capture_bytes(order_id, 100, LAST, credentials=False))
    assert received.startswith(b"HTTP/1.1 401 ")
    assert b"\r\nWWW-Authenticate: Basic " in received
    assert raw.ask(capture_bytes(order_id))[0] == b""
    assert [(each.attempt, each.toxic, each.had_credentials) for each in raw.server.wire(order_id)] == [
        (0, "", False),
        (1, "close_after", True),
    ]


def test_a_challenge_is_answered_by_whoever_waits_for_one(raw: RawCaller) -> None:
    order_id = raw.order(Toxic("challenge"))
    assert raw.ask(capture_bytes(order_id, 100, LAST, credentials=False))[0].startswith(b"HTTP/1.1 401 ")
    assert raw.ask(capture_bytes(order_id, 100, LAST))[0].startswith(b"HTTP/1.1 201 ")
    first, second = raw.server.wire(order_id)
    assert (first.toxic, first.status_sent, first.had_credentials) == ("challenge", 401, False)
    assert (second.toxic, second.status_sent, second.had_credentials) == ("", 201, True)


def test_a_path_that_is_no_operation_is_no_attempt(raw: RawCaller) -> None:
    order_id = raw.order(Toxic("close_after"))
    received, _ = raw.ask(read_bytes(f"{order_id}/nowhere", LAST))
    assert received.startswith(b"HTTP/1.1 404 ")
    assert raw.ask(read_bytes(order_id))[0] == b""


def test_the_facts_tell_a_re_send_from_a_retry(raw: RawCaller) -> None:
    lost = raw.order(Toxic("close_after"))
    sent = capture_bytes(lost, 100, LAST)
    raw.ask(sent)
    raw.ask(sent)
    first, second = raw.server.wire(lost)
    assert first.unanswered
    assert second.repeats(first)
    assert second.at_s >= (first.closed_s or 0)

    busy = raw.order(Toxic("answer"))
    sent = capture_bytes(busy, 100, LAST)
    raw.ask(sent)
    raw.ask(sent)
    first, second = raw.server.wire(busy)
    assert (first.unanswered, first.status_sent) == (False, 503)
    assert first.answered_s is not None
    assert first.at_s <= first.answered_s <= second.at_s


# --- other origins and certificates ----------------------------------------------------------------------------------


def test_what_strays_is_noted(raw: RawCaller) -> None:
    order_id = raw.order(Toxic("redirect"))
    connection = raw.http()
    _, _, headers = get(connection, order_id)
    connection.close()
    assert headers["Location"] == f"{raw.server.other_origin_url}{BASE}/{order_id}"
    stray = http.client.HTTPConnection(*address(raw.server.other_origin_url), timeout=10)
    stray.request("GET", f"{BASE}/{order_id}", headers=JSON_HEADERS)
    assert stray.getresponse().status == 404
    stray.close()
    (kept,) = [each for each in raw.server.stray if each.request and order_id in each.request.target]
    assert kept.had_credentials
    assert len(raw.server.wire(order_id)) == 1


@pytest.fixture(scope="module")
def secure(contract: Any) -> Iterator[RawCaller]:
    with ServerThread(Simulator(contract), tls=True) as server:
        yield RawCaller(server)


def secured(raw: RawCaller, certificate: str = "trusted") -> http.client.HTTPSConnection:
    context = ssl.create_default_context(cadata=raw.server.certificate_authority_pem)
    return http.client.HTTPSConnection(*address(raw.server.url_with(certificate)), timeout=10, context=context)


def test_a_certificate_of_the_given_authority_is_trusted(secure: RawCaller) -> None:
    assert secure.server.base_url == secure.server.url_with("trusted")
    assert secure.server.base_url.startswith("https://")
    order_id = secure.order()
    connection = secured(secure)
    status, _, headers = post(connection, order_id)
    connection.close()
    assert status == 201
    assert headers["Location"].startswith(f"{secure.server.base_url}{BASE}/{order_id}/captures/")
    assert secure.only(order_id).had_credentials


@pytest.mark.parametrize("certificate", [name for name in CERTIFICATES if name != "trusted"])
def test_no_other_certificate_is(secure: RawCaller, certificate: str) -> None:
    order_id = secure.order()
    connection = secured(secure, certificate)
    with pytest.raises(ssl.SSLCertVerificationError):
        get(connection, order_id)
    assert secure.server.wire(order_id) == ()
    # Whoever does not look gets in, and is noted.
    careless = ssl._create_unverified_context()  # noqa: S323 - the mistake that is to be noticed
    connection = http.client.HTTPSConnection(*address(secure.server.url_with(certificate)), context=careless)
    assert get(connection, order_id)[0] == 200
    connection.close()
    assert len(secure.server.wire(order_id)) == 1


def test_connections_have_one_numbering_over_all_certificates(secure: RawCaller) -> None:
    order_id = secure.order()
    for certificate in ("trusted", "trusted"):
        connection = secured(secure, certificate)
        get(connection, order_id)
        connection.close()
    first, second = secure.server.wire(order_id)
    assert first.connection != second.connection


@pytest.mark.parametrize(
    "kind", ["latency", "close_after", "reset_after", "cut_body", "drip", "huge_body", "close_next"]
)
def test_faults_strike_over_tls(secure: RawCaller, kind: str) -> None:
    order_id = secure.order(Toxic(kind, SHORT.get(kind, {})))
    connection = secured(secure)
    with contextlib.suppress(OSError, http.client.HTTPException):
        get(connection, order_id)
    connection.close()
    until(lambda: secure.only(order_id).closed_how)
    assert secure.only(order_id).toxic == kind


def test_a_plain_caller_at_a_secure_door_is_let_go(secure: RawCaller) -> None:
    assert secure.ask(read_bytes(secure.order()))[0].startswith((b"", b"\x15"))
    assert secure.server.wire()[-1:] == secure.server.wire()[-1:]
    connection = secured(secure)
    assert get(connection, secure.order())[0] == 200
    connection.close()


def test_a_server_without_tls_has_no_certificates(raw: RawCaller) -> None:
    assert raw.server.certificate_authority_pem == ""
    with pytest.raises(UsageError, match="expired"):
        raw.server.url_with("expired")


def test_tls_needs_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "trustme", None)
    with pytest.raises(UsageError, match="clients"):
        Certificates("127.0.0.1")


def test_only_a_simulator_has_scripts_and_a_log() -> None:
    class Replay:
        def handle(self, _request: Request) -> Response:
            return Response(204)

    with pytest.raises(TypeError):
        SocketServer(Replay())
    server = SocketServer(Replay(), control=Replay())
    assert (server.wire, server.stray, server.other_origin_url) == (None, None, "")


@pytest.mark.parametrize("worked", [False, True])
def test_who_answers_in_its_place_may_spoil_the_connection(simulator: Simulator, worked: bool) -> None:
    class Front:
        def handle(self, request: Request) -> Response:
            if "spoilt" in request.target:
                raise SpoiltError(Toxic("close_before"), worked=worked)
            return simulator.handle(request)

    with ServerThread(simulator, front=Front()) as server:
        raw = RawCaller(server)
        assert raw.ask(read_bytes(raw.order(), LAST))[0].startswith(b"HTTP/1.1 200 ")
        assert raw.ask(read_bytes("spoilt"))[0] == b""
        (noted,) = server.wire("spoilt")
    assert (noted.toxic, noted.worked, noted.closed_how) == ("close_before", worked, Closed.BY_SERVER)
    assert noted.unanswered


def test_a_door_without_a_log_can_be_spoilt_too(simulator: Simulator) -> None:
    def spoil(_request: Request) -> Response:
        raise SpoiltError(Toxic("challenge"))

    async def ask() -> bytes:
        spoilt = Door(spoil, tampering=Tampering(simulator))
        await spoilt.open("127.0.0.1", 0)
        reader, writer = await asyncio.open_connection("127.0.0.1", spoilt.port)
        writer.write(read_bytes("any", LAST))
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        await spoilt.close()
        return answer

    assert asyncio.run(ask()).startswith(b"HTTP/1.1 401 ")


# --- the control interface -------------------------------------------------------------------------------------------


def control(raw: RawCaller, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    connection = http.client.HTTPConnection(*address(raw.server.control_url), timeout=10)
    connection.request(method, path, None if body is None else json.dumps(body))
    response = connection.getresponse()
    content = response.read()
    connection.close()
    return response.status, json.loads(content) if content else None


def test_other_languages_play_scripts_and_read_the_wire(raw: RawCaller) -> None:
    order_id = raw.order()
    toxics = [{"kind": "close_after"}, None, {"kind": "answer", "status": 500}]
    status, told = control(
        raw, "POST", "/scripts", {"order_id": order_id, "operation": "captureOrder", "toxics": toxics}
    )
    assert status == 201
    assert Script.from_token(told["token"]).described() == toxics
    raw.ask(capture_bytes(order_id, 100, LAST))
    status, seen = control(raw, "GET", f"/wire/{order_id}")
    assert status == 200
    (request,) = seen
    assert (request["toxic"], request["attempt"], request["closed_how"]) == ("close_after", 1, Closed.BY_SERVER)
    assert "\r\nAuthorization: K100001_conformance\r\n" in request["head"]
    assert json.loads(request["body"]) == {"captured_amount": 100}
    again = {"order_id": order_id, "token": told["token"]}
    assert control(raw, "POST", "/scripts", again) == (201, told)
    assert control(raw, "DELETE", "/scripts") == (204, None)
    assert raw.ask(capture_bytes(order_id, 100, LAST))[0].startswith(b"HTTP/1.1 201")


def test_the_catalogue_is_told(raw: RawCaller) -> None:
    status, kinds = control(raw, "GET", "/toxics")
    assert status == 200
    assert [kind["kind"] for kind in kinds] == list(TOXICS)
    assert kinds[0]["parameters"]["ms"]["default"] == 100


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"toxics": []}, "order_id: "),
        ({"order_id": 7, "toxics": []}, "order_id: "),
        ({"order_id": "x", "operation": "cancel", "toxics": []}, "operation: "),
        ({"order_id": "x", "operation": [], "toxics": []}, "operation: "),
        ({"order_id": "x"}, "either toxics or the token"),
        ({"order_id": "x", "toxics": [], "token": "t1."}, "either toxics or the token"),
        ({"order_id": "x", "token": 7}, "either toxics or the token"),
        ({"order_id": "x", "token": "t1."}, "token: "),
        ({"order_id": "x", "toxics": {}}, "toxics: "),
        ({"order_id": "x", "toxics": ["latency"]}, "a toxic is an object"),
    ],
)
def test_wrong_scripts_are_refused(raw: RawCaller, body: Any, words: str) -> None:
    status, told = control(raw, "POST", "/scripts", body)
    assert status == 400
    assert told["error"].startswith(words)


def test_a_reset_forgets_scripts_and_wire(simulator: Simulator) -> None:
    with ServerThread(simulator) as server:
        raw = RawCaller(server)
        order_id = raw.order(None, Toxic("close_before"))
        raw.ask(read_bytes(order_id, LAST))
        assert control(raw, "POST", "/reset") == (204, None)
        assert control(raw, "GET", f"/wire/{order_id}") == (200, [])
        assert server.wire() == ()
        assert raw.ask(read_bytes(order_id, LAST))[0]


# --- whatever a client sends -----------------------------------------------------------------------------------------

VARIANTS = 2_000


def variant(dice: random.Random, order_id: str) -> bytes:
    """Return bytes between noise and a proper request with something wrong in it."""
    if dice.random() < 0.25:
        return dice.randbytes(dice.randrange(1, 400))
    good = [capture_bytes(order_id), read_bytes(order_id), capture_bytes(order_id, 1, "Expect: 100-continue")]
    data = bytearray(b"".join(dice.choice(good) for _ in range(dice.randrange(1, 4))))
    for _ in range(dice.randrange(0, 6)):
        place = dice.randrange(len(data))
        match dice.randrange(5):
            case 0:
                data[place] = dice.randrange(256)
            case 1:
                del data[place : place + dice.randrange(1, 30)]
            case 2:
                data[place:place] = dice.randbytes(dice.randrange(1, 20))
            case 3:
                data[place:place] = dice.choice(
                    [b"\r\n", b"\n", b" ", b":", b"{}", b"\x00", b"Transfer-Encoding: chunked\r\n"]
                )
            case _:
                data[place:place] = data[max(0, place - 40) : place]
        if not data:
            data = bytearray(b" ")
    return bytes(data)


@pytest.mark.parametrize("loops", ["installed", "usual"])
def test_nothing_that_is_sent_breaks_the_door(
    simulator: Simulator, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, loops: str
) -> None:
    if loops == "usual":
        monkeypatch.setitem(sys.modules, "uvloop", None)
    failures: list[Mapping[str, Any]] = []
    with ServerThread(simulator) as server:
        assert server._loop is not None
        noted = threading.Event()

        def note() -> None:
            asyncio.get_running_loop().set_exception_handler(lambda _loop, context: failures.append(context))
            noted.set()

        server._loop.call_soon_threadsafe(note)
        assert noted.wait(5)
        raw = RawCaller(server)
        order_id = raw.order(order_amount=200_000_000)
        neighbour = raw.http()
        dice = random.Random(4)  # noqa: S311 - the same noise in every run
        for number in range(VARIANTS):
            if number % 10 == 0:
                kind = dice.choice(sorted(set(TOXICS) - {"huge_body", "gzip_bomb"}))
                server.script(order_id, Script((Toxic(kind, SHORT.get(kind, {})),) * 3))
            with raw.line() as line, contextlib.suppress(OSError):
                sent = variant(dice, order_id)
                cut = dice.randrange(len(sent) + 1)
                line.sendall(sent[:cut])
                line.sendall(sent[cut:])
                if number % 4 == 0:
                    line.settimeout(0.005)
                    line.recv(1_000)
            if number % 100 == 0:
                other = raw.order()
                assert get(neighbour, other)[0] == 200
        neighbour.close()
        other = raw.order()
        assert raw.ask(read_bytes(other, LAST))[0].startswith(b"HTTP/1.1 200 OK")
        until(lambda: all(each.closed_how or each.status_sent for each in server.wire()))
        assert len(server.wire()) > VARIANTS / 2
        assert all(each.connection and each.number_on_connection for each in server.wire())
    assert failures == []
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []
