from __future__ import annotations

import re
import shlex
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from conformance import cli
from conformance.contract.files import cassette_directory
from conformance.recordings.cassette import NEVER
from conformance.recordings.reader import read_recording

CHECKOUT = Path(__file__).parent.parent.parent
PAGES = ("cassettes.md", "redaction.md")
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INSTALLED = any(entry.name == "klarna_conformance" for entry in entry_points(group="pytest11"))
PLUGINS = () if INSTALLED else ("-p", "conformance.pytest_plugin")


def snippets(page: str, language: str) -> list[str]:
    text = (CHECKOUT / "docs" / page).read_text(encoding="utf-8")
    return [found for name, found in FENCE.findall(text) if name == language]


def commands(page: str) -> list[list[str]]:
    lines = "".join(snippets(page, "sh")).splitlines()
    return [shlex.split(line)[1:] for line in lines if line.startswith("klarna-conformance ")]


@pytest.mark.parametrize("page", PAGES)
def test_every_python_example_passes(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, page: str) -> None:
    monkeypatch.setenv("PYTHONPATH", str(CHECKOUT))
    found = snippets(page, "python")
    for number, snippet in enumerate(found):
        pytester.path.joinpath(f"test_example_{number}.py").write_text(snippet, encoding="utf-8")
    outcomes = pytester.runpytest_subprocess(*PLUGINS, "-p", "no:cacheprovider").parseoutcomes()
    assert set(outcomes) == {"passed"}
    assert outcomes["passed"] >= len(found) > 0


def test_every_command_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("KLARNA_USERNAME", "KLARNA_PASSWORD", "KLARNA_REDACTION_SALT"):
        monkeypatch.delenv(name, raising=False)
    ran = 0
    for arguments in commands("cassettes.md"):
        if arguments[0] == "serve":
            # It runs until it is stopped, which the tests of the command do; here its options are looked at.
            arguments[arguments.index("cassettes")] = str(cassette_directory())
            assert cli.run([*arguments, "--help"]) == 0
            continue
        assert cli.run(arguments) == 0, capsys.readouterr().err
        ran += 1
    assert ran == 3


def test_the_block_is_described_as_it_is() -> None:
    (described,) = snippets("cassettes.md", "yaml")
    fields = re.findall(r"^  (\w+):", described, re.MULTILINE)
    path = next(iter(sorted(cassette_directory().rglob("*.yaml"))))
    lines = path.read_text().partition("version:")[0].splitlines()
    assert fields == [line.partition(":")[0].strip() for line in lines if line.startswith("  ")]
    header = read_recording(path).header
    assert header is not None
    assert f"expires: {NEVER}" in described


def test_the_modes_are_those_of_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    text = (CHECKOUT / "docs" / "cassettes.md").read_text(encoding="utf-8")
    modes = re.findall(r"^\| `(\w+)`", text, re.MULTILINE)
    cli.run(["record", "--help"])
    assert f"[{'|'.join(modes)}]" in "".join(capsys.readouterr().out.split())
