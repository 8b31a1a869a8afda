from __future__ import annotations

import os
from pathlib import Path

import pytest

from conformance.commands.destination import destinations
from conformance.exceptions import UsageError


def test_what_was_asked_for_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    assert destinations(json=file, junit=None) == {"json": file}
    assert not file.exists()


def test_a_missing_directory_is_found_before_the_run(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^--junit .*: there is no directory .*nowhere$"):
        destinations(junit=tmp_path / "nowhere" / "junit.xml")


def test_a_closed_directory_is_found_before_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(UsageError, match="cannot be written"):
        destinations(html=tmp_path / "report.html")


def test_two_reports_in_one_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--json and --html name the same file"):
        destinations(json=tmp_path / "report", html=tmp_path / "." / "report")


def test_a_device_takes_any_number() -> None:
    device = Path(os.devnull)
    assert set(destinations(json=device, junit=device)) == {"json", "junit"}
