"""Generated requests reach orders that exist, are judged by the suite's judge, and leave nothing behind."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from conformance.contract.contract import load_contract
from conformance.exchange import Exchange, Request, Response
from conformance.judge.finding import Judgement
from conformance.judge.judge import Judge
from conformance.suites import schemathesis_driver
from conformance.suites.run import ServerOptions, run_server_suite
from conformance.suites.schemathesis_driver import schemathesis_cases
from conformance.suites.target import Target, TargetFactory
from conformance.verdict import RunResult, Verdict
from tests.suites.wrong_servers import Answer, WrongTarget, changed, ok, reads_order, stateless, wrong

Handle = Callable[[Request], Response]


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def run(*globs: str, profile: str = "default", make: Callable[[], Answer] | None = None) -> RunResult:
    targets = wrong(make) if make else None
    return run_server_suite(ServerOptions(profile=profile, cases=globs, seed=5), targets=targets)


def watched(seen: Counter[tuple[str, int]]) -> TargetFactory:
    class Watched(WrongTarget):
        def send(self, request: Request) -> Exchange:
            exchange = super().send(request)
            assert exchange.response is not None
            seen[request.method, exchange.response.status] += 1
            return exchange

    def make(_case_id: str) -> Target:
        return Watched(lambda request, handle: handle(request))

    return make


def test_generated_requests_reach_live_orders(tmp_path: Path) -> None:
    seen: Counter[tuple[str, int]] = Counter()
    options = ServerOptions(profile="default", cases=("captureOrder/schemathesis/coverage",))
    (case,) = run_server_suite(options, targets=watched(seen)).cases
    assert case.verdict is Verdict.PASSED
    assert seen["POST", 201] > 50
    assert seen["POST", 422] > 50
    assert seen["POST", 404] == 0
    assert list(tmp_path.iterdir()) == []


def test_a_seed_repeats_what_is_generated() -> None:
    def told() -> list[tuple[str, int, tuple[str, ...]]]:
        result = run("getOrder/schemathesis/*", "cancelOrder/schemathesis/*")
        return [(case.id, case.exchanges, tuple(finding.message for finding in case.findings)) for case in result.cases]

    assert told() == told()


def test_every_operation_has_its_phases() -> None:
    contract = load_contract()
    default = [case.id for case in schemathesis_cases(contract, "default")]
    deep = [case.id for case in schemathesis_cases(contract, "deep")]
    assert len(default) == 36
    assert set(deep) - set(default) == {f"{operation.id}/schemathesis/fuzzing" for operation in contract.operations} | {
        "orders/schemathesis/stateful"
    }


def test_fuzzing_and_walking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schemathesis_driver, "FUZZED", 10)
    monkeypatch.setattr(schemathesis_driver, "SCENARIOS", 4)
    monkeypatch.setattr(schemathesis_driver, "STEPS", 5)
    result = run("triggerSendOut/schemathesis/fuzzing", "orders/schemathesis/stateful", profile="deep")
    assert all(case.exchanges > 10 for case in result.cases)
    assert result.cases[0].verdict is Verdict.PASSED


def accepts_everything(request: Request, handle: Handle) -> Response:
    response = handle(request)
    return replace(response, status=204, body=b"") if response.status == 422 else response


def drops_field(request: Request, handle: Handle) -> Response:
    response = handle(request)
    return changed(response, status=7) if reads_order(request) and ok(response) else response


@pytest.mark.parametrize(
    ("answer", "glob", "code"),
    [
        (accepts_everything, "updateMerchantReferences/schemathesis/coverage", "KOM-207"),
        (drops_field, "getOrder/schemathesis/examples", "KOM-104"),
    ],
)
def test_a_wrong_server_is_caught(answer: Answer, glob: str, code: str) -> None:
    (case,) = run(glob, make=stateless(answer)).cases
    assert case.verdict is Verdict.FAILED
    assert code in {finding.code for finding in case.findings}
    assert all(len(finding.story) < 60 for finding in case.findings)


def test_schemathesis_has_a_say_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = Judge.feed

    def mute(judge: Judge, exchange: Exchange) -> Judgement:
        return replace(heard(judge, exchange), findings=())

    monkeypatch.setattr(Judge, "feed", mute)
    (case,) = run("getOrder/schemathesis/examples", make=stateless(drops_field)).cases
    assert {finding.code for finding in case.findings} == {"KOM-104"}
    assert case.findings[0].message.startswith("Schemathesis: ")


def test_a_target_that_dies_ends_the_case() -> None:
    def dying() -> Answer:
        left = [12]

        def answer(request: Request, handle: Handle) -> Response:
            left[0] -= 1
            return handle(request) if left[0] > 0 else Response(429)

        return answer

    (case,) = run("getOrder/schemathesis/coverage", make=dying).cases
    assert case.verdict in (Verdict.NOT_MEASURED, Verdict.FAILED)
    assert case.exchanges < 25


def test_an_order_that_nobody_gave_measures_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schemathesis_driver, "SCENARIOS", 3)
    monkeypatch.setattr(schemathesis_driver, "STEPS", 3)

    class Bare(WrongTarget):
        def __init__(self) -> None:
            super().__init__(lambda request, handle: handle(request))
            self.control = None

    options = ServerOptions(profile="deep", cases=("cancelOrder/schemathesis/coverage", "orders/schemathesis/stateful"))
    result = run_server_suite(options, targets=lambda _: Bare())
    assert {case.verdict for case in result.cases} == {Verdict.NOT_MEASURED}
    assert {case.why for case in result.cases} == {"no order in state fresh was given"}


def test_bodies_are_what_the_generator_made() -> None:
    bodies: list[bytes] = []

    def noting(request: Request, handle: Handle) -> Response:
        if request.method == "PATCH":
            bodies.append(request.body)
        return handle(request)

    run("updateMerchantReferences/schemathesis/coverage", make=stateless(noting))
    lengths = {
        len(value)
        for body in bodies
        if body.startswith(b"{") and isinstance(sent := json.loads(body), dict)
        for value in sent.values()
        if isinstance(value, str)
    }
    assert {254, 255, 256} <= lengths
