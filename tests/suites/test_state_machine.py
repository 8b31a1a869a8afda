"""Walks find what depends on the order of calls, tell it shortly, and blame no correct server."""

from __future__ import annotations

import gc
import json
import weakref
from dataclasses import dataclass
from pathlib import Path

import pytest

from conformance.exchange import Request, Response
from conformance.suites.run import ServerOptions, ServerRun, run_server_suite
from conformance.suites.state_machine import walk_cases
from conformance.suites.target import EmbeddedTarget, Target, embedded_targets
from conformance.verdict import CaseResult, Verdict
from tests.suites.wrong_servers import WrongTarget


def played(options: ServerOptions, fault: str = "") -> CaseResult:
    """Play walks until one says something, or one alone against a correct server."""
    with ServerRun(options) as run:
        targets = embedded_targets(run.contract, seed=options.seed, behaviour=options.behaviour)

        def wrong(case_id: str) -> Target:
            target = targets(case_id)
            assert isinstance(target, EmbeddedTarget)
            target.simulator = Wrong(target.simulator, fault)  # type: ignore[assignment] # it stands in for one
            return target

        if fault:
            run._targets = wrong
        for case in walk_cases("default"):
            result = run.play(case).result
            if result.verdict is not Verdict.PASSED or not fault:
                break
    return result


@dataclass(slots=True)
class Wrong:
    """A simulator whose third capture of an order is booked one unit short in every later read."""

    simulator: object
    fault: str

    def __getattr__(self, name: str) -> object:
        return getattr(self.simulator, name)

    def handle(self, request: Request) -> Response:
        response: Response = self.simulator.handle(request)  # type: ignore[attr-defined] # a Simulator
        if request.method != "GET" or response.status != 200 or "/captures" in request.target:
            return response
        order = json.loads(response.body)
        if self.fault == "third capture" and len(order.get("captures", ())) >= 3:
            order["captured_amount"] -= 1
            order["remaining_authorized_amount"] += 1
            order["captures"][2]["captured_amount"] -= 1
        return Response(response.status, response.headers, json.dumps(order).encode())


@pytest.mark.parametrize("behaviour", ["documented", "observed"])
@pytest.mark.parametrize("seed", [1, 2])
def test_a_correct_server_passes(seed: int, behaviour: str) -> None:
    result = played(ServerOptions(seed=seed, behaviour=behaviour))
    assert result.verdict in (Verdict.PASSED, Verdict.KNOWN), result.findings
    assert result.exchanges > 300


def test_a_fault_that_needs_a_history_is_found_and_told_shortly() -> None:
    result = played(ServerOptions(seed=1), "third capture")
    assert result.verdict is Verdict.FAILED
    story = result.findings[0].story
    captures = [line for line in story if line.split(" ")[1] == "POST" and "/captures captured_amount" in line]
    assert len(captures) == 3
    assert len(story) <= 16
    assert len(result.findings[0].curl.splitlines()) == len(story)


def test_the_same_seed_finds_the_same_story() -> None:
    first, second = (played(ServerOptions(seed=3), "third capture") for _ in range(2))
    assert (first.findings, first.exchanges) == (second.findings, second.exchanges)


def test_a_target_that_cannot_make_orders_is_not_measured() -> None:
    with ServerRun(ServerOptions(seed=1)) as run:
        targets = run._targets

        def without_control(case_id: str) -> Target:
            target = targets(case_id)
            assert isinstance(target, EmbeddedTarget)
            target.control = None
            return target

        run._targets = without_control
        result = run.play(next(walk_cases("default"))).result
    assert result.verdict is Verdict.NOT_MEASURED
    assert "control interface" in result.why


def test_a_walk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    played(ServerOptions(seed=1))
    assert list(tmp_path.iterdir()) == []


def test_what_was_walked_is_let_go() -> None:
    """Hypothesis keeps each machine for ever; a night's worth of exchanges must not be kept with it."""
    targets: list[weakref.ref[WrongTarget]] = []

    def make(_case_id: str) -> WrongTarget:
        target = WrongTarget(lambda request, handle: handle(request))
        targets.append(weakref.ref(target))
        return target

    run_server_suite(ServerOptions(profile="default", cases=("orders/walk/1",)), targets=make)
    gc.collect()
    assert targets
    assert [target() for target in targets] == [None] * len(targets)
