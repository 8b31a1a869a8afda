"""Stories for the judge, told to it, and what it found."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from conformance.contract.contract import load_contract
from conformance.exchange import Exchange
from conformance.judge.finding import Judgement
from conformance.judge.judge import Judge
from tests.judge.conversation import BASE, CAPTURE, ORDER, OTHER, Conversation, captured, order

Story = Callable[[Conversation], Iterable[Exchange]]
Breaches = dict[str, tuple[str, Story]]
"""The code of the rule that each story breaks."""


def judged(story: Story, *, credentials_visible: bool = True, now: datetime | None = None) -> list[Judgement]:
    judge = Judge(load_contract(), credentials_visible=credentials_visible)
    if now is not None:
        judge.clock_is(now)
    return [judge.feed(exchange) for exchange in story(Conversation())]


def codes(story: Story, **options: Any) -> list[str]:
    return [finding.code for judgement in judged(story, **options) for finding in judgement.findings]


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


def offered(c: Conversation, *choices: tuple[int, int]) -> list[Exchange]:
    """Read an order and what it costs to extend the due date of its capture, by default by ten days."""
    offers = [{"number_of_days": days, "amount": fee} for days, fee in choices or ((10, 100),)]
    options = {"currency": "eur", "options": offers}
    path = f"/{ORDER}/captures/{CAPTURE}/extend-due-date-options"
    return [c.read(captured(400)), c.exchange("GET", path, 200, answered=options)]


def extended(c: Conversation, days: int) -> Exchange:
    return c.write(f"/captures/{CAPTURE}/extend-due-date", method="PATCH", sent={"number_of_days": days})


HALF = captured(400)
TWICE = captured(800, captures=[dict(HALF["captures"][0]), dict(HALF["captures"][0], capture_id=OTHER)])
