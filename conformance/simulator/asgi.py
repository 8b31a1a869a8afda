"""The double as an ASGI application, for test clients and servers that speak it; no framework is involved."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any
from urllib.parse import quote

from conformance.exchange import Headers, Request
from conformance.simulator.request_reader import LARGEST_BODY
from conformance.simulator.socket_door import Service

__all__ = ["Application", "app"]

_Message = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[_Message]]
_Send = Callable[[_Message], Awaitable[None]]
Application = Callable[[_Message, _Receive, _Send], Awaitable[None]]

# The server that runs the application decides on these.
_OF_THE_SERVER = frozenset({"date", "transfer-encoding"})

# What announces a body; without one of these a request over HTTP/1 has none, and nobody needs to wait for it.
_ANNOUNCING = frozenset({b"content-length", b"transfer-encoding"})

# Fields whose value is another in nearly every answer; of the others there are few.
_FRESH = frozenset({"capture-id", "content-length", "klarna-correlation-id", "location", "refund-id", "transaction-id"})
_MOST_FIELDS = 500

Fields = list[tuple[bytes, bytes]]


def app(simulator: Service) -> Application:
    """Return the application of a simulator, or of a replay; it serves HTTP and lifespan events."""
    answers = _Answers(simulator)

    async def application(scope: _Message, receive: _Receive, send: _Send) -> None:
        if scope["type"] == "http":
            await answers.give(scope, receive, send)
        elif scope["type"] == "lifespan":
            await _live(receive, send)
        else:
            raise NotImplementedError(f"the simulator does not speak {scope['type']}")

    return application


class _Answers:
    """Puts requests to a service and sends what it answers."""

    __slots__ = ("_fields", "_has_body", "_headers", "_service", "_written")

    def __init__(self, service: Service) -> None:
        self._service = service
        self._fields: Fields = []
        self._headers = Headers()
        self._has_body = False
        self._written = _Written()

    async def give(self, scope: _Message, receive: _Receive, send: _Send) -> None:
        fields = scope["headers"]
        # Callers repeat themselves: the fields are mostly those of the request before.
        if fields != self._fields:
            self._read(fields)
        headers = self._headers
        may_have_body = self._has_body or scope.get("http_version") not in ("1.0", "1.1")
        body = await _body(receive) if may_have_body else b""
        if body is None:
            return
        response = self._service.handle(Request(scope["method"], _target(scope), headers, body))
        written = self._written
        told = [pair for field in response.headers.items if (pair := written[field]) is not None]
        await send({"type": "http.response.start", "status": response.status, "headers": told})
        await send({"type": "http.response.body", "body": response.body})

    def _read(self, fields: Iterable[tuple[bytes, bytes]]) -> None:
        self._fields = [(bytes(name), bytes(value)) for name, value in fields]
        self._headers = Headers((name.decode("latin-1"), value.decode("latin-1")) for name, value in self._fields)
        self._has_body = any(name.lower() in _ANNOUNCING for name, _ in self._fields)


class _Written(dict[tuple[str, str], tuple[bytes, bytes] | None]):
    """Fields as ASGI has them, None for the server's own; most of an answer's fields are those of the answer before."""

    def __missing__(self, field: tuple[str, str]) -> tuple[bytes, bytes] | None:
        name = field[0].lower()
        written = None if name in _OF_THE_SERVER else (name.encode("latin-1"), field[1].encode("latin-1"))
        if name not in _FRESH and len(self) < _MOST_FIELDS:
            self[field] = written
        return written


async def _live(receive: _Receive, send: _Send) -> None:
    while True:
        phase = (await receive())["type"].rpartition(".")[2]
        await send({"type": f"lifespan.{phase}.complete"})
        if phase == "shutdown":
            return


async def _body(receive: _Receive) -> bytes | None:
    """Read a body to its end; None when the caller left before."""
    message = await receive()
    if message["type"] == "http.disconnect":
        return None
    piece: bytes = message.get("body", b"")
    if not message.get("more_body", False):
        return piece[:LARGEST_BODY]
    body = bytearray(piece[:LARGEST_BODY])
    while message.get("more_body", False):
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        # What is beyond the bound is read and dropped: the service refuses such a body by its size alone.
        body += message.get("body", b"")[: LARGEST_BODY - len(body)]
    return bytes(body)


def _target(scope: _Message) -> str:
    """Return the request target as it was sent, as far as the server tells."""
    raw: bytes = scope.get("raw_path") or quote(scope["path"], safe="/%:@!$&'()*+,;=~").encode()
    query: bytes = scope.get("query_string", b"")
    target = raw.decode("latin-1")
    return f"{target}?{query.decode('latin-1')}" if query else target
