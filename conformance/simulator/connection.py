"""One caller's connection: bytes in, answers out, and whatever a script wants to go wrong between."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import struct
import time
from collections.abc import Callable, Iterator
from typing import Protocol, cast

from conformance.exchange import Request, Response
from conformance.simulator.connection_notes import ConnectionNotes
from conformance.simulator.request_reader import RequestReader
from conformance.simulator.response_writer import refusal_bytes, response_bytes
from conformance.simulator.script import Scripts
from conformance.simulator.stream_event import Continue, Event, Framed, Refused
from conformance.simulator.tampering import Ending, Move, Send, Wait
from conformance.simulator.toxic import SpoiltError, Toxic
from conformance.simulator.wire import Closed, WireLog, WireRequest

__all__ = ["Connection", "Doorway"]

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

# Lingering for zero seconds makes the system reset a connection in place of closing it.
_NO_LINGERING = struct.pack("ii", 1, 0)


class Doorway(Protocol):
    """What a connection asks of the door it came in by; a door knows its connections, and not the other way round."""

    handler: Callable[[Request], Response]
    log: WireLog | None
    scripts: Scripts | None
    connections: set[Connection]

    @property
    def secure(self) -> bool:
        """Whether it speaks TLS."""
        ...

    def time(self) -> float:
        """Return the event loop's time."""
        ...

    def toxic(self, request: Request, record: WireRequest) -> Toxic | None:
        """Return what is to go wrong with a request, None for nothing."""
        ...

    def moves(self, toxic: Toxic, framed: Framed, work: Callable[[], Response]) -> Iterator[Move]:
        """Return what happens to a request in place of a good answer."""
        ...


class Connection(asyncio.Protocol):
    """One caller: bytes in, requests handled in order, answers out."""

    __slots__ = (
        "_door",
        "_ended",
        "_framed",
        "_handler",
        "_lingering",
        "_log",
        "_moves",
        "_notes",
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

    def __init__(self, door: Doorway, name: int) -> None:
        self._door = door
        self._handler = door.handler
        self._log = door.log
        self._reader = RequestReader(skips_stray=door.log is not None)
        self._waiting: list[Event] = []
        self._notes = ConnectionNotes(self._reader, name)
        self._records = self._notes.waiting
        self._record: WireRequest | None = None
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
        """Come in; where there are too many already, go at once."""
        self._transport = cast(asyncio.Transport, transport)
        self.since = self._door.time()
        self._door.connections.add(self)
        if len(self._door.connections) > _MOST_CONNECTIONS:
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Be gone, by whatever end."""
        self._door.connections.discard(self)
        self._notes.end(Closed.RESET_BY_CLIENT if exc is not None else Closed.BY_CLIENT, self._record)
        self._let_go()

    def data_received(self, data: bytes) -> None:
        """Take in bytes and answer what they complete."""
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
            self._notes.add(self._log, events)
        if self._waiting:
            self._waiting += events
        else:
            self._waiting = events
        if self._moves is not None:
            self._mind_reading()
        elif not self._paused:
            self._work()

    def eof_received(self) -> bool:
        """Hear that no more will be sent; tell whether answers are still to go out."""
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
        """Hold answers back from a caller who does not read."""
        self._paused = True
        self._mind_reading()

    def resume_writing(self) -> None:
        """Go on answering."""
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
        self._notes.end(Closed.BY_SERVER, self._record)
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
        self._notes.end(Closed.BY_SERVER, self._record)
        self._transport.close()

    def reset(self) -> None:
        """Drop the connection so that the caller sees a reset."""
        self._notes.end(Closed.RESET_BY_SERVER, self._record)
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
        self._notes.end(Closed.BY_SERVER, self._record)
        self._transport.abort()

    def close(self) -> None:
        """Close the connection once what was written has gone out."""
        self._close()
