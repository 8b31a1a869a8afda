"""Findings that say the same, gathered, so that one defect reads as one defect and not as fifty."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from conformance.verdict import CaseResult, CellState, ErrorCell, OperationCell, Reported, RunResult, Severity, Verdict

__all__ = ["CoverageRow", "FindingGroup", "coverage_rows", "group_findings", "group_reasons"]


@dataclass(frozen=True, slots=True)
class FindingGroup:
    """All findings with one code on one operation that weigh the same.

    ``first`` stands for all of them, ``cases`` are the ids of the cases that saw one, in the order of the run, and
    ``count`` is the number of findings, which can exceed the number of cases.
    """

    first: Reported
    cases: tuple[str, ...]
    count: int

    @property
    def verdict(self) -> Verdict:
        """The verdict that the group brings about by itself."""
        if self.first.known:
            return Verdict.KNOWN
        return Verdict.FAILED if self.first.severity is Severity.MUST else Verdict.WARNING


@dataclass(frozen=True, slots=True)
class CoverageRow:
    """What a run covered of one operation: its success statuses, and counts of the documented errors."""

    operation: str
    successes: tuple[OperationCell, ...]
    errors: tuple[ErrorCell, ...]

    def count(self, state: CellState) -> int:
        """Count the errors in one state."""
        return sum(cell.state is state for cell in self.errors)


_ORDER = {Verdict.FAILED: 0, Verdict.WARNING: 1, Verdict.KNOWN: 2}


def group_findings(cases: Iterable[CaseResult]) -> tuple[FindingGroup, ...]:
    """Gather findings by code, operation, severity and explanation; what fails a run comes first, then by code."""
    gathered: dict[tuple[str, str, Severity, str], tuple[Reported, list[str], list[Reported]]] = {}
    for case in cases:
        for finding in case.findings:
            key = (finding.code, finding.operation, finding.severity, finding.known)
            _, ids, all_of_them = gathered.setdefault(key, (finding, [], []))
            all_of_them.append(finding)
            if case.id not in ids[-1:]:
                ids.append(case.id)
    groups = [FindingGroup(first, tuple(ids), len(found)) for first, ids, found in gathered.values()]
    return tuple(sorted(groups, key=lambda group: (_ORDER[group.verdict], group.first.code, group.first.operation)))


def group_reasons(cases: Iterable[CaseResult], verdict: Verdict) -> tuple[tuple[str, int], ...]:
    """Count the reasons of the cases with a verdict, the most frequent first."""
    reasons = Counter(case.why or "no reason was given" for case in cases if case.verdict is verdict)
    return tuple(sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0])))


def coverage_rows(result: RunResult) -> tuple[CoverageRow, ...]:
    """Lay the coverage out by operation, in the order in which the run names the operations."""
    cells: tuple[OperationCell | ErrorCell, ...] = (*result.operations, *result.errors)
    names = dict.fromkeys(cell.operation for cell in cells)
    return tuple(
        CoverageRow(
            name,
            tuple(cell for cell in result.operations if cell.operation == name),
            tuple(cell for cell in result.errors if cell.operation == name),
        )
        for name in names
    )
