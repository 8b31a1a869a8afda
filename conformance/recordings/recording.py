"""Recorded traffic as values, whichever tool wrote it down."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from conformance.exceptions import RecordingError
from conformance.exchange import Exchange
from conformance.recordings.cassette import Header

__all__ = ["Format", "Interaction", "NotARecordingError", "Recording"]


class NotARecordingError(RecordingError):
    """The file is readable, but nothing in it claims to be recorded traffic."""


class Format(StrEnum):
    """The layouts that are understood, named after the tool that made each one common."""

    VCRPY = "vcrpy"
    RUBY_VCR = "ruby-vcr"
    HAR = "har"


@dataclass(frozen=True, slots=True)
class Interaction:
    """One recorded exchange.

    ``index`` counts from 1 in the order of the file. ``recorded_at`` is aware UTC, None where the file gives no
    usable time. ``line`` is where the interaction begins, None in formats that are read without line numbers.
    ``lacking`` says what the recording leaves out or has damaged of an exchange that did get an answer, empty when
    nothing: nobody can be judged by what was not written down, so ``exchange`` then has no response.
    """

    exchange: Exchange
    index: int
    recorded_at: datetime | None = None
    line: int | None = None
    lacking: str = ""


@dataclass(frozen=True, slots=True)
class Recording:
    """One file of recorded traffic, its interactions in the order in which they happened.

    ``header`` is what a cassette of this suite says of itself, None for files of other makers.
    """

    path: Path
    format: Format
    interactions: tuple[Interaction, ...]
    header: Header | None = None
