from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from conformance.clients.known_failing import KnownFailing, KnownFailures, render_start
from conformance.exceptions import UsageError
from conformance.verdict import CaseResult, Reported, Severity, Verdict

TODAY = date(2026, 6, 1)
FINDING = Reported("KOM-841", Severity.MUST, "sent twice", requirement="OM-CLIENT-41")
FAILED = CaseResult("retry/a", Verdict.FAILED, "resilient", ("OM-CLIENT-41",), (FINDING,))
WARNED = CaseResult("retry/b", Verdict.WARNING, "resilient", (), (FINDING,))
PASSED = CaseResult("request/c", Verdict.PASSED, "core")
UNMEASURED = CaseResult("request/d", Verdict.NOT_MEASURED, "core", why="no such operation")
BROKEN = CaseResult("request/e", Verdict.ERROR, "core", why="the adapter died")
ALL = (FAILED, WARNED, PASSED, UNMEASURED, BROKEN)


def applied(*entries: KnownFailing) -> dict[str, CaseResult]:
    ids = [result.id for result in ALL]
    return {result.id: result for result in KnownFailures(entries).applied(ALL, [*ids, "retry/not-run"], TODAY)}


def test_without_entries_nothing_changes() -> None:
    assert KnownFailures().applied(ALL, (), TODAY) == ALL


def test_a_failure_that_is_listed_is_known() -> None:
    results = applied(KnownFailing("retry/*", "waiting for 2.0"))
    assert [results[name].verdict for name in ("retry/a", "retry/b")] == [Verdict.KNOWN] * 2
    assert results["retry/a"].why == "waiting for 2.0"
    assert results["retry/a"].findings[0].known == "retry/*"
    assert list(results) == [result.id for result in ALL]


def test_a_listed_case_that_passes_fails_the_run() -> None:
    results = applied(KnownFailing("re*", "all of it"))
    assert results["request/c"].verdict is Verdict.FAILED
    assert results["request/c"].findings[0].code == "KOM-891"
    assert "take it off the list" in results["request/c"].findings[0].message


def test_what_was_not_measured_or_broke_stays_what_it_is() -> None:
    results = applied(KnownFailing("request/[de]", "whatever"))
    assert results["request/d"] == UNMEASURED
    assert results["request/e"] == BROKEN


def test_an_entry_that_names_no_case_fails_the_run() -> None:
    results = applied(KnownFailing("retyr/*", "a slip"))
    stale = results["known-failing/retyr/*"]
    assert stale.verdict is Verdict.FAILED
    assert "names no case" in stale.findings[0].message
    assert "a slip" in stale.findings[0].message


def test_an_entry_whose_cases_were_not_run_is_left_alone() -> None:
    assert len(applied(KnownFailing("retry/not-run", "later"))) == len(ALL)


@pytest.mark.parametrize(("last_day", "counts"), [(TODAY, True), (date(2026, 5, 31), False)])
def test_an_entry_counts_until_its_last_day(last_day: date, counts: bool) -> None:
    results = applied(KnownFailing("retry/a", "until then", last_day))
    assert results["retry/a"].verdict is (Verdict.KNOWN if counts else Verdict.FAILED)
    assert ("known-failing/retry/a" in results) is not counts


def test_a_list_is_read(tmp_path: Path) -> None:
    file = tmp_path / "known.yaml"
    file.write_text('- {case: "retry/*", comment: NO}\n- {case: "a", comment: b, expires: 2026-06-01}\n', "utf-8")
    assert KnownFailures.load(file).entries == (
        KnownFailing("retry/*", "NO"),
        KnownFailing("a", "b", date(2026, 6, 1)),
    )


def test_an_empty_list_is_a_list(tmp_path: Path) -> None:
    file = tmp_path / "known.yaml"
    file.write_text(render_start([PASSED]), "utf-8")
    assert KnownFailures.load(file).entries == ()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("- {case: x}", "known.yaml:1: .*comment"),
        ("- {case: x, comment: ' '}", "known.yaml:1: .*comment"),
        ("- {case: x, comment: y, expires: soon}", "expires"),
        ("- {case: x, comment: y, expires: 2026-02-30}", "entry 1: expires: '2026-02-30' is no day"),
        ("- {case: x, comment: y, why: z}", "why"),
        ("case: x", "known.yaml"),
        ("- {", "is not YAML"),
    ],
)
def test_a_slip_in_a_list_is_one_clear_line(tmp_path: Path, text: str, reason: str) -> None:
    file = tmp_path / "known.yaml"
    file.write_text(text, "utf-8")
    with pytest.raises(UsageError, match=reason):
        KnownFailures.load(file)


def test_a_list_that_is_not_there_is_a_mistake_of_the_user(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        KnownFailures.load(tmp_path / "none.yaml")


def test_a_start_holds_what_fails_now_and_can_be_read_back(tmp_path: Path) -> None:
    file = tmp_path / "known.yaml"
    file.write_text(render_start(ALL), "utf-8")
    entries = KnownFailures.load(file)
    assert [entry.case for entry in entries.entries] == ["retry/a", "retry/b"]
    assert "KOM-841" in entries.entries[0].comment
    verdicts = {result.verdict for result in entries.applied(ALL, [result.id for result in ALL], TODAY)}
    assert Verdict.FAILED not in verdicts
