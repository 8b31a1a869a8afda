"""What Hypothesis is told about UTF-8 is what it would find out, and what it is kept from comes back."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis.configuration import storage_directory
from hypothesis.internal import charmap
from hypothesis.internal.conjecture import providers

from conformance.suites import hypothesis_files
from conformance.suites.hypothesis_files import out_of_the_way


def test_the_table_is_the_truth_and_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    charmap.intervals_from_codec.cache_clear()
    with out_of_the_way(), monkeypatch.context() as few:
        # Were the table not read, Hypothesis would try these characters only, and know no more than them.
        few.setattr(sys, "maxunicode", 10)
        encodable, lossy = charmap.intervals_from_codec("utf-8")
    charmap.intervals_from_codec.cache_clear()
    assert tuple(encodable.intervals) == hypothesis_files._UTF_8
    assert lossy.intervals == ()
    for first, last in encodable.intervals:
        assert chr(first).encode() != chr(last).encode()
    for outside in (0xD800, 0xDFFF):
        with pytest.raises(UnicodeEncodeError):
            chr(outside).encode()
    assert encodable.size == sys.maxunicode + 1 - 0x800


def test_the_directory_goes_away() -> None:
    with out_of_the_way():
        place = Path(storage_directory("x").path)
        assert place.parent.is_dir()
    assert not place.parent.exists()


def test_nothing_is_drawn_from_the_code_that_happens_to_be_loaded() -> None:
    outside = providers._get_local_constants
    assert len(outside()) > 0
    with out_of_the_way():
        assert len(providers._get_local_constants()) == 0
        providers.CONSTANTS_CACHE["integer", ()] = ((), ())
    assert providers._get_local_constants is outside
    assert ("integer", ()) not in providers.CONSTANTS_CACHE
