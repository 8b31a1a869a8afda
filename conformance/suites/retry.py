"""How often and how long a request is repeated, by the retry policy that the service publishes."""

from __future__ import annotations

from conformance.exchange import Response

__all__ = ["ATTEMPTS", "LONGEST_WAIT", "may_pass", "passing", "pause"]

ATTEMPTS = 3
LONGEST_WAIT = 5.0


def may_pass(status: int) -> bool:
    """Tell whether the same request may be answered otherwise in a moment; a conflict is over when the other is."""
    return status == 409 or passing(status)


def passing(status: int) -> bool:
    """Tell whether an answer speaks of the service's present condition and not of the request.

    That a method or an HTTP version is not implemented stays so.
    """
    return status == 429 or (status >= 500 and status not in (501, 505))


def pause(response: Response | None, attempt: int) -> float:
    """Return how long to wait before the next attempt, in seconds: what the answer asks for, within a bound."""
    wanted = 0.2 * attempt
    if response is not None:
        for name in ("Retry-After", "X-Ratelimit-Reset"):
            value = (response.headers.get(name) or "").strip()
            if value.isascii() and value.isdecimal():
                wanted = float(value) + 0.05
                break
    return min(wanted, LONGEST_WAIT)
