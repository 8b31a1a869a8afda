from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from conformance.reports.artifact import write_artifact


def names(directory: Path) -> list[str]:
    return [path.name for path in directory.iterdir()]


def test_a_report_replaces_the_one_before_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text("old", encoding="utf-8")
    write_artifact(path, "new €\n")
    assert path.read_bytes() == "new €\n".encode()
    assert names(tmp_path) == ["report.json"]


def test_a_failure_leaves_the_one_before_and_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "report.json"
    path.write_text("old", encoding="utf-8")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left") as caught:
        write_artifact(path, "new")
    assert caught.value.filename == str(path)
    assert path.read_text(encoding="utf-8") == "old"
    assert names(tmp_path) == ["report.json"]


def test_an_interrupt_leaves_nothing_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_artifact(tmp_path / "report.json", "new")
    assert names(tmp_path) == []


def test_a_missing_directory_is_told_by_the_name_that_was_given(tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "report.json"
    with pytest.raises(FileNotFoundError) as caught:
        write_artifact(path, "text")
    assert caught.value.filename == str(path)


def test_a_link_keeps_pointing(tmp_path: Path) -> None:
    real, link = tmp_path / "real.json", tmp_path / "link.json"
    real.write_text("old", encoding="utf-8")
    link.symlink_to(real)
    write_artifact(link, "new")
    assert link.is_symlink()
    assert real.read_text(encoding="utf-8") == "new"


def test_a_device_stays_a_device() -> None:
    write_artifact(Path(os.devnull), "text")
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)


def test_what_has_no_encoding_is_written_as_an_escape(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    write_artifact(path, '"\ud800"')
    assert path.read_bytes() == b'"\\ud800"'


def test_a_report_is_as_readable_as_other_files(tmp_path: Path) -> None:
    other, path = tmp_path / "other", tmp_path / "report.json"
    other.write_text("", encoding="utf-8")
    write_artifact(path, "text")
    assert path.stat().st_mode == other.stat().st_mode
