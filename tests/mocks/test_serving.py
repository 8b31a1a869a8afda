"""The same mock on a socket, for clients that nothing can be patched in."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import socket
import threading
from collections.abc import Iterator
from typing import Any

import aiohttp
import pytest
import requests

from conformance.exceptions import ConformanceError
from conformance.mocks import KlarnaMock, serve_mock
from conformance.mocks.mistake import UnmatchedRequestError


@pytest.fixture
def session(klarna_socket: KlarnaMock) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.auth = klarna_socket.auth
        session.trust_env = False
        yield session


def port_of(klarna: KlarnaMock) -> int:
    return int(klarna.base_url.rpartition(":")[2])


def url(klarna: KlarnaMock, path: str) -> str:
    return f"{klarna.base_url}/ordermanagement/v1{path}"


def line_to(klarna: KlarnaMock) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port_of(klarna)), timeout=5)


def reading(klarna: KlarnaMock, order_id: str) -> bytes:
    credentials = requests.auth._basic_auth_str(*klarna.auth)
    path = f"/ordermanagement/v1/orders/{order_id}"
    return f"GET {path} HTTP/1.1\r\nHost: a\r\nAuthorization: {credentials}\r\n\r\n".encode()


def until_asked(klarna: KlarnaMock, times: int) -> None:
    while len(klarna.requests()) < times:
        threading.Event().wait(0.001)


def drained(caller: socket.socket) -> bytes:
    received = b""
    while piece := caller.recv(65_536):
        received += piece
    return received


def test_the_state_lives_behind_a_socket(klarna_socket: KlarnaMock, session: requests.Session) -> None:
    order = klarna_socket.order(amount=10_000)
    made = session.post(url(klarna_socket, f"/orders/{order.id}/captures"), json={"captured_amount": 4000}, timeout=5)
    assert made.status_code == 201
    assert made.headers["Location"].startswith(klarna_socket.base_url)
    assert session.get(made.headers["Location"], timeout=5).json()["captured_amount"] == 4000
    assert order.captured_once(4000)


def test_forced_answers_and_mishaps(klarna_socket: KlarnaMock, session: requests.Session) -> None:
    order = klarna_socket.order(amount=10_000)
    klarna_socket.captures.create.answers(503, "resets", "loses_the_reply", "CAPTURE_NOT_ALLOWED")
    got: list[Any] = []
    for _ in range(4):
        try:
            answer = session.post(
                url(klarna_socket, f"/orders/{order.id}/captures"), json={"captured_amount": 1000}, timeout=5
            )
            got.append(answer.json()["error_code"])
        except requests.ConnectionError as error:
            got.append("reset" if "reset" in str(error) else "closed" if "without response" in str(error) else error)
    assert got == ["TEMPORARILY_UNAVAILABLE", "reset", "closed", "CAPTURE_NOT_ALLOWED"]
    assert order.captured_once(1000)


def test_a_time_out_lasts_until_the_client_gives_up(klarna_socket: KlarnaMock, session: requests.Session) -> None:
    order = klarna_socket.order()
    klarna_socket.captures.create.times_out()
    with pytest.raises(requests.ReadTimeout):
        session.post(url(klarna_socket, f"/orders/{order.id}/captures"), json={"captured_amount": 1}, timeout=0.05)
    assert order.untouched()
    assert [call.outcome for call in order.requests()] == ["timed out"]


def test_the_end_frees_whoever_still_waits() -> None:
    with contextlib.ExitStack() as stack, serve_mock() as klarna:
        klarna.orders.get.times_out().times(3)
        waiting = [stack.enter_context(line_to(klarna)) for _ in range(3)]
        idle = stack.enter_context(line_to(klarna))
        for caller in waiting:
            caller.sendall(reading(klarna, "1"))
        until_asked(klarna, 3)
        # Returning at all is the proof: each of them would have waited for a minute.
        klarna.unmount()
        assert [caller.recv(1) for caller in (*waiting, idle)] == [b""] * 4
        with pytest.raises(ConnectionRefusedError):
            line_to(klarna)


def test_the_end_does_not_wait_for_callers_who_do_not_read() -> None:
    with contextlib.ExitStack() as stack, serve_mock() as klarna:
        order = klarna.order()
        caller = stack.enter_context(line_to(klarna))
        caller.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        caller.settimeout(0.2)
        many = reading(klarna, order.id) * 100_000
        with pytest.raises(TimeoutError):
            caller.sendall(many)
        klarna.unmount()
        assert klarna.requests("getOrder")


def test_others_are_served_while_one_waits_in_vain(klarna_socket: KlarnaMock, session: requests.Session) -> None:
    order = klarna_socket.order()
    klarna_socket.orders.get.times_out()
    with line_to(klarna_socket) as waiting:
        # What is sent behind it waits as well.
        waiting.sendall(reading(klarna_socket, order.id) * 2)
        until_asked(klarna_socket, 1)
        assert session.get(url(klarna_socket, f"/orders/{order.id}"), timeout=5).status_code == 200
        assert [call.outcome for call in klarna_socket.requests()] == ["timed out", "answered 200"]
        waiting.setblocking(False)
        with pytest.raises(BlockingIOError):
            waiting.recv(1)


def test_a_reset_and_a_lost_reply_look_different_on_the_wire(klarna_socket: KlarnaMock) -> None:
    order = klarna_socket.order()
    klarna_socket.orders.get.answers(200, "resets", "loses_the_reply")
    with line_to(klarna_socket) as caller:
        caller.sendall(reading(klarna_socket, order.id))
        assert caller.recv(15) == b"HTTP/1.1 200 OK"
        until_asked(klarna_socket, 1)
        caller.sendall(reading(klarna_socket, order.id))
        with pytest.raises(ConnectionResetError):
            drained(caller)
    with line_to(klarna_socket) as caller:
        caller.sendall(reading(klarna_socket, order.id))
        assert drained(caller) == b""
    assert [call.outcome for call in order.requests()] == ["answered 200", "connection reset", "reply lost"]


def test_what_arrived_before_a_mishap_is_answered(klarna_socket: KlarnaMock) -> None:
    order = klarna_socket.order()
    klarna_socket.orders.get.after(2).loses_the_reply()
    with line_to(klarna_socket) as caller:
        caller.sendall(reading(klarna_socket, order.id) * 4)
        assert drained(caller).count(b"HTTP/1.1 200 OK") == 2
    assert [call.outcome for call in order.requests()] == ["answered 200", "answered 200", "reply lost"]


def test_aiohttp_meets_the_same_mock(klarna_socket: KlarnaMock) -> None:
    order = klarna_socket.order(amount=10_000)
    klarna_socket.captures.create.answers("times_out", "resets", "loses_the_reply", 503, 201)

    async def capture(session: aiohttp.ClientSession) -> str:
        address = url(klarna_socket, f"/orders/{order.id}/captures")
        limit = aiohttp.ClientTimeout(total=0.1 if not klarna_socket.requests() else 5)
        try:
            async with session.post(address, json={"captured_amount": 4000}, timeout=limit) as answer:
                return str(answer.status)
        except (aiohttp.ClientError, OSError) as error:
            return type(error).__name__

    async def attempts() -> list[str]:
        credentials = requests.auth._basic_auth_str(*klarna_socket.auth)
        headers = {"Klarna-Idempotency-Key": "1", "Authorization": credentials}
        async with aiohttp.ClientSession(headers=headers) as session:
            return [await capture(session) for _ in range(5)]

    assert asyncio.run(attempts()) == [
        "TimeoutError",
        "ClientOSError",
        "ServerDisconnectedError",
        "503",
        "201",
    ]
    assert order.captured_once(4000)
    assert order.kept_key("captureOrder")


def test_a_body_behind_a_request_that_announced_none_hides_no_other(klarna_socket: KlarnaMock) -> None:
    order = klarna_socket.order()
    with line_to(klarna_socket) as caller:
        caller.sendall(reading(klarna_socket, order.id) + b"{}" + reading(klarna_socket, order.id))
        caller.shutdown(socket.SHUT_WR)
        assert drained(caller).count(b"HTTP/1.1 200 OK") == 2


def assert_not_found() -> None:
    with serve_mock() as klarna:
        answer = requests.post(url(klarna, "/orders/1/capture"), auth=klarna.auth, timeout=5)
        assert answer.status_code == 404


def test_an_unmatched_request_is_answered_and_fails_the_test() -> None:
    with pytest.raises(UnmatchedRequestError, match="nearest is captureOrder"):
        assert_not_found()
    with serve_mock(strict=False) as klarna:
        assert requests.put(url(klarna, "/orders/1"), auth=klarna.auth, timeout=5).status_code == 405


def test_raw_callers_are_served(klarna_socket: KlarnaMock) -> None:
    order = klarna_socket.order(amount=10_000)
    credentials = requests.auth._basic_auth_str(*klarna_socket.auth)
    body = json.dumps({"captured_amount": 5}).encode()
    head = (
        f"POST {url(klarna_socket, f'/orders/{order.id}/captures')} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
        f"Authorization: {credentials}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        "Connection: close\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", port_of(klarna_socket))) as caller:
        caller.sendall(head.encode())
        assert caller.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        caller.sendall(body)
        answer = http.client.HTTPResponse(caller)
        answer.begin()
        assert answer.status == 201
        answer.read()
    assert order.captured_once(5)


def test_what_is_no_http_is_refused(klarna_socket: KlarnaMock) -> None:
    with socket.create_connection(("127.0.0.1", port_of(klarna_socket))) as caller:
        caller.sendall(b"what\r\n\r\n")
        assert drained(caller).startswith(b"HTTP/1.1 400 ")


def test_callers_come_and_go(klarna_socket: KlarnaMock) -> None:
    order = klarna_socket.order()
    for _ in range(20):
        answer = requests.get(url(klarna_socket, f"/orders/{order.id}"), auth=klarna_socket.auth, timeout=5)
        assert answer.status_code == 200
    with contextlib.closing(socket.create_connection(("127.0.0.1", port_of(klarna_socket)))):
        pass
    assert len(klarna_socket.requests("getOrder")) == 20


def test_two_mocks_do_not_meet() -> None:
    with serve_mock() as one, serve_mock() as other:
        order = one.order()
        with pytest.raises(AssertionError), serve_mock(simulator=other.simulator) as third:
            third.orders.get.fails("NO_SUCH_ORDER")
        for klarna, status in ((one, 200), (other, 404)):
            answer = requests.get(url(klarna, f"/orders/{order.id}"), auth=klarna.auth, timeout=5)
            assert answer.status_code == status


def test_a_mistake_leaves_no_port_open() -> None:
    with pytest.raises(ConformanceError, match="is neither documented nor observed"):
        serve_mock(behaviour="odd")
