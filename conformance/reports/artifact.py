"""A report on disk: there whole or not there at all, so that nobody reads half a verdict."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

__all__ = ["write_artifact"]


def write_artifact(path: Path, text: str) -> None:
    """Write a report as UTF-8 beside its place and move it there in one step.

    A file that stood there before stays as it was until the new one is complete; a symbolic link keeps pointing. A
    device or a pipe is written to as it is, since moving a file there would replace it. What cannot be encoded, such
    as a lone surrogate out of a server's answer, is written as a backslash escape. Raises OSError that names ``path``.
    """
    try:
        place = path.resolve()
        if place.exists() and not place.is_file():
            _fill(place, text, "w")
            return
        # The name is cut so that the addition still fits into what file systems allow.
        temporary = place.with_name(f".{place.name[:40]}.{secrets.token_hex(6)}.tmp")
        try:
            _fill(temporary, text, "x")
            temporary.replace(place)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise
    except OSError as error:
        raise type(error)(error.errno, error.strerror or "cannot be written", str(path)) from error


def _fill(path: Path, text: str, mode: str) -> None:
    with path.open(mode, encoding="utf-8", errors="backslashreplace", newline="\n") as file:
        file.write(text)
        file.flush()
        if mode == "x":
            os.fsync(file.fileno())
