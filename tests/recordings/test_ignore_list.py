from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from conformance.exceptions import UsageError
from conformance.recordings.drift import CaseDrift, Drift, DriftClass, DriftResult, Side
from conformance.recordings.ignore_list import IgnoreList, render_ignore_list

TODAY = date(2026, 3, 1)
DRIFT = Drift("a/b/c", "getOrder/body/x", DriftClass.BREAKING, 'was "1", is 2')
ENTRY = """
- case: a/*/c
  path: getOrder/body/*
  class: breaking
  comment: agreed
  expires: 2026-03-01
"""


def result(*drifts: Drift, only_before: tuple[str, ...] = (), compared: int = 1) -> DriftResult:
    cases = (CaseDrift("a/b/c", Side(), Side(), drifts, compared), CaseDrift("d", Side(), Side(), (), 0))
    return DriftResult("A", "B", cases, only_before)


def loaded(tmp_path: Path, text: str) -> IgnoreList:
    file = tmp_path / "ignore.yaml"
    file.write_text(text)
    return IgnoreList.load(file)


def test_what_is_accepted_does_not_fail(tmp_path: Path) -> None:
    applied = loaded(tmp_path, ENTRY).applied(result(DRIFT), TODAY)
    assert not applied.fails
    assert applied.drifts()[0].ignored == "agreed"
    assert result(DRIFT).fails


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        (ENTRY.replace("2026-03-01", "2026-02-28"), "expired on 2026-02-28; its comment: agreed"),
        (ENTRY.replace("body", "header"), "matches nothing any more"),
        (ENTRY.replace("a/*/c", "gone"), "matches nothing any more"),
        (ENTRY.replace("breaking", "additive"), "matches nothing any more"),
    ],
)
def test_an_entry_that_does_not_hold_fails(tmp_path: Path, entry: str, told: str) -> None:
    applied = loaded(tmp_path, entry).applied(result(DRIFT), TODAY)
    assert applied.fails
    assert told in applied.faults[0]
    assert applied.drifts()[0].fails


def test_an_entry_for_what_was_not_compared_waits(tmp_path: Path) -> None:
    entries = ENTRY.replace("a/*/c", "d") + ENTRY.replace("a/*/c", "e/*")
    assert loaded(tmp_path, entries).applied(result(only_before=("e/1",)), TODAY).faults == ()


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        (ENTRY.replace("  comment: agreed\n", ""), "comment"),
        (ENTRY.replace("agreed", '" "'), "comment"),
        (ENTRY.replace("  expires: 2026-03-01\n", ""), "expires"),
        (ENTRY.replace("2026-03-01", "soon"), "expires"),
        (ENTRY.replace("2026-03-01", "2026-02-30"), "no day of the calendar"),
        (ENTRY.replace("breaking", "bad"), "class"),
        (ENTRY + "  more: x\n", "more"),
    ],
)
def test_a_slip_is_named(tmp_path: Path, entry: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        loaded(tmp_path, entry)


def test_what_is_printed_can_be_pasted(tmp_path: Path) -> None:
    odd = Drift("text/[é]*/\u2028", "getOrder/body/y", DriftClass.SERVICE_WRONG, "says: \\ # 'this'\n")
    found = result(DRIFT, odd, Drift("a", "b", DriftClass.ADDITIVE, "new"))
    text = render_ignore_list([*found.drifts(), DRIFT], TODAY)
    entries = loaded(tmp_path, text)
    assert len(entries.entries) == 2
    applied = entries.applied(found, TODAY)
    assert not applied.fails
    assert render_ignore_list(applied.drifts(), TODAY) == ""


def test_an_empty_list_is_one(tmp_path: Path) -> None:
    assert loaded(tmp_path, "[]\n").entries == ()
