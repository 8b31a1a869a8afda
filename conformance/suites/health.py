"""How a target has been doing, so that a run stops when there is nobody left to judge."""

from __future__ import annotations

from dataclasses import dataclass

from conformance.exchange import Exchange
from conformance.suites.stops import TargetGoneError

__all__ = ["Health"]

# How an answer is described that did not end within the limits: each costs as long as none at all.
_ENDLESS = "longer than"


@dataclass(slots=True)
class Health:
    """How a target has been doing over all cases; a run stops when it no longer answers.

    ``shows_orders`` says that an order has been read which was made through the target's control interface.
    """

    patience: int = 5
    silent: int = 0
    last_failure: str = ""
    shows_orders: bool = False

    def note(self, exchange: Exchange) -> None:
        """Count exchanges in a row that brought no answer; raises TargetGoneError when there are too many."""
        response = exchange.response
        if response is not None and _ENDLESS not in response.cut:
            self.silent = 0
            return
        self.silent += 1
        self.last_failure = exchange.failure if response is None else response.cut
        self.check()

    def check(self) -> None:
        """Raise TargetGoneError when the target has stopped answering."""
        if self.silent >= self.patience:
            raise TargetGoneError(f"the target gave no answer {self.silent} times in a row: {self.last_failure}")
