"""Opens recordings: finds the files, bounds them, tells their layout by what they hold, and hands over interactions."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from conformance.exceptions import RecordingError
from conformance.recordings.cassette import read_header
from conformance.recordings.har import read_har
from conformance.recordings.json_document import looks_like_json, parse_json
from conformance.recordings.node import Node, Value
from conformance.recordings.recording import Format, Interaction, NotARecordingError, Recording
from conformance.recordings.ruby_vcr import read_ruby_vcr
from conformance.recordings.vcrpy import read_vcrpy
from conformance.recordings.yaml_document import parse_yaml

__all__ = ["MAX_FILE", "SUFFIXES", "Source", "find_sources", "parse_recording", "read_recording"]

MAX_FILE = 200_000_000
"""Bytes beyond which a file is refused unread."""

SUFFIXES = frozenset({".yml", ".yaml", ".json", ".har"})

_LAYOUTS: tuple[tuple[str, Format, Callable[[Node], Iterator[Interaction]]], ...] = (
    ("http_interactions", Format.RUBY_VCR, read_ruby_vcr),
    ("interactions", Format.VCRPY, read_vcrpy),
    ("log", Format.HAR, read_har),
)

# Words by which a file that cannot be parsed still shows what it was meant to be.
_CLAIMS = ((b"interactions",), (b'"log"', b'"entries"'))


@dataclass(frozen=True, slots=True)
class Source:
    """A file that may hold a recording.

    ``label`` is its path seen from the directory that was named, or just its name; ``named`` tells whether the user
    named the file itself.
    """

    path: Path
    label: str
    named: bool


def find_sources(paths: Iterable[Path]) -> Iterator[Source]:
    """Yield every file named, and every file of a named directory whose suffix a recording can have, each once.

    Directories are walked in the order of their names, without following links to other directories. Raises
    RecordingError for a path that does not exist or cannot be listed.
    """
    seen: set[str] = set()
    for path in paths:
        for source in _below(path) if path.is_dir() else (Source(path, path.name, named=True),):
            # Unlike Path.resolve, this bears links that lead in a circle.
            place = os.path.realpath(source.path)
            if place not in seen:
                seen.add(place)
                yield source


def _below(directory: Path) -> Iterator[Source]:
    def refuse(error: OSError) -> None:
        raise RecordingError(f"{error.filename}: {error.strerror}")

    for folder, folders, names in os.walk(directory, onerror=refuse):
        folders.sort()
        for name in sorted(names):
            path = Path(folder, name)
            if path.suffix.lower() in SUFFIXES:
                yield Source(path, path.relative_to(directory).as_posix(), named=False)


def read_recording(path: Path) -> Recording:
    """Read one file whole.

    Raises NotARecordingError for a file that holds something else, and RecordingError, with the line where it is known,
    for one that cannot be read, is larger than ``MAX_FILE``, or is a recording that is broken.
    """
    return parse_recording(_load(path), path)


def parse_recording(data: bytes, path: Path) -> Recording:
    """Read what a file holds; ``path`` is named in complaints. Raises as ``read_recording`` does."""
    document = Node(_parse(data, str(path)), str(path))
    if isinstance(document.value, dict):
        for key, layout, read in _LAYOUTS:
            top = document.child(key)
            if top is None:
                continue
            if layout is Format.HAR and not (isinstance(top.value, dict) and "entries" in top.value):
                # Programs of all kinds keep something under this name; an archive keeps its entries there.
                raise NotARecordingError(f"{path}: is no recording: its 'log' has no 'entries'")
            header = read_header(document) if layout is Format.VCRPY else None
            return Recording(path, layout, tuple(read(document)), header)
    raise NotARecordingError(f"{path}: is no recording: it has neither 'interactions', 'http_interactions' nor 'log'")


def _parse(data: bytes, path: str) -> Value:
    try:
        return parse_json(data, path) if looks_like_json(data) else parse_yaml(data, path)
    except RecordingError as error:
        # Only what calls itself a recording can be a broken one.
        if any(all(word in data for word in words) for words in _CLAIMS):
            raise
        raise NotARecordingError(str(error)) from None


def _load(path: Path) -> bytes:
    try:
        # Looked at before it is opened: opening a pipe waits for its other end, and a device never ends.
        if not stat.S_ISREG(path.stat().st_mode):
            raise RecordingError(f"{path}: is no regular file")
        with path.open("rb") as file:
            data = file.read(MAX_FILE + 1)
    except OSError as error:
        raise RecordingError(f"{path}: {error.strerror or type(error).__name__}") from None
    if len(data) > MAX_FILE:
        raise RecordingError(f"{path}: is larger than {MAX_FILE} bytes")
    return data
