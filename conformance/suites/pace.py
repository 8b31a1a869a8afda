"""How fast a service may be asked: a bucket of tokens, and whatever the service itself asks for."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from conformance.exchange import Response

__all__ = ["BURST", "MOST_PER_SECOND", "RATE", "Pace"]

MOST_PER_SECOND = 50
"""Requests a second and merchant above which the sandbox refuses everything for a while."""

RATE = 40.0
BURST = 5
LONGEST_WAIT = 60.0
_PASSING_PAUSE = 5.0


@dataclass(slots=True)
class Pace:
    """Keeps requests apart: never more than ``rate`` + ``burst`` within any second.

    ``pause`` is what is waited after a 5xx, in seconds: the first step of the documented schedule. ``clock`` is
    monotonic, ``sleep`` waits; tests give their own.
    """

    rate: float = RATE
    burst: int = BURST
    pause: float = _PASSING_PAUSE
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    waited: float = 0.0
    _tokens: float = field(init=False)
    _filled: float = field(init=False)
    _not_before: float = field(init=False)

    def __post_init__(self) -> None:
        self._tokens = float(self.burst)
        self._filled = self._not_before = self.clock()

    def wait(self) -> None:
        """Wait until the next request may go out, and count it."""
        now = self.clock()
        if now < self._not_before:
            now = self._rest(self._not_before - now)
        self._fill(now)
        if self._tokens < 1.0:
            now = self._rest((1.0 - self._tokens) / self.rate)
            self._fill(now)
        self._tokens -= 1.0

    def learn(self, response: Response | None) -> None:
        """Heed an answer: Retry-After, an exhausted or shrinking quota, a failure of the service."""
        if response is None:
            return
        asked = _seconds(response, "Retry-After")
        reset = _seconds(response, "X-Ratelimit-Reset")
        left = _seconds(response, "X-Ratelimit-Remaining")
        if response.status == 429:
            self._hold(asked if asked is not None else reset if reset is not None else 1.0)
        elif response.status >= 500:
            self._hold(asked if asked is not None else self.pause)
        elif left is not None and left < 1 and reset is not None:
            self._hold(reset)

    def _hold(self, seconds: float) -> None:
        self._not_before = max(self._not_before, self.clock() + min(seconds, LONGEST_WAIT))

    def _rest(self, seconds: float) -> float:
        self.waited += seconds
        self.sleep(seconds)
        # A clock that a test holds still must not make this wait for ever.
        return max(self.clock(), self._filled + seconds)

    def _fill(self, now: float) -> None:
        self._tokens = min(float(self.burst), self._tokens + (now - self._filled) * self.rate)
        self._filled = now


def _seconds(response: Response, name: str) -> float | None:
    value = (response.headers.get(name) or "").strip()
    return float(value) if value.isascii() and value.isdecimal() and len(value) < 8 else None
