"""Content codings undone within bounds: recorders keep bodies compressed, plain, or plain under an old header."""

from __future__ import annotations

import zlib
from collections.abc import Iterable

from conformance.recordings.node import Node

__all__ = ["MAX_BODY", "MAX_TOTAL", "ContentDecoder"]

MAX_BODY = 50_000_000
"""Bytes to which one body may unfold."""

MAX_TOTAL = 200_000_000
"""Bytes to which the bodies of one file may unfold together."""

MAX_CODINGS = 4
MAX_MEMBERS = 64
GZIP_MAGIC = b"\x1f\x8b"
GZIP, ZLIB, RAW = 31, 15, -15
TEXT_CONTROLS = frozenset(b"\t\n\r\f")


class _DamagedError(Exception):
    """The bytes are not what their first signs promise."""


class ContentDecoder:
    """Undoes gzip and deflate for the bodies of one file, and keeps count so that no file unfolds without end."""

    __slots__ = ("left",)

    def __init__(self, total: int = MAX_TOTAL) -> None:
        self.left = total

    def decode(self, body: bytes, codings: Iterable[str], at: Node) -> tuple[bytes, str]:
        """Return the plain body, and what keeps it from being read (empty when nothing does).

        ``codings`` are the values of Content-Encoding. A body that does not begin as its coding says is taken as it
        is: many recorders store the plain body and keep the header. Raises RecordingError, placed at ``at``, for
        bodies beyond the bounds.
        """
        names = [name.strip().lower() for value in codings for name in value.split(",")]
        if len(names) > MAX_CODINGS:
            raise at.fault(f"names more than {MAX_CODINGS} content codings")
        for name in reversed(names):
            if not body or name in ("", "identity"):
                continue
            if name in ("gzip", "x-gzip"):
                body, trouble = self._gzip(body, at)
            elif name == "deflate":
                body, trouble = self._deflate(body, at)
            else:
                trouble = "" if _is_text(body) else "is in a content coding that cannot be undone here"
            if trouble:
                return body, trouble
        return body, ""

    def _gzip(self, body: bytes, at: Node) -> tuple[bytes, str]:
        if not body.startswith(GZIP_MAGIC):
            return body, ""
        try:
            return self._inflate(body, GZIP, at)
        except _DamagedError:
            return body, "is damaged gzip data"

    def _deflate(self, body: bytes, at: Node) -> tuple[bytes, str]:
        if _is_text(body):
            return body, ""
        # Half of the servers send bare deflate data under this name, the other half wrap it as the standard says.
        for window in (ZLIB, RAW):
            try:
                return self._inflate(body, window, at)
            except _DamagedError:
                continue
        return body, ""

    def _inflate(self, body: bytes, window: int, at: Node) -> tuple[bytes, str]:
        parts: list[bytes] = []
        size = 0
        allowed = min(MAX_BODY, self.left)
        members = 0
        while body:
            # Each member costs a copy of the rest, so their number has a bound as well as their size.
            members += 1
            if members > MAX_MEMBERS:
                raise at.fault(f"consists of more than {MAX_MEMBERS} gzip members")
            decoder = zlib.decompressobj(window)
            try:
                part = decoder.decompress(body, allowed - size + 1)
            except zlib.error:
                if window == GZIP and size and not body.startswith(GZIP_MAGIC):
                    break  # what follows the last member is padding
                raise _DamagedError from None
            parts.append(part)
            size += len(part)
            if size > allowed:
                raise at.fault(f"unfolds to more than {allowed} bytes")
            if not decoder.eof:
                self.left -= size
                return b"".join(parts), "ends in the middle of its compressed data"
            body = decoder.unused_data if window == GZIP else b""
        self.left -= size
        return b"".join(parts), ""


def _is_text(body: bytes) -> bool:
    """Tell whether bytes read as text, which compressed data practically never does."""
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return not any(sign < 0x20 and sign not in TEXT_CONTROLS for sign in body[:1024])
