"""The same seed gives the same report in every process, whole or in shards, serially or side by side."""

from __future__ import annotations

from pathlib import Path

from benchmarks.determinism import by_pytest, difference, sharded, whole

CASES = ["acknowledgeOrder/fresh/*", "orders/walk/1", "acknowledgeOrder/schemathesis/examples"]
OPTIONS = ["--profile", "default", "--seed", "3", *(part for case in CASES for part in ("--case", case))]


def test_two_runs_and_merged_shards_are_one_report_to_the_byte(tmp_path: Path) -> None:
    first = whole(tmp_path, OPTIONS)
    assert [case for case in CASES[1:] if f'   "id": "{case}",' not in first] == []
    assert difference(first, whole(tmp_path, OPTIONS)) == ""
    assert difference(first, sharded(tmp_path, OPTIONS, 2)) == ""


def test_a_difference_is_told_with_its_line() -> None:
    assert difference(["a", "b"], ["a", "c"]) == 'line 2: "b" became "c"'
    assert difference(["a"], ["a", "c"]) == 'line 2: null became "c"'


def test_workers_of_xdist_come_to_the_same_as_one_process(tmp_path: Path) -> None:
    serial = by_pytest(tmp_path, "quick", 3, ["acknowledgeOrder/*"])
    assert [came for _, came in serial if came] == []
    assert len(serial) > 50
    assert by_pytest(tmp_path, "quick", 3, ["acknowledgeOrder/*"], "-n", "2") == serial
