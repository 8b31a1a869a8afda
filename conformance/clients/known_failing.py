"""The list of failures that a maintainer knows of, and that the list cannot quietly go out of date."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

from conformance.contract.document import read_document
from conformance.exceptions import ContractError, UsageError
from conformance.verdict import CaseResult, Reported, Severity, Verdict

__all__ = ["KnownFailing", "KnownFailures", "render_start"]

STALE = "KOM-891"
REQUIREMENT = "OM-CLIENT-91"
_BAD = (Verdict.FAILED, Verdict.WARNING)


@dataclass(frozen=True, slots=True)
class KnownFailing:
    """One entry: a glob over case ids, why they fail, and from which day on that is no excuse any more."""

    case: str
    comment: str
    expires: date | None = None

    def matches(self, case_id: str) -> bool:
        """Tell whether a case is meant."""
        return fnmatch.fnmatchcase(case_id, self.case)

    def has_expired(self, today: date) -> bool:
        """Tell whether the entry has run out; on its last day it still counts."""
        return self.expires is not None and self.expires < today


@dataclass(frozen=True, slots=True)
class KnownFailures:
    """The entries of one file."""

    entries: tuple[KnownFailing, ...] = ()

    @classmethod
    def load(cls, path: Path) -> KnownFailures:
        """Read a list; raises UsageError naming the line that is wrong."""
        try:
            document = read_document(str(path.resolve()), "known_failing.schema.json")
        except ContractError as error:
            place = f"{path}:{error.line}" if error.line is not None else f"{path}"
            raise UsageError(f"{place}: {error.field + ': ' if error.field else ''}{error.reason}") from error
        entries = []
        for index, given in enumerate(document.value or ()):
            expires = given.get("expires")
            try:
                day = None if expires is None else date.fromisoformat(expires)
            except ValueError as error:
                raise UsageError(
                    f"{path}: entry {index + 1}: expires: {expires!r} is no day of the calendar"
                ) from error
            entries.append(KnownFailing(given["case"], given["comment"], day))
        return cls(tuple(entries))

    def applied(
        self, results: Sequence[CaseResult], every_id: Iterable[str], today: date | None = None
    ) -> tuple[CaseResult, ...]:
        """Mark what is known, and add a failed case for each entry that does not hold.

        An entry does not hold when a case that it names passes, when it names no case of ``every_id`` (all that the
        suite has, run or not), or when it has expired. What an expired entry named fails again.
        """
        if not self.entries:
            return tuple(results)
        day = today or datetime.now(UTC).date()
        valid = [entry for entry in self.entries if not entry.has_expired(day)]
        told = [self._marked(result, valid) for result in results]
        ids = tuple(every_id)
        for entry in self.entries:
            if entry.has_expired(day):
                told.append(_stale(entry, f"the entry {entry.case!r} expired on {entry.expires}"))
            elif not any(entry.matches(case_id) for case_id in ids):
                told.append(_stale(entry, f"the entry {entry.case!r} names no case"))
        return tuple(told)

    def _marked(self, result: CaseResult, entries: Iterable[KnownFailing]) -> CaseResult:
        entry = next((entry for entry in entries if entry.matches(result.id)), None)
        if entry is None:
            return result
        if result.verdict in _BAD:
            findings = tuple(replace(finding, known=finding.known or entry.case) for finding in result.findings)
            return replace(result, verdict=Verdict.KNOWN, findings=findings, why=entry.comment)
        if result.verdict is Verdict.PASSED:
            finding = _finding(f"it passes, and {entry.case!r} lists it as known to fail; take it off the list")
            return replace(result, verdict=Verdict.FAILED, findings=(*result.findings, finding))
        return result


def render_start(results: Iterable[CaseResult]) -> str:
    """Write a list of everything that fails now, for a maintainer to paste and comment."""
    lines = ["# Cases that are known to fail. A case that passes, or an entry that names none, fails the run."]
    for result in results:
        if result.verdict in (*_BAD, Verdict.KNOWN) and not result.id.startswith("known-failing/"):
            codes = ", ".join(dict.fromkeys(f"{finding.code}" for finding in result.findings))
            lines += [f"- case: {_quoted(result.id)}", f"  comment: {_quoted(f'{codes}: say why')}"]
    return "\n".join(lines if len(lines) > 1 else [*lines, "[]"]) + "\n"


def _stale(entry: KnownFailing, message: str) -> CaseResult:
    finding = _finding(f"{message}; its comment: {entry.comment}")
    return CaseResult(f"known-failing/{entry.case}", Verdict.FAILED, "core", (REQUIREMENT,), (finding,))


def _finding(message: str) -> Reported:
    return Reported(STALE, Severity.MUST, message, requirement=REQUIREMENT)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
