"""The words in which every driver reports: verdicts, results of cases, and what a run covered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

__all__ = ["CaseResult", "CellState", "ErrorCell", "OperationCell", "Reported", "RunResult", "Severity", "Verdict"]


class Severity(StrEnum):
    """How much a finding weighs; it follows the keyword of the requirement that it cites."""

    MUST = "must"
    SHOULD = "should"


class Verdict(StrEnum):
    """What is said of a case or an exchange."""

    PASSED = "passed"
    FAILED = "failed"
    WARNING = "warning"
    KNOWN = "known"
    NOT_MEASURED = "not_measured"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Reported:
    """A finding as the reports print it.

    ``known`` is the id of the deviation or known-failing entry that explains it, empty when nothing does.
    ``story`` holds the numbered requests that lead to it, ``curl`` the lines that repeat it, with credentials as
    shell variables.
    """

    code: str
    severity: Severity
    message: str
    operation: str = ""
    status: int | None = None
    error_code: str = ""
    requirement: str = ""
    known: str = ""
    curl: str = ""
    story: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CaseResult:
    """What one case came to. ``why`` is the reason of a ``not_measured`` or ``error`` verdict.

    ``number`` is the place of the case among all that the profile has, from 1, so that the parts of a run can be put
    together again; 0 where there is no such order.
    """

    id: str
    verdict: Verdict
    level: str
    requirements: tuple[str, ...] = ()
    findings: tuple[Reported, ...] = ()
    duration_s: float = 0.0
    exchanges: int = 0
    why: str = ""
    number: int = 0


class CellState(StrEnum):
    """What a run says of one cell of the error table."""

    COVERED = "covered"
    NOT_MEASURED = "not_measured"
    EXCLUDED = "excluded"


@dataclass(frozen=True, slots=True)
class OperationCell:
    """One operation and the success status that was exchanged for it (or why it was not)."""

    operation: str
    status: int
    state: CellState
    why: str = ""


@dataclass(frozen=True, slots=True)
class ErrorCell:
    """One row of the error table on one operation. ``error_code`` is empty for bodies that carry no code."""

    operation: str
    status: int
    error_code: str
    state: CellState
    why: str = ""


@dataclass(frozen=True, slots=True)
class RunResult:
    """A whole run: what was judged, with which seed, and what it came to."""

    suite: Mapping[str, str]
    target: Mapping[str, str]
    seed: int
    cases: tuple[CaseResult, ...]
    operations: tuple[OperationCell, ...] = ()
    errors: tuple[ErrorCell, ...] = ()
    notes: tuple[str, ...] = field(default=())

    def summary(self) -> dict[str, int]:
        """Count the cases by verdict, every verdict named, in the order of the enum."""
        counts = {verdict.value: 0 for verdict in Verdict}
        for case in self.cases:
            counts[case.verdict.value] += 1
        return counts
