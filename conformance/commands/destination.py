"""Where reports go, looked at before a run: an hour of work must not end in a directory that is not there."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from conformance.exceptions import UsageError

__all__ = ["destinations"]


def destinations(**files: Path | None) -> Mapping[str, Path]:
    """Keep the reports that were asked for, by the name of their option.

    Raises UsageError for a file that cannot be written where it is wanted, and for two reports in one file.
    """
    wanted = {name: file for name, file in files.items() if file is not None}
    seen: dict[Path, str] = {}
    for name, file in wanted.items():
        place = file.resolve()
        if place.exists() and not place.is_file():
            # A device or a pipe takes what it is given.
            continue
        if not place.parent.is_dir():
            raise UsageError(f"--{name} {file}: there is no directory {file.parent}")
        if not os.access(place.parent, os.W_OK):
            raise UsageError(f"--{name} {file}: the directory {file.parent} cannot be written")
        if place in seen:
            raise UsageError(f"--{seen[place]} and --{name} name the same file {file}")
        seen[place] = name
    return wanted
