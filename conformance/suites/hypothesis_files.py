"""Where Hypothesis keeps what it writes, so that a run leaves nothing behind in the user's directory."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["out_of_the_way"]


@contextmanager
def out_of_the_way() -> Iterator[None]:
    """Let Hypothesis keep its files in a directory that goes away, so that a run leaves nothing behind."""
    from hypothesis.configuration import set_hypothesis_home_dir  # noqa: PLC0415 - heavy

    with tempfile.TemporaryDirectory(prefix="klarna-conformance-") as directory:
        set_hypothesis_home_dir(directory)
        try:
            yield
        finally:
            set_hypothesis_home_dir(None)
