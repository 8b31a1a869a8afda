"""Plays the cases of a recording to a server and compares what it answers now with what was answered then."""

from __future__ import annotations

import tempfile
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from conformance.contract.contract import load_contract
from conformance.exceptions import RecordingError, UsageError
from conformance.recordings.compare import compare_takes
from conformance.recordings.drift import DriftResult
from conformance.recordings.pseudonym import PUBLIC_SALT
from conformance.recordings.take import read_takes
from conformance.suites.recording import RecordMode, RecordOptions, record
from conformance.suites.run import PROFILES, Listener, ServerOptions, ServerRun

__all__ = ["cases_of", "compare_with_server"]

_GLOB_SIGNS = str.maketrans({"[": "[[]", "*": "[*]", "?": "[?]"})


def cases_of(recordings: Path, options: ServerOptions) -> ServerOptions:
    """Narrow a run to the cases of these recordings.

    Raises UsageError when none of them says which case it is of, or when the suite has none of these cases.
    """
    wanted = set(read_takes(recordings, load_contract()))
    profile, found, whole = _profile(wanted)
    if not found:
        raise UsageError(f"{recordings}: no recording is of a case of this suite, so nothing can be played again")
    globs = () if whole else tuple(sorted(case.translate(_GLOB_SIGNS) for case in found))
    return replace(options, cases=globs, profile=profile)


def compare_with_server(
    recordings: Path,
    options: ServerOptions,
    keep: Path | None = None,
    *,
    salt: str = PUBLIC_SALT,
    listener: Listener | None = None,
) -> DriftResult:
    """Record the cases of ``options`` anew, in ``keep`` or in passing, and compare them with the recordings.

    ``options`` come from ``cases_of``. Cases that could not be played are named.
    """
    contract = load_contract()
    before = read_takes(recordings, contract)
    with tempfile.TemporaryDirectory(prefix="klarna-conformance-") as passing:
        directory = keep or Path(passing)
        done = record(RecordOptions(options, directory, RecordMode.ALL, salt=salt), listener)
        if not done.written:
            why = done.unrecorded[0][1] if done.unrecorded else "no case was played"
            raise RecordingError(f"nothing was recorded: {why}")
        after = read_takes(directory, contract)
    result = compare_takes(before, after, contract, (str(recordings), options.base_url or "the simulator"))
    notes = (*done.notes, *(f"{case} was not played: {why}" for case, why in done.unrecorded))
    return replace(result, notes=notes)


def _profile(wanted: Collection[str]) -> tuple[str, frozenset[str], bool]:
    """Choose the smallest profile that has all these cases, and tell which it has, and whether it has no other."""
    found: frozenset[str] = frozenset()
    for profile in PROFILES:
        with ServerRun(ServerOptions(profile=profile)) as run:
            ids = frozenset(case.id for case in run.cases())
        found = ids & frozenset(wanted)
        if len(found) == len(wanted):
            return profile, found, ids == found
    return PROFILES[-1], found, False
