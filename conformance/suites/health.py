"""How a target has been doing, so that a run stops when there is nobody left to judge."""

from __future__ import annotations

from dataclasses import dataclass

from conformance.exchange import Exchange
from conformance.suites.stops import TargetGoneError

__all__ = ["Health"]


@dataclass(slots=True)
class Health:
    """How a target has been doing over all cases; a run stops when it no longer answers."""

    patience: int = 5
    silent: int = 0
    last_failure: str = ""

    def note(self, exchange: Exchange) -> None:
        """Count exchanges in a row that brought no answer; raises TargetGoneError when there are too many."""
        if exchange.response is not None:
            self.silent = 0
            return
        self.silent += 1
        self.last_failure = exchange.failure
        self.check()

    def check(self) -> None:
        """Raise TargetGoneError when the target has stopped answering."""
        if self.silent >= self.patience:
            raise TargetGoneError(f"the target gave no answer {self.silent} times in a row: {self.last_failure}")
