"""What happened to the money of an order, so that a double movement cannot hide behind a correct-looking answer."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from conformance.simulator.clock import timestamp

__all__ = ["Movement", "entries"]


class Movement(NamedTuple):
    """One movement.

    ``kind`` is one of authorise, adjust, capture, refund, release, cancel, expire. ``amount`` is in minor units; for
    adjust it is the difference (negative for a decrease), for release, cancel and expire what was given back.
    ``request`` is the running number of the request that did it, 0 for the control interface and the clock; ``id`` is
    the capture's or refund's.
    """

    kind: str
    amount: int
    at: datetime
    request: int
    idempotency_key: str | None = None
    id: str | None = None


def entries(movements: Iterable[Movement]) -> list[dict[str, Any]]:
    """Return movements as plain JSON data."""
    return [{**movement._asdict(), "at": timestamp(movement.at)} for movement in movements]
