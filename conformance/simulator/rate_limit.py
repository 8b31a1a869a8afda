"""Counts a merchant's requests in one-second windows and refuses those beyond the quota."""

from __future__ import annotations

from datetime import datetime

from conformance.simulator.control_error import ControlError

__all__ = ["RateLimit"]

_WINDOW_SECONDS = 1


class RateLimit:
    """A quota of requests a second for each merchant; windows follow the whole seconds of the virtual clock."""

    __slots__ = ("_used", "_window", "limit")

    def __init__(self, limit: int) -> None:
        if limit < 1:
            raise ControlError("rate_limit: must be a whole number of requests a second, at least 1")
        self.limit = limit
        self._window: datetime | None = None
        self._used: dict[str, int] = {}

    def admits(self, merchant_id: str, now: datetime) -> bool:
        """Count one request and tell whether it is within the quota."""
        window = now.replace(microsecond=0)
        if window != self._window:
            self._window = window
            self._used.clear()
        self._used[merchant_id] = self._used.get(merchant_id, 0) + 1
        return self._used[merchant_id] <= self.limit

    def headers(self, merchant_id: str) -> tuple[tuple[str, str], ...]:
        """Return the header fields that tell a merchant where it stands in the present window."""
        remaining = max(0, self.limit - self._used.get(merchant_id, 0))
        return (
            ("X-Ratelimit-Limit", f"{self.limit}, {self.limit};w={_WINDOW_SECONDS}"),
            ("X-Ratelimit-Remaining", str(remaining)),
            ("X-Ratelimit-Reset", str(_WINDOW_SECONDS)),
        )
