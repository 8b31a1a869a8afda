from __future__ import annotations

from pathlib import Path

from conformance.reports.markdown import append_matrix, render_matrix
from conformance.verdict import CaseResult, RunResult, Verdict
from tests.reports.conftest import HOSTILE, case, finding


def run(name: str, *cases: CaseResult) -> RunResult:
    return RunResult({"name": "klarna-conformance"}, {"kind": "client", "name": name, "version": "1"}, 0, cases)


def rows(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("|")]


def test_each_client_is_a_column_and_each_group_of_cases_a_row() -> None:
    text = render_matrix(
        [
            run(
                "a", case("request/getOrder"), case("errors/get/404/json"), case("errors/get/404/html", Verdict.FAILED)
            ),
            run(
                "b",
                case("errors/get/404/json", Verdict.NOT_MEASURED),
                case("retry/x/y", Verdict.ERROR),
                case("retry/x/z"),
            ),
        ]
    )
    assert rows(text) == [
        "| scenario | a 1 | b 1 |",
        "|---|---|---|",
        "| request/getOrder | ✅ 1/1 |  |",
        "| errors/get | ❌ 1/2 | ⚪ |",
        "| retry/x |  | 💥 1/2 |",
    ]


def test_findings_follow_with_their_number_known_ones_left_out() -> None:
    bad = case("retry/x/y", Verdict.FAILED, findings=(finding(), finding(), finding("KOM-301", known="listed")))
    table = rows(render_matrix([run("a", bad)]))
    assert table[-1] == "| KOM-207 | 2 | retry/x/y | captured beyond what remains |"
    assert "KOM-301" not in "".join(table)


def test_nothing_that_a_client_says_becomes_markup() -> None:
    hostile = "a|b\n# <img> `x` [y](z) *w*" + HOSTILE.replace("\ud800", "")
    text = render_matrix([run(hostile, case("r/x/y", Verdict.FAILED, findings=(finding(message=hostile),)))])
    assert "<img>" not in text
    assert "<script>" not in text
    for line in rows(text):
        assert line.replace("\\|", "").count("|") in (3, 5)
    assert "\n# <" not in text


def test_a_matrix_is_added_to_what_is_there(tmp_path: Path) -> None:
    file = tmp_path / "summary.md"
    file.write_text("before\n", "utf-8")
    append_matrix([run("a", case())], file)
    append_matrix([run("b", case())], file)
    text = file.read_text("utf-8")
    assert text.startswith("before\n")
    assert text.index("a 1") < text.index("b 1")
