from __future__ import annotations

from conformance.reports.grouping import coverage_rows, group_findings, group_reasons
from conformance.verdict import CellState, RunResult, Severity, Verdict
from tests.reports.conftest import case, finding


def test_the_same_finding_is_told_once_with_all_its_cases(everything: RunResult) -> None:
    first = group_findings(everything.cases)[0]
    assert first.first.code == "KOM-207"
    assert first.count == 3
    assert first.cases == ("captureOrder/part_captured/above-remaining", "captureOrder/fresh/unicode")


def test_what_fails_a_run_comes_first(everything: RunResult) -> None:
    verdicts = [group.verdict for group in group_findings(everything.cases)]
    assert verdicts == [Verdict.FAILED, Verdict.WARNING, Verdict.WARNING, Verdict.KNOWN, Verdict.KNOWN]


def test_operation_severity_and_explanation_keep_findings_apart() -> None:
    apart = [
        finding(),
        finding(operation="getOrder"),
        finding(severity=Severity.SHOULD),
        finding(known="html-400"),
    ]
    assert len(group_findings([case(findings=tuple(apart))])) == 4


def test_a_habit_that_shows_on_every_operation_is_told_once() -> None:
    habit = [finding(severity=Severity.SHOULD, operation=name) for name in ("getOrder", "captureOrder", "getOrder")]
    (group,) = group_findings([case(findings=tuple(habit))])
    assert group.operations == ("getOrder", "captureOrder")
    assert group.count == 3


def test_reasons_are_counted_by_verdict() -> None:
    cases = [
        case(verdict=Verdict.NOT_MEASURED, why="b"),
        case(verdict=Verdict.NOT_MEASURED, why="a"),
        case(verdict=Verdict.NOT_MEASURED, why="a"),
        case(verdict=Verdict.ERROR),
    ]
    assert group_reasons(cases, Verdict.NOT_MEASURED) == (("a", 2), ("b", 1))
    assert group_reasons(cases, Verdict.ERROR) == (("no reason was given", 1),)


def test_coverage_is_laid_out_by_operation(everything: RunResult) -> None:
    read, capture = coverage_rows(everything)
    assert (read.operation, capture.operation) == ("getOrder", "captureOrder")
    assert [cell.status for cell in capture.successes] == [201]
    assert {state: capture.count(state) for state in CellState} == {
        CellState.COVERED: 1,
        CellState.NOT_MEASURED: 1,
        CellState.EXCLUDED: 1,
    }
