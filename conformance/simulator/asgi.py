"""The double as an ASGI application, for test clients and servers that speak it; no framework is involved."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import quote

from conformance.exchange import Headers, Request
from conformance.simulator.framing import LARGEST_BODY
from conformance.simulator.socket_door import Service

__all__ = ["Application", "app"]

_Message = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[_Message]]
_Send = Callable[[_Message], Awaitable[None]]
Application = Callable[[_Message, _Receive, _Send], Awaitable[None]]

# The server that runs the application decides on these.
_OF_THE_SERVER = frozenset({"date", "transfer-encoding"})


def app(simulator: Service) -> Application:
    """Return the application of a simulator, or of a replay; it serves HTTP and lifespan events."""

    async def application(scope: _Message, receive: _Receive, send: _Send) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["type"] == "http":
            await _answer(simulator, scope, receive, send)
        else:
            raise NotImplementedError(f"the simulator does not speak {scope['type']}")

    return application


async def _live(receive: _Receive, send: _Send) -> None:
    while True:
        phase = (await receive())["type"].rpartition(".")[2]
        await send({"type": f"lifespan.{phase}.complete"})
        if phase == "shutdown":
            return


async def _answer(simulator: Service, scope: _Message, receive: _Receive, send: _Send) -> None:
    body = bytearray()
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        # What is beyond the bound is read and dropped: the service refuses such a body by its size alone.
        body += message.get("body", b"")[: LARGEST_BODY - len(body)]
        more = message.get("more_body", False)
    headers = Headers((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"])
    response = simulator.handle(Request(scope["method"], _target(scope), headers, bytes(body)))
    told = [
        (name.lower().encode("latin-1"), value.encode("latin-1"))
        for name, value in response.headers
        if name.lower() not in _OF_THE_SERVER
    ]
    await send({"type": "http.response.start", "status": response.status, "headers": told})
    await send({"type": "http.response.body", "body": response.body})


def _target(scope: _Message) -> str:
    """Return the request target as it was sent, as far as the server tells."""
    raw: bytes = scope.get("raw_path") or quote(scope["path"], safe="/%:@!$&'()*+,;=~").encode()
    query: bytes = scope.get("query_string", b"")
    target = raw.decode("latin-1")
    return f"{target}?{query.decode('latin-1')}" if query else target
