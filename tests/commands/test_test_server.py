from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema_rs
import pytest

from conformance import cli
from conformance.contract.files import spec_path
from conformance.exceptions import TargetError
from conformance.suites import run as suite
from conformance.suites.run import ServerOptions
from conformance.verdict import CaseResult, RunResult, Verdict

LOCAL = "http://127.0.0.1:8080"
REMOTE = "https://api.playground.klarna.com"
SECRETS = ("--username", "K1", "--password", "flag-secret")


class Driver:
    """Stands in for the suite: keeps what it was asked, answers with one case."""

    def __init__(self) -> None:
        self.options: list[ServerOptions] = []
        self.case = CaseResult("getOrder/fresh/read", Verdict.PASSED, "core", exchanges=1)

    def __call__(self, options: ServerOptions, listener: Any) -> RunResult:
        self.options.append(options)
        listener.started(1)
        listener.finished(self.case)
        suite_facts = {"name": "klarna-conformance", "version": "0.1.0", "contract": "0" * 64}
        return RunResult(suite_facts, {"kind": "simulator"}, options.seed, (self.case,))


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> Driver:
    stand_in = Driver()
    monkeypatch.setattr(suite, "run_server_suite", stand_in)
    monkeypatch.delenv("KLARNA_USERNAME", raising=False)
    monkeypatch.delenv("KLARNA_PASSWORD", raising=False)
    return stand_in


def test_the_embedded_simulator_is_the_default(driver: Driver, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["test-server"]) == 0
    (options,) = driver.options
    assert (options.base_url, options.profile, options.behaviour, options.cases) == (None, "default", "documented", ())
    assert capsys.readouterr().out.splitlines()[0] == f"seed {options.seed}"


def test_a_seed_is_drawn_for_each_run_and_kept_when_given(driver: Driver) -> None:
    for _ in range(3):
        cli.run(["test-server"])
    assert len({options.seed for options in driver.options}) > 1
    cli.run(["test-server", "--seed", "11"])
    assert driver.options[-1].seed == 11


def test_every_option_reaches_the_suite(driver: Driver) -> None:
    flags = ["--profile", "deep", "--case", "a/*", "--case", "b/*", "--seed", "3"]
    assert cli.run(["test-server", "--behaviour", "observed", *flags]) == 0
    assert cli.run(["test-server", "--base-url", LOCAL, *SECRETS, "--order-id", "o1", "--order-id", "o2", *flags]) == 0
    assert cli.run(["test-server", "--base-url", LOCAL, *SECRETS, "--control-url", "http://127.0.0.1:1"]) == 0
    embedded, orders, control = driver.options
    assert embedded == ServerOptions(seed=3, profile="deep", cases=("a/*", "b/*"), behaviour="observed")
    assert (orders.order_ids, orders.control_url) == (("o1", "o2"), None)
    assert (orders.username, orders.password) == ("K1", "flag-secret")
    assert (control.order_ids, control.control_url) == ((), "http://127.0.0.1:1")


def test_credentials_come_from_the_environment(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KLARNA_USERNAME", "K9")
    monkeypatch.setenv("KLARNA_PASSWORD", "env-secret")
    assert cli.run(["test-server", "--base-url", REMOTE]) == 0
    assert (driver.options[0].username, driver.options[0].password) == ("K9", "env-secret")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--base-url", LOCAL], "no credentials: set KLARNA_USERNAME and KLARNA_PASSWORD in the environment"),
        (["--base-url", REMOTE, *SECRETS], "--username and --password are for loopback targets"),
        (["--base-url", LOCAL, *SECRETS, "--behaviour", "observed"], "--behaviour is the embedded simulator's"),
        (["--base-url", LOCAL, *SECRETS, "--control-url", LOCAL, "--order-id", "o"], "leave out --order-id"),
        (["--order-id", "o"], "--order-id needs --base-url"),
        (["--control-url", LOCAL], "--control-url needs --base-url"),
        (["--username", "K1"], "--username needs --base-url"),
        (["--password", "flag-secret"], "--password needs --base-url"),
        (["--seed", "-1"], "Invalid value for '--seed'"),
        (["--profile", "huge"], "Invalid value for '--profile'"),
        (["--json", "/nowhere/report.json"], "--json /nowhere/report.json: there is no directory /nowhere"),
        (["extra"], "Got unexpected extra argument (extra)"),
    ],
)
def test_what_cannot_be_done_is_one_line_before_anything_runs(
    driver: Driver, capsys: pytest.CaptureFixture[str], arguments: list[str], line: str
) -> None:
    assert cli.run(["test-server", *arguments]) == 2
    captured = capsys.readouterr()
    assert driver.options == []
    assert captured.out == ""
    assert line in captured.err
    assert captured.err.count("\n") == 1
    assert "flag-secret" not in captured.err


@pytest.mark.parametrize(
    ("verdict", "exchanges", "status"),
    [
        (Verdict.PASSED, 1, 0),
        (Verdict.WARNING, 1, 0),
        (Verdict.FAILED, 1, 1),
        (Verdict.ERROR, 1, 2),
        (Verdict.PASSED, 0, 2),
    ],
)
def test_the_exit_status_follows_the_run(
    driver: Driver, capsys: pytest.CaptureFixture[str], verdict: Verdict, exchanges: int, status: int
) -> None:
    driver.case = CaseResult("getOrder/fresh/read", verdict, "core", exchanges=exchanges, why="because")
    assert cli.run(["test-server"]) == status
    err = capsys.readouterr().err
    assert err.count("\n") == (status == 2)
    assert err.startswith("klarna-conformance: " if status == 2 else "")


def test_a_target_out_of_reach_is_one_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: object) -> RunResult:
        raise TargetError("http://127.0.0.1:1 cannot be reached: connection refused")

    monkeypatch.setattr(suite, "run_server_suite", unreachable)
    assert cli.run(["test-server", "--base-url", LOCAL, *SECRETS]) == 2
    assert capsys.readouterr().err == "klarna-conformance: http://127.0.0.1:1 cannot be reached: connection refused\n"


def test_every_report_is_written_and_fits(driver: Driver, tmp_path: Path) -> None:
    files = {name: tmp_path / f"report.{name}" for name in ("json", "junit", "html")}
    driver.case = CaseResult("getOrder/fresh/read", Verdict.FAILED, "core", exchanges=1)
    options = [word for name, file in files.items() for word in (f"--{name}", str(file))]
    assert cli.run(["test-server", *options]) == 1
    assert json.loads(files["json"].read_bytes())["summary"]["failed"] == 1
    assert ET.parse(files["junit"]).getroot().attrib["failures"] == "1"  # noqa: S314 - our own file
    assert "does not conform" in files["html"].read_text(encoding="utf-8")


def test_the_real_suite_writes_a_report_that_fits_the_schema(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    status = cli.run(
        ["test-server", "--profile", "quick", "--case", "getOrder/fresh/*", "--seed", "1", "--json", str(file)]
    )
    report = json.loads(file.read_bytes())
    schema = json.loads(spec_path("schemas/report.schema.json").read_text(encoding="utf-8"))
    jsonschema_rs.validator_for(schema).validate(report)
    assert status == (1 if report["summary"]["failed"] else 0)
    assert len(report["cases"]) > 1
    assert {case["id"].split("/")[0] for case in report["cases"]} == {"getOrder"}
