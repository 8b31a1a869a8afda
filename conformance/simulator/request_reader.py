"""Cuts a stream of bytes into HTTP/1.1 requests, without touching a socket.

The reader is tolerant where clients are sloppy (blank lines before a request, bare line feeds, a doubled slash) and
strict where being tolerant would make it disagree with others about where a message ends.
"""

from __future__ import annotations

import re
from enum import Enum, auto

from conformance.exchange import Headers, Request
from conformance.simulator.stream_event import Continue, Event, Framed, Refused

__all__ = ["LARGEST_BODY", "LARGEST_HEAD", "RequestReader"]

LARGEST_HEAD = 64 * 1024
LARGEST_BODY = 2 * 1024 * 1024

_LONGEST_CHUNK_LINE = 4 * 1024
_MOST_NAMES = 1_000
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
_VERSION = re.compile(r"HTTP/(\d)\.(\d)", re.ASCII)
_LENGTH = re.compile(r"\d{1,15}", re.ASCII)
_CHUNK_SIZE = re.compile(rb"[0-9A-Fa-f]{1,8}")
_STRAY_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_METHODS = frozenset({"GET", "POST", "PATCH"})
_USUAL = (b"GET ", b"POST ", b"PATCH ")
_MOST_STRAY = 64 * 1024
_MOST_STRAY_BLOCKS = 50

# Where a request begins behind bytes that were written with the one before and belong to no message.
_BEGINNING = re.compile(rb"(?:GET|POST|PATCH|PUT|DELETE|HEAD|OPTIONS) [^ \r\n]+ HTTP/1\.[01]\r?\n")


class _Part(Enum):
    HEAD = auto()
    BODY = auto()
    CHUNK_SIZE = auto()
    CHUNK = auto()
    CHUNK_END = auto()
    TRAILER = auto()
    CLOSED = auto()


class _RefusedError(Exception):
    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.refused = Refused(status, reason)


# The fields that decide where a message ends and what comes after it.
_FRAMING = frozenset({"connection", "content-length", "expect", "transfer-encoding"})

# Whether a header name that was looked at before is one of these; there are few names, and each is looked at once.
_names: dict[str, bool] = {}


class RequestReader:
    """Reads requests out of bytes that arrive in pieces of any size.

    With ``skips_stray``, bytes between two requests that belong to neither are set aside instead of refused.
    """

    __slots__ = (
        "_body",
        "_buffer",
        "_chunks",
        "_fields",
        "_framing",
        "_head",
        "_headers",
        "_keep_alive",
        "_method",
        "_needed",
        "_part",
        "_preceding",
        "_read",
        "_searched",
        "_skips_stray",
        "_stray_blocks",
        "_target",
        "_trailer",
        "_version",
    )

    def __init__(self, *, skips_stray: bool = False) -> None:
        self._skips_stray = skips_stray
        self._buffer = b""
        self._searched = 0
        self._part = _Part.HEAD
        self._fields = b""
        self._version = ""
        self._method = ""
        self._target = ""
        self._headers = Headers()
        self._framing: dict[str, list[str]] = {}
        self._keep_alive = True
        self._chunks = True
        self._needed = 0
        self._body = bytearray()
        self._trailer = 0
        self._head = b""
        self._preceding = b""
        self._stray_blocks = 0
        self._read = 0

    @property
    def idle(self) -> bool:
        """Whether the stream stands between two requests."""
        return self._part is _Part.HEAD and not self._buffer

    @property
    def closed(self) -> bool:
        """Whether nothing more will be read."""
        return self._part is _Part.CLOSED

    @property
    def leftover(self) -> bytes:
        """What has been received behind the last whole request, without blank lines."""
        if self._part is not _Part.HEAD:
            return b""
        return (self._preceding + self._buffer[:_MOST_STRAY]).strip(b"\r\n")

    @property
    def stray(self) -> bytes:
        """What has been received behind the last whole request and cannot be the beginning of another."""
        if self._part is not _Part.HEAD:
            return b""
        begins_well = not self._buffer or self._buffer[0] in b"ABCDEFGHIJKLMNOPQRSTUVWXYZ\r\n"
        return self._preceding if begins_well else self.leftover

    def feed(self, data: bytes) -> list[Event]:
        """Take in bytes and return what they complete, in order. After a Refused nothing more is read."""
        if self._part is _Part.CLOSED:
            return []
        self._buffer = self._buffer + data if self._buffer else data
        events: list[Event] = []
        try:
            while self._advance(events) and self._buffer:
                pass
        except _RefusedError as error:
            head = self._head or self._buffer[: LARGEST_HEAD + 1]
            events.append(error.refused._replace(head=head, preceding=self._preceding))
            self._close()
        return events

    def _advance(self, events: list[Event]) -> bool:
        """Read the part that is due as far as it is there; tell whether to go on."""
        part = self._part
        if part is _Part.HEAD:
            return self._read_head(events)
        if part is _Part.BODY:
            if not self._take_body():
                return False
            self._emit(events, self._gathered())
            return True
        if part is _Part.CHUNK:
            if not self._take_body():
                return False
            self._part = _Part.CHUNK_END
            return True
        if part is _Part.CLOSED:
            return False
        return self._read_chunk_line(events)

    def _close(self) -> None:
        self._part = _Part.CLOSED
        self._buffer = b""
        self._body = bytearray()

    # --- the head -----------------------------------------------------------------------------------------------

    def _read_head(self, events: list[Event]) -> bool:
        if self._buffer[:1] in (b"\r", b"\n"):
            self._buffer = self._buffer.lstrip(b"\r\n")
            self._searched = 0
        buffer = self._buffer
        if not buffer:
            return False
        end, size = _blank_line(buffer, self._searched)
        if end < 0 or end > LARGEST_HEAD:
            if len(buffer) > LARGEST_HEAD:
                raise _RefusedError(431, f"the head of the request is longer than {LARGEST_HEAD} bytes")
            # A blank line may straddle two pieces.
            self._searched = max(0, len(buffer) - 2)
            return False
        self._head = buffer[: end + size]
        self._buffer = buffer[end + size :]
        self._searched = 0
        line, _, fields = buffer[: end + 1].partition(b"\n")
        if self._skips_stray and self._read and not line.startswith(_USUAL):
            found = self._skip_stray(buffer[: end + 1])
            if found is None:
                return True
            line, _, fields = found.partition(b"\n")
        version = self._parse_request_line(line)
        # Callers repeat themselves: on a kept connection the fields are mostly those of the request before.
        if fields != self._fields or version != self._version:
            self._parse_fields(fields, modern=version == "HTTP/1.1" or _is_modern(version))
            self._fields, self._version = fields, version
        self._begin_body(events)
        return True

    def _skip_stray(self, block: bytes) -> bytes | None:
        """Part a request from bytes before it that belong to no message; None when it has not begun yet.

        Some callers write a body behind a request that announced none. The request after it is still theirs.
        """
        begin = _BEGINNING.search(block)
        if begin is None:
            self._stray_blocks += 1
            too_much = self._stray_blocks > _MOST_STRAY_BLOCKS or len(self._preceding) + len(block) > _MOST_STRAY
            if b" HTTP/" in block or too_much:
                return block
            self._preceding += self._head
            self._head = b""
            return None
        self._preceding += block[: begin.start()]
        self._head = self._head[begin.start() :]
        return block[begin.start() :]

    def _parse_request_line(self, line: bytes) -> str:
        text = _clear(line.decode("latin-1").rstrip("\r"))
        parts = text.split(" ")
        if len(parts) != 3 or not parts[1]:
            raise _RefusedError(400, "the request line is not a method, a target and a version")
        self._method, self._target, version = parts
        if self._method not in _METHODS and _TOKEN.fullmatch(self._method) is None:
            raise _RefusedError(400, "the method is no token")
        return version

    def _parse_fields(self, block: bytes, *, modern: bool) -> None:
        pairs = []
        framing: dict[str, list[str]] = {}
        # Splitting leaves an empty piece behind the last line feed.
        for line in block.decode("latin-1").split("\n")[:-1]:
            name, colon, value = line.partition(":")
            if not colon:
                raise _RefusedError(400, "a header line is no name and value")
            value = _clear(value.strip(" \t\r"))
            decides = _names.get(name)
            if decides is None:
                decides = _learned(name)
            if decides:
                framing.setdefault(name.lower(), []).append(value)
            pairs.append((name, value))
        self._headers = Headers(pairs)
        self._framing = framing
        self._chunks = modern
        self._keep_alive = modern
        if "connection" in framing:
            options = {option.strip().lower() for option in ",".join(framing["connection"]).split(",")}
            self._keep_alive = "close" not in options if modern else "keep-alive" in options

    # --- the body -----------------------------------------------------------------------------------------------

    def _begin_body(self, events: list[Event]) -> None:
        framing = self._framing
        if "transfer-encoding" in framing:
            self._begin_chunks(framing["transfer-encoding"])
        else:
            self._needed = _content_length(framing["content-length"]) if "content-length" in framing else 0
            needed = self._needed
            if needed <= len(self._buffer):
                # Nearly always all of it is there, and nothing has to be put together.
                body, self._buffer = self._buffer[:needed], self._buffer[needed:]
                self._emit(events, body)
                return
            self._part = _Part.BODY
        if (
            self._chunks
            and not self._buffer
            and [each.lower() for each in framing.get("expect", ())] == ["100-continue"]
        ):
            events.append(Continue())

    def _begin_chunks(self, codings: list[str]) -> None:
        if "content-length" in self._framing or not self._chunks:
            raise _RefusedError(400, "the length of the body is told in two ways")
        if [coding.lower() for coding in codings] != ["chunked"]:
            raise _RefusedError(501, "the only transfer coding known here is chunked")
        self._part = _Part.CHUNK_SIZE
        self._trailer = 0

    def _take_body(self) -> bool:
        """Move bytes from the buffer to the body; tell whether all that are due have come."""
        taken = self._buffer[: self._needed]
        self._body += taken
        self._needed -= len(taken)
        self._buffer = self._buffer[len(taken) :]
        return not self._needed

    def _read_chunk_line(self, events: list[Event]) -> bool:
        end = self._buffer.find(b"\n")
        if end < 0:
            if len(self._buffer) > _LONGEST_CHUNK_LINE:
                raise _RefusedError(400, "a line between two chunks is too long")
            return False
        line = self._buffer[:end].rstrip(b"\r")
        self._buffer = self._buffer[end + 1 :]
        if self._part is _Part.CHUNK_END:
            if line:
                raise _RefusedError(400, "a chunk is longer than announced")
            self._part = _Part.CHUNK_SIZE
        elif self._part is _Part.CHUNK_SIZE:
            self._begin_chunk(line)
        elif line:
            self._trailer += len(line)
            if self._trailer > LARGEST_HEAD:
                raise _RefusedError(431, "the trailer of the request is too long")
        else:
            self._emit(events, self._gathered())
        return True

    def _begin_chunk(self, line: bytes) -> None:
        size = line.partition(b";")[0].strip(b" \t")
        if _CHUNK_SIZE.fullmatch(size) is None:
            raise _RefusedError(400, "the size of a chunk is no number")
        self._needed = int(size, 16)
        if len(self._body) + self._needed > LARGEST_BODY:
            raise _RefusedError(413, f"the body is longer than {LARGEST_BODY} bytes")
        self._part = _Part.CHUNK if self._needed else _Part.TRAILER

    def _gathered(self) -> bytes:
        body = bytes(self._body)
        self._body = bytearray()
        return body

    def _emit(self, events: list[Event], body: bytes) -> None:
        request = Request(self._method, self._target, self._headers, body)
        framing = self._framing
        if not framing:
            told = "none"
        elif "transfer-encoding" in framing:
            told = "chunked"
        else:
            told = "content-length" if "content-length" in framing else "none"
        events.append(Framed(request, self._keep_alive, self._chunks, self._head, told, self._preceding))
        self._head = self._preceding = b""
        self._stray_blocks = 0
        self._read += 1
        if self._keep_alive:
            self._part = _Part.HEAD
        else:
            self._close()


def _blank_line(buffer: bytes, start: int) -> tuple[int, int]:
    """Return where the line feed before the first blank line stands, and how long both together are; -1 for none."""
    proper = buffer.find(b"\n\r\n", start)
    bare = buffer.find(b"\n\n", start)
    if bare >= 0 and (proper < 0 or bare < proper):
        return bare, 2
    return proper, 3


def _is_modern(version: str) -> bool:
    """Tell whether a version knows chunks and keeps connections."""
    known = _VERSION.fullmatch(version)
    if known is None:
        raise _RefusedError(400, "the version is none of HTTP")
    if known[1] != "1":
        raise _RefusedError(505, "only HTTP/1 is spoken here")
    return known[2] != "0"


def _clear(text: str) -> str:
    """Return text that may stand in a head; the first look is cheap and clears nearly all of it."""
    if not text.isprintable() and _STRAY_CONTROL.search(text) is not None:
        raise _RefusedError(400, "the head of the request holds a control character")
    return text


def _learned(name: str) -> bool:
    """Look at a header name for the first time."""
    if _TOKEN.fullmatch(name) is None:
        raise _RefusedError(400, "the name of a header is no token")
    decides = name.lower() in _FRAMING
    if len(_names) < _MOST_NAMES:
        _names[name] = decides
    return decides


def _content_length(values: list[str]) -> int:
    told = set(values)
    length = told.pop()
    if told or _LENGTH.fullmatch(length) is None:
        raise _RefusedError(400, "the length of the body is no number")
    if int(length) > LARGEST_BODY:
        raise _RefusedError(413, f"the body is longer than {LARGEST_BODY} bytes")
    return int(length)
