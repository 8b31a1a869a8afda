"""What time it is for a target: its Date header says so, unless something on the way puts in its own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache

from conformance.suites.control import ControlPort

__all__ = ["TargetClock", "written"]

# A clock that is set apart from real time differs by days; two that mean the same differ by seconds.
_SAME_TO_CONTROL = timedelta(minutes=5)
_SAME_TO_US = timedelta(days=1)


def _local() -> datetime:
    return datetime.now(UTC)


def written(when: datetime) -> str:
    """Write a moment (aware) as the API does."""
    return when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


# Each case begins at the same moment where time stands still.
_parsed = lru_cache(maxsize=16)(parsedate_to_datetime)


class TargetClock:
    """Tells the target's time from the Date header where that can be trusted, else from its control interface.

    The header is trusted when it agrees with the control interface, or, where there is none, with our own clock.
    """

    __slots__ = ("_control", "_local", "_text", "_trusted")

    def __init__(self, control: ControlPort | None, local: Callable[[], datetime] = _local) -> None:
        self._control = control
        self._local = local
        self._text = ""
        self._trusted: bool | None = None

    def read(self, date: str | None) -> datetime | None:
        """Return the target's time (aware) when the header brings news of it; None otherwise."""
        if self._trusted is False:
            return self._control.now() if self._control is not None else None
        if date is None:
            return self._control.now() if self._control is not None and self._trusted is None else None
        if date == self._text:
            return None
        self._text = date
        try:
            told = _parsed(date)
        except (ValueError, TypeError):
            return None
        if told.tzinfo is None:
            return None
        if self._trusted is None:
            booked = self._control.now() if self._control is not None else None
            margin = _SAME_TO_US if booked is None else _SAME_TO_CONTROL
            self._trusted = abs(told - (booked or self._local())) <= margin
            return told if self._trusted else booked
        return told
