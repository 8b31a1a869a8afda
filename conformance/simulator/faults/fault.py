"""A fault: one way in which a service can be wrong, what it would cost a merchant, and which rule it breaks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from conformance.exchange import Response
from conformance.simulator.faults.call import Call

__all__ = ["Behaviour", "Books", "Fault", "FaultClass"]

Behaviour = Callable[[Call], Response]
"""Answers a request wrongly."""

Books = Callable[[dict[str, Any]], None]
"""Changes the ledger that the control interface shows."""


class FaultClass(StrEnum):
    """What kind of promise a fault breaks."""

    SURFACE = "surface"
    ERROR_TABLE = "error table"
    MONEY = "money"
    STATE = "state"
    IDEMPOTENCY = "idempotency"
    FIDELITY = "fidelity"
    SECURITY = "security"
    CONCURRENCY = "concurrency"


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to be wrong.

    ``operations`` are those whose requests ``behave`` is given; with ``unrouted`` it also gets requests that no
    operation takes. ``costs`` says what a merchant would lose, ``requirement`` which rule is broken. ``books`` is None
    where the ledger is right.
    """

    id: str
    fault_class: FaultClass
    operations: tuple[str, ...]
    title: str
    costs: str
    requirement: str
    behave: Behaviour
    unrouted: bool = False
    books: Books | None = None

    def concerns(self, operation: str) -> bool:
        """Tell whether a request of an operation (empty for none) is this fault's business."""
        return operation in self.operations or (self.unrouted and not operation)
