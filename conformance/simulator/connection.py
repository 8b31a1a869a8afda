"""One listening port and the callers on it: bytes in, answers out, and whatever a script wants to go wrong between."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import ssl
import struct
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, cast

from conformance.exceptions import UsageError
from conformance.exchange import Request, Response
from conformance.simulator.request_reader import RequestReader
from conformance.simulator.response_writer import refusal_bytes, response_bytes
from conformance.simulator.script import Scripts
from conformance.simulator.stream_event import Continue, Event, Framed, Refused
from conformance.simulator.tampering import Ending, Move, Send, Tampering, Wait
from conformance.simulator.toxic import SpoiltError, Toxic
from conformance.simulator.wire import Closed, WireLog, WireRequest, named_order

__all__ = ["Door"]

_LOG = logging.getLogger(__name__)

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

# Answers to pipelined requests are written together up to this size, so that a caller who does not read stops us.
_WRITE_TOGETHER = 64 * 1024
_READ_TOGETHER = 16 * 1024
_MOST_CONNECTIONS = 2_000
# Requests that may wait behind one that is being tampered with.
_MOST_WAITING = 64

# Seconds: for a request to arrive once begun, between two requests, for the rest of a refused request, and for the
# longest performance of a script.
_REQUEST_TIME = 20.0
_IDLE_TIME = 120.0
_LINGER_TIME = 1.0
_PERFORMING_TIME = 180.0
_SWEEP_EVERY = 1.0

# Lingering for zero seconds makes the system reset a connection in place of closing it.
_NO_LINGERING = struct.pack("ii", 1, 0)


class _Connection(asyncio.Protocol):
    """One caller: bytes in, requests handled in order, answers out."""

    __slots__ = (
        "_door",
        "_ended",
        "_framed",
        "_handler",
        "_last",
        "_lingering",
        "_log",
        "_moves",
        "_name",
        "_number",
        "_paused",
        "_reader",
        "_record",
        "_records",
        "_silent",
        "_timer",
        "_transport",
        "_waiting",
        "since",
    )

    _transport: asyncio.Transport

    def __init__(self, door: Door, name: int) -> None:
        self._door = door
        self._handler = door.handler
        self._log = door.log
        self._reader = RequestReader(skips_stray=door.log is not None)
        self._waiting: list[Event] = []
        self._records: deque[WireRequest] = deque()
        self._record: WireRequest | None = None
        self._last: WireRequest | None = None
        self._name = name
        self._number = 0
        self._moves: Iterator[Move] | None = None
        self._framed: Framed | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._paused = False
        self._silent = False
        self._ended = False
        self._lingering = False
        self.since = 0.0

    # --- what the transport tells ---------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self.since = self._door.time()
        self._door.connections.add(self)
        if len(self._door.connections) > _MOST_CONNECTIONS:
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._door.connections.discard(self)
        self._note_end(Closed.RESET_BY_CLIENT if exc is not None else Closed.BY_CLIENT)
        self._let_go()

    def data_received(self, data: bytes) -> None:
        if self._lingering:
            return
        fresh = self._reader.idle
        if len(data) <= _READ_TOGETHER:
            events = self._reader.feed(data)
        else:
            # Every request moves what is read behind it, which in a long piece of many would be most of the work.
            pieces = range(0, len(data), _READ_TOGETHER)
            events = [event for start in pieces for event in self._reader.feed(data[start : start + _READ_TOGETHER])]
        if fresh or events:
            self.since = self._door.time()
        if self._log is not None:
            self._note(self._log, events)
        if self._waiting:
            self._waiting += events
        else:
            self._waiting = events
        if self._moves is not None:
            self._mind_reading()
        elif not self._paused:
            self._work()

    def eof_received(self) -> bool:
        # A caller that shuts down its sending side may still wait for answers; one with none to wait for is done.
        self._ended = True
        gave_up_s = time.monotonic()
        for record in (self._record, *self._records):
            if record is not None and record.answered_s is None:
                record.gave_up_s = gave_up_s
        if self._record is not None and self._record.toxic == "timeout":
            return False
        # Over TLS there is no half of a connection.
        return (bool(self._waiting) or self._moves is not None) and not self._door.secure

    def pause_writing(self) -> None:
        self._paused = True
        self._mind_reading()

    def resume_writing(self) -> None:
        self._paused = False
        if self._moves is not None:
            if self._timer is None:
                self._perform()
        else:
            self._work()
        self._mind_reading()

    # --- answers --------------------------------------------------------------------------------------------------

    def _work(self) -> None:
        """Answer what waits until the caller has to read first, or a script has something to play."""
        events = self._waiting
        scripts = self._door.scripts
        out: list[bytes] = []
        size = done = 0
        last = False
        for event in events:
            done += 1
            if isinstance(event, Framed):
                record = self._records.popleft() if self._records else None
                if scripts and record is not None:
                    toxic = self._door.toxic(event.request, record)
                    if toxic is not None:
                        self._begin(toxic, event, record)
                        break
                try:
                    response = self._handler(event.request)
                except SpoiltError as spoilt:
                    if record is not None:
                        record.toxic, record.worked = spoilt.toxic.kind, spoilt.worked
                    self._begin(spoilt.toxic, event, record)
                    break
                # An answer without a status stands for none at all, one that is cut for a connection that breaks off.
                piece = response_bytes(response, event) if response.status else b""
                if record is not None:
                    record.worked = True
                    record.response = response
                    record.status_sent = response.status
                    record.bytes_sent = len(piece)
                    record.answered_s = time.monotonic()
                last = not event.keep_alive or response.cut != ""
            elif isinstance(event, Continue):
                piece = _CONTINUE
            else:
                piece = refusal_bytes(event)
                if self._records:
                    record = self._records.popleft()
                    record.status_sent = event.status
                    record.bytes_sent = len(piece)
                    record.answered_s = time.monotonic()
                last = True
            out.append(piece)
            size += len(piece)
            if size >= _WRITE_TOGETHER:
                self._transport.write(b"".join(out))
                out.clear()
                size = 0
                if self._paused:
                    break
        self._waiting = events[done:]
        if out:
            self._transport.write(out[0] if len(out) == 1 else b"".join(out))
        if self._moves is not None:
            if not self._paused:
                self._perform()
        elif last and not self._waiting:
            self._finish(events[-1])
        elif self._ended and not self._waiting:
            self._close()

    def _finish(self, event: Event) -> None:
        if not isinstance(event, Refused):
            self._close()
            return
        # Closing with bytes unread would reset the connection and could take the answer with it.
        self._lingering = True
        self.since = self._door.time()
        self._note_end(Closed.BY_SERVER)
        if self._transport.can_write_eof():
            # The caller may have reset the connection without our having been told yet.
            with contextlib.suppress(OSError):
                self._transport.write_eof()

    # --- scripts --------------------------------------------------------------------------------------------------

    def _begin(self, toxic: Toxic, framed: Framed, record: WireRequest | None) -> None:
        def work() -> Response:
            if record is not None:
                record.worked = True
            return self._handler(framed.request)

        self._moves = self._door.moves(toxic, framed, work)
        self._framed = framed
        self._record = record
        self.since = self._door.time()

    def _perform(self) -> None:
        """Go on with a performance until it has to wait, the caller has to read first, or it is over."""
        self._timer = None
        try:
            while self._moves is not None:
                if self._paused:
                    return
                move = next(self._moves, None)
                if isinstance(move, Wait):
                    self._timer = asyncio.get_running_loop().call_later(move.seconds, self._perform)
                    return
                self._do(move)
        except Exception:  # noqa: BLE001 - one performance that fails must not take the other callers with it
            _LOG.exception("a script failed")
            self._end(Ending.RESET)

    def _do(self, move: Send | Ending | None) -> None:
        record, framed = self._record, self._framed
        if isinstance(move, Send):
            if record is not None:
                if move.response is not None:
                    record.response = move.response
                    record.status_sent = move.response.status
                    record.answered_s = time.monotonic()
                record.bytes_sent += len(move.data)
            self._transport.write(move.data)
        elif isinstance(move, Ending):
            self._end(move)
        else:
            self._moves = self._framed = self._record = None
            if framed is not None and not framed.keep_alive:
                self._end(Ending.CLOSE)
                return
            self._mind_reading()
            if self._waiting or self._ended:
                # Not at once: many scripted requests in one piece would call each other too deep.
                asyncio.get_running_loop().call_soon(self._resume)

    def _resume(self) -> None:
        if self._moves is None and not self._paused and not self._transport.is_closing():
            self._work()

    def _end(self, ending: Ending) -> None:
        if ending is Ending.RESET:
            self.reset()
        else:
            self._close()
        self._let_go()

    def _close(self) -> None:
        self._note_end(Closed.BY_SERVER)
        self._transport.close()

    def reset(self) -> None:
        """Drop the connection so that the caller sees a reset."""
        self._note_end(Closed.RESET_BY_SERVER)
        raw = self._transport.get_extra_info("socket")
        if raw is not None:
            with contextlib.suppress(OSError):
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGERING)
        self._transport.abort()

    def _let_go(self) -> None:
        self._waiting = []
        self._records.clear()
        self._moves = self._framed = self._record = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _mind_reading(self) -> None:
        """Stop reading from a caller who does not read, or who sends far ahead of a script."""
        silent = self._paused or (self._moves is not None and len(self._waiting) > _MOST_WAITING)
        if silent != self._silent and not self._transport.is_closing():
            self._silent = silent
            if silent:
                self._transport.pause_reading()
            else:
                self._transport.resume_reading()

    # --- the wire log ---------------------------------------------------------------------------------------------

    def _note(self, log: WireLog, events: list[Event]) -> None:
        at_s = time.monotonic()
        for event in events:
            if isinstance(event, Continue):
                continue
            self._number += 1
            if isinstance(event, Framed):
                request: Request | None = event.request
                body, framing = event.request.body, event.framing
            else:
                request, body, framing = None, b"", "none"
            record = WireRequest(event.head, body, self._name, self._number, at_s, request, event.preceding, framing)
            if self._last is not None and event.preceding:
                self._last.trailing = event.preceding
            self._last = record
            self._records.append(record)
            log.add(record)
        if self._last is not None and not self._reader.idle:
            stray = self._reader.stray
            if stray:
                self._last.trailing = stray

    def _note_end(self, how: str) -> None:
        """Write down how the connection ended, on its last request and on those that were never answered."""
        last = self._last
        if last is None or last.closed_how:
            return
        closed_s = time.monotonic()
        for record in {id(each): each for each in (last, self._record, *self._records) if each is not None}.values():
            record.closed_how = how
            record.closed_s = closed_s
        leftover = self._reader.leftover
        if leftover and not last.trailing:
            last.trailing = leftover

    # --- what the door asks ---------------------------------------------------------------------------------------

    def overdue(self, now: float) -> bool:
        """Tell whether the caller has kept the connection without using it for too long."""
        limit = _IDLE_TIME if self._reader.idle or self._paused else _REQUEST_TIME
        if self._lingering:
            limit = _LINGER_TIME
        elif self._moves is not None:
            limit = _PERFORMING_TIME
        return now - self.since > limit

    def abort(self) -> None:
        """Drop the connection."""
        self._note_end(Closed.BY_SERVER)
        self._transport.abort()

    def close(self) -> None:
        """Close the connection once what was written has gone out."""
        self._close()


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
        self.connections: set[_Connection] = set()
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
        self._server.close()
        for connection in list(self.connections):
            connection.close()
        # One turn of the loop lets what was written go out.
        await asyncio.sleep(0)
        for connection in list(self.connections):
            connection.abort()
        await asyncio.sleep(0)

    def _connected(self) -> _Connection:
        return _Connection(self, 0 if self.log is None else self.log.connection())

    def _sweep_later(self, loop: asyncio.AbstractEventLoop) -> None:
        self._sweep = loop.call_later(_SWEEP_EVERY, self._swept, loop)

    def _swept(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for connection in [each for each in self.connections if each.overdue(now)]:
            connection.abort()
        self._sweep_later(loop)
