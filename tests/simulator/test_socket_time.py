"""What waits on a socket, who gives up, and what counts as an attempt."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from conformance.simulator import connection, door
from conformance.simulator.door import Door
from conformance.simulator.service import Simulator
from conformance.simulator.socket_door import ServerThread
from conformance.simulator.toxic import Toxic
from conformance.simulator.wire import Closed
from tests.simulator.raw_caller import (
    LAST,
    RawCaller,
    capture_bytes,
    drained,
    read_bytes,
    until,
)


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
