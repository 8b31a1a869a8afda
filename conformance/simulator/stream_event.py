"""What is found in a stream of bytes: a whole request, one who waits with its body, or nothing that can be answered."""

from __future__ import annotations

from typing import NamedTuple

from conformance.exchange import Request

__all__ = ["Continue", "Event", "Framed", "Refused"]


class Framed(NamedTuple):
    """A whole request. ``keep_alive`` says whether another may follow, ``chunks`` whether the caller reads chunks.

    ``head`` is its head as received, with the blank line; ``framing`` how its end was told: ``none``,
    ``content-length`` or ``chunked``. ``preceding`` are bytes before it that belong to no message.
    """

    request: Request
    keep_alive: bool
    chunks: bool
    head: bytes = b""
    framing: str = "none"
    preceding: bytes = b""


class Refused(NamedTuple):
    """The bytes are no request that can be answered properly; nothing more is read from this stream.

    ``head`` is what was received of it, ``preceding`` what stood before it and belongs to no message.
    """

    status: int
    reason: str
    head: bytes = b""
    preceding: bytes = b""


class Continue(NamedTuple):
    """The caller waits for leave to send its body."""


Event = Framed | Refused | Continue
