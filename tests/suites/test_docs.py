"""What docs/servers.md says of a control interface and of its commands is so."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from conformance import cli
from conformance.contract.contract import load_contract
from conformance.simulator.merchant import DEFAULT_MERCHANTS
from conformance.simulator.service import Simulator
from conformance.simulator.socket_door import ServerThread
from conformance.suites import ledger_audit
from conformance.verdict import Verdict

PAGE = (Path(__file__).parent.parent.parent / "docs" / "servers.md").read_text(encoding="utf-8")
COMMANDS = [shlex.split(line)[1:] for line in PAGE.splitlines() if line.startswith("klarna-conformance ")]


@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda arguments: " ".join(arguments[-3:]))
def test_every_command_runs(arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KLARNA_USERNAME", DEFAULT_MERCHANTS[0].username)
    monkeypatch.setenv("KLARNA_PASSWORD", DEFAULT_MERCHANTS[0].password)
    with ServerThread(Simulator(load_contract())) as server:
        places = {"http://127.0.0.1:8080": server.base_url, "http://127.0.0.1:8081": server.control_url}
        assert cli.run([places.get(argument, argument) for argument in arguments]) == 0


def test_the_ledger_is_described_as_it_is_read() -> None:
    (row,) = [line for line in PAGE.splitlines() if "/ledger/{order_id}" in line]
    parts = {"entries", "kind", "amount", *ledger_audit.ENTRIES.values()}
    assert set(re.findall(r"`(\w+)`", row)) == {*ledger_audit.SUMS.values(), *parts}


def test_every_verdict_is_told() -> None:
    told = re.findall(r"^\| `(\w+)` \|", PAGE.partition("## Reading the outcome")[2], re.MULTILINE)
    assert set(told) == {verdict.value for verdict in Verdict} - {Verdict.PASSED.value}


def test_codes_and_commands_in_the_text_exist() -> None:
    assert set(re.findall(r"KOM-\d+", PAGE)) <= set(load_contract().findings)
