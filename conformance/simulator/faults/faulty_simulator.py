"""The double with one fault in it, behind the same interface, so that every door and driver takes it for the double."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Sequence
from typing import Any

from conformance.contract.contract import Contract
from conformance.exchange import Request, Response
from conformance.simulator.faults.call import Call
from conformance.simulator.faults.fault import Fault, FaultClass
from conformance.simulator.service import Simulator

__all__ = ["FaultySimulator"]


class FaultySimulator(Simulator):
    """A simulator that is wrong in one way.

    ``options`` are those of the simulator. The fault stands around the service: it may change the request before and
    the answer after, and the order in the store at both times. What the history and the ledger number are the
    requests as they came. ``hesitation`` is how long, in seconds, a service with a race in it takes before it looks at
    the order, so that requests from other threads can catch up; a caller with one thread needs none.
    """

    def __init__(self, contract: Contract, fault: Fault, *, hesitation: float = 0.0, **options: Any) -> None:
        self.fault = fault
        self._hesitation = hesitation
        self._memory: dict[Any, Any] = {}
        self._under_way = 0
        self._moment: dict[Any, Any] = {}
        self._arrivals = threading.Lock()
        self._place: tuple[int, dict[Any, Any]] = (0, {})
        super().__init__(contract, **options)

    def reset(self) -> None:
        """Go back to the beginning; the fault stays."""
        super().reset()
        self._memory = {}

    def ledger(self, order_id: str) -> dict[str, Any]:
        """Return every movement of an order's money as the fault books it; raises UnknownOrderError."""
        ledger = super().ledger(order_id)
        if self.fault.books is not None:
            self.fault.books(ledger)
        return ledger

    def handle(self, request: Request) -> Response:
        """Answer one request. With a race in it, requests that are under way at the same time are rivals."""
        if self.fault.fault_class is not FaultClass.CONCURRENCY:
            return super().handle(request)
        with self._arrivals:
            rival = self._under_way
            self._under_way += 1
            moment = self._moment if rival else {}
            self._moment = moment
        try:
            if self._hesitation:
                time.sleep(self._hesitation)
            return self._handled(request, rival, moment)
        finally:
            with self._arrivals:
                self._under_way -= 1

    def handle_together(self, requests: Sequence[Request]) -> list[Response]:
        """Answer requests that arrive at the same moment; a race fault gives each its place among the rivals."""
        moment: dict[Any, Any] = {}
        return [self._handled(request, rival, moment) for rival, request in enumerate(requests)]

    def _handled(self, request: Request, rival: int, moment: dict[Any, Any]) -> Response:
        with self._lock:
            self._place = rival, moment
            try:
                return super().handle(request)
            finally:
                self._place = 0, {}

    def _authenticated(self, request: Request, correlation: str, number: int) -> Response:
        def onward(changed: Request) -> Response:
            return super(FaultySimulator, self)._authenticated(changed, correlation, number)

        def refusing(status: int, code: str, messages: Iterable[str]) -> Response:
            return self._answers.error(status, code, messages, correlation)

        route = self.contract.operations.route(request.method, request.target)
        operation = route.operation.id if route is not None and route.operation is not None else ""
        if not self.fault.concerns(operation):
            return onward(request)
        ids = {} if route is None else route.ids
        merchant = self.credentials.identify(request.headers.get("Authorization"))
        order_id = ids.get("order_id", "")
        stored = self._store.any(order_id) if order_id in self._store else None
        own = merchant is not None and stored is not None and stored.merchant_id == merchant.merchant_id
        rival, moment = self._place
        call = Call(
            request=request,
            operation=operation,
            ids=ids,
            order=stored if own else None,
            stored=stored,
            now=self.clock.now,
            number=number,
            memory=self._memory,
            rival=rival,
            moment=moment,
            onward=onward,
            refusing=refusing,
        )
        return self.fault.behave(call)
