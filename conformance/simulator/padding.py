"""Makes bodies far larger than any caller should accept, without ever holding what they unpack to."""

from __future__ import annotations

import functools
import json
import zlib

__all__ = ["gzip_bomb", "parted"]

_PIECE = 64 * 1024


def parted(body: bytes) -> tuple[bytes, bytes]:
    """Return what stands around a long text that is put into a JSON body and leaves it valid."""
    try:
        value = json.loads(body)
    except ValueError:
        return b"", body
    rest = body.lstrip()[1:]
    more = b"," if value else b""
    if isinstance(value, dict):
        return b'{"padding":"', b'"' + more + rest
    if isinstance(value, list):
        return b'["', b'"' + more + rest
    return b"", body


@functools.lru_cache(maxsize=8)
def _blanks(size: int) -> tuple[bytes, int]:
    """Return so many blanks as a compressed stream that can be gone on with, and their checksum."""
    block = b" " * _PIECE
    compressor = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    # A full flush forgets all before it, so equal blocks give equal bytes and one is enough.
    unit = compressor.compress(block) + compressor.flush(zlib.Z_FULL_FLUSH)
    last = b" " * (size % _PIECE)
    ended = compressor.compress(last) + compressor.flush(zlib.Z_FULL_FLUSH)
    checksum = 0
    for _ in range(size // _PIECE):
        checksum = zlib.crc32(block, checksum)
    return unit * (size // _PIECE) + ended, zlib.crc32(last, checksum)


def gzip_bomb(size: int, body: bytes) -> bytes:
    """Return a gzip member of so many blanks and a body; blanks may stand before any JSON."""
    blanks, checksum = _blanks(size)
    compressor = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    ended = compressor.compress(body) + compressor.flush()
    checksum = zlib.crc32(body, checksum)
    total = (size + len(body)) & 0xFFFFFFFF
    head = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"
    return head + blanks + ended + checksum.to_bytes(4, "little") + total.to_bytes(4, "little")
