"""What was asked of the control interface is told, and a script that holds it leads to the same fault again."""

from __future__ import annotations

import os
import re
import shutil
import subprocess

import pytest

from conformance.contract.contract import load_contract
from conformance.exchange import Exchange, Request, Response
from conformance.recordings.redaction import redactor_for
from conformance.simulator.faults.faulty_simulator import FaultySimulator
from conformance.simulator.faults.zoo import fault_named
from conformance.simulator.service import Simulator
from conformance.simulator.socket_door import ServerThread
from conformance.suites.control import EmbeddedControl
from conformance.suites.curl import curls, story
from conformance.suites.run import ServerOptions, run_server_suite
from conformance.suites.told_control import ControlStep, ToldControl, interleaved
from conformance.verdict import CaseResult, Verdict

USERNAME, PASSWORD = "K100001_conformance", "conformance-secret"
CONTRACT = load_contract()


def test_what_changes_something_is_told_and_passed_on() -> None:
    simulator = Simulator(CONTRACT)
    steps: list[ControlStep] = []
    control = ToldControl(EmbeddedControl(simulator), steps.append, lambda: 7)

    order_id = control.create_order(order_amount=500)
    control.advance(3_600)
    control.provoke({"status": 502})

    assert steps == [
        ControlStep(7, "/orders", {"order_id": order_id, "order_amount": 500}),
        ControlStep(7, "/clock", {"advance_s": 3_600}),
        ControlStep(7, "/faults", {"status": 502}),
    ]
    assert control.ledger(order_id)["authorised"] == 500
    assert control.now() == simulator.clock.now
    assert [fault["status"] for fault in simulator.faults()] == [502]
    assert control.shows_ledger


def test_what_is_only_asked_is_not_told() -> None:
    steps: list[ControlStep] = []
    simulator = Simulator(CONTRACT)
    control = ToldControl(EmbeddedControl(simulator), steps.append, lambda: 0)

    control.now()
    control.ledger(simulator.create_order({}))

    assert steps == []


def test_steps_stand_where_they_were_asked() -> None:
    first, second, third = (Exchange(Request("GET", f"/{number}"), Response(200)) for number in range(3))
    early, middle, late = (ControlStep(after, "/clock", {"advance_s": 1}) for after in (0, 2, 3))
    steps = [early, middle, late]

    assert interleaved([first, second, third], steps, 0) == [early, first, second, middle, third, late]
    assert interleaved([first, second, third], steps, 1) == [second, middle, third, late]
    assert interleaved([], [], 0) == []


def test_a_story_tells_it_between_the_numbered_requests() -> None:
    get = Exchange(Request("GET", "/o"), Response(200))
    made = ControlStep(0, "/orders", {"order_id": "x", "order_amount": 5, "order_lines": [], "status": "EXPIRED"})
    clock = ControlStep(1, "/clock", {"advance_s": 90_000.0})
    fault = ControlStep(2, "/faults", {"status": 503, "error_code": "OUT_OF_ORDER", "carried_out": True})

    assert story([made, get, clock, get, fault, ControlStep(2, "/faults", {})]) == (
        "- order x is made: order_amount 5, status EXPIRED",
        "1. GET /o -> 200",
        "- the clock moves on by 1 day, 1:00:00",
        "2. GET /o -> 200",
        "- 503 OUT_OF_ORDER is ordered in place of the answer to what is done",
        "- 503 is ordered in place of an answer",
    )


def test_people_get_stand_ins_in_the_script_too() -> None:
    made = ControlStep(0, "/orders", {"order_id": "x", "billing_address": {"given_name": "Anastasia"}})

    (line,) = curls([made], "http://h", redactor=redactor_for(CONTRACT)).splitlines()

    assert line.startswith('curl -sS -i -X POST "$KLARNA_CONTROL_URL"/orders ')
    assert "Anastasia" not in line
    assert '"order_id"' in line


def _judged(server: ServerThread, case_id: str) -> CaseResult:
    options = ServerOptions(
        base_url=server.base_url,
        control_url=server.control_url,
        username=USERNAME,
        password=PASSWORD,
        profile="quick",
        cases=(case_id,),
        seed=1,
    )
    (case,) = run_server_suite(options).cases
    return case


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize(
    ("fault", "case_id"),
    [
        ("capture-expired-404", "captureOrder/expired/valid"),
        ("key-forgotten-after-twenty-hours", "captureOrder/fresh/repeated-key-later"),
        ("key-of-lost-answer-forgotten", "captureOrder/fresh/lost-answer"),
    ],
)
def test_the_script_of_a_finding_leads_to_it_on_a_server_that_knows_nothing(fault: str, case_id: str) -> None:
    with ServerThread(FaultySimulator(CONTRACT, fault_named(fault, CONTRACT))) as server:
        case = _judged(server, case_id)
        assert case.verdict is Verdict.FAILED
        finding = case.findings[0]
        server.simulator.reset()
        environment = {
            **os.environ,
            "KLARNA_USERNAME": USERNAME,
            "KLARNA_PASSWORD": PASSWORD,
            "KLARNA_CONTROL_URL": server.control_url,
        }
        done = subprocess.run(
            ["/bin/sh", "-c", finding.curl], env=environment, check=True, capture_output=True, text=True, timeout=60
        )
    steps = [not line.startswith("- ") for line in finding.story]
    answered = re.findall(r"HTTP/1\.1 (\d{3}) ", done.stdout)
    of_the_api = [status for status, numbered in zip(answered, steps, strict=True) if numbered]
    assert of_the_api == [line.rpartition(" -> ")[2] for line in finding.story if not line.startswith("- ")]
