"""The same mock on a socket, for clients that nothing can be patched in."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
from collections.abc import Iterator
from typing import Any

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
    with serve_mock() as klarna:
        klarna.orders.get.times_out()
        waiting = socket.create_connection(("127.0.0.1", port_of(klarna)))
        credentials = requests.auth._basic_auth_str(*klarna.auth)
        head = f"GET /ordermanagement/v1/orders/1 HTTP/1.1\r\nHost: a\r\nAuthorization: {credentials}\r\n\r\n"
        waiting.sendall(head.encode())
        while not klarna.requests():
            threading.Event().wait(0.001)
    with waiting:
        assert waiting.recv(1) == b""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port_of(klarna)))


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
        assert caller.recv(100).startswith(b"HTTP/1.1 400 ")
        assert caller.recv(100) == b""


def test_callers_come_and_go(klarna_socket: KlarnaMock) -> None:
    order = klarna_socket.order()
    for _ in range(20):
        answer = requests.get(url(klarna_socket, f"/orders/{order.id}"), auth=klarna_socket.auth, timeout=5)
        assert answer.status_code == 200
    with contextlib.closing(socket.create_connection(("127.0.0.1", port_of(klarna_socket)))):
        pass
    assert len(klarna_socket.requests("getOrder")) == 20


def test_a_mistake_leaves_no_port_open() -> None:
    with pytest.raises(ConformanceError, match="is neither documented nor observed"):
        serve_mock(behaviour="odd")
