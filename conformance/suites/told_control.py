"""What a case asks of the control interface, kept so that its story and its script leave nothing out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from conformance.exchange import Exchange
from conformance.suites.control import ControlPort

__all__ = ["ControlStep", "ToldControl", "interleaved"]


@dataclass(frozen=True, slots=True)
class ControlStep:
    """One request to the control interface that changed something.

    ``after`` counts the exchanges of the case before it; ``path`` is one of ``/orders``, ``/clock`` and ``/faults``,
    ``body`` what a caller over HTTP would send there to the same effect.
    """

    after: int
    path: str
    body: Mapping[str, Any]


class ToldControl:
    """The control interface of a case: it passes on what is asked, and tells of what changed something."""

    __slots__ = ("_said", "_tell", "_through")

    def __init__(self, through: ControlPort, tell: Callable[[ControlStep], None], said: Callable[[], int]) -> None:
        self._through = through
        self._tell = tell
        self._said = said

    def create_order(self, **fields: Any) -> str:
        """Make an order with these fields of the API and return its id."""
        order_id = self._through.create_order(**fields)
        self._tell(ControlStep(self._said(), "/orders", {"order_id": order_id, **fields}))
        return order_id

    def advance(self, seconds: float) -> None:
        """Move the target's clock forward."""
        self._through.advance(seconds)
        self._tell(ControlStep(self._said(), "/clock", {"advance_s": seconds}))

    def provoke(self, fault: Mapping[str, Any]) -> None:
        """Order a fault; the fields are those of ``POST /faults``."""
        self._through.provoke(fault)
        self._tell(ControlStep(self._said(), "/faults", fault))

    def now(self) -> datetime | None:
        """Read the target's clock."""
        return self._through.now()

    def ledger(self, order_id: str) -> dict[str, Any]:
        """Read what really happened to an order."""
        return self._through.ledger(order_id)

    @property
    def shows_ledger(self) -> bool:
        """Whether the ledger can be read, as far as is known."""
        return self._through.shows_ledger


def interleaved(
    exchanges: Sequence[Exchange], steps: Sequence[ControlStep], begin: int
) -> list[Exchange | ControlStep]:
    """Put exchanges and steps in the order in which they were asked, from the exchange with the number ``begin`` on."""
    told: list[Exchange | ControlStep] = []
    done = begin
    for step in steps:
        if step.after >= begin:
            told += [*exchanges[done : step.after], step]
            done = step.after
    return [*told, *exchanges[done:]]
