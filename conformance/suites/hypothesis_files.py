"""Keeps Hypothesis out of the user's files: what it writes goes away, and what it draws does not hang on their code."""

from __future__ import annotations

import gzip
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress

__all__ = ["out_of_the_way"]

# First and last of the characters that UTF-8 carries: all but the surrogates.
_UTF_8 = ((0, 0xD7FF), (0xE000, 0x10FFFF))


@contextmanager
def out_of_the_way() -> Iterator[None]:
    """Let Hypothesis keep its files in a directory that goes away, and draw the same whatever code is loaded."""
    from hypothesis.configuration import set_hypothesis_home_dir  # noqa: PLC0415 - heavy

    with tempfile.TemporaryDirectory(prefix="klarna-conformance-") as directory, _without_constants_of_code():
        set_hypothesis_home_dir(directory)
        _know_utf_8()
        try:
            yield
        finally:
            set_hypothesis_home_dir(None)


def _know_utf_8() -> None:
    """Tell Hypothesis which characters UTF-8 carries, which it would else find out by trying all, for a second or more.

    It looks for what an earlier process left in its directory; one of another version looks elsewhere and tries all.
    """
    with suppress(ImportError, AttributeError, OSError):
        from hypothesis.internal.charmap import charmap_file  # noqa: PLC0415 - heavy

        file = charmap_file("codec-v2-utf-8")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(gzip.compress(json.dumps([_UTF_8, []]).encode(), mtime=1))


@contextmanager
def _without_constants_of_code() -> Iterator[None]:
    """Keep Hypothesis from drawing constants that it reads in the source of every module that is not installed.

    Else a seed would mean one thing in a checkout and another where the suite is installed, and reading it all takes
    long. A version that does so in another way is left alone.
    """
    try:
        from hypothesis.internal.conjecture import providers  # noqa: PLC0415 - heavy
        from hypothesis.internal.constants_ast import Constants  # noqa: PLC0415 - heavy

        collected = providers._get_local_constants  # noqa: SLF001 - there is no other way
        permitted = providers.CONSTANTS_CACHE.cache
    except (ImportError, AttributeError):
        yield
        return
    nothing = Constants()
    permitted.clear()
    providers._get_local_constants = lambda: nothing  # noqa: SLF001 - see above
    try:
        yield
    finally:
        providers._get_local_constants = collected  # noqa: SLF001 - see above
        permitted.clear()
