"""What docs/sandbox.md and the workflows say can be typed: every option exists, and the ignore list is one."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from conformance.cli import cli
from conformance.recordings.drift import DriftClass
from conformance.recordings.ignore_list import IgnoreList
from conformance.suites.region import SANDBOXES

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "sandbox.md").read_text(encoding="utf-8")
WORKFLOWS = sorted((DOCS / "workflows").glob("*.yml"))


def commands() -> list[str]:
    found = re.findall(r"^\$ (klarna-conformance .*)$", PAGE, re.MULTILINE)
    for path in WORKFLOWS:
        for job in yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].values():
            for step in job["steps"]:
                script = str(step.get("run", "")).replace("\\\n", " ")
                found += [line.strip() for line in script.splitlines() if line.strip().startswith("klarna-conf")]
    return found


@pytest.mark.parametrize("line", commands())
def test_every_command_is_understood(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    words = shlex.split(line)[1:]
    for word in words[1:]:
        # What a command reads has to be there before click takes it.
        if not word.startswith("-") and re.search(r"\.(ya?ml|json)$", word):
            (tmp_path / word).touch()
        elif word.startswith("cassettes/"):
            (tmp_path / word).mkdir(parents=True)
    command = cli.get_command(click.Context(cli), words[0])
    assert command is not None
    context = command.make_context(words[0], words[1:])
    assert context.params


def test_there_are_commands_to_try() -> None:
    assert len(commands()) >= 10
    assert len(WORKFLOWS) == 2


def test_every_sandbox_and_class_is_on_the_page() -> None:
    assert all(f"| `{name}` | `{url}` |" in PAGE for name, url in SANDBOXES.items())
    assert all(f"| `{each.value}` |" in PAGE for each in DriftClass)


def test_the_ignore_list_on_the_page_is_one(tmp_path: Path) -> None:
    (text,) = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    file = tmp_path / "ignore.yaml"
    file.write_text(text)
    assert len(IgnoreList.load(file).entries) == 1


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_ask_for_no_more_than_they_need(path: Path) -> None:
    workflow: dict[Any, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert workflow["permissions"] == {"contents": "read"}
    # YAML 1.1 reads the key as true.
    assert workflow[True]
    for job in workflow["jobs"].values():
        assert job["timeout-minutes"]
        for step in job["steps"]:
            assert ("run" in step) != ("uses" in step)
            assert "secrets." not in str(step.get("run", "")), "a secret in a script ends in the process list"
