"""A playground on this machine: observed behaviour behind TLS, orders from a customer token, a quota, and bad luck."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from conformance.contract.contract import load_contract
from conformance.exchange import Headers, Request, Response
from conformance.simulator.clock import Clock
from conformance.simulator.merchant import DEFAULT_MERCHANTS
from conformance.simulator.service import Simulator
from conformance.simulator.socket_door import ServerThread
from conformance.suites.bodies import ORDER

__all__ = ["TOKEN", "StandIn", "StandInServer", "stand_in"]

TOKEN = "0b1d9815-165e-42e2-8867-35bc03789e00"
_TOKEN_PATH = f"/customer-token/v1/tokens/{TOKEN}/order"
_NEEDED = ("order_amount", "order_lines", "order_tax_amount", "purchase_currency")
Change = Callable[[Request, Response], Response]


@dataclass
class StandIn:
    """The service: of ``trouble`` requests in a thousand half are answered 503, and of half the answer is lost.

    ``change`` alters every answer on its way out.
    """

    seed: int = 0
    trouble: int = 20
    rate_limit: int = 50
    change: Change | None = None
    requests: int = 0
    lost: int = 0
    failed: int = 0
    orders: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.simulator = Simulator(
            load_contract(),
            seed=self.seed,
            behaviour="observed",
            rate_limit=self.rate_limit,
            clock=Clock(follows=True),
        )
        self._dice = random.Random(self.seed)  # noqa: S311 - luck that repeats, no secret
        self._lock = Lock()

    def handle(self, request: Request) -> Response:
        with self._lock:
            self.requests += 1
            luck = self._dice.randrange(1_000)
        if request.target == _TOKEN_PATH and request.method == "POST":
            return self._ordered(request)
        # What may not be sent twice is spared, so that which cases can be measured is not left to chance.
        spared = request.method != "GET" and "Klarna-Idempotency-Key" not in request.headers
        if not spared and luck < self.trouble // 2:
            self.failed += 1
            page = b"<html><body>503 Service Unavailable</body></html>"
            return Response(503, Headers([("Content-Type", "text/html"), ("Content-Length", str(len(page)))]), page)
        response = self.simulator.handle(request)
        if not spared and luck < self.trouble:
            self.lost += 1
            return Response(0, cut="the answer was lost")
        return response if self.change is None else self.change(request, response)

    def _ordered(self, request: Request) -> Response:
        if self.simulator.credentials.identify(request.headers.get("Authorization")) is None:
            return Response(401, Headers([("Content-Length", "0")]))
        wanted = json.loads(request.body)
        if any(name not in wanted for name in _NEEDED):
            return _json(400, {"error_code": "BAD_VALUE", "error_messages": ["Bad value"], "correlation_id": "x"})
        fields = {name: value for name, value in wanted.items() if name != "order_tax_amount"}
        self.orders.append(self.simulator.create_order({**ORDER, **fields}))
        answer = {"order_id": self.orders[-1], "fraud_status": "ACCEPTED", "authorized_payment_method": {"type": "x"}}
        return _json(200, answer)


def _json(status: int, value: object) -> Response:
    body = json.dumps(value).encode()
    return Response(status, Headers([("Content-Type", "application/json"), ("Content-Length", str(len(body)))]), body)


@dataclass(frozen=True)
class StandInServer:
    """Where a stand-in answers, and what a caller needs to trust and to know."""

    service: StandIn
    base_url: str
    ca_file: Path
    username: str = DEFAULT_MERCHANTS[0].username
    password: str = DEFAULT_MERCHANTS[0].password


@contextmanager
def stand_in(directory: Path, service: StandIn | None = None) -> Iterator[StandInServer]:
    service = service or StandIn()
    with ServerThread(service.simulator, front=service, tls=True) as server:
        ca_file = directory / "authority.pem"
        ca_file.write_text(server.certificate_authority_pem)
        yield StandInServer(service, server.base_url, ca_file)
