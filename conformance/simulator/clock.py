"""The double's own time, so that 28 days pass in one call and two runs give the same timestamps."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from conformance.simulator.control_error import ControlError

__all__ = ["START", "Clock", "midnight", "timestamp"]

START = datetime(2026, 1, 15, 9, 0, tzinfo=UTC)

# Leaves room for every date that is computed from the present one.
_END = datetime(9000, 1, 1, tzinfo=UTC)

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def timestamp(moment: datetime) -> str:
    """Write a UTC moment the way the API does: milliseconds and ``Z``."""
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def midnight(moment: datetime) -> datetime:
    """Return the start of the day."""
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


class Clock:
    """Virtual time, aware and in UTC.

    It stands still and moves by ``advance`` only, unless ``follows`` is set: then it runs along with real time from
    its start, and ``advance`` leaps ahead.
    """

    __slots__ = ("_date", "_date_at", "_elapsed", "_follows", "_moment", "_origin", "_shown", "_stamp", "_start")

    def __init__(
        self, start: datetime = START, *, follows: bool = False, elapsed: Callable[[], float] = time.monotonic
    ) -> None:
        if start.tzinfo is None:
            raise ControlError("start: the moment needs a time zone")
        self._start = start.astimezone(UTC)
        self._follows = follows
        self._elapsed = elapsed
        self._shown: datetime | None = None
        self._stamp = ""
        self._date_at: datetime | None = None
        self._date = ""
        self.reset()

    def reset(self) -> None:
        """Go back to the start."""
        self._moment = self._start
        self._origin = self._elapsed() if self._follows else 0.0

    @property
    def now(self) -> datetime:
        """The present moment."""
        if not self._follows:
            return self._moment
        return self._moment + timedelta(seconds=self._elapsed() - self._origin)

    def advance(self, seconds: float) -> datetime:
        """Move ahead and return the new moment; raises ControlError for anything but a finite step forward."""
        # Written so that it is false for what is no number too.
        if not seconds >= 0:
            raise ControlError("advance_s: must be a number of seconds, at least 0")
        if seconds > (_END - self.now).total_seconds():
            raise ControlError("advance_s: is too far ahead")
        self._moment += timedelta(seconds=seconds)
        return self.now

    def stamp(self) -> str:
        """Return the present moment as the API writes it."""
        now = self.now
        if now is not self._shown:
            self._shown = now
            self._stamp = timestamp(now)
        return self._stamp

    def http_date(self) -> str:
        """Return the present moment as a Date header carries it."""
        now = self.now
        if now is not self._date_at:
            whole = now.replace(microsecond=0)
            if whole != self._date_at:
                self._date = (
                    f"{_DAYS[now.weekday()]}, {now.day:02} {_MONTHS[now.month - 1]} {now.year:04} "
                    f"{now.hour:02}:{now.minute:02}:{now.second:02} GMT"
                )
            self._date_at = now if not self._follows else whole
        return self._date
