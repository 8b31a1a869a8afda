"""Rules that end somewhere: what is just beyond is named, and what is just within is left alone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from conformance.exchange import Exchange
from tests.judge.conversation import CAPTURE, ORDER, Conversation, captured, order
from tests.judge.stories import Story, codes

LATER = datetime(2026, 3, 15, 9, tzinfo=UTC)


def paid(method: str, country: str = "DE") -> dict[str, Any]:
    return order(purchase_country=country, initial_payment_method={"type": method, "description": "As agreed"})


def increased(method: str, country: str = "DE", total: int = 1001) -> Story:
    body = {"order_amount": total, "order_lines": []}
    return lambda c: [c.read(paid(method, country)), c.write("/authorization", method="PATCH", sent=body)]


def prolonged(method: str) -> Story:
    return lambda c: [c.read(paid(method)), c.write("/extend-authorization-time")]


def in_charset(charset: str, name: str = "Füller") -> Story:
    lines = [{**order()["order_lines"][0], "name": name}]
    media = {"Content-Type": f"application/json; charset={charset}"}
    return lambda c: [c.read(order(order_lines=lines, shipping_address={"city": "Bonn"}), headers=media)]


def cached(status: int, caching: str) -> Story:
    return lambda c: [c.refused("GET", "", status, "NO_SUCH_ORDER", headers={"Cache-Control": caching})]


def without_amount(status: int, code: str, path: str = "/captures", **sent: Any) -> Story:
    return lambda c: [c.read(captured(400)), c.refused("POST", path, status, code, sent=sent)]


def months_later(first: dict[str, Any], status: str) -> Story:
    """An order that was read before its authorisation would have ended, and is read after."""
    return lambda c: [c.read(first), c.read({**first, "status": status})]


CANCELLED = order(status="CANCELLED", remaining_authorized_amount=0)
BEYOND: dict[str, tuple[str, Story]] = {
    "card increased": ("KOM-418", increased("CARD")),
    "card of America increased": ("KOM-418", increased("PAY_BY_CARD", "US")),
    "fixed amount increased elsewhere": ("KOM-418", increased("FIXED_AMOUNT", "IT")),
    "debit increased in Switzerland": ("KOM-418", increased("DIRECT_DEBIT", "ch")),
    "card extended": ("KOM-418", prolonged("CARD")),
    "financing extended": ("KOM-418", prolonged("FIXED_SUM_CREDIT")),
    "latin": ("KOM-103", in_charset("ISO-8859-1")),
    "quoted latin": ("KOM-103", in_charset('"latin1"')),
    "two bytes a character": ("KOM-103", in_charset("UTF-16", "Feder")),
    "not found kept": ("KOM-710", cached(404, "public, max-age=60")),
    "no amount forbidden": ("KOM-205", without_amount(403, "CAPTURE_NOT_ALLOWED", description="x")),
    "lost beside a null": (
        "KOM-601",
        lambda c: [
            c.read({**order(), "shipping_address": {"title": "Dr.", "city": "Berlin"}}),
            c.write("/customer-details", method="PATCH", sent={"shipping_address": {"title": None, "city": "Bonn"}}),
            c.read({**order(), "shipping_address": {"title": "Dr.", "city": "Berlin"}}),
        ],
    ),
    "a bare parcel forbidden": (
        "KOM-403",
        lambda c: [
            c.read(captured(400)),
            c.refused("POST", f"/captures/{CAPTURE}/shipping-info", 403, "NOT_ALLOWED", sent={"shipping_info": [{}]}),
        ],
    ),
    "no amount a bad request": ("KOM-205", without_amount(400, "BAD_REQUEST")),
    "no refund amount a bad request": ("KOM-205", without_amount(400, "BAD_REQUEST", "/refunds")),
    "no amount a bad value": ("KOM-205", without_amount(400, "BAD_VALUE")),
    "null amount a bad value": ("KOM-205", without_amount(400, "BAD_VALUE", captured_amount=None)),
    "no refund amount forbidden": ("KOM-205", without_amount(403, "REFUND_NOT_ALLOWED", "/refunds")),
    "captured expired": ("KOM-412", months_later(captured(1000), "EXPIRED")),
    "captured cancelled": ("KOM-412", months_later(captured(1000), "CANCELLED")),
    "cancelled expired": ("KOM-412", months_later(CANCELLED, "EXPIRED")),
}
WITHIN: dict[str, Story] = {
    "invoice increased": increased("INVOICE"),
    "card kept": increased("CARD", total=1000),
    "fixed amount increased": increased("FIXED_AMOUNT", "SE"),
    "debit increased": increased("DIRECT_DEBIT"),
    "nobody knows whether it is increased": increased("SWISH", "SE"),
    "invoice extended": prolonged("INVOICE"),
    "nobody knows whether it is extended": prolonged("PAY_IN_X"),
    "UTF-8": in_charset("utf-8"),
    "quoted UTF-8": in_charset('"UTF-8"'),
    "latin without accents": in_charset("iso-8859-1", "Feder"),
    "not found forgotten": cached(404, "no-store, max-age=60"),
    "no amount": without_amount(422, "UNPROCESSABLE_ENTITY"),
    "total not told a bad request": lambda c: [
        c.read(order()),
        c.refused("PATCH", "/authorization", 400, "BAD_REQUEST", sent={}),
    ],
    "a delayed shipment": lambda c: [
        c.read(order()),
        c.refused("POST", "/captures", 422, "UNPROCESSABLE_ENTITY", sent={"captured_amount": 1, "shipping_delay": 1}),
    ],
    "a bare parcel": lambda c: [
        c.read(order()),
        c.refused("POST", "/shipping-info", 422, "UNPROCESSABLE_ENTITY", sent={"shipping_info": [{}]}),
    ],
    "an amount of another kind": without_amount(400, "BAD_VALUE", captured_amount="x"),
    "authorised expired": months_later(order(), "EXPIRED"),
    "captured closed": months_later(captured(1000), "CLOSED"),
    "cancelled closed": months_later(CANCELLED, "CLOSED"),
}


@pytest.mark.parametrize("name", BEYOND)
def test_what_is_beyond_is_named(name: str) -> None:
    code, story = BEYOND[name]
    assert code in codes(story, now=LATER if _reads_only(story) else None)


@pytest.mark.parametrize("name", WITHIN)
def test_what_is_within_is_left_alone(name: str) -> None:
    story = WITHIN[name]
    found = set(codes(story, now=LATER if _reads_only(story) else None))
    # Words that no source knows are advised against, whatever is refused.
    assert found <= {"KOM-204"}


@pytest.mark.parametrize(
    ("path", "told"),
    [("/merchant-references", False), ("/refunds", True)],
    ids=["words that are ours", "words that are known"],
)
def test_words_that_no_source_has_are_held_against_nobody(path: str, told: bool) -> None:
    def story(c: Conversation) -> list[Exchange]:
        code, method = ("REFUND_NOT_ALLOWED", "POST") if told else ("NOT_ALLOWED", "PATCH")
        sent = {"refunded_amount": 1} if told else {"merchant_reference1": "A"}
        return [c.refused(method, path, 403, code, sent=sent, message="Nothing of that kind.")]

    assert ("KOM-204" in codes(story)) is told


def _reads_only(story: Story) -> bool:
    exchanges: list[Exchange] = list(story(Conversation()))
    return len(exchanges) == 2 and all(each.request.target.endswith(ORDER) for each in exchanges)
