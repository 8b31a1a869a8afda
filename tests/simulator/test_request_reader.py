from __future__ import annotations

import pytest

from conformance.exchange import Headers, Request
from conformance.simulator.request_reader import LARGEST_BODY, LARGEST_HEAD, RequestReader
from conformance.simulator.stream_event import Continue, Event, Framed, Refused

GET = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = (
    b"PATCH //c%2Fd?e HTTP/1.1\r\nTransfer-Encoding: Chunked\r\nConnection: close\r\n\r\n"
    b"3;name=value\r\nhel\r\n2\r\nlo\r\n0\r\nTrailer: ignored\r\n\r\n"
)
STREAM = GET + b"\r\n\r\n" + POST + CHUNKED


def read(*pieces: bytes) -> list[Event]:
    reader = RequestReader()
    return [event for piece in pieces for event in reader.feed(piece)]


def only(data: bytes) -> Framed:
    events = read(data)
    assert len(events) == 1
    assert isinstance(events[0], Framed)
    return events[0]


def refused(data: bytes) -> int:
    last = read(data)[-1]
    assert isinstance(last, Refused)
    assert last.reason
    return last.status


def check_stream(events: list[Event]) -> None:
    assert [type(event) for event in events] == [Framed] * 3
    first, second, third = (event for event in events if isinstance(event, Framed))
    assert first.request == Request("GET", "/a", Headers([("Host", "x")]))
    assert (second.request.method, second.request.target, second.request.body) == ("POST", "/b", b"hello")
    assert (third.request.target, third.request.body) == ("//c%2Fd?e", b"hello")
    assert (first.keep_alive, second.keep_alive, third.keep_alive) == (True, True, False)


def test_pipelined_requests_are_read_in_order() -> None:
    check_stream(read(STREAM))


@pytest.mark.parametrize("split", range(1, len(STREAM)))
def test_it_does_not_matter_where_the_stream_is_cut(split: int) -> None:
    check_stream(read(STREAM[:split], STREAM[split:]))


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_it_does_not_matter_how_small_the_pieces_are(size: int) -> None:
    check_stream(read(*(STREAM[start : start + size] for start in range(0, len(STREAM), size))))


def test_the_same_fields_again_belong_to_the_new_request() -> None:
    events = read(GET + GET.replace(b"/a", b"/z") + GET.replace(b"1.1", b"1.0"))
    framed = [event for event in events if isinstance(event, Framed)]
    assert [each.request.target for each in framed] == ["/a", "/z", "/a"]
    assert [each.keep_alive for each in framed] == [True, True, False]
    assert [each.chunks for each in framed] == [True, True, False]


@pytest.mark.parametrize(
    ("data", "body"),
    [
        (b"POST / HTTP/1.1\n\n", b""),
        (b"POST / HTTP/1.1\nContent-Length: 2\n\nab", b"ab"),
        (b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\nab", b"ab"),
        (b"POST / HTTP/1.1\nContent-Length: 2\n\r\nab", b"ab"),
        (b"POST / HTTP/1.1\r\nContent-Length: 4\n\n\r\n\r\n", b"\r\n\r\n"),
        (b"POST / HTTP/1.1\r\nContent-Length:2\r\ncontent-length: 2 \r\n\r\nab", b"ab"),
        (b"POST / HTTP/1.1\r\ntransfer-encoding:chunked\r\n\r\n1\na\n0\n\n", b"a"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b""),
        (b"\r\n\n\r\nPOST / HTTP/1.1\r\n\r\n", b""),
        (b"POST / HTTP/1.1\r\nX: \ta\tb\xe9 \r\n\r\n", b""),
    ],
)
def test_sloppy_requests_are_read(data: bytes, body: bytes) -> None:
    assert only(data).request.body == body


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET /\r\n\r\n", 400),
        (b"GET  / HTTP/1.1\r\n\r\n", 400),
        (b"GET /a b HTTP/1.1\r\n\r\n", 400),
        (b"{}POST / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/2.0\r\n\r\n", 505),
        (b"GET / HTTP/x\r\n\r\n", 400),
        (b"GET / http/1.1\r\n\r\n", 400),
        (b"GET /\x00 HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nNo colon\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nA B: x\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nA : x\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n: x\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nA: x\r\n folded\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nA: x\x01\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nA: x\ry\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 1e1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: \xb2\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 501),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1" * 5_000, 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + b"A: b\r\n" * 20_000, 431),
        (b"POST / HTTP/1.1\r\nContent-Length: 2097153\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n200001\r\n", 413),
        (b"GET /" + b"a" * LARGEST_HEAD, 431),
        (b"GET /" + b"a" * LARGEST_HEAD + b" HTTP/1.1\r\n\r\n", 431),
    ],
)
def test_what_cannot_be_framed_is_refused(data: bytes, status: int) -> None:
    assert refused(data) == status


def test_a_request_before_a_refusal_is_still_read() -> None:
    events = read(GET + b"{}POST / HTTP/1.1\r\n\r\n" + GET)
    assert [type(event) for event in events] == [Framed, Refused]


def test_nothing_is_read_after_the_end() -> None:
    reader = RequestReader()
    events = reader.feed(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n" + GET)
    assert len(events) == 1
    assert reader.feed(GET) == []
    assert reader.closed


def test_the_largest_body_is_read() -> None:
    head = b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % LARGEST_BODY
    body = b"x" * LARGEST_BODY
    events = read(head, *(body[start : start + 65_536] for start in range(0, LARGEST_BODY, 65_536)))
    assert [len(event.request.body) for event in events if isinstance(event, Framed)] == [LARGEST_BODY]


@pytest.mark.parametrize(
    ("version", "connection", "keep_alive"),
    [
        ("1.1", "", True),
        ("1.1", "Connection: Close\r\n", False),
        ("1.1", "Connection: keep-alive\r\nConnection: x, close\r\n", False),
        ("1.0", "", False),
        ("1.0", "Connection: Keep-Alive\r\n", True),
        ("1.2", "", True),
    ],
)
def test_who_wants_to_be_kept(version: str, connection: str, keep_alive: bool) -> None:
    assert only(f"GET / HTTP/{version}\r\n{connection}\r\n".encode()).keep_alive is keep_alive


def test_leave_is_given_to_send_a_body() -> None:
    reader = RequestReader()
    head = b"POST / HTTP/1.1\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\n"
    assert reader.feed(head) == [Continue()]
    assert [type(event) for event in reader.feed(b"ab")] == [Framed]
    assert [type(event) for event in reader.feed(head + b"ab")] == [Framed]
    chunked = b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert reader.feed(chunked) == [Continue()]


def test_leave_is_not_given_to_old_callers_or_for_nothing() -> None:
    assert read(b"POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n") == []
    assert [type(event) for event in read(b"POST / HTTP/1.1\r\nExpect: 100-continue\r\n\r\n")] == [Framed]


@pytest.mark.parametrize(
    ("data", "idle"),
    [(b"", True), (GET, True), (b"\r\n", True), (GET[:5], False), (POST[:-1], False), (CHUNKED[:-1], False)],
)
def test_it_knows_whether_it_stands_between_requests(data: bytes, idle: bool) -> None:
    reader = RequestReader()
    reader.feed(data)
    assert reader.idle is idle
