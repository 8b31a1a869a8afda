"""The errors that end a command with exit status 2, each with one line that says what to do."""

from __future__ import annotations

from pathlib import Path

__all__ = ["ConformanceError", "ContractError", "RecordingError", "TargetError", "UsageError"]


class ConformanceError(Exception):
    """The suite could not do its work; the text is one clear line for the user, free of secrets."""


class UsageError(ConformanceError):
    """The user asked for something that cannot be done as asked."""


class TargetError(ConformanceError):
    """The target cannot be reached or refuses the credentials, so nothing could be judged."""


class RecordingError(ConformanceError):
    """A recording cannot be read or written."""


class ContractError(ConformanceError):
    """A file under ``specs/`` is wrong; the text names the file, the line and the field."""

    def __init__(self, file: Path | str, line: int | None, field: str, reason: str) -> None:
        self.file = file
        self.line = line
        self.field = field
        self.reason = reason
        place = f"{file}:{line}" if line is not None else f"{file}"
        super().__init__(f"{place}: {field}: {reason}" if field else f"{place}: {reason}")
