"""A target that others share and nobody can set back: asked slowly, within a budget, and left as it was found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from conformance.exchange import Exchange, Request
from conformance.suites.control import ControlPort
from conformance.suites.pace import RATE, Pace
from conformance.suites.retry import ATTEMPTS
from conformance.suites.stops import NotMeasuredError
from conformance.suites.target import Credentials, Target

__all__ = ["PROBES", "TIDYING", "Sandbox", "SandboxTarget"]

PROBES = 1
"""Requests before the first case: one that shows whether the target answers and knows the credentials."""

TIDYING = 3
"""Requests kept back for each order that was made: one look, and at most two writes."""


@dataclass(frozen=True, slots=True)
class Sandbox:
    """How a sandbox is used.

    ``customer_token`` or ``order_hook`` make new orders, in ``currency``. ``budget`` is the number of requests that a
    run may cost, None for any. ``resume`` is a file that lets an interrupted run go on. ``rate`` is in requests a
    second. ``plan`` are the ids of the cases in the order in which they run, empty for the order of the catalogue.
    """

    name: str = ""
    customer_token: str = field(default="", repr=False)
    order_hook: str = ""
    currency: str = ""
    budget: int | None = None
    resume: Path | None = None
    rate: float = RATE
    plan: tuple[str, ...] = ()


class SandboxTarget:
    """Puts pace, budget and the retry policy before a target.

    A request whose answer was lost is sent again if it reads or carries a key; otherwise what became of it is not
    known, and neither is what the case would have shown. ``sent`` counts what really went out.
    """

    def __init__(self, target: Target, pace: Pace, budget: int | None = None, *, sent: int = 0) -> None:
        self._target = target
        self.pace = pace
        self.sent = sent
        self._budget = budget
        self.reserved: Callable[[], int] = lambda: 0
        self.kind: str = target.kind
        self.prefix: str = target.prefix
        self.base_url: str = target.base_url
        self.credentials: Credentials = target.credentials
        self.other: Credentials | None = target.other
        self.control: ControlPort | None = target.control
        self.salt: str = target.salt
        self.waits: bool = target.waits

    def send(self, request: Request) -> Exchange:
        """Send a request when its time has come; raises NotMeasuredError when the budget is spent."""
        return self._sent(request, self.reserved())

    def send_tidying(self, request: Request) -> Exchange:
        """Send a request out of what the budget keeps back for tidying."""
        return self._sent(request, 0)

    def send_together(self, requests: Sequence[Request]) -> list[Exchange]:
        """Send requests at the same moment, each counted; their burst is paid for beforehand."""
        self._admit(len(requests), self.reserved())
        for _ in requests:
            self.pace.wait()
        exchanges = self._target.send_together(requests)
        self.sent += len(requests)
        for exchange in exchanges:
            self.pace.learn(exchange.response)
        return exchanges

    def close(self) -> None:
        """Give back what the target holds."""
        self._target.close()

    def _sent(self, request: Request, reserved: int) -> Exchange:
        repeatable = request.method == "GET" or "klarna-idempotency-key" in request.headers
        attempts = ATTEMPTS if repeatable else 1
        for _ in range(attempts):
            self._admit(1, reserved)
            self.pace.wait()
            exchange = self._target.send(request)
            self.sent += 1
            self.pace.learn(exchange.response)
            if exchange.response is not None:
                break
        if not repeatable and (exchange.response is None or exchange.response.status >= 500):
            said = exchange.failure if exchange.response is None else str(exchange.response.status)
            raise NotMeasuredError(f"a request that must not be repeated without a key got no usable answer: {said}")
        return exchange

    def _admit(self, number: int, reserved: int) -> None:
        if self._budget is not None and self.sent + number + reserved > self._budget:
            raise NotMeasuredError(f"the budget of {self._budget} requests is spent")
