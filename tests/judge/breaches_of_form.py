"""Answers that break a rule by themselves: their surface, their refusals, their secrets."""

from __future__ import annotations

import json

from tests.judge.conversation import AUTHORIZATION, BASE, CAPTURE, ORDER, OTHER, REFUND, captured, order
from tests.judge.stories import (
    HALF,
    Breaches,
    altered,
    raw,
)

SURFACE: Breaches = {
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
    "an amount of two values": ("KOM-110", raw(json.dumps(order()).encode()[:-1] + b',"order_amount":1000}')),
    "a capture of two values": (
        "KOM-110",
        raw(json.dumps(HALF).encode().replace(b'"captured_amount"', b'"captured_amount": 1, "captured_amount"')),
    ),
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

ERRORS: Breaches = {
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

SECURITY: Breaches = {
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
    "words of a database": (
        "KOM-703",
        lambda c: [c.refused("GET", "", 500, "UNEXPECTED_ERROR", message="ORA-00001: unique constraint violated")],
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
