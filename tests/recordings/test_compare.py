from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from conformance.contract.contract import Contract, load_contract
from conformance.exceptions import RecordingError
from conformance.exchange import Exchange, Headers, Request, Response
from conformance.recordings.compare import compare_takes
from conformance.recordings.drift import DriftClass, DriftResult
from conformance.recordings.reader import parse_recording
from conformance.recordings.redaction import redactor_for
from conformance.recordings.take import Take, read_takes, take_of
from conformance.simulator.clock import Clock
from conformance.simulator.service import Simulator
from conformance.suites.conversation import Conversation
from conformance.suites.matrix import matrix_cases
from conformance.suites.preparation import OrderPool
from conformance.suites.target import EmbeddedTarget
from tests.recordings.sample import cassette, conversation
from tests.sandbox.drifts import DRIFTS, PlantedDrift

CONTRACT = load_contract()
CASES = {case.id: case for case in matrix_cases(CONTRACT)}
FIRST, SECOND = datetime(2026, 1, 15, 9, tzinfo=UTC), datetime(2026, 2, 20, 9, tzinfo=UTC)
Change = Callable[[Request, Response], Response]


class Changed(Simulator):
    """A service that changes its answers on their way out."""

    change: Change = staticmethod(lambda _, response: response)

    def handle(self, request: Request) -> Response:
        return self.change(request, super().handle(request))


class Taped(EmbeddedTarget):
    def __init__(self, simulator: Simulator) -> None:
        super().__init__(simulator)
        self.tape: list[Exchange] = []

    def send(self, request: Request) -> Exchange:
        self.tape.append(super().send(request))
        return self.tape[-1]


def play(case_id: str, seed: int, change: Change | None = None) -> list[Exchange]:
    simulator = Changed(CONTRACT, seed=seed, clock=Clock())
    if change is not None:
        simulator.change = change
    target = Taped(simulator)
    talk = Conversation(CONTRACT, target, case_id, seed, OrderPool())
    CASES[case_id].play(talk)
    return target.tape


def take(exchanges: list[Exchange], case_id: str = "x", when: datetime = FIRST, **changes: object) -> dict[str, Take]:
    text = cassette(exchanges, case=case_id, recorded_at=when, **changes)
    recording = parse_recording(text.encode(), Path("x.yaml"))
    return {case_id: take_of(recording, "x", CONTRACT, redactor_for(CONTRACT))}


def drifted(before: list[Exchange], after: list[Exchange], case_id: str = "x") -> DriftResult:
    return compare_takes(take(before, case_id), take(after, case_id, SECOND), CONTRACT)


@pytest.mark.parametrize("planted", DRIFTS, ids=lambda planted: planted.name)
def test_planted_drift_is_found_and_classed(planted: PlantedDrift) -> None:
    result = drifted(play(planted.case, 1), play(planted.case, 2, planted.change), planted.case)
    found = {drift.path: drift.drift_class.value for drift in result.drifts()}
    assert found.get(planted.path) == planted.drift_class, found
    assert result.fails is (planted.drift_class in ("breaking", "service_wrong"))


def test_there_are_thirty_of_them() -> None:
    assert len({planted.name for planted in DRIFTS}) == len(DRIFTS) >= 30


@pytest.mark.parametrize("case_id", sorted({planted.case for planted in DRIFTS}))
def test_nothing_is_found_where_nothing_changed(case_id: str) -> None:
    result = drifted(play(case_id, 1), play(case_id, 2), case_id)
    assert result.drifts() == ()
    (case,) = result.cases
    assert case.compared > 0
    assert case.notes == ()
    assert case.last_validated == SECOND


def test_what_both_break_is_held_against_the_documentation() -> None:
    def bare(request: Request, response: Response) -> Response:
        return Response(response.status, response.headers.without("Klarna-Correlation-Id"), response.body)

    case = "getOrder/fresh/valid"
    result = drifted(play(case, 1, bare), play(case, 2, bare), case)
    assert {(drift.path, drift.drift_class) for drift in result.drifts()} == {
        ("getOrder/finding/KOM-107", DriftClass.DOCUMENTATION_WRONG)
    }
    assert not result.fails


def test_what_was_wrong_and_is_right_now_is_tolerated() -> None:
    def bare(request: Request, response: Response) -> Response:
        return Response(response.status, response.headers.without("Klarna-Correlation-Id"), response.body)

    case = "getOrder/fresh/valid"
    result = drifted(play(case, 1, bare), play(case, 2), case)
    assert {drift.drift_class for drift in result.drifts()} == {DriftClass.TOLERATED}


def failing(first: int, times: int, status: int = 503) -> Callable[[list[Exchange]], list[Exchange]]:
    def change(exchanges: list[Exchange]) -> list[Exchange]:
        bad = Exchange(exchanges[first].request, Response(status, Headers([("Content-Type", "text/html")]), b"<html>"))
        return exchanges[:first] + [bad] * times + exchanges[first:]

    return change


def test_an_attempt_more_is_no_drift() -> None:
    result = drifted(conversation(), failing(1, 2)(conversation()))
    assert result.drifts() == ()
    assert result.cases[0].compared == 3
    assert result.cases[0].notes == ()


def test_a_failure_that_was_not_repeated_ends_the_comparison() -> None:
    broken = failing(1, 1)(conversation())
    del broken[2]
    result = drifted(conversation(), broken)
    assert [(drift.path, drift.drift_class) for drift in result.drifts()] == [
        ("captureOrder/status", DriftClass.TOLERATED)
    ]
    assert result.cases[0].compared == 2
    assert any("not compared from captureOrder on" in note for note in result.cases[0].notes)


def test_a_failure_that_persists_is_the_services() -> None:
    broken = failing(1, 3)(conversation())
    del broken[4]
    result = drifted(conversation(), broken)
    (drift,) = result.drifts()
    assert (drift.path, drift.drift_class) == ("captureOrder/status", DriftClass.SERVICE_WRONG)
    assert "after 3 attempts" in drift.message


def test_a_step_that_one_side_lacks_is_noted() -> None:
    result = drifted(conversation(), conversation()[:2])
    assert any("only the first recording has GET /orders/<order>" in note for note in result.cases[0].notes)


def test_cases_of_one_side_are_named_and_not_compared() -> None:
    both, one = take(conversation(), "a") | take(conversation(), "b"), take(conversation(), "a") | take([], "c")
    result = compare_takes(both, one, CONTRACT)
    assert (result.only_before, result.only_after) == (("b",), ("c",))
    assert [case.case for case in result.cases] == ["a"]


def test_two_single_recordings_are_one_case() -> None:
    result = compare_takes(take(conversation(), "a"), take(conversation(), "b"), CONTRACT)
    assert [case.case for case in result.cases] == ["a"]


def test_what_was_not_validated_for_long_is_named() -> None:
    result = drifted(conversation(), conversation())
    assert result.stale(SECOND + timedelta(days=31), timedelta(days=30)) == (("x", SECOND),)
    assert result.stale(SECOND + timedelta(days=29), timedelta(days=30)) == ()


def test_a_case_that_drifted_was_last_validated_before() -> None:
    planted = DRIFTS[3]
    result = drifted(play(planted.case, 1), play(planted.case, 2, planted.change), planted.case)
    assert result.cases[0].last_validated == FIRST
    assert result.drifts()[0].first_seen == SECOND


def test_an_edited_cassette_says_so(contract: Contract) -> None:
    text = cassette().replace("code: 201", "code: 200")
    recording = parse_recording(text.encode(), Path("x.yaml"))
    edited = {"x": take_of(recording, "x", contract, redactor_for(contract))}
    result = compare_takes(take(conversation()), edited, contract)
    assert "was edited after it was recorded" in result.cases[0].notes


def test_recordings_of_other_makers_are_redacted(tmp_path: Path, contract: Contract) -> None:
    def har(path: Path) -> Path:
        entries = [
            {
                "startedDateTime": "2026-01-15T09:00:00Z",
                "request": {
                    "method": each.request.method,
                    "url": "https://api.playground.klarna.com" + each.request.target,
                    "headers": [{"name": name, "value": value} for name, value in each.request.headers],
                    "postData": {"text": each.request.body.decode()} if each.request.body else None,
                },
                "response": {
                    "status": each.response.status,
                    "headers": [{"name": name, "value": value} for name, value in each.response.headers],
                    "content": {"text": each.response.body.decode().replace('"AUTHORIZED"', '"Zebra Crossing"')},
                },
            }
            for each in conversation()
            if each.response is not None
        ]
        path.write_text(json.dumps({"log": {"entries": entries}}))
        return path

    before, after = read_takes(har(tmp_path / "a.har"), contract), take(conversation())
    result = compare_takes(before, after, contract)
    assert result.drifts()
    assert "Zebra" not in repr(result)
    assert result.cases[0].before.recorded_at == FIRST


def test_a_directory_is_read_by_case(tmp_path: Path, contract: Contract) -> None:
    (tmp_path / "notes.yaml").write_text("nothing: here\n")
    (tmp_path / "one.yaml").write_text(cassette(case="captureOrder/fresh/valid"))
    assert list(read_takes(tmp_path, contract)) == ["captureOrder/fresh/valid"]
    (tmp_path / "two.yaml").write_text(cassette(case="captureOrder/fresh/valid"))
    with pytest.raises(RecordingError, match="second recording of captureOrder/fresh/valid"):
        read_takes(tmp_path, contract)


def test_what_is_no_recording_is_refused(tmp_path: Path, contract: Contract) -> None:
    with pytest.raises(RecordingError, match="no recording was found"):
        read_takes(tmp_path, contract)
    (tmp_path / "notes.yaml").write_text("nothing: here\n")
    with pytest.raises(RecordingError, match="is no recording"):
        read_takes(tmp_path / "notes.yaml", contract)
