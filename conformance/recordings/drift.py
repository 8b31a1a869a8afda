"""What a difference between two recordings means: the words and values in which drift is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

__all__ = ["FAILING", "CaseDrift", "Drift", "DriftClass", "DriftResult", "Side"]


class DriftClass(StrEnum):
    """What a difference costs whoever was written for the first of two recordings, worst first.

    ``service_wrong``: the second breaks the contract where the first kept it. ``breaking``: a client that handled the
    first may fail on the second, though the contract does not decide. ``documentation_wrong``: both agree, and the
    contract says otherwise. ``additive``: something new that a tolerant reader overlooks. ``tolerated``: a difference
    that no client may rely on.
    """

    SERVICE_WRONG = "service_wrong"
    BREAKING = "breaking"
    DOCUMENTATION_WRONG = "documentation_wrong"
    ADDITIVE = "additive"
    TOLERATED = "tolerated"


FAILING = frozenset({DriftClass.SERVICE_WRONG, DriftClass.BREAKING})
"""The classes that fail a nightly run; the others are told."""


@dataclass(frozen=True, slots=True)
class Drift:
    """One difference in one case.

    ``path`` is the operation and the place (``getOrder/body/captures/-/status``), free of positions, so that an entry
    of an ignore list stays right when a case grows a step. ``codes`` are the findings behind it. ``first_seen`` is
    when the second recording was made, None where nothing says so. ``ignored`` is the comment of the entry that
    covers it, empty for none. ``times`` counts the steps that show it.
    """

    case: str
    path: str
    drift_class: DriftClass
    message: str
    codes: tuple[str, ...] = ()
    first_seen: datetime | None = None
    ignored: str = ""
    times: int = 1

    @property
    def fails(self) -> bool:
        """Whether it fails a run."""
        return self.drift_class in FAILING and not self.ignored


@dataclass(frozen=True, slots=True)
class Side:
    """What one side of a comparison says of itself: when and against what a case was recorded."""

    recorded_at: datetime | None = None
    against: str = ""


@dataclass(frozen=True, slots=True)
class CaseDrift:
    """One case in both recordings.

    ``compared`` counts the steps laid side by side, ``notes`` say what could not be. ``last_validated`` is the last
    time at which the case was seen to be as it was in the first recording.
    """

    case: str
    before: Side
    after: Side
    drifts: tuple[Drift, ...] = ()
    compared: int = 0
    notes: tuple[str, ...] = ()

    @property
    def last_validated(self) -> datetime | None:
        """When the service was last seen to do in this case what the first recording shows."""
        drifted = any(drift.drift_class in FAILING for drift in self.drifts)
        return self.before.recorded_at if drifted or not self.compared else self.after.recorded_at


@dataclass(frozen=True, slots=True)
class DriftResult:
    """Everything that was compared.

    ``only_before`` and ``only_after`` are the cases that one side lacks. ``faults`` are reasons to fail beyond the
    drift itself: entries of an ignore list that expired or match nothing.
    """

    before: str
    after: str
    cases: tuple[CaseDrift, ...]
    only_before: tuple[str, ...] = ()
    only_after: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())

    def drifts(self) -> tuple[Drift, ...]:
        """Return every difference, worst first, and in the order of the cases."""
        order = list(DriftClass)
        found = [drift for case in self.cases for drift in case.drifts]
        return tuple(sorted(found, key=lambda drift: order.index(drift.drift_class)))

    @property
    def fails(self) -> bool:
        """Whether a nightly job has to look."""
        return bool(self.faults) or any(drift.fails for drift in self.drifts())

    def stale(self, today: datetime, age: timedelta) -> tuple[tuple[str, datetime | None], ...]:
        """Name the cases that were not validated within ``age``, longest ago first; None stands for never."""
        found = []
        for case in self.cases:
            when = case.last_validated
            if when is None or today - when > age:
                found.append((case.case, when))
        return tuple(sorted(found, key=lambda each: (each[1] is not None, each[1] or today, each[0])))
