"""Parts that belong together make the report of the whole, and no others do."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conformance.exceptions import UsageError
from conformance.reports import merge as merging
from conformance.reports.json_report import as_json, write_json
from conformance.reports.merge import Part, merge, missing, read_report
from conformance.suites.coverage import IN_ANOTHER_SHARD, NO_CASE, NO_SELECTED_CASE
from conformance.suites.run import ServerOptions, run_server_suite
from conformance.suites.shard import Shard
from conformance.verdict import CaseResult, CellState, ErrorCell, OperationCell, RunResult, Verdict
from tests.reports.conftest import case, run

SUITE = {"name": "klarna-conformance", "version": "0.1.0", "contract": "0" * 64, "profile": "quick"}


def part(number: int, of: int = 2, *cases: CaseResult, **changes: Any) -> Part:
    suite = {**SUITE, "shard": f"{number}/{of}"} if of else dict(SUITE)
    return Part(f"{number}.json", run(*cases, suite=suite | changes.pop("suite", {}), **changes))


def untimed(result: RunResult) -> str:
    return json.dumps(as_json(replace(result, cases=tuple(replace(each, duration_s=0.0) for each in result.cases))))


def test_parts_merged_are_the_whole_to_the_byte(tmp_path: Path) -> None:
    options = ServerOptions(profile="quick", seed=5, cases=("getCapture/*", "acknowledgeOrder/*"))
    whole = run_server_suite(options)
    parts = []
    for number in (3, 1, 2):
        write_json(run_server_suite(replace(options, shard=Shard(number, 3))), tmp_path / f"{number}.json")
        parts.append(read_report(tmp_path / f"{number}.json"))
    assert untimed(merge(parts)) == untimed(whole)


def test_a_report_is_read_as_it_was_written(everything: RunResult, tmp_path: Path) -> None:
    result = replace(
        everything, cases=tuple(replace(each, id=each.id.replace("\ud800", "")) for each in everything.cases)
    )
    readable = json.loads(json.dumps(as_json(result)).replace("\\ud800", "?"))
    (tmp_path / "report.json").write_text(json.dumps(readable), encoding="utf-8")
    read = read_report(tmp_path / "report.json")
    assert as_json(read.result) == readable
    assert read.shard is None


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{", "it is no JSON"),
        ("[" * 100_000, "it is no JSON"),
        ("[]", "the whole: "),
        ('{"suite": 1}', "is no report of this suite: "),
        (json.dumps(as_json(run(suite={**SUITE, "name": "other"}))), "suite.name: "),
    ],
)
def test_foreign_files_are_refused(tmp_path: Path, content: str, reason: str) -> None:
    (tmp_path / "report.json").write_text(content, encoding="utf-8")
    with pytest.raises(UsageError, match=reason):
        read_report(tmp_path / "report.json")


def test_files_beyond_reason_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merging, "_LARGEST", 10)
    (tmp_path / "report.json").write_text(" " * 11, encoding="utf-8")
    with pytest.raises(UsageError, match="larger than any report"):
        read_report(tmp_path / "report.json")


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (part(2, suite={"version": "0.2.0"}), "different versions of the suite: 0.1.0 in 1.json, 0.2.0 in 2.json"),
        (part(2, suite={"contract": "1" * 64}), "different contracts"),
        (part(2, suite={"profile": "deep"}), "different profiles: quick in 1.json, deep in 2.json"),
        (part(2, suite={"cases": "a/*"}), "different selections of cases: all in 1.json"),
        (part(2, seed=8), "different seeds: 7 in 1.json, 8 in 2.json"),
        (part(2, target={"kind": "url"}), "different targets: kind=simulator in 1.json, kind=url in 2.json"),
        (part(2, 3), "different numbers of shards: 2 in 1.json, 3 in 2.json"),
        (part(2, 0), "different numbers of shards: 2 in 1.json, none in 2.json"),
        (part(1), "the shard 1/2 occurs twice, in 1.json"),
        (part(2, 2, case("a/b/c")), "the case a/b/c occurs twice, in 1.json and 2.json"),
    ],
)
def test_what_does_not_belong_together_is_not_merged(other: Part, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        merge([part(1, 2, case("a/b/c")), other])


def test_cases_come_in_the_order_of_the_whole_and_are_counted_anew() -> None:
    first = part(1, 2, case("a/x/1", number=3), case("a/x/2", Verdict.FAILED, number=4))
    second = part(2, 2, case("a/x/0", number=1), case("b/x/0", number=9), notes=("as is",))
    whole = merge([first, second])
    assert [each.id for each in whole.cases] == ["a/x/0", "a/x/1", "a/x/2", "b/x/0"]
    assert whole.summary()["failed"] == 1
    assert whole.summary()["passed"] == 3
    assert whole.notes == ("as is",)
    assert "shard" not in whole.suite


def cells(*states: tuple[CellState, str]) -> dict[str, Any]:
    return {
        "operations": tuple(OperationCell(f"op{n}", 200, state, why) for n, (state, why) in enumerate(states)),
        "errors": tuple(ErrorCell(f"op{n}", 404, "X", state, why) for n, (state, why) in enumerate(states)),
    }


def test_what_one_part_covered_is_covered_and_the_rest_has_a_reason() -> None:
    elsewhere = (CellState.NOT_MEASURED, IN_ANOTHER_SHARD)
    first = cells((CellState.COVERED, ""), elsewhere, elsewhere, (CellState.EXCLUDED, "as good"), elsewhere)
    second = cells(elsewhere, elsewhere, elsewhere, elsewhere, (CellState.NOT_MEASURED, "only a control interface"))
    skipped = case("op1/x/1", Verdict.NOT_MEASURED, why="no second merchant", number=1)
    whole = merge([part(1, 2, **first), part(2, 2, skipped, **second)])
    expected = [
        (CellState.COVERED, ""),
        (CellState.NOT_MEASURED, "no second merchant"),
        (CellState.NOT_MEASURED, NO_CASE),
        (CellState.EXCLUDED, "as good"),
        (CellState.NOT_MEASURED, "only a control interface"),
    ]
    assert [(cell.state, cell.why) for cell in whole.operations] == expected
    assert [(cell.state, cell.why) for cell in whole.errors] == expected


def test_a_missing_part_is_noted_and_what_it_had_to_cover_is_left_open() -> None:
    parts = [part(3, 3, **cells((CellState.NOT_MEASURED, IN_ANOTHER_SHARD)))]
    assert missing(parts) == (Shard(1, 3), Shard(2, 3))
    whole = merge(parts)
    assert whole.notes == (
        "the run is not whole: shard 1/3 is missing",
        "the run is not whole: shard 2/3 is missing",
    )
    assert whole.errors[0].why == IN_ANOTHER_SHARD


def test_runs_of_different_cases_make_one_as_well() -> None:
    first = part(
        1, 0, case("a/x/1", number=2), suite={"cases": "a/*"}, **cells((CellState.NOT_MEASURED, NO_SELECTED_CASE))
    )
    second = part(2, 0, case("b/x/1", number=1), suite={"cases": "b/*"})
    whole = merge([first, second])
    assert missing([first, second]) == ()
    assert whole.suite["cases"] == "a/* b/*"
    assert [each.id for each in whole.cases] == ["b/x/1", "a/x/1"]
    assert whole.operations[0].why == NO_SELECTED_CASE
    assert "cases" not in merge([first, part(3, 0)]).suite
