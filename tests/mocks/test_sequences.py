"""When a forced answer is given, how often, and what happens in between."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from conformance.exchange import Response
from conformance.mocks import KlarnaMock
from conformance.mocks.mistake import BrokenPromiseError, UndocumentedAnswerError, UnusedAnswerError
from conformance.mocks.rule import Mishap

Ask = Callable[..., Any]


def told(answer: Response | Mishap) -> int | str:
    return answer.status if isinstance(answer, Response) else str(answer)


@pytest.fixture
def capture(bare: KlarnaMock, ask: Ask) -> Callable[..., int | str]:
    order = bare.order(amount=10_000)

    def capture(**options: Any) -> int | str:
        return told(ask("captureOrder", order=order.id, body={"captured_amount": 1000}, **options))

    return capture


def test_a_sequence_is_played_once(bare: KlarnaMock, capture: Ask) -> None:
    bare.captures.create.answers(503, 503, 201)
    assert [capture() for _ in range(4)] == [503, 503, 201, 201]


def test_every_kind_of_step(bare: KlarnaMock, capture: Ask) -> None:
    bare.captures.create.answers(
        429, "CAPTURE_NOT_ALLOWED", (503, "TEMPORARILY_UNAVAILABLE"), "times_out", "resets", "loses_the_reply", 201
    )
    assert [capture() for _ in range(7)] == [429, 403, 503, "times_out", "resets", "loses_the_reply", 201]


def test_a_refusal_lasts(bare: KlarnaMock, capture: Ask) -> None:
    bare.captures.create.fails("CAPTURE_NOT_ALLOWED")
    assert [capture() for _ in range(3)] == [403, 403, 403]


@pytest.mark.parametrize("mishap", ["times_out", "resets", "loses_the_reply"])
def test_a_mishap_happens_once(bare: KlarnaMock, capture: Ask, mishap: str) -> None:
    getattr(bare.captures.create, mishap)()
    assert [capture(), capture()] == [mishap, 201]


def test_how_often_can_be_said(bare: KlarnaMock, capture: Ask) -> None:
    bare.captures.create.fails("CAPTURE_NOT_ALLOWED").once()
    bare.captures.create.resets().times(2)
    bare.captures.create.answers(503, 429).always()
    assert [capture() for _ in range(7)] == [403, "resets", "resets", 503, 429, 503, 429]


@pytest.mark.parametrize("written", ["before", "behind"])
def test_after_some_requests(bare: KlarnaMock, capture: Ask, written: str) -> None:
    if written == "before":
        bare.captures.create.after(2).fails("CAPTURE_NOT_ALLOWED")
    else:
        bare.captures.create.fails("CAPTURE_NOT_ALLOWED").after(2)
    assert [capture() for _ in range(4)] == [201, 201, 403, 403]


def test_what_ends_goes_before_what_lasts_and_the_last_of_that_stays(bare: KlarnaMock, capture: Ask) -> None:
    bare.captures.create.fails("CAPTURE_NOT_ALLOWED")
    bare.captures.create.times_out()
    bare.captures.create.fails("TOO_MANY_REQUESTS")
    assert [capture(), capture(), capture()] == ["times_out", 429, 429]
    bare.verify()
    bare.captures.create.clear()
    assert capture() == 201


def test_operations_do_not_share_their_answers(bare: KlarnaMock, ask: Ask, capture: Ask) -> None:
    bare.orders.get.fails("NO_SUCH_ORDER")
    assert capture() == 201
    assert told(ask("getOrder")) == 404


@pytest.mark.parametrize("count", [-1, 1.5, True, "2"])
def test_counts_are_whole(bare: KlarnaMock, count: Any) -> None:
    with pytest.raises(UndocumentedAnswerError, match="must be a whole number from 0 up"):
        bare.captures.create.after(count)
    with pytest.raises(UndocumentedAnswerError, match="must be a whole number from 1 up"):
        bare.captures.create.resets().times(count if count is not True else 0)


def test_a_promised_success_has_to_be_one(bare: KlarnaMock, ask: Ask) -> None:
    bare.captures.create.answers(201)
    cancelled = bare.order(status="CANCELLED")
    with pytest.raises(BrokenPromiseError, match="captureOrder was to answer 201, but the service would answer 403"):
        ask("captureOrder", order=cancelled.id, body={"captured_amount": 1})


def test_a_key_protects_what_was_lost(bare: KlarnaMock, ask: Ask) -> None:
    order = bare.order(amount=10_000)
    bare.captures.create.loses_the_reply()
    sent = {"order": order.id, "body": {"captured_amount": 1000}, "key": "k"}
    assert ask("captureOrder", **sent) is Mishap.LOSES_THE_REPLY
    assert ask("captureOrder", **sent).status == 201
    assert order.captured_once(1000)
    assert order.kept_key("captureOrder")


@pytest.mark.parametrize("auth", [None, ("K100001_conformance", "wrong")])
def test_credentials_come_first(bare: KlarnaMock, ask: Ask, auth: tuple[str, str] | None) -> None:
    bare.orders.get.fails("NO_SUCH_ORDER")
    answer = ask("getOrder", auth=auth)
    assert json.loads(answer.body)["error_code"] == "UNAUTHORIZED"
    with pytest.raises(
        UnusedAnswerError, match=r"forced on getOrder and not used up: 404 NO_SUCH_ORDER \(answered 401\)"
    ):
        bare.verify()


def test_what_was_forced_has_to_be_asked_for(bare: KlarnaMock, capture: Ask) -> None:
    bare.captures.create.answers(503, "resets", 201)
    with pytest.raises(UnusedAnswerError, match=r"captureOrder and not used up: 503 .*, resets, 201 \(it was never"):
        bare.verify()
    capture()
    with pytest.raises(UnusedAnswerError, match=r"not used up: resets, 201 \(answered 503\)"):
        bare.verify()
    capture()
    capture()
    bare.verify()


def test_rules_tell_themselves(bare: KlarnaMock) -> None:
    assert repr(bare.captures.create.after(1).answers(503, 201)) == (
        "<captureOrder: 503 TEMPORARILY_UNAVAILABLE, 201, 1 time after 1>"
    )
    assert repr(bare.orders.get.resets().times(2)) == "<getOrder: resets, 2 times>"
    assert repr(bare.captures.list.returns([])) == "<getCaptures: 200 with a body of the test's own, always>"
