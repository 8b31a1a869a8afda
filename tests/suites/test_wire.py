"""Whatever a server sends or fails to send comes back as an exchange, in bounded time and memory."""

from __future__ import annotations

import io
import socket
import struct
import threading
import time
import zlib

import pytest

from conformance.exceptions import UsageError
from conformance.exchange import Exchange, Headers, Request
from conformance.suites.wire import IN_CHUNKS, Limits, Wire
from tests.suites.raw_server import RawServer, Talk, saying

QUICK = Limits(connect_s=1, read_s=0.2, total_s=0.5, body_bytes=100_000)
DEFLATED = b"HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def asked(talk: Talk, request: Request | None = None, limits: Limits = QUICK) -> Exchange:
    with RawServer(talk) as server:
        wire = Wire(server.url, limits)
        exchange = wire.send(request or Request("GET", "/"))
        wire.close()
        return exchange


def test_an_answer_is_read_as_it_is() -> None:
    head = b"HTTP/1.1 403 No\r\nX-A: 1\r\nx-a: 2\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\n"
    response = asked(saying(head, b"\xff\xfe\x00a")).response
    assert response is not None
    assert (response.status, response.body, response.cut) == (403, b"\xff\xfe\x00a", "")
    assert response.headers.all("X-A") == ("1", "2")


HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n"


@pytest.mark.parametrize("interim", [HINTS, HINTS * 3, b"HTTP/1.1 102 Processing\r\n\r\n", b"HTTP/1.1 100 Go\r\n\r\n"])
@pytest.mark.parametrize("proper", [OK, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"])
def test_what_comes_before_the_answer_is_passed_over(interim: bytes, proper: bytes) -> None:
    response = asked(saying(interim + proper)).response
    assert response is not None
    assert (response.status, response.body, response.cut) == (200, b"ok", "")
    assert "Link" not in response.headers


def test_there_is_an_end_to_what_comes_before_the_answer() -> None:
    assert asked(saying(HINTS * 1_000)).failure == "the answer is not HTTP: HTTPException"


def test_the_request_line_travels_raw() -> None:
    with RawServer(saying(OK)) as server:
        wire = Wire(server.url + "/prefix/")
        wire.send(Request("PATCH", "//a/%7B%7D/..;x?q=%00", Headers([("X-Odd", "é")]), "ü".encode()))
        wire.close()
        assert wire.prefix == "/prefix"
        (request,) = server.requests
    lines = request.split(b"\r\n")
    assert lines[0] == b"PATCH //a/%7B%7D/..;x?q=%00 HTTP/1.1"
    assert b"X-Odd: \xe9" in lines
    assert b"Content-Length: 2" in lines
    assert request.endswith(b"\r\n\r\n\xc3\xbc")


@pytest.mark.parametrize(
    ("pieces", "cut"),
    [
        ((b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",), "the body ended after 3 of 10 bytes"),
        ((b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",), "the body ended early"),
        ((b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",), "the body ended early"),
        ((b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 200_000), "longer than 100000 bytes"),
        ((b"HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n", b"x" * 200_000), "longer than 100000 bytes"),
        ((b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nnot gzip",), "cannot be decompressed"),
        ((DEFLATED, zlib.compress(b"x" * 300_000)), "decompressed body is longer"),
        ((DEFLATED, zlib.compress(b"x" * 3_000)[:10]), "ended early"),
    ],
)
def test_a_body_that_is_not_whole_says_so(pieces: tuple[bytes, ...], cut: str) -> None:
    response = asked(saying(*pieces)).response
    assert response is not None
    assert cut in response.cut
    assert len(response.body) <= 100_000


def test_a_compressed_body_is_decoded() -> None:
    packed = zlib.compress(b"x" * 5_000)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\nContent-Length: {len(packed)}\r\n\r\n".encode()
    response = asked(saying(head, packed)).response
    assert response is not None
    assert (response.body, response.cut) == (b"x" * 5_000, "")


def silent(connection: socket.socket, request: bytes) -> bool:
    time.sleep(2)
    return False


def resets(connection: socket.socket, request: bytes) -> bool:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return False


@pytest.mark.parametrize(
    ("talk", "failure"),
    [
        (silent, "no answer: silent for 0.2 s"),
        (saying(), "connection closed without an answer"),
        (resets, "connection closed without an answer"),
        (saying(b"hello there\r\n\r\n"), "the answer is not HTTP"),
        (saying(b"HTTP/1.1 200 OK\r\n", b"A: b\r\n" * 200, b"\r\n"), "the answer is not HTTP"),
        (saying(b"HTTP/1.1 200 OK\r\nA: ", b"x" * 100_000), "the answer is not HTTP"),
    ],
)
def test_a_failure_is_no_exception(talk: Talk, failure: str) -> None:
    exchange = asked(talk)
    assert exchange.response is None
    assert exchange.failure.startswith(failure)


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n"])
def test_a_drip_fed_answer_ends_with_the_total_limit(head: bytes) -> None:
    stopped = threading.Event()

    def drip(connection: socket.socket, request: bytes) -> bool:
        connection.sendall(head)
        while not stopped.wait(0.02):
            connection.sendall(b"H")
        return False

    exchange = asked(drip)
    stopped.set()
    said = exchange.failure or (exchange.response.cut if exchange.response else "")
    assert "the answer took longer than 0.5 s" in said


def test_a_connection_is_kept_alive() -> None:
    with RawServer(saying(OK, again=True)) as server:
        wire = Wire(server.url, QUICK)
        assert all(wire.send(Request("GET", "/")).response for _ in range(3))
        wire.close()
        assert server.connections == 1


def test_a_closed_connection_is_not_used_again() -> None:
    with RawServer(saying(OK)) as server:
        wire = Wire(server.url, QUICK)
        wire.send(Request("POST", "/"))
        time.sleep(0.05)
        second = wire.send(Request("POST", "/"))
        wire.close()
        assert second.response is not None
        assert server.connections == 2


def once_per_connection() -> Talk:
    answered: set[object] = set()

    def talk(connection: socket.socket, request: bytes) -> bool:
        if connection.getpeername() in answered:
            return False
        answered.add(connection.getpeername())
        connection.sendall(OK)
        return True

    return talk


@pytest.mark.parametrize(("repeatable", "again"), [(True, True), (False, False)])
def test_only_what_may_be_repeated_is_sent_again(repeatable: bool, again: bool) -> None:
    with RawServer(once_per_connection()) as server:
        wire = Wire(server.url, QUICK)
        wire.send(Request("POST", "/"))
        second = wire.send(Request("POST", "/"), repeatable=repeatable)
        wire.close()
        assert (second.response is not None) is again
        assert len(server.requests) == (3 if again else 2)


def test_a_refusal_before_the_whole_body_is_read() -> None:
    answer = b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

    def refuse(connection: socket.socket, request: bytes) -> bool:
        connection.sendall(answer)
        return False

    exchange = asked(refuse, Request("POST", "/", Headers([("Content-Length", "0")]), b""))
    assert exchange.response is not None
    assert exchange.response.status == 413


def test_a_redirect_is_an_answer() -> None:
    response = asked(saying(b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n")).response
    assert response is not None
    assert response.status == 302


def test_tls_that_is_none() -> None:
    with RawServer(saying(OK)) as server:
        impatient = Limits(connect_s=0.2)
        exchange = Wire(server.url.replace("http:", "https:"), impatient).send(Request("GET", "/"))
    assert exchange.failure.startswith("no TLS connection") or exchange.failure.startswith("no connection")


class Broken:
    """A socket that cannot be written to, with an answer waiting or not."""

    def __init__(self, error: OSError, answer: bytes) -> None:
        self.error = error
        self.answer = io.BytesIO(answer)

    def settimeout(self, seconds: float) -> None:
        assert seconds > 0

    def sendall(self, data: bytes) -> None:
        raise self.error

    def recv_into(self, buffer: memoryview) -> int:
        return self.answer.readinto(buffer)

    def close(self) -> None:
        """Nothing is held."""


@pytest.mark.parametrize(
    ("error", "answer", "status", "failure"),
    [
        (BrokenPipeError(), b"HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n", 413, ""),
        (ConnectionResetError(), b"", None, "connection closed without an answer"),
        (TimeoutError(), b"", None, "the request could not be sent: timed out"),
        (OSError(5, "Input/output error"), b"", None, "the request could not be sent: input/output error"),
    ],
)
def test_a_request_that_cannot_be_sent_whole(
    monkeypatch: pytest.MonkeyPatch, error: OSError, answer: bytes, status: int | None, failure: str
) -> None:
    wire = Wire("http://127.0.0.1:1", QUICK)
    monkeypatch.setattr(wire, "_connect", lambda: Broken(error, answer))
    exchange = wire.send(Request("POST", "/", body=b"x"))
    assert (exchange.response.status if exchange.response else None, exchange.failure) == (status, failure)


def test_a_name_that_nobody_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "create_connection", unknown)
    exchange = Wire("http://unknown.example").send(Request("GET", "/"))
    assert exchange.failure == "no connection: the host name is not known"


def test_rubbish_between_answers_is_thrown_away() -> None:
    def talk(connection: socket.socket, request: bytes) -> bool:
        connection.sendall(OK)
        time.sleep(0.05)
        connection.sendall(b"HTTP/1.1 201 Smuggled\r\nContent-Length: 0\r\n\r\n")
        return True

    with RawServer(talk) as server:
        wire = Wire(server.url, QUICK)
        wire.send(Request("GET", "/"))
        time.sleep(0.15)
        second = wire.send(Request("GET", "/"))
        wire.close()
        assert second.response is not None
        assert second.response.status == 200
        assert server.connections == 2


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    exchange = Wire(f"http://127.0.0.1:{port}", QUICK).send(Request("GET", "/"))
    assert exchange.failure == "no connection: connection refused"


@pytest.mark.parametrize(
    "url",
    ["", "ftp://127.0.0.1", "127.0.0.1:80", "http://", "http://u:secret@127.0.0.1", "http://127.0.0.1:x", "http://h?q"],
)
def test_a_bad_address_is_bad_usage(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        Wire(url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("http://127.0.0.1:80/", "http://127.0.0.1"),
        ("https://h/a/b/", "https://h/a/b"),
        ("http://[::1]:81", "http://[::1]:81"),
    ],
)
def test_the_address_is_shown_plainly(url: str, base: str) -> None:
    assert Wire(url).base_url == base


@pytest.mark.parametrize(("body", "framed"), [(b"abc", b"2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"), (b"", b"0\r\n\r\n")])
def test_a_body_in_chunks_has_no_length(body: bytes, framed: bytes) -> None:
    received: list[bytes] = []

    def talk(caller: socket.socket, request: bytes) -> bool:
        received.append(request)
        caller.sendall(OK)
        return False

    asked(talk, Request("POST", "/", Headers(IN_CHUNKS), body))
    head, _, told = received[0].partition(b"\r\n\r\n")
    assert b"transfer-encoding: chunked" in head.lower()
    assert b"content-length" not in head.lower()
    assert told == framed
