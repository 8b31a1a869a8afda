"""What the judge remembers of an order: what answers revealed and writes imply, and nothing it was not told."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from conformance.judge.observation import Observation

__all__ = ["AMOUNTS", "Deed", "Event", "Shadow", "Written", "moment"]

AMOUNTS = (
    "order_amount",
    "original_order_amount",
    "captured_amount",
    "refunded_amount",
    "remaining_authorized_amount",
)


@dataclass(frozen=True, slots=True)
class Written:
    """A value that a request carried: the read must show it, and may add defaults of its own beside it."""

    value: Any


class Deed(StrEnum):
    """What a request since the last read of the order came to."""

    DONE = "done"
    REFUSED = "refused"
    REPLAYED = "replayed"
    IN_DOUBT = "in doubt"


@dataclass(frozen=True, slots=True)
class Event:
    """One write since the last read of the order, and the target's time of it where that is known."""

    deed: Deed
    operation: str
    at: datetime | None = None


@dataclass(slots=True)
class Shadow:
    """The expected order.

    ``state`` is a state of the lifecycle, empty while unknown. ``fields`` holds what the next read of the order must
    show; a field that is not in it is unknown, or known to be absent when ``read`` says that the whole order has been
    read and ``unknown`` does not name the field. ``captures`` and ``refunds`` map ids to what a read of each must
    show; the ``*_known`` flags say whether those are all there are. ``touched`` names the fields that writes since
    the last read were about, ``doubts`` the writes whose outcome nobody saw. ``offers`` maps captures to the numbers
    of days by which their due date may be extended, as they were last told. ``guessed`` says that the state was read
    off an order that may as well be in another. ``released`` says that its remainder was given back at some time, of
    which nobody knows how it shows.
    """

    order_id: str
    owner: str = ""
    state: str = ""
    fields: dict[str, Any] = field(default_factory=dict)
    captures: dict[str, dict[str, Any]] = field(default_factory=dict)
    refunds: dict[str, dict[str, Any]] = field(default_factory=dict)
    captures_known: bool = False
    refunds_known: bool = False
    events: list[Event] = field(default_factory=list)
    touched: set[str] = field(default_factory=set)
    doubts: list[Observation] = field(default_factory=list)
    read: bool = False
    unknown: set[str] = field(default_factory=set)
    offers: dict[str, frozenset[int]] = field(default_factory=dict)
    guessed: bool = False
    released: bool = False

    def forget(self, *names: str) -> None:
        """Make fields unknown until the next read."""
        for name in names:
            self.fields.pop(name, None)
            self.unknown.add(name)

    def amount(self, name: str) -> int | None:
        """Return an amount in minor units, None while it is unknown."""
        value = self.fields.get(name)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def has_captures(self) -> bool | None:
        """Tell whether the order has a capture, None while that is unknown."""
        if self.captures:
            return True
        captured = self.amount("captured_amount")
        if captured is not None:
            return captured > 0
        return False if self.captures_known else None

    def copy(self) -> Shadow:
        """Return a shadow that can be changed without changing this one."""
        return Shadow(
            order_id=self.order_id,
            owner=self.owner,
            state=self.state,
            fields=dict(self.fields),
            captures={key: dict(value) for key, value in self.captures.items()},
            refunds={key: dict(value) for key, value in self.refunds.items()},
            captures_known=self.captures_known,
            refunds_known=self.refunds_known,
            events=list(self.events),
            touched=set(self.touched),
            doubts=list(self.doubts),
            read=self.read,
            unknown=set(self.unknown),
            offers=dict(self.offers),
            guessed=self.guessed,
            released=self.released,
        )

    def expired(self, now: datetime | None) -> bool | None:
        """Tell whether the authorisation has run out, None while that is unknown."""
        expires = moment(self.fields.get("expires_at"))
        if now is None or expires is None:
            return None
        return now >= expires


def moment(value: Any) -> datetime | None:
    """Read a time of the API; None when it is none."""
    if not isinstance(value, str):
        return None
    try:
        read = datetime.fromisoformat(value)
    except ValueError:
        # Small letters stand for the same (RFC 3339, 5.6), and Python does not know them.
        if not value.endswith("z"):
            return None
        return moment(f"{value[:-1]}Z")
    return read if read.tzinfo is not None else None
