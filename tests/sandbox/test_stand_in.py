"""The stand-in is judged, recorded, replayed and compared by the commands that a user types for the playground."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conformance import cli
from conformance.commands.sandbox import CUSTOMER_TOKEN
from conformance.contract.contract import load_contract
from conformance.exchange import Request
from conformance.recordings.replay import CassetteService, load_cassettes
from conformance.suites.run import ServerRun
from tests.sandbox.drifts import DRIFTS, PlantedDrift
from tests.sandbox.stand_in import TOKEN, StandInServer, stand_in

CASES = sorted({planted.case for planted in DRIFTS})


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandInServer]:
    with stand_in(tmp_path_factory.mktemp("stand-in")) as running:
        yield running


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, server: StandInServer) -> None:
    monkeypatch.setenv("KLARNA_USERNAME", server.username)
    monkeypatch.setenv("KLARNA_PASSWORD", server.password)
    monkeypatch.setenv(CUSTOMER_TOKEN, TOKEN)


def asked(server: StandInServer) -> list[str]:
    return ["--ca-file", str(server.ca_file), "--rate", "49"]


def chosen() -> list[str]:
    return [word for case in CASES for word in ("--case", case)]


@pytest.fixture(scope="module")
def recorded(server: StandInServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("recorded")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KLARNA_USERNAME", server.username)
        patch.setenv("KLARNA_PASSWORD", server.password)
        patch.setenv(CUSTOMER_TOKEN, TOKEN)
        status = cli.run(["record", "--target", server.base_url, "--to", str(directory), *asked(server), *chosen()])
    assert status == 0
    return directory


def test_a_plan_costs_no_request(server: StandInServer, capsys: pytest.CaptureFixture[str]) -> None:
    before = server.service.requests
    assert cli.run(["test-server", "--base-url", server.base_url, "--dry-run", *asked(server), *chosen()]) == 0
    told = capsys.readouterr().out
    assert "plan: 5 cases" in told
    assert server.service.requests == before


def test_the_stand_in_conforms(server: StandInServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = tmp_path / "report.json"
    before, orders = server.service.requests, len(server.service.orders)
    status = cli.run(
        [
            "test-server",
            "--base-url",
            server.base_url,
            "--profile",
            "quick",
            "--json",
            str(report),
            "--seed",
            "3",
            "--case",
            "captureOrder/*/valid",
            "--case",
            "cancelOrder/*/valid",
            *asked(server),
        ]
    )
    assert status == 0, capsys.readouterr()
    told = json.loads(report.read_text())
    verdicts = {case["verdict"] for case in told["cases"]}
    assert verdicts <= {"passed", "known", "not_measured"}
    assert told["summary"]["passed"] > 10
    assert any("control" in case["why"] or "order in state" in case["why"] for case in told["cases"] if "why" in case)
    made = server.service.orders[orders:]
    assert 0 < len(made) < 40
    # The plan promised as much, give or take what was asked twice.
    planned = int(capsys.readouterr().out.split("given orders in ")[1].split()[0])
    assert planned <= server.service.requests - before <= planned * 1.2 + 10
    for order_id in made:
        ledger = server.service.simulator.ledger(order_id)
        assert ledger["captured"] == ledger["refunded"], ledger
        assert ledger["remaining"] == 0 or ledger["released"], ledger


def test_recordings_are_judged_and_replayed(server: StandInServer, recorded: Path) -> None:
    assert cli.run(["check", str(recorded)]) == 0
    service = CassetteService(load_cassettes([recorded]), load_contract())
    (case,) = [name for name in service.cassettes if name == "getOrder/fresh/valid"]
    cassette = dict(load_cassettes([recorded]))[case]
    first = cassette.interactions[0].exchange
    assert first.response is not None
    replayed = service.handle(Request(first.request.method, f"/{case}" + first.request.target[31:]))
    assert replayed.status == first.response.status == 200
    assert TOKEN not in "".join(path.read_text() for path in recorded.rglob("*.yaml"))


def test_nothing_changed_from_one_night_to_the_next(
    server: StandInServer, recorded: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    summary, report = tmp_path / "summary.md", tmp_path / "drift.json"
    status = cli.run(
        [
            "drift",
            str(recorded),
            "--target",
            server.base_url,
            "--summary",
            str(summary),
            "--json",
            str(report),
            "--keep",
            str(tmp_path / "tonight"),
            *asked(server),
        ]
    )
    assert status == 0, capsys.readouterr()
    told = json.loads(report.read_text())
    assert told["drifts"] == []
    assert len(told["cases"]) == len(CASES)
    assert "No drift" in summary.read_text()
    assert cli.run(["drift", str(recorded), str(tmp_path / "tonight")]) == 0


@pytest.mark.parametrize("planted", DRIFTS, ids=lambda planted: planted.name)
def test_planted_drift_is_found(
    server: StandInServer, recorded: Path, tmp_path: Path, planted: PlantedDrift, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "drift.json"
    server.service.change = planted.change
    try:
        status = cli.run(
            [
                "drift",
                str(recorded / f"{planted.case}.yaml"),
                "--target",
                server.base_url,
                "--json",
                str(report),
                *asked(server),
            ]
        )
    finally:
        server.service.change = None
    told: dict[str, Any] = json.loads(report.read_text())
    found = {drift["path"]: drift["class"] for drift in told["drifts"]}
    assert found.get(planted.path) == planted.drift_class, found
    assert status == (1 if planted.drift_class in ("breaking", "service_wrong") else 0)
    assert ("to accept this" in capsys.readouterr().out) is bool(status)


def test_bad_luck_was_there(server: StandInServer) -> None:
    assert server.service.failed
    assert server.service.lost


def test_an_unknown_authority_is_not_trusted(server: StandInServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["test-server", "--base-url", server.base_url, "--case", CASES[0]]) == 2
    assert "no TLS connection" in capsys.readouterr().err


def test_a_budget_ends_a_run(server: StandInServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = tmp_path / "report.json"
    before = server.service.requests
    cli.run(
        [
            "test-server",
            "--base-url",
            server.base_url,
            "--budget",
            "40",
            "--json",
            str(report),
            "--profile",
            "quick",
            "--case",
            "captureOrder/fresh/*",
            *asked(server),
        ]
    )
    assert server.service.requests - before <= 40
    assert "the budget of 40 requests ends before the last case" in capsys.readouterr().out
    told = json.loads(report.read_text())
    assert any(case["verdict"] == "not_measured" for case in told["cases"])
    assert told["summary"]["failed"] == 0


def test_a_run_goes_on_where_it_stopped(
    server: StandInServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    journal, report = tmp_path / "run.jsonl", tmp_path / "report.json"
    command = ["test-server", "--base-url", server.base_url, "--resume", str(journal), "--json", str(report)]
    command += ["--profile", "quick", *asked(server), *chosen()]

    played: list[str] = []
    real = ServerRun._played

    def impatient(self: ServerRun, case: Any) -> Any:
        if len(played) == 2:
            raise KeyboardInterrupt
        played.append(case.id)
        return real(self, case)

    monkeypatch.setattr(ServerRun, "_played", impatient)
    # The plan is rehearsed with the same class, so the patience is set where the journal is.
    monkeypatch.setattr("conformance.commands.test_server.plan", lambda options, **_: options)
    assert cli.run(command) == 2
    assert "interrupted" in capsys.readouterr().err
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    assert [line["case"]["id"] for line in lines if "case" in line] == played
    monkeypatch.setattr(ServerRun, "_played", real)
    with journal.open("ab") as file:
        file.write(b'{"case": {"id": "cut of')
    orders = server.service.orders[-sum("order" in line for line in lines) :]
    assert cli.run(command) == 0
    told = json.loads(report.read_text())
    assert {case["id"] for case in told["cases"]} == set(CASES)
    assert told["summary"]["passed"] + told["summary"]["known"] == len(CASES)
    for order_id in orders:
        ledger = server.service.simulator.ledger(order_id)
        assert ledger["captured"] == ledger["refunded"]
