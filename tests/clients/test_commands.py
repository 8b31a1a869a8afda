from __future__ import annotations

import json
from pathlib import Path

import pytest

from conformance.cli import run

ONE = ("--case", "request/getOrder", "--seed", "3")


def test_the_reference_client_conforms_and_every_report_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {name: tmp_path / name for name in ("json", "junit", "html", "summary")}
    status = run(["test-client", *ONE, *[word for name, file in files.items() for word in (f"--{name}", str(file))]])
    assert status == 0
    assert all(file.stat().st_size for file in files.values())
    assert json.loads(files["json"].read_text("utf-8"))["target"]["kind"] == "client"
    assert capsys.readouterr().out.startswith("seed 3\n")


def test_a_client_with_a_defect_does_not_conform(capsys: pytest.CaptureFixture[str]) -> None:
    name = "retry/captureOrder-without-key/lost-reply"
    status = run(["test-client", "--python", "tests.clients.test_run:Resending", "--case", name, "--seed", "7"])
    out = capsys.readouterr().out
    assert status == 1
    assert f"klarna-conformance test-client --python tests.clients.test_run:Resending --case '{name}' --seed 7" in out


def test_known_failures_let_a_run_pass(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    client = [
        "test-client",
        "--python",
        "tests.clients.test_run:Resending",
        "--case",
        "retry/captureOrder-without-key/lost-*",
    ]
    assert run([*client, "--update-known-failing"]) == 0
    known = tmp_path / "known.yaml"
    known.write_text(capsys.readouterr().out, "utf-8")
    assert run([*client, "--known-failing", str(known)]) == 0
    known.write_text(known.read_text("utf-8") + '- {case: "gone/*", comment: "x"}\n', "utf-8")
    assert run([*client, "--known-failing", str(known)]) == 1
    assert "'gone/*' names no case" in capsys.readouterr().out


def test_the_cases_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["test-client", "--list", "--case", "request/get*", "--level", "core"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "request/getOrder",
        "request/getCaptures",
        "request/getCapture",
        "request/getOptionsForExtendDueDate",
        "request/get",
    ]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--adapter", "x", "--python", "y:z"], "give one of them"),
        (["--known-failing", "x", "--update-known-failing"], "leave out --known-failing"),
        (["--case", "nope/*"], "no case matches 'nope/*'"),
        (["--adapter", ""], "names no command"),
        (["--adapter", "true", "--via", "respx"], "an adapter needs a socket"),
        (["--adapter", "/nonexistent/x"], "cannot be started"),
        (["--python", "nothing"], "must read MODULE:OBJECT"),
        (["--known-failing", "/nonexistent/x"], "cannot be read"),
        (["--json", "/nonexistent/x/y"], "there is no directory"),
        (["--adapter", "false"], "ended with exit status 1"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_status_2(
    arguments: list[str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["test-client", *arguments]) == 2
    complaint = capsys.readouterr().err.splitlines()
    assert len(complaint) == 1
    assert line in complaint[0]


@pytest.mark.parametrize(("command", "status"), [("cat", 1), ("/nonexistent/x", 2)])
def test_an_adapter_that_does_not_speak_the_protocol_is_smoked_out(
    command: str, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["smoke", "--adapter", command]) == status
    if status == 1:
        assert "FAILED  says hello: the adapter wrote a line that" in capsys.readouterr().out
