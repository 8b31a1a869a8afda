from __future__ import annotations

from typing import Any

import pytest

from conformance.clients.call import Raised, Returned
from conformance.clients.evidence import CallEvidence, Sent
from conformance.clients.retry_checks import MOST_ATTEMPTS, ledger_accusations, resender, retry_accusations
from conformance.contract.contract import Contract
from conformance.exchange import Response
from tests.clients.witnesses import CAPTURE, codes, evidence, refused, response, sent

UNAVAILABLE = refused(503, "TEMPORARILY_UNAVAILABLE")


def first(
    answer: Response = UNAVAILABLE, key: str | None = None, operation: str = "captureOrder", **changes: Any
) -> Sent:
    return sent(operation, answer, headers={"Klarna-Idempotency-Key": key}, **changes)


def again(key: str | None = None, after_s: float = 0.5, operation: str = "captureOrder", **changes: Any) -> Sent:
    return sent(operation, headers={"Klarna-Idempotency-Key": key}, at_s=100.0 + after_s, **changes)


GOOD = {
    "no repetition": evidence(first()),
    "the same key": evidence(first(key="k"), again("k")),
    "a read": evidence(first(operation="getOrder"), again(operation="getOrder"), operation="getOrder"),
    "a read on a new connection": evidence(
        first(operation="getOrder", toxic="close_before"), again(operation="getOrder", after_s=0), operation="getOrder"
    ),
    "a challenge": evidence(sent(headers={"Authorization": None}, answer=response(401)), sent(at_s=100.01)),
    "a challenge in spite of credentials": evidence(sent(toxic="challenge", answer=response(401)), sent(at_s=100.01)),
    "too many requests": evidence(first(refused(429, "TOO_MANY_REQUESTS")), again()),
    "a wait that was kept": evidence(first(refused(429), "k"), again("k", 1.0), asked_s=1.0),
    "a read of what could not be read": evidence(
        first(response(200), operation="getOrder", toxic="invalid_json"),
        again(operation="getOrder"),
        operation="getOrder",
    ),
    "an answer whose time was up": evidence(
        first(response(200), operation="getOrder", toxic="drip"),
        again(operation="getOrder", after_s=1.2),
        operation="getOrder",
    ),
    "silence that was given up": evidence(first(toxic="timeout"), elapsed_s=1.2, outcome=Raised("Timeout")),
}

BAD = {
    "no key": (evidence(first(), again()), ["KOM-841"]),
    "no key after a loss": (evidence(first(toxic="close_after"), again(after_s=0.001)), ["KOM-841"]),
    "no key after a conflict": (evidence(first(refused(409, "CONFLICT")), again()), ["KOM-841", "KOM-852"]),
    "a conflict": (evidence(first(refused(409, "CONFLICT"), "k"), again("k")), ["KOM-852"]),
    "no pause when too many": (evidence(first(refused(429), "k"), again("k", 0.001)), ["KOM-845"]),
    "no limit but repetitions": (
        evidence(first(key="k", toxic="timeout"), again("k", 4.1), outcome=Raised("Closed")),
        ["KOM-850"],
    ),
    "another key": (evidence(first(key="k"), again("l")), ["KOM-842"]),
    "a key that comes late": (evidence(first(), again("l")), ["KOM-842"]),
    "a refusal": (evidence(first(refused(403), "k"), again("k")), ["KOM-843"]),
    "wrong credentials again": (evidence(first(refused(401), "k"), again("k")), ["KOM-843"]),
    "a refused read": (
        evidence(first(refused(404), operation="getOrder"), again(operation="getOrder"), operation="getOrder"),
        ["KOM-843"],
    ),
    "no end": (
        evidence(*[first(key="k", at_s=100.0 + number) for number in range(MOST_ATTEMPTS + 1)]),
        ["KOM-844"],
    ),
    "no pause": (evidence(first(key="k"), again("k", 0.001)), ["KOM-845"]),
    "a wait cut short": (evidence(first(refused(429), "k"), again("k", 0.3), asked_s=1.0), ["KOM-846"]),
    "long after success": (evidence(first(response(201), "k"), again("k", 6.0)), ["KOM-851"]),
    "after success": (evidence(first(response(201), "k"), again("k")), ["KOM-851"]),
    "no time limit": (evidence(first(toxic="timeout"), elapsed_s=4.0, outcome=Raised("Closed")), ["KOM-850"]),
}


@pytest.mark.parametrize("case", GOOD.values(), ids=list(GOOD))
def test_a_right_repetition_is_not_blamed(case: CallEvidence, contract: Contract) -> None:
    assert codes(retry_accusations(case, contract)) == []


@pytest.mark.parametrize(("case", "expected"), BAD.values(), ids=list(BAD))
def test_a_wrong_repetition_is_blamed(case: CallEvidence, expected: list[str], contract: Contract) -> None:
    assert codes(retry_accusations(case, contract)) == expected


@pytest.mark.parametrize(
    ("before", "after", "who"),
    [
        (
            first(toxic="close_after"),
            again(after_s=0.002),
            "stack below the client, 2 ms after a fresh connection",
        ),
        (first(toxic="reset_after", number_on_connection=2), again(after_s=0.002), "after a kept-alive connection"),
        (
            first(toxic="close_after"),
            again(after_s=0.4),
            "the client itself, 0.40 s after the first request was closed",
        ),
        (
            first(toxic="late_reply"),
            again(after_s=1.1),
            "the client itself, 1.10 s after the first request was not ans",
        ),
        (first(), again(after_s=0.002), "by the client itself, 0.00 s after the first request was answered with 503"),
    ],
)
def test_who_sent_it_again_is_told(before: Sent, after: Sent, who: str) -> None:
    assert who in resender(before, after)


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        (evidence(sent()), []),
        (evidence(sent(), moved=(("capture", 1000, CAPTURE), ("capture", 1000, "x"))), ["KOM-847"]),
        (evidence(sent(), moved=()), ["KOM-848"]),
        (evidence(sent(answer=refused()), moved=(), outcome=Raised("E")), []),
        # Success for a made-up answer is another witness's affair.
        (evidence(sent(toxic="answer"), moved=(), outcome=Returned(None)), []),
        (evidence(sent(), moved=(), moved_other=(("capture", 1000, "x"),)), ["KOM-875"]),
        (evidence(sent("getOrder"), operation="getOrder", moved=()), []),
        (evidence(sent("cancelOrder"), operation="cancelOrder", moved=()), []),
    ],
)
def test_the_ledger_counts(case: CallEvidence, expected: list[str]) -> None:
    assert codes(ledger_accusations(case)) == expected
