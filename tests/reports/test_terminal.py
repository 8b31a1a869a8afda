from __future__ import annotations

import fnmatch
import io
import re
import shlex
from dataclasses import replace

import pytest
from rich.console import Console

from conformance.contract.requirement import Level, Requirement
from conformance.contract.truth import Truth
from conformance.reports.terminal import BarListener, LineListener, listener_for, print_report, printable
from conformance.verdict import CellState, ErrorCell, RunResult, Severity, Verdict
from tests.reports.conftest import HOSTILE, case, finding, run

RULE = Requirement(
    "OM-MONEY-01", Severity.MUST, Level.CORE, "No capture exceeds what remains.", "DOC-OM", Truth.DOCUMENTED
)


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def plain(width: int = 80) -> Console:
    return Console(file=io.StringIO(), width=width, highlight=False)


def shown(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def report(result: RunResult, width: int = 80) -> str:
    console = plain(width)
    print_report(console, result, {RULE.id: RULE})
    return shown(console)


def test_the_last_line_is_the_verdict(everything: RunResult) -> None:
    assert report(run(case())).splitlines()[-1] == "conforms"
    assert report(run(case(), case(verdict=Verdict.FAILED))).splitlines()[-1] == "does not conform: 1 case failed"
    assert report(everything).splitlines()[-1].startswith("could not be judged: 1 case could not be judged")


def test_counts_are_told(everything: RunResult) -> None:
    line = report(everything).splitlines()[-2]
    assert line == "1 passed, 2 failed, 1 warning, 1 known, 1 not measured, 1 error; 12 exchanges, seed 7"


def test_a_finding_is_told_with_its_rule_and_how_to_repeat_it(everything: RunResult) -> None:
    text = report(everything)
    told = text[text.index("FAILED  KOM-207") :]
    assert told.startswith("FAILED  KOM-207  captureOrder  3 times\n  captured beyond what remains\n")
    assert "  OM-MONEY-01 MUST: No capture exceeds what remains.\n" in told
    assert "  in captureOrder/part_captured/above-remaining, captureOrder/fresh/unicode\n" in told
    assert "    2. captureOrder 201\n" in told
    assert '  curl -u "$KLARNA_USERNAME:$KLARNA_PASSWORD" \\\n    -X POST http' in told
    assert "known deviation: html-400" in told


def test_what_a_server_says_cannot_steer_the_terminal(everything: RunResult) -> None:
    text = report(everything)
    assert "\x1b" not in text
    assert "\x00" not in text
    assert printable(HOSTILE) in text
    assert "[bold]" in text


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_a_command_is_never_folded(everything: RunResult, width: int) -> None:
    text = report(everything, width)
    assert "    -X POST http://127.0.0.1/orders/1/captures\n" in text
    assert re.search(r"documented errors covered: 2 of 3, 1 excluded", text)


def test_coverage_names_what_is_open(everything: RunResult) -> None:
    text = report(everything, 120)
    row = next(line for line in text.splitlines() if "captureOrder" in line)
    assert "(201)" in row
    assert "1/2" in row
    assert "403 NOT_ALLOWED" in row
    assert "503" not in row


def test_many_open_cells_are_cut_with_a_count() -> None:
    cells = [ErrorCell("getOrder", 500 + number, "", CellState.NOT_MEASURED) for number in range(5)]
    text = report(run(case(), errors=tuple(cells)), 120)
    assert "500, 501, 502 and 2 more" in text
    assert "503" not in text


def test_many_cases_and_reasons_are_cut_with_a_count() -> None:
    failed = [case(f"a/b/{number}", Verdict.FAILED, findings=(finding(),)) for number in range(5)]
    silent = [case(f"c/d/{number}", Verdict.NOT_MEASURED, why=f"reason {number}") for number in range(7)]
    text = report(run(*failed, *silent))
    assert "  in a/b/0, a/b/1, a/b/2 and 2 more\n" in text
    assert "not measured: 1 case: reason 0\n" in text
    assert "not measured: 2 cases for other reasons\n" in text


def test_a_finding_may_be_bare() -> None:
    bare = finding(operation="", requirement="", curl="", story=(), known="html-400")
    assert "KNOWN  KOM-207\n  captured" in report(run(case(findings=(bare,))))


def test_a_long_account_is_cut_at_its_beginning() -> None:
    story = tuple(f"{number}. {'x' * 300}" for number in range(1, 10))
    curl = "\n".join(f"curl {number} {'y' * 300}" for number in range(1, 10))
    text = report(run(case(findings=(finding(story=story, curl=curl),))))
    assert "    (3 earlier lines in the other reports)\n    4. xxx" in text
    assert "  (3 earlier lines in the other reports)\n  curl 4 yyy" in text
    assert f"\n    9. {'x' * 197}…\n" in text
    assert f"\n  curl 9 {'y' * 300}\n" in text


def test_a_case_can_be_played_again() -> None:
    ours = run(case("a/[b]/it's", Verdict.FAILED, findings=(finding(),)))
    assert "again:" not in report(ours)
    described = replace(
        ours, suite={**ours.suite, "profile": "quick"}, target={"kind": "simulator", "behaviour": "observed"}
    )
    line = next(line for line in report(described).splitlines() if line.startswith("  again: "))
    command = shlex.split(line.removeprefix("  again: "))
    assert command[:-1] == [
        "klarna-conformance",
        "test-server",
        "--profile",
        "quick",
        "--behaviour",
        "observed",
        "--seed",
        "7",
        "--case",
    ]
    assert fnmatch.fnmatchcase("a/[b]/it's", command[-1])


def test_lines_for_a_log() -> None:
    console = plain()
    listener = listener_for(console)
    assert isinstance(listener, LineListener)
    with listener:
        listener.started(3)
        listener.finished(case())
        listener.finished(case("a/b/c", Verdict.FAILED, findings=(finding(known="x"), finding("KOM-101"))))
        listener.finished(case("d/e/f", Verdict.ERROR, why="broke"))
    assert shown(console).splitlines() == [
        "judging 3 cases",
        "1/3",
        "failed: a/b/c: KOM-101 captured beyond what remains",
        "2/3",
        "error: d/e/f: broke",
        "3/3",
    ]


def test_a_line_for_a_log_names_what_failed_and_not_what_only_warns() -> None:
    console = plain()
    listener = LineListener(console)
    listener.started(1)
    warned = finding("KOM-204", severity=Severity.SHOULD)
    listener.finished(case("a/b/c", Verdict.FAILED, findings=(warned, finding("KOM-101"))))
    assert "failed: a/b/c: KOM-101 " in shown(console)


def test_a_long_run_gives_ten_signs_of_life() -> None:
    console = plain()
    listener = LineListener(console)
    listener.started(1000)
    for _ in range(1000):
        listener.finished(case())
    assert shown(console).splitlines()[1:] == [f"{number}00/1000" for number in range(1, 11)]


def test_more_cases_than_announced_do_no_harm() -> None:
    console = plain()
    listener = LineListener(console)
    listener.finished(case())
    listener.started(1)
    listener.finished(case())
    assert shown(console).splitlines() == ["judging 1 case", "2/1"]


def test_a_bar_for_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    console = Console(file=Screen(), width=80, force_terminal=True, legacy_windows=False)
    listener = listener_for(console)
    assert isinstance(listener, BarListener)
    with listener:
        listener.finished(case())
        listener.started(2)
        listener.finished(case())
        listener.finished(case("a/b/c", Verdict.FAILED))
    text = shown(console)
    assert "judging, 1 failed" in text
    assert "2/2" in text


def test_no_bar_where_a_line_cannot_be_redrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    assert isinstance(listener_for(Console(file=Screen(), force_terminal=True)), LineListener)
    monkeypatch.setenv("TERM", "xterm")
    assert isinstance(listener_for(Console(file=io.StringIO(), force_terminal=True)), LineListener)


def test_colour_is_for_those_who_want_it(everything: RunResult, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)

    def coloured() -> bool:
        console = Console(file=Screen(), width=80, force_terminal=True)
        print_report(console, everything, {})
        return bool(re.search(r"\x1b\[[0-9;]*3[0-9]m", shown(console)))

    assert coloured()
    monkeypatch.setenv("NO_COLOR", "1")
    assert not coloured()
