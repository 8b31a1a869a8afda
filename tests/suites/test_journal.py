from __future__ import annotations

import json
from pathlib import Path

import pytest

from conformance.exceptions import UsageError
from conformance.suites.journal import CaseOutcome, Journal, read_seed
from conformance.verdict import CaseResult, Reported, Severity, Verdict

RUN = {"contract": "abc", "profile": "quick", "seed": "7", "target": "https://127.0.0.1:1"}
FINDING = Reported("KOM-301", Severity.MUST, "wrong", "getOrder", 200, story=("1. GET /x -> 200",))
OUTCOME = CaseOutcome(
    CaseResult("a/b/c", Verdict.FAILED, "core", ("OM-X",), (FINDING,), 0.5, 3, "because"),
    frozenset({("getOrder", 404, "NO_SUCH_ORDER")}),
    frozenset({("getOrder", 200)}),
)


def test_what_was_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    journal = Journal(path, RUN)
    journal.note_order("one")
    journal.note_case(OUTCOME)
    again = Journal(path, RUN)
    assert again.outcomes == {"a/b/c": OUTCOME}
    assert again.orders == ["one"]
    assert read_seed(path) == 7
    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_a_line_that_was_cut_off_is_overwritten(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "run.jsonl"
    journal = Journal(path, RUN)
    journal.note_order("one")
    journal.note_case(OUTCOME)
    path.write_bytes(path.read_bytes()[:-cut])
    again = Journal(path, RUN)
    assert again.orders == ["one"]
    assert again.outcomes == {}
    again.note_case(OUTCOME)
    assert Journal(path, RUN).outcomes == {"a/b/c": OUTCOME}
    assert all(json.loads(line) for line in path.read_text().splitlines())


def test_another_run_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    Journal(path, RUN)
    with pytest.raises(UsageError, match=r"belongs to another run .*seed 7.* this one is .*seed 8"):
        Journal(path, RUN | {"seed": "8"})


@pytest.mark.parametrize(
    "text",
    [
        "hello\n",
        "[]\n",
        '{"order": "x"}\n',
        '{"run": {}}\nno\n',
        '{"run": {}}\n{"case": {}}\n',
        '{"run": {}}\n{"x": 1}\n',
    ],
)
def test_what_is_no_journal_is_refused_and_left_alone(tmp_path: Path, text: str) -> None:
    path = tmp_path / "run.jsonl"
    path.write_text(text)
    with pytest.raises(UsageError, match=r"is no journal of a run|belongs to another run"):
        Journal(path, RUN if "run" not in text else {})
    assert path.read_text() == text


def test_there_is_no_seed_without_a_journal(tmp_path: Path) -> None:
    assert read_seed(tmp_path / "none") is None
    (tmp_path / "odd").write_text('{"run": []}\n')
    assert read_seed(tmp_path / "odd") is None
    with pytest.raises(UsageError):
        read_seed(tmp_path)
