"""A conversation repeats what may be repeated, believes the target's clock, and reports each thing once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from conformance.contract.contract import load_contract
from conformance.exchange import Exchange, Headers, Request, Response
from conformance.judge.judge import Judge
from conformance.suites.conversation import MOST_FINDINGS, Conversation, Key
from conformance.suites.preparation import OrderPool
from conformance.suites.reply import Expected
from conformance.suites.retry import ATTEMPTS, LONGEST_WAIT
from conformance.suites.stops import NotMeasuredError
from tests.suites.wrong_servers import WrongTarget, success

ORDER = "0a5c1f0e-7b7d-4c2e-9d3a-4f1e2b6c8d90"


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    return pauses


def conversation(*answers: Response, waits: bool = False) -> Conversation:
    """A conversation with a target that gives these answers, the last one for ever."""
    given: Iterator[Response] = iter(answers)

    class Told(WrongTarget):
        last = answers[-1] if answers else None

        def send(self, request: Request) -> Exchange:
            return super().send(request) if self.last is None else Exchange(request, next(given, self.last))

    target = Told(lambda request, handle: handle(request))
    target.waits = waits
    return Conversation(load_contract(), target, "a/b/c", 1, OrderPool())


def codes(said: Conversation) -> set[str]:
    return {finding.code for finding in said.findings}


def read(said: Conversation) -> None:
    said.call("getOrder", {"order_id": ORDER})


@pytest.mark.parametrize(
    ("headers", "pause"),
    [
        ([], 0.2),
        ([("Retry-After", "0")], 0.05),
        ([("Retry-After", "2")], 2.05),
        ([("Retry-After", "9999")], LONGEST_WAIT),
        ([("Retry-After", "Thu, 01 Jan 2026 00:00:00 GMT")], 0.2),
        ([("Retry-After", "²")], 0.2),
        ([("X-Ratelimit-Reset", "1")], 1.05),
    ],
)
def test_a_server_that_runs_in_real_time_is_given_time(
    slept: list[float], headers: list[tuple[str, str]], pause: float
) -> None:
    said = conversation(Response(503, Headers(headers)), success(200), waits=True)
    read(said)
    assert slept == pytest.approx([pause])
    assert "KOM-206" not in codes(said)


def test_a_failure_that_stays_is_reported_after_three_attempts(slept: list[float]) -> None:
    said = conversation(Response(500), waits=True)
    read(said)
    assert len(said.exchanges) == ATTEMPTS
    assert "answered 500 3 times" in {finding.message for finding in said.findings}


def test_a_write_without_a_key_is_repeated_on_orders_of_our_own_only() -> None:
    said = conversation(Response(500))
    said.call("cancelOrder", {"order_id": ORDER}, key=Key.NONE)
    assert len(said.exchanges) == ATTEMPTS
    assert "KOM-206" in codes(said)
    said = conversation(Response(500))
    said.control = None
    with pytest.raises(NotMeasuredError, match="must not be asked again"):
        said.call("cancelOrder", {"order_id": ORDER}, key=Key.NONE)
    assert len(said.exchanges) == 1
    assert "KOM-206" not in codes(said)
    assert "klarna-idempotency-key" not in said.exchanges[0].request.headers


def test_a_provoked_failure_is_neither_repeated_nor_held_against_the_target() -> None:
    said = conversation(Response(503))
    said.call("cancelOrder", {"order_id": ORDER}, provoked=True)
    assert len(said.exchanges) == 1
    assert "KOM-206" not in codes(said)


def test_a_rate_limit_that_stays() -> None:
    said = conversation(Response(429))
    with pytest.raises(NotMeasuredError, match="429"):
        read(said)


@pytest.mark.parametrize("date", ["nonsense", "Thu, 01 Jan 2026 00:00:00 -0000", "Thu, 99 Jan 2026 00:00:00 GMT"])
def test_a_date_that_is_none_is_no_time(date: str, monkeypatch: pytest.MonkeyPatch) -> None:
    said = conversation(Response(404, Headers([("Date", date)])))
    monkeypatch.setattr(said.judge, "clock_is", lambda now: pytest.fail(f"took {now} for a time"))
    read(said)
    assert len(said.exchanges) == 1


def test_the_time_is_the_targets() -> None:
    said = conversation(Response(404, Headers([("Date", "Thu, 01 Jan 2026 00:00:00 GMT")])))
    read(said)
    assert isinstance(said.judge, Judge)
    assert said.judge._now is not None
    assert said.judge._now.year == 2026


REFUSED = Expected("KOM-209", "no order has this id", rows=("no-such-order",))
ACCEPTED = Expected("KOM-208", "fields are ignored", success=True)


@pytest.mark.parametrize(
    ("status", "expected", "found"),
    [
        (200, REFUSED, True),
        (422, REFUSED, True),
        (302, REFUSED, True),
        (200, replace(REFUSED, rows=("no-such-order-unlisted",)), True),
        (422, replace(REFUSED, rows=("no-such-order-unlisted",)), False),
        (200, ACCEPTED, False),
        (422, ACCEPTED, True),
        (403, ACCEPTED, False),
    ],
)
def test_what_a_case_knows_is_held_against_the_answer(status: int, expected: Expected, found: bool) -> None:
    said = conversation(Response(status))
    said.call("getOrder", {"order_id": ORDER}, expected=expected)
    assert (expected.code in codes(said)) is found


def test_a_path_that_leads_nowhere_may_be_refused_in_any_way() -> None:
    said = conversation(Response(418))
    said.call("getOrder", {"order_id": ORDER}, target="/ordermanagement/v1/nowhere", expected=REFUSED)
    assert "KOM-209" not in codes(said)


def test_no_answer_is_no_wrong_answer() -> None:
    said = conversation(success(200))
    said.target.send = lambda request: Exchange(request, failure="silent")  # type: ignore[method-assign]  # a broken one
    said.call("getOrder", {"order_id": ORDER}, expected=REFUSED)
    assert codes(said) == {"KOM-115"}
    assert said.together([]) == []


def test_the_judge_and_the_case_do_not_say_the_same_twice() -> None:
    said = conversation(Response(404))
    reply = said.call("getOrder", {"order_id": ORDER})
    already = next(iter(reply.judgement.findings)).code
    before = len(said.findings)
    said.report(already, "once more", reply)
    assert len(said.findings) == before
    said.report("KOM-206", "without an exchange")
    assert said.findings[-1].status is None


def test_findings_are_bounded() -> None:
    said = conversation(Response(404))
    for _ in range(MOST_FINDINGS):
        read(said)
    assert len(said.findings) == MOST_FINDINGS


def test_stories_are_kept_small() -> None:
    said = conversation(Response(200, Headers([("X", "y")]), b"x" * 1_000))
    reply = said.call("getOrder", {"order_id": ORDER})
    assert reply.exchange.response is not None
    assert len(reply.exchange.response.body) == 1_000
    assert said.exchanges[0].response == Response(200)
    assert reply.json() is None


def test_an_order_that_is_no_object_is_not_audited() -> None:
    said = conversation(Response(200, Headers([("Content-Type", "application/json")]), b"[]"))
    read(said)
    said.audit()
    assert "KOM-316" not in codes(said)


def test_reports_on_a_real_service_give_nobody_away() -> None:
    """A service that is not on this machine has orders of people, and what it says is not repeated."""
    said = conversation(Response(200, Headers(), b'{"order_id":"x","status":"Anastasia","error_code":"ANASTASIA"}'))
    said.target.base_url = "https://api.playground.klarna.com"
    said = Conversation(said.contract, said.target, "a/b/c", 1, OrderPool())
    said.call("updateConsumerDetails", {"order_id": ORDER}, {"shipping_address": {"given_name": "Anastasia"}})
    read(said)
    said.report("KOM-316", "the order reports Anastasia")
    assert {"KOM-104", "KOM-316"} <= codes(said)
    assert "nastasia" not in repr(said.findings).lower()
    assert "$KLARNA_PASSWORD" in said.findings[0].curl
