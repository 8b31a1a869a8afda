"""What the README promises is done: its example runs, its commands and flags exist, and CI runs its test command."""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
import sys
import tomllib
from importlib.metadata import entry_points
from pathlib import Path

import click
import pytest

# A run in this process forgets what it imported, and compiled modules do not bear a second import.
import conformance.judge.judge
import conformance.simulator.service  # noqa: F401 - as above
from conformance import cli

CHECKOUT = Path(__file__).parent.parent
README = (CHECKOUT / "README.md").read_text(encoding="utf-8")
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))
INSTALLED = any(entry.name == "klarna_conformance" for entry in entry_points(group="pytest11"))
# Modules that bear another name than the package that brings them.
PROVIDED = {"yaml": "pyyaml", "vcr": "pytest-recording"}
PLUGIN = () if INSTALLED else ("-p", "conformance.pytest_plugin")


def snippets(language: str) -> list[str]:
    return [text for found, text in FENCE.findall(README) if found == language]


def shell_lines() -> list[str]:
    joined = "".join(snippets("sh")).replace("\\\n", " ")
    return [line.strip() for line in joined.splitlines() if line.strip()]


def commands() -> list[list[str]]:
    """Every call of the console script, without the variables before it and the comment behind it."""
    found = []
    for line in shell_lines():
        words = shlex.split(line, comments=True)
        for number, word in enumerate(words):
            if Path(word).name == "klarna-conformance":
                found.append(words[number + 1 :])
    return found


@pytest.mark.parametrize("snippet", snippets("python"))
def test_a_python_example_passes(pytester: pytest.Pytester, snippet: str) -> None:
    pytester.makepyfile(snippet)
    outcomes = pytester.runpytest_inprocess(*PLUGIN, "-p", "no:cacheprovider").parseoutcomes()
    assert set(outcomes) == {"passed"}


def test_there_is_an_example_of_ten_lines() -> None:
    assert any(len([line for line in text.splitlines() if line.strip()]) <= 12 for text in snippets("python"))


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_a_command_exists_with_all_its_flags(words: list[str]) -> None:
    command = cli.cli.get_command(click.Context(cli.cli), words[0])
    assert command is not None
    flags = {flag for parameter in command.params for flag in parameter.opts}
    assert {word for word in words[1:] if word.startswith("--")} <= flags


def test_the_commands_that_stay_at_home_work(capsys: pytest.CaptureFixture[str]) -> None:
    at_home = [words for words in commands() if words[0] in ("explain", "cases")]
    assert len(at_home) >= 3
    for words in at_home:
        assert cli.run(words) == 0
        assert capsys.readouterr().out


def test_every_command_is_shown() -> None:
    assert {words[0] for words in commands()} == set(cli.COMMANDS)


def test_the_readme_starts_with_two_commands_that_do_everything() -> None:
    first, second = shell_lines()[:2]
    extras = PROJECT["project"]["optional-dependencies"]
    for line, extra in ((first, "all"), (second, "dev")):
        steps = line.split(" && ")
        assert steps[0] == "python3 -m venv .venv"
        assert "--constraint constraints.txt" in steps[1]
        assert f"'.[{extra}]'" in steps[1]
        assert extra in extras
        assert steps[2].startswith(".venv/bin/")
        assert len(steps) == 3
    assert (CHECKOUT / "constraints.txt").is_file()


def test_ci_runs_the_test_command_of_the_readme() -> None:
    script = (CHECKOUT / ".ci" / "run").read_text(encoding="utf-8")
    (pick,) = re.findall(r"^command=\$\((.*)\)$", script, re.MULTILINE)
    picked = subprocess.run(["bash", "-c", pick], cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout
    assert picked.rstrip("\n") == shell_lines()[1]
    assert 'bash -euo pipefail -c "$command"' in script


def test_what_is_installed_is_pinned() -> None:
    pins = {line.partition("==")[0] for line in (CHECKOUT / "constraints.txt").read_text(encoding="utf-8").splitlines()}
    assert declared_names() - {"klarna-conformance"} <= pins


def declared_names() -> set[str]:
    wanted = [*PROJECT["project"]["dependencies"]]
    for extra in PROJECT["project"]["optional-dependencies"].values():
        wanted += extra
    return {re.split(r"[\[<>=!~; ]", line)[0].lower().replace("_", "-") for line in wanted}


def test_what_is_imported_is_declared() -> None:
    imported: set[str] = set()
    for folder in ("conformance", "tests"):
        for path in (CHECKOUT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_bytes())):
                if isinstance(node, ast.Import):
                    imported |= {alias.name.partition(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    imported.add(node.module.partition(".")[0])
    ours = {"conformance", "benchmarks", "examples", "tests"}
    declared = {name.replace("-", "_") for name in declared_names()} | set(PROVIDED)
    # uvloop is taken when it is there, and never asked for.
    assert imported - set(sys.stdlib_module_names) - ours - {"uvloop"} <= declared


def test_links_lead_somewhere() -> None:
    for name in ("README.md", "CONTRIBUTING.md"):
        text = (CHECKOUT / name).read_text(encoding="utf-8")
        for target in re.findall(r"\]\(([^)#]+)", text):
            assert "://" in target or (CHECKOUT / target).exists(), target
