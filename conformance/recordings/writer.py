"""Puts cassettes where they belong: each is there whole or not at all, whoever else writes and whatever goes wrong."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
from pathlib import Path

from conformance.exceptions import RecordingError

__all__ = ["cassette_path", "write_cassette"]

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+", re.ASCII)
_LONGEST_PART = 80


def cassette_path(directory: Path, case_id: str) -> Path:
    """Say where the cassette of a case lies: a folder for each part of its id, fit for every file system."""
    *folders, name = (_part(part) for part in case_id.split("/"))
    return directory.joinpath(*folders, f"{name}.yaml")


def write_cassette(path: Path, text: str) -> None:
    """Write a cassette beside its place and move it there in one step.

    Of two writers the one that finishes last wins; what they wrote is never mixed. What stood there before stays
    until the new one is complete and on disk. Raises RecordingError with one line that names ``path``.
    """
    temporary = path.with_name(f".{path.name[:40]}.{secrets.token_hex(8)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            _fill(temporary, text.encode("utf-8"))
            temporary.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise
        _settle(path.parent)
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise RecordingError(f"{path}: {reason}: the cassette was not written, what stood there is untouched") from None


def _fill(path: Path, content: bytes) -> None:
    # Not through Path.open: the file has to be new, or two writers could share it.
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _settle(directory: Path) -> None:
    """Have the new name survive a power cut, where directories can be synchronised."""
    with contextlib.suppress(OSError):
        handle = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _part(part: str) -> str:
    safe = _UNSAFE.sub("-", part)[:_LONGEST_PART].strip(".") or "-"
    # Two ids that differ in what was replaced must not share a file.
    return safe if safe == part else f"{safe}-{hashlib.sha256(part.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"
