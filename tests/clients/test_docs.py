"""Every snippet of the guide to clients is run, or held against what it shows."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import jsonschema_rs
import pytest
import yaml

from conformance.clients.known_failing import KnownFailures
from conformance.contract.contract import load_contract
from conformance.contract.files import spec_directory

CHECKOUT = Path(__file__).parents[2]
GUIDE = (CHECKOUT / "docs" / "clients.md").read_text("utf-8")
# Commands run where the files of the guide are, and must find the suite from there.
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
BLOCKS = re.findall(r"(?ms)^```(\w+)\n(.*?)^```$", GUIDE)
MEANT_TO_FAIL = "   # exit status 1"


def blocks(kind: str) -> list[str]:
    return [text for found, text in BLOCKS if found == kind]


def commands() -> list[str]:
    return [line for block in blocks("sh") for line in block.splitlines()]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the files of the guide in it."""
    directory = tmp_path_factory.mktemp("guide")
    for text in (*blocks("python"), *blocks("yaml")):
        name = text.partition("\n")[0].removeprefix("# ")
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(text, "utf-8")
    return directory


def words(command: str) -> list[str]:
    program, *rest = shlex.split(command, comments=True)
    assert program == "klarna-conformance"
    return [sys.executable, "-m", "conformance", *(word.replace("python ", f"{sys.executable} ") for word in rest)]


@pytest.mark.parametrize("command", commands())
def test_a_command_does_what_the_guide_says(command: str, place: Path) -> None:
    done = subprocess.run(
        words(command), cwd=place, env=ENVIRONMENT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == (1 if command.endswith(MEANT_TO_FAIL.strip()) else 0), done.stdout + done.stderr
    assert done.stdout


def test_the_messages_are_those_of_the_protocol() -> None:
    schema = json.loads((spec_directory() / "schemas" / "adapter.schema.json").read_text("utf-8"))
    names = set(schema["$defs"])
    validators = [
        jsonschema_rs.Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": schema["$defs"]}) for name in names
    ]
    messages = [json.loads(text) for text in blocks("json")]
    assert [message["type"] for message in messages] == ["hello", "hello", "run", *["result"] * 4]
    assert all(any(validator.is_valid(message) for validator in validators) for message in messages)


def test_the_list_of_known_failures_can_be_read(place: Path) -> None:
    assert len(KnownFailures.load(place / "known.yaml").entries) == 2


def test_the_workflow_runs_commands_that_exist(place: Path) -> None:
    workflow = yaml.safe_load((place / ".github/workflows/klarna.yml").read_text("utf-8"))
    steps = [step["run"] for step in workflow["jobs"]["conformance"]["steps"] if "run" in step]
    for step in steps[1:]:
        _, command, *rest = shlex.split(step)
        usage = subprocess.run(
            [sys.executable, "-m", "conformance", command, "--help"], capture_output=True, text=True, check=True
        ).stdout
        assert all(option in usage for option in rest if option.startswith("--"))


def test_the_report_is_told_in_the_words_of_the_suite() -> None:
    contract = load_contract()
    (report, serve) = blocks("text")
    code = contract.findings["KOM-841"]
    assert f"costs: {code.costs}" in report
    assert f"{code.requirement} {contract.requirements[code.requirement].keyword.upper()}" in report
    assert serve.startswith("klarna-conformance serve --judge ")


def test_a_client_is_judged_by_its_own_tests(tmp_path: Path) -> None:
    (_, command) = blocks("text")
    line = words(f"{command.strip()} --port 0")
    with subprocess.Popen(line, cwd=tmp_path, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            assert server.stdout.readline()
            server.send_signal(signal.SIGINT)
            server.communicate(timeout=60)
        finally:
            server.kill()
    assert (tmp_path / "orders.tsv").read_text("utf-8").startswith("order_id\t")
    assert (tmp_path / "report.json").exists()
