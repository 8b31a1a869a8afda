"""The drift that somebody accepted, with a reason and a date, so that acceptance cannot outlive its reason."""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from conformance.contract.document import read_document
from conformance.exceptions import ContractError, UsageError
from conformance.recordings.drift import CaseDrift, Drift, DriftClass, DriftResult

__all__ = ["IgnoreList", "Ignored", "render_ignore_list"]

_GRACE = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Ignored:
    """One entry: which differences, why they are accepted, and the last day on which that is so."""

    case: str
    path: str
    drift_class: DriftClass
    comment: str
    expires: date

    def names(self, case: str) -> bool:
        """Tell whether a case is meant; a case id may be written out although it holds signs of a glob."""
        return case == self.case or fnmatch.fnmatchcase(case, self.case)

    def covers(self, drift: Drift) -> bool:
        """Tell whether a difference is meant."""
        path = drift.path == self.path or fnmatch.fnmatchcase(drift.path, self.path)
        return path and drift.drift_class is self.drift_class and self.names(drift.case)


@dataclass(frozen=True, slots=True)
class IgnoreList:
    """The entries of one file."""

    entries: tuple[Ignored, ...] = ()

    @classmethod
    def load(cls, path: Path) -> IgnoreList:
        """Read a list; raises UsageError naming the line that is wrong."""
        try:
            document = read_document(str(path.resolve()), "drift_ignore.schema.json")
        except ContractError as error:
            place = f"{path}:{error.line}" if error.line is not None else f"{path}"
            raise UsageError(f"{place}: {error.field + ': ' if error.field else ''}{error.reason}") from error
        entries = []
        for index, given in enumerate(document.value or ()):
            try:
                expires = date.fromisoformat(given["expires"])
            except ValueError as error:
                raise _no_day(path, index, given["expires"]) from error
            entries.append(Ignored(given["case"], given["path"], DriftClass(given["class"]), given["comment"], expires))
        return cls(tuple(entries))

    def applied(self, result: DriftResult, today: date | None = None) -> DriftResult:
        """Mark what is accepted, and add a fault for each entry that does not hold.

        An entry does not hold when it has expired, or when it matches nothing although its cases were compared; what
        an expired entry covered counts again. ``today`` is a day in UTC.
        """
        day = datetime.now(UTC).date() if today is None else today
        valid = [entry for entry in self.entries if entry.expires >= day]
        used: set[Ignored] = set()
        cases = tuple(self._marked(case, valid, used) for case in result.cases)
        compared = [case.case for case in result.cases if case.compared]
        waiting = [*result.only_before, *(case.case for case in result.cases if not case.compared)]
        return replace(result, cases=cases, faults=(*result.faults, *self._faults(day, used, compared, waiting)))

    @staticmethod
    def _marked(case: CaseDrift, entries: Iterable[Ignored], used: set[Ignored]) -> CaseDrift:
        drifts: list[Drift] = []
        for drift in case.drifts:
            covering = [entry for entry in entries if entry.covers(drift)]
            used.update(covering)
            drifts.append(replace(drift, ignored=covering[0].comment) if covering else drift)
        return replace(case, drifts=tuple(drifts))

    def _faults(self, day: date, used: set[Ignored], compared: list[str], waiting: list[str]) -> Iterator[str]:
        for entry in self.entries:
            told = f"the entry {entry.case!r} {entry.path!r} ({entry.drift_class.value})"
            if entry.expires < day:
                yield f"{told} expired on {entry.expires.isoformat()}; its comment: {entry.comment}"
            elif entry not in used:
                if not any(map(entry.names, compared)) and any(map(entry.names, waiting)):
                    # Its cases were not compared today, so nobody knows.
                    continue
                yield f"{told} matches nothing any more; take it off the list; its comment: {entry.comment}"


def _no_day(path: Path, index: int, value: str) -> UsageError:
    """Return the error for a day that the calendar does not have."""
    return UsageError(f"{path}: entry {index + 1}: expires: {value!r} is no day of the calendar")


def render_ignore_list(drifts: Iterable[Drift], today: date) -> str:
    """Write entries for what fails now, for somebody to paste, comment and date; empty when nothing fails."""
    lines: list[str] = []
    seen: set[tuple[str, str, DriftClass]] = set()
    for drift in drifts:
        key = (drift.case, drift.path, drift.drift_class)
        if not drift.fails or key in seen:
            continue
        seen.add(key)
        lines += [
            f"- case: {_quoted(drift.case)}",
            f"  path: {_quoted(drift.path)}",
            f"  class: {drift.drift_class.value}",
            f"  comment: {_quoted('say why: ' + drift.message)}",
            f"  expires: {(today + _GRACE).isoformat()}",
        ]
    return "\n".join(lines) + "\n" if lines else ""


def _quoted(text: str) -> str:
    # A JSON text is a YAML text.
    return json.dumps(text)
