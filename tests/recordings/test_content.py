from __future__ import annotations

import gzip
import zlib

import pytest

from conformance.exceptions import RecordingError
from conformance.recordings import content
from conformance.recordings.content import ContentDecoder
from conformance.recordings.node import Node

PLAIN = '{"order_id": "é"}'.encode()
NOISE = bytes(range(256))
HERE = Node({}, "f.yml", "http_interactions#3.response", 17)


def packed(body: bytes) -> bytes:
    # Without the time, so that a test has the same name in every process.
    return gzip.compress(body, mtime=0)


def bare(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


@pytest.mark.parametrize(
    ("body", "codings", "plain"),
    [
        (packed(PLAIN), ["gzip"], PLAIN),
        (packed(PLAIN), [" GZip "], PLAIN),
        (packed(PLAIN), ["x-gzip"], PLAIN),
        (packed(PLAIN[:5]) + packed(PLAIN[5:]), ["gzip"], PLAIN),
        (packed(PLAIN) + b"\0\0\0", ["gzip"], PLAIN),
        (packed(b""), ["gzip"], b""),
        (zlib.compress(PLAIN), ["deflate"], PLAIN),
        (bare(PLAIN), ["deflate"], PLAIN),
        (bare(NOISE * 50), ["deflate"], NOISE * 50),
        (packed(zlib.compress(PLAIN)), ["deflate, gzip"], PLAIN),
        (packed(zlib.compress(PLAIN)), ["deflate", "gzip"], PLAIN),
        (PLAIN, ["gzip"], PLAIN),
        (PLAIN, ["deflate"], PLAIN),
        (PLAIN, ["br"], PLAIN),
        (PLAIN, ["identity"], PLAIN),
        (PLAIN, [""], PLAIN),
        (PLAIN, [], PLAIN),
        (NOISE, [], NOISE),
        (NOISE, ["gzip"], NOISE),
        (NOISE[128:], ["deflate"], NOISE[128:]),
        (b"", ["gzip"], b""),
        (b"", ["br"], b""),
    ],
)
def test_bodies_are_decoded_or_taken_as_they_are(body: bytes, codings: list[str], plain: bytes) -> None:
    assert ContentDecoder().decode(body, codings, HERE) == (plain, "")


@pytest.mark.parametrize(
    ("body", "codings", "trouble"),
    [
        (packed(NOISE * 40)[:60], ["gzip"], "ends in the middle"),
        (packed(NOISE)[:5], ["gzip"], "ends in the middle"),
        (zlib.compress(NOISE * 40)[:60], ["deflate"], "ends in the middle"),
        (b"\x1f\x8b" + NOISE, ["gzip"], "damaged"),
        (packed(NOISE)[:-8] + b"\0" * 8, ["gzip"], "damaged"),
        (NOISE, ["br"], "cannot be undone"),
        (NOISE, ["zstd"], "cannot be undone"),
        (packed(NOISE), ["br, gzip"], "cannot be undone"),
    ],
)
def test_what_cannot_be_read_is_said(body: bytes, codings: list[str], trouble: str) -> None:
    assert trouble in ContentDecoder().decode(body, codings, HERE)[1]


@pytest.mark.parametrize(("pack", "coding"), [(packed, "gzip"), (zlib.compress, "deflate"), (bare, "deflate")])
def test_a_bomb_is_refused_where_it_lies(monkeypatch: pytest.MonkeyPatch, pack: object, coding: str) -> None:
    monkeypatch.setattr(content, "MAX_BODY", 100_000)
    assert callable(pack)

    exactly = ContentDecoder().decode(pack(b"\xff" * 100_000), [coding], HERE)
    assert exactly == (b"\xff" * 100_000, "")
    with pytest.raises(RecordingError) as caught:
        ContentDecoder().decode(pack(b"\xff" * 100_001), [coding], HERE)
    assert str(caught.value) == "f.yml:17: http_interactions#3.response: unfolds to more than 100000 bytes"


def test_a_bomb_in_a_bomb_is_refused() -> None:
    inner = packed(b"\0" * (content.MAX_BODY + 1))
    with pytest.raises(RecordingError, match="unfolds to more than"):
        ContentDecoder().decode(packed(inner), ["gzip", "gzip"], HERE)


def test_all_bodies_of_a_file_share_one_bound() -> None:
    decoder = ContentDecoder(total=250)
    squeezed = packed(b"x" * 100)

    assert decoder.decode(squeezed, ["gzip"], HERE) == (b"x" * 100, "")
    assert decoder.decode(squeezed, ["gzip"], HERE) == (b"x" * 100, "")
    with pytest.raises(RecordingError, match="unfolds to more than 50 bytes"):
        decoder.decode(squeezed, ["gzip"], HERE)


def test_members_and_codings_are_bounded() -> None:
    with pytest.raises(RecordingError, match="more than 64 gzip members"):
        ContentDecoder().decode(packed(b"") * 65, ["gzip"], HERE)
    with pytest.raises(RecordingError, match="more than 4 content codings"):
        ContentDecoder().decode(b"x", ["gzip,gzip,gzip,gzip,gzip"], HERE)
