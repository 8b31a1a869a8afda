from __future__ import annotations

from typing import Any

import pytest

from conformance.clients.call import NeverReturned, Oversized, Raised, Returned
from conformance.clients.evidence import CallEvidence
from conformance.clients.outcome_checks import outcome_accusations
from conformance.clients.secret import authorization
from tests.clients.witnesses import CAPTURE, CORRELATION, PASSWORD, USERNAME, codes, evidence, refused, response, sent

FULL = Raised("ApiError", 403, "CAPTURE_NOT_ALLOWED", ("Capture not allowed",), CORRELATION, "refused")
ORDER = {"order_id": "o", "order_amount": 0, "name": "Größe", "created_at": "2026-01-15T09:00:00.000Z", "refunds": [],
         "note": "", "lines": [{"total_amount": 5}], "flag": False}  # fmt: skip


def read(value: Any, toxic: str = "", expected: Any = ORDER, **step: Any) -> CallEvidence:
    return evidence(
        sent("getOrder", toxic=toxic), operation="getOrder", outcome=Returned(value), expected_value=expected, step=step
    )


def failed(outcome: Raised, answer: Any = None, **changes: Any) -> CallEvidence:
    return evidence(sent(answer=answer or refused()), outcome=outcome, moved=(), **changes)


CAMEL = {"orderId": "o", "orderAmount": 0, "name": "Größe", "createdAt": "2026-01-15T09:00:00+00:00",
         "lines": [{"totalAmount": 5}], "flag": False, "more": 1}  # fmt: skip
SAID: Any = {
    "error_code": "CAPTURE_NOT_ALLOWED",
    "error_messages": ("Capture not allowed",),
    "correlation_id": CORRELATION,
}

GOOD = {
    "a capture with its id": evidence(sent()),
    "an id inside of an address": evidence(sent(), outcome=Returned(f"https://x/captures/{CAPTURE}")),
    "an id in a list": evidence(sent(), outcome=Returned([{"capture": {"id": CAPTURE}}])),
    "a refusal in full": failed(FULL),
    "a refusal as text": failed(Raised("E", text=f"403 CAPTURE_NOT_ALLOWED: Capture not allowed (#{CORRELATION})")),
    "a lost answer": evidence(sent(toxic="close_after"), outcome=Raised("TypeError", text="fetch failed")),
    "an answer after all": evidence(sent(toxic="late_reply")),
    "a whole order": read(ORDER),
    "an order in camel case without what says nothing": read(CAMEL),
    "a whole order in a broken message": read(ORDER, "wrong_length"),
    "a status line without the rest": evidence(sent(toxic="cut_head"), outcome=Returned(None)),
    "a call that was not made": evidence(outcome=Raised("ValueError")),
    "no id where there is none": evidence(
        sent(toxic="answer"), outcome=Returned({"capture_id": None}), step={"user": "either"}
    ),
    "failure after an answer whose time was up": evidence(sent(toxic="drip"), outcome=Raised("Timeout"), elapsed_s=1.1),
    "a refusal to trust": evidence(outcome=Raised("SslError"), tls=True),
    "an unreadable answer": evidence(
        sent("getOrder", toxic="invalid_json"), operation="getOrder", outcome=Raised("JSONDecodeError")
    ),
}

BAD = {
    "success for a refusal": (evidence(sent(answer=refused()), outcome=Returned({})), ["KOM-821"]),
    "success for a lost answer": (evidence(sent(toxic="close_after")), ["KOM-821"]),
    "success for a redirect": (evidence(sent(answer=response(302))), ["KOM-821"]),
    "success for nothing": (evidence(outcome=Returned(None)), ["KOM-821"]),
    "success for a page": (read({}, "html_body"), ["KOM-821"]),
    "half an order": (read({"order_id": "o"}, "cut_body"), ["KOM-821"]),
    "more than anyone could use": (
        evidence(sent("getOrder", toxic="huge_body"), operation="getOrder", outcome=Oversized(33_000_000)),
        ["KOM-877"],
    ),
    "a read that never came back": (
        evidence(sent("getOrder", toxic="cut_body"), operation="getOrder", outcome=NeverReturned(9.0)),
        ["KOM-853"],
    ),
    "a capture that never left": (evidence(moved=(), outcome=NeverReturned(9.0)), ["KOM-854"]),
    "success for a stranger": (evidence(outcome=Returned(None), tls=True), ["KOM-821"]),
    "failure for a success": (evidence(sent(), outcome=Raised("JSONDecodeError")), ["KOM-822"]),
    "failure for a success, and late": (evidence(sent(), outcome=Raised("E"), elapsed_s=6.0), ["KOM-822"]),
    "failure for a success in good time, after a long story": (
        evidence(sent(answer=refused(503)), sent(at_s=104.0), outcome=Raised("E"), elapsed_s=4.1),
        ["KOM-822"],
    ),
    "failure for another 2xx": (evidence(sent(toxic="other_success"), outcome=Raised("E")), ["KOM-823"]),
    "no id": (evidence(sent(), outcome=Returned({"capture_id": None})), ["KOM-824"]),
    "nothing read": (read(None), ["KOM-824"]),
    "no id from the only place": (evidence(sent(toxic="no_location"), outcome=Returned({})), ["KOM-825"]),
    "an invented id": (
        evidence(sent(toxic="answer"), outcome=Returned({"capture_id": "undefined"}), step={"user": "either"}),
        ["KOM-826"],
    ),
    "a crash": (failed(Raised("json.decoder.JSONDecodeError", text="Expecting value")), ["KOM-827"]),
    "no status": (
        failed(Raised("E", None, "CAPTURE_NOT_ALLOWED", ("Capture not allowed",), CORRELATION)),
        ["KOM-828"],
    ),
    "another status": (failed(Raised("E", 500, **SAID)), ["KOM-828"]),
    "no code": (failed(Raised("E", 403, None, ("Capture not allowed",), CORRELATION)), ["KOM-829"]),
    "no message": (failed(Raised("E", 403, "CAPTURE_NOT_ALLOWED", (), CORRELATION)), ["KOM-830"]),
    "no correlation": (failed(Raised("E", 403, "CAPTURE_NOT_ALLOWED", ("Capture not allowed",))), ["KOM-831"]),
    "a lost zero": (read({**ORDER, "order_amount": None}), ["KOM-862"]),
    "a missing zero": (read({name: value for name, value in ORDER.items() if name != "order_amount"}), ["KOM-862"]),
    "a garbled name": (read({**ORDER, "name": "GrÃ¶ÃŸe"}), ["KOM-862"]),
    "an amount as text": (read({**ORDER, "order_amount": "0"}), ["KOM-862"]),
    "a shifted time": (read({**ORDER, "created_at": "2026-01-15T10:00:00+00:00"}), ["KOM-862"]),
    "a lost line": (read({**ORDER, "lines": []}), ["KOM-862"]),
    "zero for false": (read({**ORDER, "flag": 0}), ["KOM-862"]),
    "an unknown field": (
        evidence(sent("getOrder", toxic="answer"), operation="getOrder", outcome=Raised("E"), step={"also": {"x": 1}}),
        ["KOM-863"],
    ),
    "a password in the error": (
        failed(
            Raised(
                "E",
                status=403,
                error_code="CAPTURE_NOT_ALLOWED",
                error_messages=("Capture not allowed",),
                correlation_id=CORRELATION,
                text=f"with {PASSWORD}",
            )
        ),
        ["KOM-874"],
    ),
    "a header in the error": (evidence(outcome=Raised("E", text=authorization(USERNAME, PASSWORD))), ["KOM-874"]),
    "an endless answer": (read({}, "huge_body", user="failure"), ["KOM-877"]),
}


@pytest.mark.parametrize("case", GOOD.values(), ids=list(GOOD))
def test_what_is_right_is_not_blamed(case: CallEvidence) -> None:
    assert codes(outcome_accusations(case)) == []


@pytest.mark.parametrize(("case", "expected"), BAD.values(), ids=list(BAD))
def test_what_is_wrong_is_blamed(case: CallEvidence, expected: list[str]) -> None:
    assert codes(outcome_accusations(case)) == expected


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1]", b'"text"', b'{"timestamp": 1}'])
def test_an_answer_that_says_little_asks_for_little(body: bytes) -> None:
    assert codes(outcome_accusations(failed(Raised("E", 404), response(404, body)))) == []


def test_the_singular_message_counts() -> None:
    answer = response(403, {"error_code": "X", "error_message": "No."})
    assert codes(outcome_accusations(failed(Raised("E", 403, "X"), answer))) == ["KOM-830"]
    assert codes(outcome_accusations(failed(Raised("E", 403, "X", ("No.",)), answer))) == []
