"""Every check of the judge is seen to fire, and a correct conversation to pass."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from conformance.contract.contract import load_contract
from conformance.exchange import Exchange, Headers, Request, Response
from conformance.judge.deviations import PREDICATES, TOLERATED, TOPICS
from conformance.judge.finding import Judgement
from conformance.judge.judge import Judge
from conformance.verdict import Verdict
from tests.judge.conversation import AUTHORIZATION, BASE, CAPTURE, ORDER, OTHER, REFUND, Conversation, captured, order

Story = Callable[[Conversation], Iterable[Exchange]]


def judged(story: Story, *, credentials_visible: bool = True, now: datetime | None = None) -> list[Judgement]:
    judge = Judge(load_contract(), credentials_visible=credentials_visible)
    if now is not None:
        judge.clock_is(now)
    return [judge.feed(exchange) for exchange in story(Conversation())]


def codes(story: Story, **options: Any) -> list[str]:
    return [finding.code for judgement in judged(story, **options) for finding in judgement.findings]


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


def altered(c: Conversation, value: dict[str, Any], **more: Any) -> list[Exchange]:
    return [c.read(value, **more)]


def after(body: dict[str, Any], *, first: dict[str, Any] | None = None) -> Callable[..., Story]:
    """Build the story: read, writes, read of ``body``."""

    def build(*writes: Callable[[Conversation], Exchange]) -> Story:
        return lambda c: [c.read(first or order()), *(write(c) for write in writes), c.read(body)]

    return build


def raw(
    body: bytes, status: int = 200, media: str = "application/json", method: str = "GET", path: str = f"/{ORDER}"
) -> Story:
    return lambda c: [c.exchange(method, path, status, answered=body, headers={"Content-Type": media})]


EARLY = "2020-01-15T09:00:00.000Z"


def location(capture_id: str) -> str:
    return f"https://api.klarna.com{BASE}/{ORDER}/captures/{capture_id}"


def offered(c: Conversation) -> list[Exchange]:
    options = {"currency": "eur", "options": [{"number_of_days": 10, "amount": 100}]}
    path = f"/{ORDER}/captures/{CAPTURE}/extend-due-date-options"
    return [c.read(captured(400)), c.exchange("GET", path, 200, answered=options)]


def extended(c: Conversation, days: int) -> Exchange:
    return c.write(f"/captures/{CAPTURE}/extend-due-date", method="PATCH", sent={"number_of_days": days})


SURFACE: dict[str, tuple[str, Story]] = {
    "undocumented status": ("KOM-101", lambda c: [c.exchange("GET", f"/{ORDER}", 302)]),
    "another success": ("KOM-102", lambda c: [c.exchange("POST", f"/{ORDER}/cancel", 200)]),
    "media type": ("KOM-103", lambda c: [c.read(order(), headers={"Content-Type": "text/plain"})]),
    "unknown status value": ("KOM-104", lambda c: altered(c, order(status="PAID"))),
    "null field": ("KOM-104", lambda c: altered(c, order(locale=None))),
    "no location": ("KOM-105", lambda c: [c.capture(1, without=("Location",))]),
    "no capture id": ("KOM-105", lambda c: [c.capture(1, without=("Capture-Id",))]),
    "body on 204": ("KOM-106", lambda c: [c.exchange("POST", f"/{ORDER}/cancel", 204, answered={})]),
    "no correlation id": ("KOM-107", lambda c: [c.read(order(), without=("Klarna-Correlation-Id",))]),
    "location of another capture": ("KOM-108", lambda c: [c.capture(1, headers={"Capture-Id": OTHER})]),
    "location of another order": (
        "KOM-108",
        lambda c: [c.capture(1, headers={"Location": f"{BASE}/{OTHER}/captures/{CAPTURE}"})],
    ),
    "location of a refund": (
        "KOM-108",
        lambda c: [c.capture(1, headers={"Location": f"{BASE}/{ORDER}/refunds/{CAPTURE}"})],
    ),
    "location of another scheme": (
        "KOM-108",
        lambda c: [c.capture(1, headers={"Location": f"ftp://api.klarna.com{BASE}/{ORDER}/captures/{CAPTURE}"})],
    ),
    "location elsewhere": ("KOM-108", lambda c: [c.capture(1, headers={"Location": "http://[x/"})]),
    "capture id malformed": ("KOM-109", lambda c: [c.capture(1, created="17")]),
    "not JSON": ("KOM-110", raw(b"{")),
    "not UTF-8": ("KOM-110", raw(b'"\xff"')),
    "too deep": ("KOM-110", raw(b"[" * 200_000)),
    "absurd number": ("KOM-110", raw(b'{"order_amount":' + b"9" * 5000 + b"}")),
    "not a number": ("KOM-110", raw(b'{"order_amount":NaN}')),
    "created_at without zone": ("KOM-113", lambda c: altered(c, order(created_at="2026-01-15T09:00:00"))),
    "created_at elsewhere": ("KOM-113", lambda c: altered(c, order(created_at="2026-01-15T09:00:00+02:00"))),
    "captured_at a number": (
        "KOM-113",
        lambda c: altered(c, captured(400, captures=[dict(captured(400)["captures"][0], captured_at=5)])),
    ),
    "amount as text": ("KOM-114", lambda c: altered(c, order(captured_amount="0"))),
    "amount with fraction": ("KOM-114", lambda c: altered(c, order(order_amount=1000.0))),
    "another order": ("KOM-117", lambda c: altered(c, order(order_id=OTHER))),
    "location is a path": (
        "KOM-118",
        lambda c: [c.refund(1, headers={"Location": f"{BASE}/{ORDER}/refunds/{REFUND}"})],
    ),
    "location without a scheme": (
        "KOM-118",
        lambda c: [c.capture(1, headers={"Location": f"//api.klarna.com{BASE}/{ORDER}/captures/{CAPTURE}"})],
    ),
    "location is no address": ("KOM-118", lambda c: [c.capture(1, headers={"Location": "http://[x/"})]),
    "nobody takes it": ("KOM-116", lambda c: [c.exchange("PUT", f"/{ORDER}", 200)]),
}

ERRORS: dict[str, tuple[str, Story]] = {
    "empty body": ("KOM-201", lambda c: [c.exchange("POST", f"/{ORDER}/cancel", 403)]),
    "a list": ("KOM-201", raw(b"[]", 403, method="POST", path=f"/{ORDER}/cancel")),
    "no code": (
        "KOM-201",
        raw(b'{"error_messages":[],"correlation_id":"x"}', 403, method="POST", path=f"/{ORDER}/cancel"),
    ),
    "messages no list": (
        "KOM-201",
        lambda c: [
            c.exchange("GET", f"/{ORDER}", 404, answered={"error_code": "NO_SUCH_ORDER", "error_messages": "x"})
        ],
    ),
    "HTML refusal": ("KOM-201", raw(b"<html>403</html>", 403, "text/html", "POST", f"/{ORDER}/cancel")),
    "code of another status": ("KOM-202", lambda c: [c.refused("GET", "", 404, "CONFLICT")]),
    "code of another operation": ("KOM-202", lambda c: [c.refused("POST", "/cancel", 403, "REFUND_NOT_ALLOWED")]),
    "known code on a status of unknown code": (
        "KOM-202",
        lambda c: [c.refused("POST", "/captures", 400, "UNPROCESSABLE_ENTITY", sent={})],
    ),
    "correlation differs": (
        "KOM-203",
        lambda c: [c.refused("GET", "", 404, "NO_SUCH_ORDER", headers={"Klarna-Correlation-Id": OTHER})],
    ),
    "wording": (
        "KOM-204",
        lambda c: [
            c.refused("POST", "/refunds", 403, "REFUND_NOT_ALLOWED", sent={"refunded_amount": 1}, message="No.")
        ],
    ),
    "unfitting refusal": (
        "KOM-205",
        lambda c: [
            c.read(order()),
            c.refused("POST", "/captures", 404, "NO_SUCH_ORDER", sent={"captured_amount": 5000}),
        ],
    ),
    "mistake in the body answered as one of the id": (
        "KOM-205",
        lambda c: [c.refused("POST", "/captures", 400, "INVALID_ORDER_ID", sent={"captured_amount": -1})],
    ),
    "mistake in the body answered as a missing order": (
        "KOM-205",
        lambda c: [c.refused("POST", "/captures", 404, "NO_SUCH_ORDER", sent={"captured_amount": -1})],
    ),
    "401 after success": (
        "KOM-205",
        lambda c: [c.read(order()), c.refused("GET", "", 401, "UNAUTHORIZED")],
    ),
    "negative amount accepted": ("KOM-207", lambda c: [c.capture(-1)]),
    "text amount accepted": ("KOM-207", lambda c: [c.capture("1")]),
    "long text accepted": ("KOM-207", lambda c: [c.capture(1, more={"description": "x" * 256})]),
    "broken JSON accepted": ("KOM-207", lambda c: [c.write("/shipping-info", sent=b"{")]),
    "no body accepted": ("KOM-207", lambda c: [c.write("/shipping-info")]),
    "valid refused": (
        "KOM-208",
        lambda c: [
            c.read(order()),
            c.refused("POST", "/captures", 422, "UNPROCESSABLE_ENTITY", sent={"captured_amount": 1}),
        ],
    ),
    "malformed id found": ("KOM-209", lambda c: [c.exchange("GET", "/17", 200, answered=order())]),
    "unknown capture found": (
        "KOM-209",
        lambda c: [
            c.read(order()),
            c.exchange("GET", f"/{ORDER}/captures/{CAPTURE}", 200, answered=captured(1)["captures"][0]),
        ],
    ),
}

HALF = captured(400)
TWICE = captured(800, captures=[dict(HALF["captures"][0]), dict(HALF["captures"][0], capture_id=OTHER)])

MONEY: dict[str, tuple[str, Story]] = {
    "remaining": ("KOM-301", lambda c: altered(c, order(remaining_authorized_amount=999))),
    "sum of captures": ("KOM-302", lambda c: altered(c, captured(400, captures=[]))),
    "sum of refunds": ("KOM-303", lambda c: altered(c, captured(400, refunded=100, refunds=[]))),
    "captured above authorised": (
        "KOM-304",
        lambda c: altered(c, captured(400, order_amount=300, remaining_authorized_amount=-100)),
    ),
    "refunded above captured": ("KOM-305", lambda c: altered(c, captured(400, refunded=500))),
    "over-capture": ("KOM-306", lambda c: [c.read(order()), c.capture(1001)]),
    "capture after release": (
        "KOM-306",
        lambda c: [c.read(HALF), c.write("/release-remaining-authorization"), c.capture(1, created=OTHER)],
    ),
    "over-refund": ("KOM-307", lambda c: [c.read(HALF), c.refund(401)]),
    "refund without capture": ("KOM-402", lambda c: [c.read(order()), c.refund(1)]),
    "capture refused": (
        "KOM-308",
        lambda c: [
            c.read(order()),
            c.refused("POST", "/captures", 403, "CAPTURE_NOT_ALLOWED", sent={"captured_amount": 1000}),
        ],
    ),
    "refund refused": (
        "KOM-308",
        lambda c: [
            c.read(HALF),
            c.refused("POST", "/refunds", 403, "REFUND_NOT_ALLOWED", sent={"refunded_amount": 400}),
        ],
    ),
    "captured not updated": ("KOM-309", after(order())(lambda c: c.capture(400))),
    "total not updated": (
        "KOM-309",
        after(order())(lambda c: c.write("/authorization", method="PATCH", sent={"order_amount": 900})),
    ),
    "negative": ("KOM-310", lambda c: altered(c, order(refunded_amount=-1))),
    "capture of another amount": (
        "KOM-311",
        lambda c: [
            c.read(order()),
            c.capture(401),
            c.exchange("GET", f"/{ORDER}/captures/{CAPTURE}", 200, answered=HALF["captures"][0]),
        ],
    ),
    "refund of another amount": (
        "KOM-312",
        lambda c: [
            c.read(HALF),
            c.refund(99),
            c.exchange("GET", f"/{ORDER}/refunds/{REFUND}", 200, answered=captured(400, refunded=100)["refunds"][0]),
        ],
    ),
    "authorisation below captured": (
        "KOM-313",
        lambda c: [c.read(HALF), c.write("/authorization", method="PATCH", sent={"order_amount": 399})],
    ),
    "currency": ("KOM-314", after(captured(400, purchase_currency="SEK"))(lambda c: c.capture(400))),
    "allocated too much": (
        "KOM-315",
        lambda c: altered(c, captured(400, captures=[dict(HALF["captures"][0], refunded_amount=1)])),
    ),
    "allocation fell": (
        "KOM-315",
        lambda c: [
            c.read(captured(400, refunded=50, captures=[dict(HALF["captures"][0], refunded_amount=50)])),
            c.read(captured(400, refunded=50)),
        ],
    ),
    "options in another currency": (
        "KOM-317",
        lambda c: [
            c.read(captured(400)),
            c.exchange(
                "GET",
                f"/{ORDER}/captures/{CAPTURE}/extend-due-date-options",
                200,
                answered={"currency": "SEK", "options": [{"number_of_days": 10, "amount": 100}]},
            ),
        ],
    ),
}

STATE: dict[str, tuple[str, Story]] = {
    "captured although nothing is": ("KOM-401", lambda c: altered(c, order(status="CAPTURED"))),
    "part captured although nothing is": ("KOM-401", lambda c: altered(c, order(status="PART_CAPTURED"))),
    "authorised although captured": ("KOM-401", lambda c: altered(c, captured(400, status="AUTHORIZED"))),
    "fully captured and still open": (
        "KOM-401",
        after(captured(1000, status="PART_CAPTURED"))(lambda c: c.capture(1000)),
    ),
    "status stays": ("KOM-401", after(order(remaining_authorized_amount=0))(lambda c: c.write("/cancel"))),
    "cancel with captures": ("KOM-402", lambda c: [c.read(HALF), c.write("/cancel")]),
    "capture after cancel": (
        "KOM-407",
        lambda c: [c.read(order()), c.write("/cancel"), c.capture(1)],
    ),
    "release refused": (
        "KOM-403",
        lambda c: [c.read(HALF), c.refused("POST", "/release-remaining-authorization", 403, "NOT_ALLOWED")],
    ),
    "refused capture booked": (
        "KOM-404",
        after(captured(400))(
            lambda c: c.refused("POST", "/captures", 403, "CAPTURE_NOT_ALLOWED", sent={"captured_amount": 1001})
        ),
    ),
    "refused reference stored": (
        "KOM-404",
        after(order(merchant_reference2="x" * 256))(
            lambda c: c.refused(
                "PATCH", "/merchant-references", 422, "UNPROCESSABLE_ENTITY", sent={"merchant_reference2": "x" * 256}
            )
        ),
    ),
    "reference not stored": (
        "KOM-405",
        after(order())(lambda c: c.write("/merchant-references", method="PATCH", sent={"merchant_reference2": "new"})),
    ),
    "lines kept": (
        "KOM-405",
        after(order())(lambda c: c.write("/authorization", method="PATCH", sent={"order_amount": 1000})),
    ),
    "rest of the address dropped": (
        "KOM-405",
        after(order(shipping_address={"city": "Bonn"}))(
            lambda c: c.write("/customer-details", method="PATCH", sent={"shipping_address": {"city": "Bonn"}})
        ),
    ),
    "description that nobody sent": (
        "KOM-601",
        after(captured(400, captures=[dict(HALF["captures"][0], description="for another")]))(lambda c: c.capture(400)),
    ),
    "lines that nobody sent": (
        "KOM-405",
        after(captured(400, captures=[dict(HALF["captures"][0], order_lines=order()["order_lines"])]))(
            lambda c: c.capture(400)
        ),
    ),
    "shipping info not appended": (
        "KOM-405",
        after(order())(lambda c: c.write("/shipping-info", sent={"shipping_info": [{"tracking_number": "1"}]})),
    ),
    "address touched": ("KOM-406", after(captured(400, shipping_address={"city": "Bonn"}))(lambda c: c.capture(400))),
    "capture lost": ("KOM-408", after(captured(400, capture_id=OTHER))(lambda c: c.capture(400))),
    "capture out of nowhere": ("KOM-412", lambda c: [c.read(order()), c.read(captured(400))]),
    "order gone": ("KOM-408", lambda c: [c.read(order()), c.refused("GET", "", 404, "NO_SUCH_ORDER")]),
    "capture unreadable": (
        "KOM-409",
        lambda c: [c.read(HALF), c.refused("GET", f"/captures/{CAPTURE}", 404, "NO_SUCH_CAPTURE")],
    ),
    "authorisation shortened": (
        "KOM-410",
        after(order(expires_at="2026-02-11T00:00:00.000Z"))(lambda c: c.write("/extend-authorization-time")),
    ),
    "list lacks a capture": (
        "KOM-411",
        lambda c: [c.read(HALF), c.exchange("GET", f"/{ORDER}/captures", 200, answered=[])],
    ),
    "list twice": (
        "KOM-411",
        lambda c: [c.read(HALF), c.exchange("GET", f"/{ORDER}/captures", 200, answered=HALF["captures"] * 2)],
    ),
    "list invents": (
        "KOM-411",
        lambda c: [c.read(order()), c.exchange("GET", f"/{ORDER}/captures", 200, answered=HALF["captures"])],
    ),
    "changed by itself": ("KOM-412", lambda c: [c.read(order()), c.read(order(merchant_reference1="other"))]),
    "one transaction for two captures": (
        "KOM-414",
        lambda c: [
            c.capture(1, headers={"Transaction-Id": OTHER}),
            c.capture(1, created=REFUND, headers={"Transaction-Id": OTHER, "Location": location(REFUND)}),
        ],
    ),
    "one reference for two captures": (
        "KOM-415",
        lambda c: altered(
            c,
            captured(
                400,
                captured_amount=800,
                remaining_authorized_amount=200,
                captures=[dict(captured(400)["captures"][0], capture_id=each) for each in (CAPTURE, OTHER)],
            ),
        ),
    ),
    "captured before the order": (
        "KOM-416",
        lambda c: altered(c, captured(400, created_at="2027-01-15T09:00:00.000Z")),
    ),
    "refunded before the order": (
        "KOM-416",
        lambda c: altered(
            c,
            captured(400, refunded=400, refunds=[dict(captured(400, refunded=400)["refunds"][0], refunded_at=EARLY)]),
        ),
    ),
    "days that are not on offer": ("KOM-402", lambda c: [*offered(c), extended(c, 13)]),
}

KEYS: dict[str, tuple[str, Story]] = {
    "second capture id": ("KOM-501", lambda c: [c.capture(400, key="k"), c.capture(400, key="k", created=OTHER)]),
    "booked twice": ("KOM-501", after(TWICE)(lambda c: c.capture(400, key="k"), lambda c: c.capture(400, key="k"))),
    "replay refused": (
        "KOM-502",
        lambda c: [
            c.capture(400, key="k"),
            c.refused("POST", "/captures", 403, "CAPTURE_NOT_ALLOWED", sent={"captured_amount": 400}, key="k"),
        ],
    ),
    "key reused with another body": (
        "KOM-504",
        lambda c: [c.capture(400, key="k"), c.capture(300, key="k", created=OTHER)],
    ),
    "two keys one capture": ("KOM-503", lambda c: [c.capture(400, key="k"), c.capture(400, key="l")]),
}

TEXT: dict[str, tuple[str, Story]] = {
    "umlaut lost": (
        "KOM-601",
        after(order(merchant_reference1="Mueller"))(
            lambda c: c.write("/merchant-references", method="PATCH", sent={"merchant_reference1": "Müller"})
        ),
    ),
    "address mangled": (
        "KOM-601",
        after(order(shipping_address={"given_name": "Anna", "city": "M?nchen", "country": "DE"}))(
            lambda c: c.write("/customer-details", method="PATCH", sent={"shipping_address": {"city": "München"}})
        ),
    ),
    "description mangled": (
        "KOM-601",
        after(captured(400, captures=[dict(HALF["captures"][0], description="A B")]))(
            lambda c: c.capture(400, more={"description": "A  B"})
        ),
    ),
    "line number changed": (
        "KOM-602",
        after(order(order_lines=[dict(order()["order_lines"][0], quantity=2)]))(
            lambda c: c.write(
                "/authorization", method="PATCH", sent={"order_amount": 1000, "order_lines": order()["order_lines"]}
            )
        ),
    ),
}

SECURITY: dict[str, tuple[str, Story]] = {
    "no credentials": ("KOM-701", lambda c: [c.read(order(), authorization="")]),
    "another scheme": ("KOM-701", lambda c: [c.read(order(), authorization="Bearer abc")]),
    "another merchant": (
        "KOM-702",
        lambda c: [c.read(order()), c.read(order(), authorization="Basic b3RoZXI6b3RoZXItc2VjcmV0")],
    ),
    "stack trace": (
        "KOM-703",
        lambda c: [c.refused("GET", "", 500, "UNEXPECTED_ERROR", message="x\n\tat com.k.Order.read(Order.java:7)")],
    ),
    "password in body": (
        "KOM-704",
        lambda c: [c.refused("GET", "", 404, "NO_SUCH_ORDER", message="Order secret-secret")],
    ),
    "password in header": ("KOM-704", lambda c: [c.read(order(), headers={"X-Debug": AUTHORIZATION})]),
    "two megabytes accepted": ("KOM-708", lambda c: [c.capture(1, more={"padding": "x" * 2_000_000})]),
    "401 without a challenge": ("KOM-709", lambda c: [c.refused("GET", "", 401, "UNAUTHORIZED")]),
    "401 with another challenge": (
        "KOM-709",
        lambda c: [c.refused("GET", "", 401, "UNAUTHORIZED", headers={"WWW-Authenticate": "Bearer"})],
    ),
    "credentials in body": (
        "KOM-704",
        lambda c: [c.refused("GET", "", 404, "NO_SUCH_ORDER", message=f"Order of {AUTHORIZATION}")],
    ),
    "a public cache": ("KOM-710", lambda c: [c.read(order(), headers={"Cache-Control": "public"})]),
    "a minute in a cache": ("KOM-710", lambda c: [c.read(order(), headers={"Cache-Control": "private, max-age=60"})]),
}

ALL = {
    f"{code} {name}": (code, story)
    for block in (SURFACE, ERRORS, MONEY, STATE, KEYS, TEXT, SECURITY)
    for name, (code, story) in block.items()
}


@pytest.mark.parametrize("name", ALL)
def test_each_breach_is_named(name: str) -> None:
    code, story = ALL[name]
    assert code in codes(story)


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
        yield c.refused(*refusal, sent={"shipping_info": [{"tracking_number": "1"}]})

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
    assert codes(refused) == ["KOM-504"]


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


def test_every_deviation_is_recognised_in_one_way() -> None:
    ways = [*PREDICATES, *TOPICS, *TOLERATED]
    assert sorted(ways) == sorted(load_contract().deviations)


GOOD = f"/{ORDER}/cancel"


def html(status: int, headers: dict[str, str] | None = None, path: str = "/%7B%7D/cancel") -> Story:
    page = f"<html><h1>HTTP Status {status}</h1></html>".encode()
    given = {"Content-Type": "text/html;charset=utf-8", **(headers or {})}
    return lambda c: [c.exchange("POST", path, status, answered=page, headers=given)]


def spring(status: int = 404) -> Story:
    body = {"timestamp": "2021-09-17T09:20:11.771Z", "status": 404, "error": "Not Found", "message": "", "path": "/x"}
    return lambda c: [c.exchange("GET", "/", status, answered=body)]


@pytest.mark.parametrize("body", [b"", b"<html>404</html>", b"no"])
def test_a_path_that_no_operation_has_may_be_refused_in_any_form(body: bytes) -> None:
    for status in (403, 404, 405):
        assert codes(raw(body, status, "text/html", path="/")) == []
    assert codes(spring()) == []


def test_a_server_may_say_in_its_own_way_that_it_has_no_such_method() -> None:
    page = {"Content-Type": "text/html"}

    def refusals(c: Conversation) -> Iterable[Exchange]:
        return [c.exchange("BREW", f"/{ORDER}", status, answered=b"<html>", headers=page) for status in (405, 501)]

    assert codes(refusals) == []
    assert codes(lambda c: [c.exchange("GET", f"/{ORDER}", 501, answered=b"<html>", headers=page)]) == ["KOM-101"]


def test_a_router_may_refuse_in_its_own_way_what_is_no_part_of_a_path() -> None:
    def refused(part: str, status: int) -> Story:
        return lambda c: [c.exchange("GET", f"/{part}", status, answered=b"no", headers={"Content-Type": "text/plain"})]

    def found(part: str) -> Story:
        return lambda c: [c.exchange("GET", f"/{part}", 200, answered=order())]

    for part in ("a%0D%0Ab", "a%2Fb", f"{ORDER}%00", f"{ORDER}%20", "..%5C", "%2525"):
        assert codes(refused(part, 404)) == codes(refused(part, 400)) == []
        assert "KOM-209" in codes(found(part))
    assert "KOM-201" in codes(refused("0", 404))


@pytest.mark.parametrize(
    ("story", "deviation"),
    [
        (html(400), "DEV-HTML-400"),
        (html(401, {"WWW-Authenticate": 'Basic realm="x"'}, path=f"/{ORDER}/cancel"), "DEV-HTML-401"),
        (html(503, path=f"/{ORDER}/cancel"), "DEV-GATEWAY-HTML"),
        (lambda c: altered(c, order(status="CANCELLED")), "DEV-CANCELLED-REMAINING"),
        (
            lambda c: [c.capture(50, more={"shipping_info": [{"tracking_number": 1245, "tracking_url": "x"}]})],
            "DEV-NUMBER-AS-TEXT",
        ),
        (
            lambda c: [c.read(HALF), c.refund(100, more={"reference": "r"}), c.read(captured(400, refunded=100))],
            "DEV-REFUND-REFERENCE",
        ),
        (
            lambda c: [
                c.exchange("GET", f"/{ORDER}", 404, answered={"error_code": "NO_SUCH_ORDER", "error_message": "x"})
            ],
            "DEV-ERROR-MESSAGE-SINGULAR",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_listed_deviations_are_known(story: Story, deviation: str) -> None:
    judgements = judged(story, credentials_visible=False)
    assert {finding.known for judgement in judgements for finding in judgement.findings} == {deviation}
    assert Verdict.KNOWN in {judgement.verdict for judgement in judgements}
    assert Verdict.FAILED not in {judgement.verdict for judgement in judgements}


@pytest.mark.parametrize(
    "story",
    [html(403, path=GOOD), html(404, path=GOOD), html(400, path=GOOD), html(200, path=GOOD)],
    ids=["403", "404", "400", "200"],
)
def test_a_page_that_is_not_listed_is_a_failure(story: Story) -> None:
    assert Verdict.FAILED in {judgement.verdict for judgement in judged(story, credentials_visible=False)}


def test_findings_never_show_the_credentials() -> None:
    everything = " ".join(finding.message for _, story in ALL.values() for j in judged(story) for finding in j.findings)
    assert "secret-secret" not in everything
    assert AUTHORIZATION.removeprefix("Basic ") not in everything
