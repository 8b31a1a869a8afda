"""A correct conversation passes, and what may be so or otherwise is excused."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from conformance.contract.contract import load_contract
from conformance.exchange import Exchange, Headers, Request, Response
from conformance.judge.judge import Judge
from conformance.verdict import Verdict
from tests.judge.conversation import BASE, CAPTURE, ORDER, OTHER, REFUND, Conversation, captured, order
from tests.judge.stories import (
    TWICE,
    Story,
    after,
    codes,
    extended,
    judged,
    location,
    offered,
)


def lifetime(c: Conversation) -> Iterable[Exchange]:
    """Everything that may happen to an order, answered as documented."""
    yield c.read(order())
    yield c.refused("POST", "/captures", 403, "CAPTURE_NOT_ALLOWED", sent={"captured_amount": 1001})
    yield c.refused("POST", "/refunds", 403, "REFUND_NOT_ALLOWED", sent={"refunded_amount": 1})
    yield c.refused(
        "POST", "/captures", 422, "UNPROCESSABLE_ENTITY", sent={}, message="'captured_amount' must not be null"
    )
    yield c.read(order())
    yield c.capture(400, more={"shipping_info": [{"tracking_number": "1Z", "invented": "x"}]}, key="k1")
    yield c.capture(400, more={"shipping_info": [{"tracking_number": "1Z", "invented": "x"}]}, key="k1")
    part = captured(400)
    part["captures"][0]["shipping_info"] = [{"tracking_number": "1Z"}]
    yield c.read(part)
    yield c.exchange("GET", f"/{ORDER}/captures", 200, answered=part["captures"])
    yield c.exchange("GET", f"/{ORDER}/captures/{CAPTURE}", 200, answered=part["captures"][0])
    yield c.write("/merchant-references", method="PATCH", sent={"merchant_reference2": "ß"})
    part["merchant_reference2"] = "ß"
    yield c.read(part)
    yield c.write("/release-remaining-authorization")
    part.update(status="CAPTURED", remaining_authorized_amount=0)
    yield c.read(part)
    yield c.refused("POST", "/captures", 403, "CAPTURE_NOT_ALLOWED", sent={"captured_amount": 1})
    yield c.refund(400, more={"description": "alles"})
    part.update(refunded_amount=400, refunds=[dict(captured(400, refunded=400)["refunds"][0], description="alles")])
    yield c.read(part)
    yield c.exchange("GET", f"/{ORDER}/refunds/{REFUND}", 200, answered=part["refunds"][0])
    yield c.refused("POST", "/cancel", 403, "CANCEL_NOT_ALLOWED")


def test_a_documented_lifetime_passes() -> None:
    assert [(j.verdict, j.findings) for j in judged(lifetime) if j.verdict is not Verdict.PASSED] == []


def test_a_field_that_its_object_does_not_have_may_be_dropped() -> None:
    line = {**order()["order_lines"][0], "city": "Bonn", "merchant_data": "x"}
    update: Story = lambda c: [  # noqa: E731 - a table entry
        c.read(order()),
        c.write("/authorization", method="PATCH", sent={"order_amount": 1000, "order_lines": [line]}),
        c.read(order()),
    ]
    assert codes(update) == []


QUIET: dict[str, Story] = {
    "an order closed by the service itself": lambda c: [
        c.read(captured(1000)),
        c.read(captured(1000, status="CLOSED")),
    ],
    "words of a database that the request brought": lambda c: [
        c.refused(
            "POST", "/captures", 422, "UNPROCESSABLE_ENTITY", sent={"description": "ORA-00001"}, message="ORA-00001"
        )
    ],
    "a NUL refused": lambda c: [
        c.read(order()),
        c.refused("PATCH", "/merchant-references", 400, "BAD_VALUE", sent={"merchant_reference1": "a\0b"}),
    ],
    "another control character refused": lambda c: [
        c.read(order()),
        c.refused("PATCH", "/merchant-references", 400, "BAD_VALUE", sent={"merchant_reference1": "a\x01b"}),
    ],
    "a NUL kept": lambda c: [
        c.read(order()),
        c.write("/merchant-references", method="PATCH", sent={"merchant_reference1": "a\0b"}),
        c.read(order(merchant_reference1="a\0b")),
    ],
    "half a surrogate pair refused": lambda c: [
        c.read(order()),
        c.refused(
            "PATCH", "/merchant-references", 422, "UNPROCESSABLE_ENTITY", sent=b'{"merchant_reference1": "\\ud83d"}'
        ),
    ],
    "names of members within texts": lambda c: [
        c.read(order(merchant_reference1='"order_amount" and "order_amount"', merchant_reference2="order_amount"))
    ],
}


@pytest.mark.parametrize("story", QUIET.values(), ids=list(QUIET))
def test_what_may_be_is_not_held(story: Story) -> None:
    assert [code for code in codes(story) if code != "KOM-204"] == []


@pytest.mark.parametrize(
    "story",
    [
        after(captured(1000, status="CLOSED"))(lambda c: c.capture(1000)),
        after(captured(1000, refunded=1000, status="CLOSED"), first=captured(1000))(lambda c: c.refund(1000)),
    ],
    ids=["captured", "refunded"],
)
def test_an_order_is_not_closed_at_once_for_what_became_of_its_money(story: Story) -> None:
    assert codes(story, now=datetime(2026, 1, 15, 10, tzinfo=UTC)) == ["KOM-401"]
    # A recording may leave out a month between two exchanges.
    assert codes(story) == []


def test_a_whole_surrogate_pair_excuses_no_refusal() -> None:
    refusal: Story = lambda c: [  # noqa: E731 - a table entry
        c.read(order()),
        c.refused(
            "PATCH",
            "/merchant-references",
            422,
            "UNPROCESSABLE_ENTITY",
            sent=b'{"merchant_reference1": "\\ud83d\\ude00"}',
        ),
    ]
    assert "KOM-208" in codes(refusal)


def test_other_apis_are_foreign() -> None:
    exchange = Exchange(Request("POST", "https://api.klarna.com/payments/v1/sessions"), Response(200))
    judgement = Judge(load_contract()).feed(exchange)
    assert judgement.foreign
    assert judgement.cell is None


def test_a_cell_is_what_was_exchanged() -> None:
    judgement = judged(
        lambda c: [c.refused("POST", "/captures", 403, "CAPTURE_NOT_ALLOWED", sent={"captured_amount": 1})]
    )[0]
    assert judgement.cell == ("captureOrder", 403, "CAPTURE_NOT_ALLOWED")
    assert judgement.order_id == ORDER


def test_a_conflict_excuses_a_refusal_until_nobody_else_is_at_work() -> None:
    too_much = {"captured_amount": 5000}
    for sent, code in ((too_much, "KOM-205"), ({"captured_amount": 1}, "KOM-308")):
        c, judge = Conversation(), Judge(load_contract())
        judge.feed(c.read(order()))
        assert judge.feed(c.refused("POST", "/captures", 409, "CONFLICT", sent=sent)).findings == ()
        judge.undisturbed = True
        found = judge.feed(c.refused("POST", "/captures", 409, "CONFLICT", sent=sent)).findings
        assert [finding.code for finding in found] == [code]


def test_what_is_on_offer_may_be_taken_once_and_refused_in_any_words() -> None:
    assert codes(lambda c: [*offered(c), extended(c, 10), extended(c, 13)]) == []
    refusal = "PATCH", f"/captures/{CAPTURE}/extend-due-date", 403, "NOT_ALLOWED"
    assert (
        codes(lambda c: [*offered(c), *(c.refused(*refusal, sent={"number_of_days": days}) for days in (10, 13))]) == []
    )


def test_what_looks_released_may_have_expired() -> None:
    over = captured(400, status="CAPTURED", remaining_authorized_amount=0)
    refusal = "POST", f"/captures/{CAPTURE}/shipping-info", 403, "NOT_ALLOWED"
    sent = {"shipping_info": [{"tracking_number": "1"}]}
    assert codes(lambda c: [c.read(over), c.read(over), c.refused(*refusal, sent=sent)]) == []


def test_what_was_seen_to_be_released_is_released() -> None:
    over = captured(400, status="CAPTURED", remaining_authorized_amount=0)
    refusal = "POST", f"/captures/{CAPTURE}/shipping-info", 403, "NOT_ALLOWED"

    def story(c: Conversation) -> Iterable[Exchange]:
        yield c.read(captured(400))
        yield c.write("/release-remaining-authorization")
        yield c.read(over)
        yield c.refused(*refusal, sent={"shipping_info": [{"shipping_company": "dhl", "tracking_number": "1"}]})

    assert codes(story) == ["KOM-403"]


@pytest.mark.parametrize("told", ["no-cache, no-store, max-age=60", "max-age=0, must-revalidate", "private", ""])
def test_what_no_cache_keeps(told: str) -> None:
    assert codes(lambda c: [c.read(order(), headers={"Cache-Control": told})]) == []


def test_a_replay_in_another_spelling_is_a_replay() -> None:
    sent = {"captured_amount": 1, "description": "ü"}

    def story(created: str) -> Story:
        spelled = json.dumps(dict(reversed(sent.items())), indent=1).encode()
        again = {"Capture-Id": created, "Location": location(created)}
        return lambda c: [
            c.capture(1, more={"description": "ü"}, key="k"),
            c.exchange("POST", f"/{ORDER}/captures", 201, sent=spelled, headers=again, key="k"),
        ]

    assert codes(story(CAPTURE)) == []
    assert codes(story(OTHER)) == ["KOM-501"]

    def refused(c: Conversation) -> Iterable[Exchange]:
        first, second = story(CAPTURE)(c)
        yield first
        yield replace(second, response=c.refused("POST", "/captures", 422, "UNPROCESSABLE_ENTITY").response)

    # It moves no money, and that the spelling does not matter is no more than advised.
    assert codes(refused) == ["KOM-506"]


def test_lines_that_do_not_add_up_may_be_refused() -> None:
    line = {"name": "x", "quantity": 1, "unit_price": 1, "total_amount": 1}
    for method, path, name, expected in (
        ("POST", "/captures", "captured_amount", []),
        ("PATCH", "/authorization", "order_amount", []),
        ("POST", "/refunds", "refunded_amount", ["KOM-208"]),
    ):
        sent = {name: 400, "order_lines": [line]}
        c = Conversation()
        refusal = c.refused(method, path, 422, "UNPROCESSABLE_ENTITY", sent=sent)
        judge = Judge(load_contract())
        judge.feed(c.read(captured(400)))
        assert [finding.code for finding in judge.feed(refusal).findings] == expected


def test_a_replay_may_be_in_conflict_while_the_first_is_under_way() -> None:
    c, judge = Conversation(), Judge(load_contract())
    judge.feed(c.capture(1, key="k"))
    assert (
        judge.feed(c.refused("POST", "/captures", 409, "CONFLICT", sent={"captured_amount": 1}, key="k")).findings == ()
    )
    judge.undisturbed = True
    found = judge.feed(c.refused("POST", "/captures", 409, "CONFLICT", sent={"captured_amount": 1}, key="k")).findings
    assert [finding.code for finding in found] == ["KOM-502"]


def test_a_replay_repeats_its_transaction_id() -> None:
    same = {"Transaction-Id": OTHER}
    assert codes(lambda c: [c.capture(1, key="k", headers=same), c.capture(1, key="k", headers=same)]) == []


def test_repeated_correlation_ids_are_named() -> None:
    same = {"Klarna-Correlation-Id": OTHER}
    assert codes(lambda c: [c.read(order(), headers=same), c.read(order(), headers=same)]) == ["KOM-112"]


def test_a_placeholder_or_a_duplicated_recording_is_no_repeated_correlation_id() -> None:
    same = {"Klarna-Correlation-Id": OTHER}
    blank = {"Klarna-Correlation-Id": "00000000-0000-0000-0000-000000000000"}
    assert (
        codes(lambda c: [c.read(order(), headers=same), c.read(order(), headers=same)], credentials_visible=False) == []
    )
    assert codes(lambda c: [c.read(order(), headers=blank), c.read(order(), headers=blank)]) == []


def test_a_cut_body_is_named() -> None:
    exchange = Exchange(Request("GET", f"{BASE}/{ORDER}"), Response(200, Headers(), b"{", cut="is longer than 16 MiB"))
    found = [finding.code for finding in Judge(load_contract()).feed(exchange).findings]
    assert "KOM-111" in found
    assert "KOM-110" not in found


def test_no_answer_is_named_and_leaves_the_write_in_doubt() -> None:
    def story(c: Conversation, after: dict[str, Any]) -> Iterable[Exchange]:
        yield c.read(order())
        lost = c.capture(400, key="k")
        yield Exchange(lost.request, None, "connection reset")
        yield c.read(after)

    assert codes(lambda c: story(c, order())) == ["KOM-115"]
    assert codes(lambda c: story(c, captured(400))) == ["KOM-115"]
    assert "KOM-309" in codes(lambda c: story(c, captured(401)))


def test_a_retry_after_a_lost_answer_counts_once() -> None:
    def story(c: Conversation, after: dict[str, Any]) -> Iterable[Exchange]:
        yield c.read(order())
        yield c.exchange(
            "POST", f"/{ORDER}/captures", 503, sent={"captured_amount": 400}, key="k", answered=dict(unavailable)
        )
        yield c.capture(400, key="k")
        yield c.read(after)

    unavailable = {"error_code": "TEMPORARILY_UNAVAILABLE", "error_messages": ["Temporarily unavailable"]}
    assert codes(lambda c: story(c, captured(400))) == []
    assert "KOM-309" in codes(lambda c: story(c, TWICE))


def test_many_doubts_make_the_order_unknown_again() -> None:
    def story(c: Conversation) -> Iterable[Exchange]:
        yield c.read(order())
        for _ in range(4):
            yield Exchange(c.capture(100).request, None, "timed out")
        yield c.read(captured(400))

    assert set(codes(story)) == {"KOM-115"}


def test_the_same_key_elsewhere_binds_nobody() -> None:
    def story(c: Conversation, created: str) -> Iterable[Exchange]:
        yield c.capture(400, key="k")
        yield c.refund(100, key="k", created=created)

    assert codes(lambda c: story(c, REFUND)) == []
    assert codes(lambda c: story(c, CAPTURE)) == ["KOM-108"] or codes(lambda c: story(c, CAPTURE)) == []


def test_a_key_lives_for_a_day_of_the_targets_clock() -> None:
    judge, c = Judge(load_contract()), Conversation()
    judge.clock_is(datetime(2026, 1, 15, tzinfo=UTC))
    assert not judge.feed(c.capture(400, key="k")).findings
    judge.clock_is(datetime(2026, 1, 16, 0, 0, 1, tzinfo=UTC))
    assert not judge.feed(c.capture(400, key="k", created=OTHER)).findings


def test_after_its_day_a_key_may_count_or_begin_anew() -> None:
    day, later = datetime(2026, 1, 15, 9, tzinfo=UTC), datetime(2026, 1, 17, 9, tzinfo=UTC)
    again = {"Capture-Id": OTHER, "Location": location(OTHER)}
    for headers in ({}, again):
        c, judge = Conversation(), Judge(load_contract())
        judge.clock_is(day)
        judge.feed(c.capture(1, key="k"))
        judge.clock_is(later)
        assert judge.feed(c.capture(1, key="k", headers=headers)).findings == ()


def test_a_refusal_of_long_ago_excuses_none_of_today() -> None:
    c, judge = Conversation(), Judge(load_contract())
    sent = {"captured_amount": 1}
    judge.clock_is(datetime(2026, 1, 15, 9, tzinfo=UTC))
    judge.feed(c.read(order()))
    assert [
        each.code
        for each in judge.feed(c.refused("POST", "/captures", 403, "NOT_ALLOWED", sent=sent, key="k")).findings
    ]
    judge.clock_is(datetime(2026, 1, 17, 9, tzinfo=UTC))
    found = judge.feed(c.refused("POST", "/captures", 403, "CAPTURE_NOT_ALLOWED", sent=sent, key="k")).findings
    assert "KOM-308" in {finding.code for finding in found}


def test_expiry_by_the_clock_is_expected() -> None:
    late = datetime(2026, 3, 1, tzinfo=UTC)
    refused = f"Order {ORDER} is expired. Capture not possible."
    expired = order(status="EXPIRED", remaining_authorized_amount=0)

    def story(c: Conversation) -> Iterable[Exchange]:
        yield c.read(order())
        yield c.refused("POST", "/captures", 403, "CAPTURE_NOT_ALLOWED", sent={"captured_amount": 1}, message=refused)
        yield c.read(expired)

    assert codes(story, now=late) == []
    assert "KOM-407" in codes(lambda c: [c.read(order()), c.capture(1)], now=late)
    # With nothing left to capture there is nothing that could lapse, however the order shows itself.
    whole = captured(400, order_amount=400, remaining_authorized_amount=0, status="PART_CAPTURED")
    part = captured(400)
    body = {"order_amount": 400}

    def lowered(shown: dict[str, Any]) -> list[str]:
        return codes(lambda c: [c.read(shown), c.write("/authorization", method="PATCH", sent=body)], now=late)

    assert "KOM-407" not in lowered(whole)
    assert "KOM-407" in lowered(part)


def test_recordings_are_not_judged_by_their_credentials() -> None:
    story: Story = lambda c: [c.read(order(), authorization=""), c.read(order(), authorization="<A>")]  # noqa: E731 - a table entry
    assert codes(story, credentials_visible=False) == []
    assert "KOM-701" in codes(story)
