from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from conformance.simulator.service import Simulator
from conformance.simulator.socket_door import ServerThread
from conformance.simulator.wire import Closed
from tests.simulator.caller import BASE
from tests.simulator.raw_caller import AUTHORIZATION, RawCaller, capture_bytes, read_bytes, until

LAST = "Connection: close"


@pytest.fixture(scope="module")
def raw(contract: Any) -> Iterator[RawCaller]:
    with ServerThread(Simulator(contract)) as server:
        yield RawCaller(server)


def test_the_bytes_are_kept_as_they_came(raw: RawCaller) -> None:
    order_id = raw.order()
    sent = (
        f"GET //proxy{BASE}/{order_id}?x=%2F HTTP/1.1\r\nHOST: a\r\nzeta: 1\r\nAlpha:2\r\n"
        f"authorization: {AUTHORIZATION}\r\nconnection: close\r\n\r\n"
    ).encode()
    assert raw.ask(sent)[0].startswith(b"HTTP/1.1 200 OK")
    kept = raw.only(order_id)
    assert kept.raw == sent
    assert kept.request is not None
    assert kept.request.target == f"//proxy{BASE}/{order_id}?x=%2F"
    assert [name for name, _ in kept.request.headers] == ["HOST", "zeta", "Alpha", "authorization", "connection"]
    assert (kept.framing, kept.body, kept.number_on_connection) == ("none", b"", 1)


@pytest.mark.parametrize(
    ("framing", "body", "kind"),
    [
        ("Content-Length: 0", b"", "content-length"),
        ("X: y", b"", "none"),
        ("Transfer-Encoding: chunked", b"0\r\n\r\n", "chunked"),
        ("Transfer-Encoding: chunked", b"1\r\n{\r\n1\r\n}\r\n0\r\n\r\n", "chunked"),
    ],
)
def test_the_framing_is_told(raw: RawCaller, framing: str, body: bytes, kind: str) -> None:
    order_id = raw.order()
    head = (
        f"POST {BASE}/{order_id}/acknowledge HTTP/1.1\r\nAuthorization: {AUTHORIZATION}\r\n{framing}\r\n{LAST}\r\n\r\n"
    )
    assert raw.ask(head.encode() + body)[0].startswith(b"HTTP/1.1 204")
    assert raw.only(order_id).framing == kind
    assert raw.only(order_id).body == (b"{}" if b"{" in body else b"")


@pytest.mark.parametrize(
    "garbage",
    [b"{}", b"null", b'{\n  "captured_amount": 1\n}', b"a=b&c=POST", b"NULL", b'{"a":\r\n\r\n1}', b"[]\r\n"],
)
def test_garbage_is_held_against_the_request_before_it(raw: RawCaller, garbage: bytes) -> None:
    order_id = raw.order()
    received, _ = raw.ask(read_bytes(order_id) + garbage + capture_bytes(order_id, 100, LAST))
    assert received.count(b"HTTP/1.1 200 OK") == 1
    assert received.count(b"HTTP/1.1 201 Created") == 1
    first, second = raw.server.wire(order_id)
    assert first.trailing.strip() == second.preceding.strip() == garbage.strip()
    assert second.raw + second.body == capture_bytes(order_id, 100, LAST)
    assert (first.connection, first.number_on_connection + 1) == (second.connection, second.number_on_connection)


@pytest.mark.parametrize("garbage", [b"{}", b"NULL"])
def test_garbage_that_nothing_follows_is_noted(raw: RawCaller, garbage: bytes) -> None:
    order_id = raw.order()
    with raw.line() as line:
        line.sendall(read_bytes(order_id) + garbage)
        assert line.recv(10)
        if garbage == b"{}":
            assert raw.only(order_id).trailing == garbage
    until(lambda: raw.only(order_id).trailing == garbage)


@pytest.mark.parametrize("garbage", [b"\r\n\r\n", b"\n"])
def test_blank_lines_are_no_garbage(raw: RawCaller, garbage: bytes) -> None:
    order_id = raw.order()
    raw.ask(read_bytes(order_id) + garbage + read_bytes(order_id, LAST))
    first, second = raw.server.wire(order_id)
    assert (first.trailing, second.preceding) == (b"", b"")


def test_there_is_an_end_to_garbage(raw: RawCaller) -> None:
    order_id = raw.order()
    received, _ = raw.ask(read_bytes(order_id) + b"x" * 500 + b"\n\n" + b"y\n\n" * 40_000)
    assert b"HTTP/1.1 400 Bad Request" in received
    assert raw.only(order_id).trailing.startswith(b"x" * 500)


def test_what_cannot_be_read_is_noted(raw: RawCaller) -> None:
    received, _ = raw.ask(b"GET noted-nonsense and more HTTP/1.1\r\n\r\n")
    assert received.startswith(b"HTTP/1.1 400")
    kept = next(each for each in reversed(raw.server.wire()) if b"noted-nonsense" in each.raw)
    assert (kept.request, kept.status_sent, kept.closed_how) == (None, 400, Closed.BY_SERVER)
