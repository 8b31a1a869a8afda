from __future__ import annotations

import pytest

from conformance.exchange import Headers, Request, Response
from conformance.simulator.response_writer import response_bytes
from conformance.simulator.stream_event import Framed


def framed(method: str = "GET", *, keep_alive: bool = True, chunks: bool = True) -> Framed:
    return Framed(Request(method, "/"), keep_alive, chunks)


CHUNKED_ANSWER = Response(200, Headers([("A", "é"), ("Transfer-Encoding", "chunked")]), b"hello")


def test_an_answer_in_chunks() -> None:
    assert response_bytes(CHUNKED_ANSWER, framed()) == (
        b"HTTP/1.1 200 OK\r\nA: \xe9\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n"
        b"5\r\nhello\r\n0\r\n\r\n"
    )
    empty = Response(200, CHUNKED_ANSWER.headers)
    assert response_bytes(empty, framed()).endswith(b"\r\n\r\n0\r\n\r\n")


def test_old_callers_get_no_chunks() -> None:
    assert response_bytes(CHUNKED_ANSWER, framed(chunks=False, keep_alive=False)) == (
        b"HTTP/1.1 200 OK\r\nA: \xe9\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"
    )


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (Response(204), b"HTTP/1.1 204 No Content\r\nConnection: keep-alive\r\n\r\n"),
        (
            Response(201, Headers([("Content-Length", "0")])),
            b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n",
        ),
        (
            Response(599, Headers(), b"x"),
            b"HTTP/1.1 599 Unknown\r\nContent-Length: 1\r\nConnection: keep-alive\r\n\r\nx",
        ),
        (
            Response(422, Headers([("Content-Length", "1")]), b"x"),
            b"HTTP/1.1 422 Unprocessable Entity\r\nContent-Length: 1\r\nConnection: keep-alive\r\n\r\nx",
        ),
    ],
)
def test_answers_end_where_they_say(response: Response, expected: bytes) -> None:
    assert response_bytes(response, framed()) == expected


def test_an_answer_to_head_has_no_body() -> None:
    written = response_bytes(Response(405, Headers([("Content-Length", "1")]), b"x"), framed("HEAD"))
    assert written.endswith(b"Content-Length: 1\r\nConnection: keep-alive\r\n\r\n")
