"""From shards on many machines to one exit status."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from conformance import cli

FEW = ["test-server", "--profile", "quick", "--seed", "4", "--case", "acknowledgeOrder/fresh/*"]


@pytest.fixture
def parts(tmp_path: Path) -> list[str]:
    files = [str(tmp_path / f"{number}.json") for number in (1, 2)]
    for number, file in enumerate(files, 1):
        assert cli.run([*FEW, "--shard", f"{number}/2", "--json", file]) == 0
    return files


def test_shards_make_a_whole(parts: list[str], tmp_path: Path) -> None:
    whole, junit = tmp_path / "whole.json", tmp_path / "whole.xml"
    assert cli.run(["merge", *parts, "--json", str(whole), "--junit", str(junit)]) == 0
    alone = tmp_path / "alone.json"
    assert cli.run([*FEW, "--json", str(alone)]) == 0
    merged, expected = (json.loads(path.read_text(encoding="utf-8")) for path in (whole, alone))
    assert [case["id"] for case in merged["cases"]] == [case["id"] for case in expected["cases"]]
    assert merged["coverage"] == expected["coverage"]
    assert junit.read_text(encoding="utf-8").startswith("<?xml")


def test_a_finding_in_one_shard_fails_the_whole(parts: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    file = Path(parts[1])
    report = json.loads(file.read_text(encoding="utf-8"))
    finding = {"code": "KOM-101", "severity": "must", "message": "m", "operation": "", "status": 200}
    report["cases"][0] |= {"verdict": "failed", "findings": [{**finding, "error_code": "", "curl": ""}]}
    file.write_text(json.dumps(report), encoding="utf-8")
    assert cli.run(["merge", *parts]) == 1
    assert "1 failed" in capsys.readouterr().out


def test_a_missing_shard_is_no_success(parts: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["merge", parts[0]]) == 2
    assert capsys.readouterr().err == "klarna-conformance: the run is not whole; missing: 2/2\n"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["merge"], "Missing argument"),
        (["merge", "/nowhere/1.json"], "/nowhere/1.json: No such file"),
        (["test-server", "--shard", "2/1", "--seed", "1"], "is no shard"),
        (["test-server", "--shard", "1/2"], "--shard needs --seed"),
    ],
)
def test_what_cannot_be_done_is_one_line(capsys: pytest.CaptureFixture[str], arguments: list[str], line: str) -> None:
    assert cli.run(arguments) == 2
    captured = capsys.readouterr()
    assert line in captured.err
    assert captured.err.count("\n") == 1
    assert captured.out == ""


def test_a_report_twice_leaves_nothing_behind(
    parts: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["merge", parts[0], parts[0], "--json", str(tmp_path / "whole.json")]) == 2
    assert "the shard 1/2 occurs twice" in capsys.readouterr().err
    assert not (tmp_path / "whole.json").exists()
