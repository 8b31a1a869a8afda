"""One listening port with the callers on it: who comes in, who is let go, and what is to go wrong with a request."""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
from collections.abc import Callable, Iterator
from typing import Any

from conformance.exceptions import UsageError
from conformance.exchange import Request, Response
from conformance.simulator.connection import Connection
from conformance.simulator.script import Scripts
from conformance.simulator.stream_event import Framed
from conformance.simulator.tampering import Move, Tampering
from conformance.simulator.toxic import Toxic
from conformance.simulator.wire import WireLog, WireRequest, named_order

__all__ = ["Door"]

# How often to look for callers who have been silent for too long, in seconds.
_SWEEP_EVERY = 1.0


class Door:
    """One listening port with the callers on it.

    ``log`` keeps what they send, None for nothing. ``scripts`` say what goes wrong, ``tampering`` how; without the two
    every answer is the handler's. ``context`` makes it speak TLS.
    """

    __slots__ = (
        "_server",
        "_sweep",
        "_tampering",
        "_time_of",
        "connections",
        "context",
        "handler",
        "log",
        "port",
        "scripts",
    )

    def __init__(
        self,
        handler: Callable[[Request], Response],
        *,
        log: WireLog | None = None,
        scripts: Scripts | None = None,
        tampering: Tampering | None = None,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self.handler = handler
        self.log = log
        self.scripts = scripts
        self.context = context
        self.connections: set[Connection] = set()
        self.port = 0
        self._tampering = tampering
        self._server: asyncio.Server | None = None
        self._sweep: asyncio.TimerHandle | None = None

    @property
    def secure(self) -> bool:
        """Whether it speaks TLS."""
        return self.context is not None

    def time(self) -> float:
        """Return the event loop's time."""
        return self._time_of()

    def toxic(self, request: Request, record: WireRequest) -> Toxic | None:
        """Return what is to go wrong with a request; one without credentials is only ever asked for them."""
        scripts, tampering = self.scripts, self._tampering
        order_id = named_order(request.target)
        if scripts is None or tampering is None or order_id not in scripts:
            return None
        operation = tampering.operation(request)
        if not operation:
            return None
        bare = "Authorization" not in request.headers
        toxic, number = scripts.take(order_id, operation, lambda each: not bare or each.kind == "challenge")
        record.scripted = True
        record.order_id, record.operation, record.attempt = order_id, operation, number
        if toxic is not None:
            record.toxic = toxic.kind
        return toxic

    def moves(self, toxic: Toxic, framed: Framed, work: Callable[[], Response]) -> Iterator[Move]:
        """Return what happens to a request in place of a good answer."""
        if self._tampering is None:
            raise RuntimeError("nothing to tamper with")
        return self._tampering.moves(toxic, framed, work)

    async def open(self, host: str, port: int) -> None:
        """Listen; raises UsageError when that is not possible."""
        loop = asyncio.get_running_loop()
        self._time_of = loop.time
        options: dict[str, Any] = {} if self.context is None else {"ssl": self.context, "ssl_handshake_timeout": 10.0}
        try:
            self._server = await loop.create_server(self._connected, host, port, backlog=512, **options)
        except (OSError, OverflowError) as error:
            why = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
            raise UsageError(f"cannot listen on {host}:{port}: {why.lower()}") from None
        self.port = self._server.sockets[0].getsockname()[1]
        self._sweep_later(loop)

    async def close(self) -> None:
        """Stop listening and let go of everybody."""
        if self._sweep is not None:
            self._sweep.cancel()
        if self._server is None:
            return
        loop = asyncio.get_running_loop()
        for listening in self._server.sockets:
            # A server that is closed while it is letting somebody in would lose sight of the connection.
            with contextlib.suppress(NotImplementedError):
                loop.remove_reader(listening.fileno())
        await asyncio.sleep(0)
        self._server.close()
        for connection in list(self.connections):
            connection.close()
        # One turn of the loop lets what was written go out.
        await asyncio.sleep(0)
        for connection in list(self.connections):
            connection.abort()
        await asyncio.sleep(0)

    def _connected(self) -> Connection:
        return Connection(self, 0 if self.log is None else self.log.connection())

    def _sweep_later(self, loop: asyncio.AbstractEventLoop) -> None:
        self._sweep = loop.call_later(_SWEEP_EVERY, self._swept, loop)

    def _swept(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for connection in [each for each in self.connections if each.overdue(now)]:
            connection.abort()
        self._sweep_later(loop)
