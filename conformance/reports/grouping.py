"""Findings that say the same, gathered, so that one defect reads as one defect and not as fifty."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from conformance.verdict import CaseResult, CellState, ErrorCell, OperationCell, Reported, RunResult, Severity, Verdict

__all__ = ["CoverageRow", "FindingGroup", "coverage_rows", "group_findings", "group_reasons"]


@dataclass(frozen=True, slots=True)
class FindingGroup:
    """All findings with one code that weigh the same, on one operation each where they fail a run.

    A SHOULD is mostly broken by a habit, such as words of one's own, that shows on every operation and is one thing to
    decide. ``first`` stands for all, ``operations`` and ``cases`` tell where they were seen, in the order of the run,
    and ``count`` is the number of findings, which can exceed the number of cases.
    """

    first: Reported
    operations: tuple[str, ...]
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
    """Gather findings; what fails a run comes first, then by code and operation."""
    gathered: dict[tuple[str, str, Severity, str], list[tuple[Reported, str]]] = {}
    for case in cases:
        for finding in case.findings:
            apart = finding.operation if finding.severity is Severity.MUST or finding.known else ""
            gathered.setdefault((finding.code, apart, finding.severity, finding.known), []).append((finding, case.id))
    groups = [
        FindingGroup(
            found[0][0],
            tuple(dict.fromkeys(finding.operation for finding, _ in found if finding.operation)),
            tuple(dict.fromkeys(case_id for _, case_id in found)),
            len(found),
        )
        for found in gathered.values()
    ]
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
