"""What is written down of one connection: each request that came in, what stood between them, and how it ended."""

from __future__ import annotations

import time
from collections import deque

from conformance.exchange import Request
from conformance.simulator.request_reader import RequestReader
from conformance.simulator.stream_event import Continue, Event, Framed
from conformance.simulator.wire import WireLog, WireRequest

__all__ = ["ConnectionNotes"]


class ConnectionNotes:
    """Makes a record of each request of a connection, so that who answers has only to say what became of it.

    ``waiting`` are the records of those that nobody has begun to answer.
    """

    __slots__ = ("_last", "_name", "_number", "_reader", "waiting")

    def __init__(self, reader: RequestReader, name: int) -> None:
        self.waiting: deque[WireRequest] = deque()
        self._reader = reader
        self._last: WireRequest | None = None
        self._name = name
        self._number = 0

    def add(self, log: WireLog, events: list[Event]) -> None:
        """Write down what was read, and what stood between two requests."""
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
            self.waiting.append(record)
            log.add(record)
        if self._last is not None and not self._reader.idle:
            stray = self._reader.stray
            if stray:
                self._last.trailing = stray

    def end(self, how: str, under_way: WireRequest | None) -> None:
        """Write down how the connection ended, on its last request and on those that were never answered.

        ``under_way`` is the one that is being answered, if any.
        """
        last = self._last
        if last is None or last.closed_how:
            return
        closed_s = time.monotonic()
        for record in {id(each): each for each in (last, under_way, *self.waiting) if each is not None}.values():
            record.closed_how = how
            record.closed_s = closed_s
        leftover = self._reader.leftover
        if leftover and not last.trailing:
            last.trailing = leftover
