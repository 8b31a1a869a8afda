from __future__ import annotations

import json
from typing import Any

import pytest

from conformance import cli
from conformance.commands.faults import CLASSES
from conformance.contract.contract import load_contract
from conformance.simulator import socket_door
from conformance.simulator.faults.fault import FaultClass
from conformance.simulator.faults.faulty_simulator import FaultySimulator
from conformance.simulator.faults.zoo import faults

FAULTS = faults(load_contract())


def test_every_fault_is_listed_with_what_it_costs(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["faults"]) == 0
    out = capsys.readouterr().out
    for fault in FAULTS.values():
        assert f"{fault.id}  ({fault.fault_class.value}, {fault.requirement})\n  {fault.title}.\n  {fault.costs}" in out


def test_classes_are_those_of_the_zoo() -> None:
    assert list(CLASSES) == [each.value for each in FaultClass]


def test_a_class_can_be_chosen(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["faults", "--class", "concurrency", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    wanted = [fault.id for fault in FAULTS.values() if fault.fault_class is FaultClass.CONCURRENCY]
    assert [fault["id"] for fault in listed] == wanted
    assert listed[0]["operations"] == ["captureOrder"]


def test_a_fault_of_no_operation_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["faults", "--class", "security"]) == 0
    assert "requests that no operation takes" in capsys.readouterr().out


def test_an_unknown_class_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["faults", "--class", "weather"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_fault_can_be_given_to_the_embedded_simulator(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["test-server", "--profile", "quick", "--case", "captureOrder/fresh/one", "--seed", "1"]
    assert cli.run(arguments) == 0
    assert cli.run([*arguments, "--fault", "capture-answers-200"]) == 1
    out = capsys.readouterr().out
    assert "KOM-102" in out
    again = next(line for line in out.splitlines() if "again: klarna-conformance" in line)
    assert again.endswith("--fault capture-answers-200")


def test_a_fault_can_be_served(monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[Any] = []
    monkeypatch.setattr(socket_door, "run_server", lambda simulator, *_: served.append(simulator))
    assert cli.run(["serve", "--fault", "capture-answers-200", "--seed", "7", "--behaviour", "observed"]) == 0
    (simulator,) = served
    assert isinstance(simulator, FaultySimulator)
    assert simulator.fault.id == "capture-answers-200"
    assert simulator.behaviour.name == "observed"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["test-server", "--fault", "capture-answers-201"], "did you mean capture-answers-200"),
        (["test-server", "--base-url", "http://127.0.0.1:1", "--fault", "capture-answers-200"], "a server has its own"),
        (["serve", "--fault", "no-such-fault"], "no fault 'no-such-fault'"),
        (["serve", "--fault", "capture-race"], "handles one at a time"),
        (["serve", "--fault", "capture-answers-200", "--cassettes", "."], "leave out --cassettes"),
    ],
)
def test_a_fault_that_cannot_be_had_is_one_line(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(arguments) == 2
    err = capsys.readouterr().err
    assert words in err.splitlines()[-1]
