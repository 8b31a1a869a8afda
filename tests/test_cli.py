from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import click
import pytest

from conformance import __version__, cli
from conformance.exceptions import ConformanceError, ContractError

HEAVY = ("schemathesis", "hypothesis", "rich", "pytest", "httpx", "jsonschema_rs", "yaml", "xml.etree.ElementTree")


def complaint(capsys: pytest.CaptureFixture[str]) -> str:
    """The one line on standard error, and nothing but it."""
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("klarna-conformance: ")
    assert captured.err.count("\n") == 1
    return captured.err.removeprefix("klarna-conformance: ").rstrip("\n")


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A command that raises ``.error``."""
    box = SimpleNamespace(error=None)

    @click.command(name="fail")
    def command() -> None:
        raise box.error

    monkeypatch.setitem(cli.COMMANDS, "fail", "tests.failing_command")
    monkeypatch.setitem(sys.modules, "tests.failing_command", SimpleNamespace(command=command))
    return box


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ConformanceError("the target\nis gone"), "the target is gone"),
        (
            ContractError("errors.yaml", 7, "rows.1.status", "is no status"),
            "errors.yaml:7: rows.1.status: is no status",
        ),
        (FileNotFoundError(2, "No such file or directory", "a.har"), "a.har: No such file or directory"),
        (PermissionError(13, "Permission denied", "b.json"), "b.json: Permission denied"),
        (OSError(28, "No space left on device"), "No space left on device"),
        (OSError("odd"), "odd"),
        (OSError(), "OSError"),
        (KeyboardInterrupt(), "interrupted"),
        (click.Abort(), "interrupted"),
        (click.FileError("c.json", "unreadable"), "Could not open file 'c.json': unreadable"),
        (ConformanceError(""), "failed without a message"),
        (ConformanceError("red \x1b[31m \ud800"), r"red \x1b[31m \ud800"),
    ],
)
def test_trouble_is_one_line_and_status_2(
    failing: SimpleNamespace, capsys: pytest.CaptureFixture[str], error: BaseException, line: str
) -> None:
    failing.error = error
    assert cli.run(["fail"]) == 2
    assert complaint(capsys) == line


def test_our_own_mistake_asks_for_a_report(failing: SimpleNamespace, capsys: pytest.CaptureFixture[str]) -> None:
    failing.error = RuntimeError("of all things")
    assert cli.run(["fail"]) == 2
    line = complaint(capsys)
    assert line.startswith("internal error: RuntimeError: of all things - please report it")
    assert "KLARNA_CONFORMANCE_DEBUG=1" in line


def test_the_traceback_is_there_for_the_asking(
    failing: SimpleNamespace, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KLARNA_CONFORMANCE_DEBUG", "1")
    failing.error = RuntimeError("of all things")
    assert cli.run(["fail"]) == 2
    assert "Traceback (most recent call last)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ([], "Missing command. Try 'klarna-conformance --help'."),
        (["--zzz"], "No such option '--zzz'. Try 'klarna-conformance --help'."),
        (["explian"], "No such command 'explian'. Did you mean 'explain'? Try 'klarna-conformance --help'."),
        (["xyz"], "No such command 'xyz'. Try 'klarna-conformance --help'."),
        (["cases", "--profile"], "Option '--profile' requires an argument. Try 'klarna-conformance --help'."),
        (["cases", "--zzz"], "No such option '--zzz'. Try 'klarna-conformance cases --help'."),
        (["explain", "a", "b"], "Got unexpected extra argument (b). Try 'klarna-conformance explain --help'."),
    ],
)
def test_bad_usage_is_one_line_with_a_hint(capsys: pytest.CaptureFixture[str], arguments: list[str], line: str) -> None:
    assert cli.run(arguments) == 2
    assert complaint(capsys) == line


def test_no_module_answers_to_an_unknown_command() -> None:
    assert cli.cli.get_command(click.Context(cli.cli), "nothing") is None


def test_every_command_ends_its_help_with_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("", *cli.COMMANDS):
        assert cli.run([*([name] if name else []), "--help"]) == 0
        _, _, example = capsys.readouterr().out.partition("Example:\n")
        assert example.strip().startswith(f"klarna-conformance {name}".strip())


def test_the_help_of_the_group_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["-h"]) == 0
    shown = capsys.readouterr().out
    assert all(f"  {name} " in shown for name in cli.COMMANDS)


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["--version"]) == 0
    assert capsys.readouterr().out == f"klarna-conformance {__version__}\n"


def test_the_version_is_that_of_the_package() -> None:
    project = (Path(__file__).parent.parent / "pyproject.toml").read_text(encoding="utf-8")
    assert f'\nversion = "{__version__}"\n' in project


@pytest.mark.parametrize("arguments", [["--help"], ["test-server", "--help"], ["check", "--help"], ["serve", "--help"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    program = (
        "import sys; from conformance import cli; status = cli.run(sys.argv[1:]);"
        f"print([name for name in {HEAVY!r} if name in sys.modules], status, file=sys.stderr)"
    )
    done = python("-c", program, *arguments)
    assert done.stderr == "[] 0\n"


def test_the_package_runs_as_a_module() -> None:
    done = python("-m", "conformance", "nonsense")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "klarna-conformance: No such command 'nonsense'. Try 'klarna-conformance --help'.\n"


def test_a_reader_that_goes_away_is_no_news() -> None:
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "conformance", "explain"],
            stdout=write,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    finally:
        os.close(write)
    assert (done.returncode, done.stderr) == (2, "")


def test_a_narrow_encoding_ends_no_run() -> None:
    done = python("-m", "conformance", "explain", environment={"PYTHONIOENCODING": "ascii"})
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.isascii()


def python(*arguments: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parent.parent,
        env=os.environ | (environment or {}),
    )
