from __future__ import annotations

import pytest

from conformance.clients.call import CouldNotTry, Outcome, Raised, Returned, Unsupported
from conformance.clients.story import story
from tests.clients.witnesses import evidence, refused, sent


@pytest.mark.parametrize(
    ("outcome", "told"),
    [
        (Returned({"a": "x" * 500}), "success: {'a': 'xxx"),
        (Raised("E", 403, "X", text="a\nb"), "failure: E: a b (status 403, code X)"),
        (Raised("E"), "failure: E (status None, code None)"),
        (CouldNotTry("no keys"), "nothing: no keys"),
        (Unsupported(), "that there is no such operation"),
    ],
)
def test_what_the_user_saw_is_the_end_of_the_story(outcome: Outcome, told: str) -> None:
    *_, last = story(evidence(sent(), outcome=outcome))
    assert last.startswith("the ledger got capture 1000; the user saw ")
    assert told in last
    assert len(last) < 400


def test_each_request_is_a_line_with_its_answer() -> None:
    lines = list(
        story(
            evidence(
                sent(toxic="close_after", headers={"Klarna-Idempotency-Key": "k"}),
                sent(toxic="reset_before", at_s=101.5, number_on_connection=2),
                sent(toxic="drip"),
                sent(answer=refused()),
                key="k",
            )
        )
    )
    assert "key 'k', time limit 1 s" in lines[0]
    assert lines[1].startswith("1. at 0.00 s POST /ordermanagement/v1/orders/")
    assert "with key 'k', new connection: closed without a reply, the work done" in lines[1]
    assert "at 1.50 s" in lines[2]
    assert "kept-alive connection: reset without a reply, the work not done" in lines[2]
    assert lines[3].endswith("answered 201 (drip)")
    assert lines[4] == "and 1 more requests"


def test_silence_is_told_too() -> None:
    lines = list(story(evidence(operation="getOrder", moved=())))
    assert lines[1] == "nothing was sent"
    assert lines[2].startswith("the ledger got nothing")
