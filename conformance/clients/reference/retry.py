"""When to send a request again: a decision made from values alone, so that it can be tested without waiting."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from conformance.exchange import Headers

__all__ = ["REPEATED_STATUSES", "RetryPolicy", "asked_wait_s"]

REPEATED_STATUSES = frozenset({429, 500, 502, 503, 504})
"""The statuses after which the same request may succeed; every other refusal stays a refusal."""

_SECONDS = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how patiently to repeat.

    ``attempts`` counts the first one. Waits are in seconds; they double from ``first_wait_s`` and never exceed
    ``longest_wait_s``. A server that asks for more than that gets no further attempt: the caller can come back later.
    """

    attempts: int = 3
    first_wait_s: float = 0.1
    longest_wait_s: float = 30.0

    def wait_s(self, attempt: int, asked_s: float | None, random: float) -> float | None:
        """Return how long to wait after an attempt (the first is 1), or None when it was the last.

        ``asked_s`` is the wait that the server asked for, ``random`` a number from 0 to 1. Jitter keeps many clients
        from coming back at one moment; it only ever adds to what the server asked for.
        """
        if attempt >= self.attempts:
            return None
        backoff = min(self.first_wait_s * 2.0 ** (attempt - 1), self.longest_wait_s) * (0.5 + random / 2)
        if asked_s is None:
            return backoff
        return asked_s + backoff if asked_s <= self.longest_wait_s else None


def asked_wait_s(status: int, headers: Headers, now: datetime | None = None) -> float | None:
    """Return for how many seconds an answer asks to be left alone, or None when it does not say.

    Retry-After counts on every refusal, in seconds or as a date; the reset of the rate limit only on a 429, since
    other answers carry it too. Where both are present the longer wait counts.
    """
    asked = [_retry_after_s(headers.get("Retry-After") or "", now or datetime.now(UTC))]
    if status == 429:
        asked.append(_seconds(headers.get("X-Ratelimit-Reset") or ""))
    return max((wait for wait in asked if wait is not None), default=None)


def _seconds(text: str) -> float | None:
    return float(text) if _SECONDS.fullmatch(text.strip()) else None


def _retry_after_s(text: str, now: datetime) -> float | None:
    seconds = _seconds(text)
    if seconds is not None or not text.strip():
        return seconds
    try:
        moment = parsedate_to_datetime(text)
        # A date without a zone is one in UTC: HTTP knows no other.
        return max((moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds(), 0.0)
    except (ValueError, OverflowError):
        return None
