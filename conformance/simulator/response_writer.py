"""Writes answers as bytes of HTTP/1.1, each the way its caller can read it, without touching a socket."""

from __future__ import annotations

from http import HTTPStatus

from conformance.exchange import Headers, Request, Response
from conformance.simulator.stream_event import Framed, Refused

__all__ = ["refusal_bytes", "response_bytes"]

_CHUNKED = "Transfer-Encoding: chunked\r\n"
_WITHOUT_BODY = frozenset({204, 304})


def response_bytes(response: Response, framed: Framed) -> bytes:
    """Write an answer to a request the way its caller can read it, with all that belongs to the connection."""
    status, body = response.status, response.body
    head = _status_line(status) + "".join([f"{name}: {value}\r\n" for name, value in response.headers.items])
    chunked = _CHUNKED in head
    if chunked and not framed.chunks:
        head = head.replace(_CHUNKED, "")
        chunked = False
    if not chunked and status not in _WITHOUT_BODY and "\r\nContent-Length: " not in head:
        head += f"Content-Length: {len(body)}\r\n"
    head += "Connection: keep-alive\r\n\r\n" if framed.keep_alive else "Connection: close\r\n\r\n"
    start = head.encode("latin-1")
    if framed.request.method == "HEAD" or status in _WITHOUT_BODY:
        return start
    if not chunked:
        return start + body
    return b"%b%x\r\n%b\r\n0\r\n\r\n" % (start, len(body), body) if body else start + b"0\r\n\r\n"


def refusal_bytes(refused: Refused) -> bytes:
    """Write why a request cannot be answered properly; the connection ends with it."""
    body = refused.reason.encode() + b"\n"
    headers = Headers((("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))))
    return response_bytes(Response(refused.status, headers, body), _UNREADABLE)


# Stands for the request behind a refusal, of which nothing is known but that no other follows.
_UNREADABLE = Framed(Request("", ""), keep_alive=False, chunks=False)


_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in HTTPStatus}


def _status_line(status: int) -> str:
    return _STATUS_LINES.get(status) or f"HTTP/1.1 {status} Unknown\r\n"
