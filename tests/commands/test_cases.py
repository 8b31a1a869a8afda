from __future__ import annotations

import pytest

from conformance import cli


def listed(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    assert cli.run(["cases", "--profile", "quick", *arguments]) == 0
    return capsys.readouterr().out.splitlines()


def test_every_id_is_listed_once(capsys: pytest.CaptureFixture[str]) -> None:
    ids = listed(capsys)
    assert len(ids) == len(set(ids)) > 100


def test_a_glob_picks_ids(capsys: pytest.CaptureFixture[str]) -> None:
    ids = listed(capsys)
    picked = listed(capsys, "--case", "captureOrder/*", "--case", "getOrder/*")
    assert picked == [name for name in ids if name.startswith(("captureOrder/", "getOrder/"))]
    assert picked


def test_a_glob_that_picks_nothing_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["cases", "--profile", "quick", "--case", "capturedOrder/*"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("klarna-conformance: no case matches 'capturedOrder/*'")
