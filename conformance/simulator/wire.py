"""What stood on the wire: every request byte for byte, and what became of it, for whoever judges clients."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from typing import Any
from urllib.parse import unquote

from conformance.contract.operations import Operations
from conformance.exchange import Request, Response

__all__ = ["Closed", "WireLog", "WireRequest", "named_order"]

_MOST_REQUESTS = 50_000
_MOST_BYTES = 64 * 1024 * 1024
# What a record takes beside its bytes, roughly.
_RECORD = 600
_ORDERS = "/orders/"
_SECRET = frozenset({"authorization", "proxy-authorization"})


class Closed:
    """Who ended a connection, and how."""

    BY_SERVER = "closed by the server"
    RESET_BY_SERVER = "reset by the server"
    BY_CLIENT = "closed by the client"
    RESET_BY_CLIENT = "reset by the client"


@dataclass(slots=True, eq=False)
class WireRequest:
    """One request as it arrived and what was done with it; the door goes on writing here until its connection ends.

    ``raw`` is the head as received, up to and with the blank line; ``body`` what followed, chunks put together.
    ``preceding`` are bytes that stood before it, behind the request before, and belong to no message; ``trailing`` are
    those behind it. ``framing`` is ``none``, ``content-length`` or ``chunked``. ``number`` counts all requests of a
    door from 1. Times are seconds of ``time.monotonic``: ``at_s`` when the request was complete, ``answered_s`` when
    its answer began to leave, ``closed_s`` when its connection ended while it was the last. ``request`` is None when
    the bytes were no request. ``status_sent`` is None as long as nothing was answered; ``bytes_sent`` counts what was
    handed to the system. ``closed_how`` is empty while the connection is open. ``toxic`` names the fault done to it,
    ``attempt`` its number among the requests for this operation on this order, from 1 (since the script was set,
    where there is one); 0 for a request that did not count. ``operation`` and ``order_id`` are empty where the target
    leads nowhere. ``worked`` says that what was asked for was put to the service, whatever was answered;
    ``gave_up_s`` when the caller ended its side of the connection while it still had no answer.
    """

    raw: bytes = field(repr=False)
    body: bytes = field(repr=False)
    connection: int
    number_on_connection: int
    at_s: float
    request: Request | None
    preceding: bytes = b""
    framing: str = "none"
    trailing: bytes = b""
    number: int = 0
    operation: str = ""
    order_id: str = ""
    attempt: int = 0
    toxic: str = ""
    response: Response | None = field(default=None, repr=False)
    status_sent: int | None = None
    bytes_sent: int = 0
    answered_s: float | None = None
    closed_how: str = ""
    closed_s: float | None = None
    worked: bool = False
    gave_up_s: float | None = None
    scripted: bool = field(default=False, repr=False)

    @property
    def had_credentials(self) -> bool:
        """Whether it carried an Authorization header."""
        return self.request is not None and "Authorization" in self.request.headers

    @property
    def unanswered(self) -> bool:
        """Whether its connection ended before a byte of answer had left."""
        return bool(self.closed_how) and not self.bytes_sent

    def repeats(self, other: WireRequest) -> bool:
        """Tell whether the same bytes came again, on another connection."""
        return self.connection != other.connection and self.raw == other.raw and self.body == other.body

    def described(self, username: Callable[[str], str]) -> dict[str, Any]:
        """Return it as JSON data; ``username`` makes of an Authorization value what may be shown."""
        return {
            "number": self.number,
            "operation": self.operation,
            "order_id": self.order_id,
            "attempt": self.attempt,
            "connection": self.connection,
            "number_on_connection": self.number_on_connection,
            "at_s": round(self.at_s, 6),
            "head": _without_secret(self.raw, username),
            "body": self.body.decode("utf-8", "replace"),
            "framing": self.framing,
            "preceding": self.preceding.decode("latin-1"),
            "trailing": self.trailing.decode("latin-1"),
            "had_credentials": self.had_credentials,
            "toxic": self.toxic,
            "worked": self.worked,
            "status_sent": self.status_sent,
            "bytes_sent": self.bytes_sent,
            "answered_s": None if self.answered_s is None else round(self.answered_s, 6),
            "gave_up_s": None if self.gave_up_s is None else round(self.gave_up_s, 6),
            "closed_how": self.closed_how,
            "closed_s": None if self.closed_s is None else round(self.closed_s, 6),
        }


class WireLog:
    """The newest requests of a door, bounded by number and size; it may be read from any thread."""

    __slots__ = (
        "_attempts",
        "_by_order",
        "_bytes",
        "_connections",
        "_indexed",
        "_lock",
        "_operations",
        "_records",
        "total",
    )

    def __init__(self, operations: Operations) -> None:
        self._operations = operations
        self._lock = threading.Lock()
        self.total = 0
        self._connections = 0
        self._empty()

    def connection(self) -> int:
        """Return the number of a new connection, from 1 over all doors that write here."""
        with self._lock:
            self._connections += 1
            return self._connections

    def add(self, record: WireRequest) -> None:
        """Keep a request and give it its number; the oldest make room."""
        with self._lock:
            self.total += 1
            record.number = self.total
            self._records.append(record)
            self._bytes += _RECORD + len(record.raw) + len(record.body)
            while len(self._records) > _MOST_REQUESTS or (self._bytes > _MOST_BYTES and len(self._records) > 1):
                self._drop()

    def requests(self, order_id: str | None = None, since: int = 0) -> tuple[WireRequest, ...]:
        """Return what is kept in the order of arrival: all, or of one order, with numbers above ``since``."""
        with self._lock:
            self._index()
            if order_id is not None:
                return tuple(each for each in self._by_order.get(order_id, ()) if each.number > since)
            dropped = self.total - len(self._records)
            return tuple(islice(self._records, max(0, since - dropped), None))

    def clear(self) -> None:
        """Forget everything; numbers go on."""
        with self._lock:
            self._empty()

    def _empty(self) -> None:
        self._records: deque[WireRequest] = deque()
        self._by_order: dict[str, deque[WireRequest]] = {}
        self._attempts: dict[str, dict[str, int]] = {}
        self._bytes = 0
        self._indexed = self.total

    def _index(self) -> None:
        """Look at what came since the last look; while nobody reads, requests cost no routing here."""
        dropped = self.total - len(self._records)
        for record in islice(self._records, max(0, self._indexed - dropped), None):
            if record.request is not None:
                self._name(record, record.request)
            if record.order_id:
                self._by_order.setdefault(record.order_id, deque()).append(record)
        self._indexed = self.total

    def _name(self, record: WireRequest, request: Request) -> None:
        if not record.scripted:
            route = self._operations.route(request.method, request.target)
            record.operation = route.operation.id if route is not None and route.operation is not None else ""
            record.order_id = (route.ids.get("order_id") if route is not None else None) or named_order(request.target)
        if record.operation:
            attempts = self._attempts.setdefault(record.order_id, {})
            if not record.scripted:
                record.attempt = attempts.get(record.operation, 0) + 1
            attempts[record.operation] = record.attempt

    def _drop(self) -> None:
        record = self._records.popleft()
        self._bytes -= _RECORD + len(record.raw) + len(record.body)
        of_order = self._by_order.get(record.order_id)
        if of_order and of_order[0] is record:
            of_order.popleft()
            if not of_order:
                del self._by_order[record.order_id]
                self._attempts.pop(record.order_id, None)


def named_order(target: str) -> str:
    """Return what stands where an order's id belongs in a target, decoded; empty for nothing."""
    rest = target.partition(_ORDERS)[2].partition("/")[0]
    if "?" in rest or "#" in rest:
        rest = rest.partition("?")[0].partition("#")[0]
    return unquote(rest) if "%" in rest else rest


def _without_secret(raw: bytes, username: Callable[[str], str]) -> str:
    lines = []
    secret = False
    for line in raw.decode("latin-1").split("\n"):
        name, colon, value = line.partition(":")
        # A line that starts with a blank goes on with the field before.
        continues = line[:1] in (" ", "\t") and secret
        secret = continues or (bool(colon) and name.strip().lower() in _SECRET)
        end = "\r" if line.endswith("\r") else ""
        lines.append(f"{'' if continues else f'{name}: {username(value.strip())}'}{end}" if secret else line)
    return "\n".join(lines)
