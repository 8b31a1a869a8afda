"""Answers that break a rule in the light of what was said before: money, state, keys and texts."""

from __future__ import annotations

from tests.judge.conversation import CAPTURE, ORDER, OTHER, REFUND, captured, order
from tests.judge.stories import (
    EARLY,
    HALF,
    TWICE,
    Breaches,
    after,
    altered,
    extended,
    location,
    offered,
)

MONEY: Breaches = {
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
    "a period offered twice": ("KOM-318", lambda c: offered(c, (10, 100), (30, 199), (10, 199))),
    "no extension": ("KOM-318", lambda c: offered(c, (0, 0))),
    "a fee in major units": ("KOM-318", lambda c: offered(c, (2, 0), (10, 1))),
    "a fee below zero": ("KOM-318", lambda c: offered(c, (10, -100))),
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

STATE: Breaches = {
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
    "refunded before anything was captured": (
        "KOM-416",
        lambda c: altered(
            c,
            captured(
                400,
                refunded=400,
                created_at=EARLY,
                refunds=[dict(captured(400, refunded=400)["refunds"][0], refunded_at=EARLY)],
            ),
        ),
    ),
    "days that are not on offer": ("KOM-402", lambda c: [*offered(c), extended(c, 13)]),
}

KEYS: Breaches = {
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

TEXT: Breaches = {
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
