from __future__ import annotations

import pytest

from conformance.reports.exit_status import exit_status, trouble
from conformance.verdict import Verdict
from tests.reports.conftest import case, run


@pytest.mark.parametrize(
    ("verdicts", "status"),
    [
        ([Verdict.PASSED], 0),
        ([Verdict.PASSED, Verdict.WARNING, Verdict.KNOWN, Verdict.NOT_MEASURED], 0),
        ([Verdict.PASSED, Verdict.FAILED], 1),
        ([Verdict.FAILED, Verdict.ERROR], 2),
        ([Verdict.ERROR], 2),
    ],
)
def test_the_worst_verdict_decides(verdicts: list[Verdict], status: int) -> None:
    assert exit_status(run(*(case(verdict=verdict, why="because") for verdict in verdicts))) == status


def test_a_run_without_traffic_could_not_judge() -> None:
    silent = run(case(exchanges=0), case(verdict=Verdict.NOT_MEASURED, why="no orders", exchanges=0), case(exchanges=0))
    assert exit_status(silent) == 2
    assert trouble(silent) == "nothing was exchanged, so nothing was judged: no orders"


def test_a_run_without_cases_could_not_judge() -> None:
    assert exit_status(run()) == 2
    assert trouble(run()).endswith("no case was run")


def test_trouble_counts_and_names_the_first() -> None:
    one = case("a/b/c", Verdict.ERROR, why="the judge broke")
    assert trouble(run(case(), one)) == "1 case could not be judged; the first is a/b/c: the judge broke"
    assert trouble(run(case("x/y/z", Verdict.ERROR), one)).startswith("2 cases could not be judged; the first is x/y/z")
    assert trouble(run(case())) == ""
