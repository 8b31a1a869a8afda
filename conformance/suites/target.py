"""What is being judged, behind one call, so that every driver works the same on the simulator and on a real server."""

from __future__ import annotations

import base64
import functools
import secrets
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Barrier
from typing import Any, Protocol
from urllib.parse import urlsplit

from conformance.contract.contract import Contract
from conformance.contract.operations import BASE_PATH
from conformance.exceptions import TargetError
from conformance.exchange import Exchange, Headers, Request, Response
from conformance.simulator.merchant import DEFAULT_MERCHANTS
from conformance.simulator.service import Simulator
from conformance.suites.control import ControlPort, EmbeddedControl, HttpControl
from conformance.suites.region import refuse_live
from conformance.suites.wire import LOST, Limits, Wire

__all__ = [
    "Credentials",
    "EmbeddedTarget",
    "Target",
    "TargetFactory",
    "UrlTarget",
    "embedded_targets",
    "on_loopback",
    "reach",
]


@dataclass(frozen=True, slots=True)
class Credentials:
    """One merchant's username and password, which show in no repr, and what a control interface calls the merchant."""

    username: str = field(repr=False)
    password: str = field(repr=False)
    merchant: str = ""

    @property
    def authorization(self) -> str:
        """The value of the Authorization header."""
        return _basic(self.username, self.password)


# A run speaks with two merchants and a few that do not exist, and asks anew for every request.
@functools.lru_cache(maxsize=16)
def _basic(username: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode("ascii")


class Target(Protocol):
    """A server under test.

    ``prefix`` is what stands before ``/ordermanagement/v1`` in a request target. ``other`` is a second merchant,
    None when the target has none. ``control`` is None where orders cannot be made to measure. ``salt`` makes the
    idempotency keys of a run unlike those of any other run; it is empty where every run starts from nothing.
    ``waits`` tells whether time passes by itself between attempts.
    """

    kind: str
    prefix: str
    base_url: str
    credentials: Credentials
    other: Credentials | None
    control: ControlPort | None
    salt: str
    waits: bool

    def send(self, request: Request) -> Exchange:
        """Send a request as it stands; whatever the server does comes back as an exchange."""
        ...

    def send_together(self, requests: Sequence[Request]) -> list[Exchange]:
        """Send requests at the same moment, as far as the target can; answers come in the order of the requests."""
        ...

    def close(self) -> None:
        """Give back what the target holds."""
        ...


_MORE_PROBES = 2

TargetFactory = Callable[[str], Target]
"""Gives the target for the case with this id: a fresh simulator for each case, or always the same server."""


class EmbeddedTarget:
    """The simulator behind a plain call."""

    kind = "simulator"
    prefix = ""
    base_url = "http://127.0.0.1:8080"
    salt = ""
    waits = False

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        first, second = DEFAULT_MERCHANTS[:2]
        self.credentials = Credentials(first.username, first.password)
        self.other: Credentials | None = Credentials(second.username, second.password)
        self.control: ControlPort | None = EmbeddedControl(simulator)

    def send(self, request: Request) -> Exchange:
        """Hand the request to the simulator."""
        return _exchange(request, self.simulator.handle(request))

    def send_together(self, requests: Sequence[Request]) -> list[Exchange]:
        """Hand all requests to the simulator at once, which takes them for simultaneous."""
        answers = self.simulator.handle_together(requests)
        return [_exchange(request, response) for request, response in zip(requests, answers, strict=True)]

    def close(self) -> None:
        """Nothing is held."""


def _exchange(request: Request, response: Response) -> Exchange:
    """Take an answer without a status for what it stands for: a service that hung up."""
    return Exchange(request, response) if response.status else Exchange(request, failure=response.cut)


def embedded_targets(
    contract: Contract, *, seed: int = 0, behaviour: str = "documented", fault: str = ""
) -> TargetFactory:
    """Make a factory that gives each case a simulator without a past, so that no result depends on order or company.

    The simulator is one and the same, set back for each case: a target is good until the next one is asked for.
    ``fault`` names the fault of the zoo that it has.
    """
    # Each case makes the orders that it needs.
    options: dict[str, Any] = {"seed": seed, "behaviour": behaviour, "demo_orders": False}
    simulator = Simulator(contract, **options)
    if fault:
        from conformance.simulator.faults.faulty_simulator import FaultySimulator  # noqa: PLC0415 - seldom needed
        from conformance.simulator.faults.zoo import fault_named  # noqa: PLC0415 - seldom needed

        simulator = FaultySimulator(contract, fault_named(fault, contract), **options)

    def make(_case_id: str) -> Target:
        simulator.reset()
        return EmbeddedTarget(simulator)

    return make


class UrlTarget:
    """A server at an address."""

    kind = "url"
    waits = True

    def __init__(
        self,
        base_url: str,
        credentials: Credentials,
        *,
        other: Credentials | None = None,
        control: ControlPort | None = None,
        limits: Limits | None = None,
        ca_file: Path | None = None,
    ) -> None:
        refuse_live(base_url)
        self._ca_file = ca_file
        # Whoever counts what is sent repeats it himself.
        self.repeats = True
        self._wire = Wire(base_url, limits, ca_file)
        self.base_url = self._wire.base_url
        self.prefix = self._wire.prefix
        self.credentials = credentials
        self.other = other
        self.control = control
        self.salt = secrets.token_hex(8)

    def send(self, request: Request) -> Exchange:
        """Send the request on the kept-alive connection, opening a new one when it must."""
        repeatable = request.method == "GET" or "klarna-idempotency-key" in request.headers
        return self._wire.send(request, repeatable=repeatable and self.repeats)

    def send_together(self, requests: Sequence[Request]) -> list[Exchange]:
        """Send each request on a connection of its own, all released at once."""
        barrier = Barrier(len(requests))

        def send(request: Request) -> Exchange:
            wire = Wire(self.base_url, self._wire.limits, self._ca_file)
            try:
                barrier.wait()
                return wire.send(request)
            finally:
                wire.close()

        with ThreadPoolExecutor(len(requests)) as pool:
            return list(pool.map(send, requests))

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()
        if self.control is not None:
            self.control.close()


def on_loopback(base_url: str) -> bool:
    """Tell whether an address stays on this machine, where nobody but the caller's own test data can be."""
    host = (urlsplit(base_url).hostname or "").rstrip(".")
    return host in ("localhost", "::1") or host.startswith("127.")


def reach(
    base_url: str,
    credentials: Credentials,
    *,
    other: Credentials | None = None,
    control_url: str = "",
    limits: Limits | None = None,
    ca_file: Path | None = None,
) -> UrlTarget:
    """Connect to a server and make sure that it answers and knows the credentials; raises TargetError otherwise.

    Raises UsageError for the live service. ``ca_file`` holds authorities to trust beside those of the system. With a
    control interface, a second merchant is taken from it when none is given.
    """
    control = HttpControl(control_url, limits) if control_url else None
    if control is not None and other is None:
        other = next(
            (
                Credentials(merchant["username"], merchant["password"], merchant.get("merchant_id", ""))
                for merchant in control.merchants()
                if merchant["username"] != credentials.username
            ),
            None,
        )
    target = UrlTarget(base_url, credentials, other=other, control=control, limits=limits, ca_file=ca_file)
    probe = Request(
        "GET",
        f"{target.prefix}{BASE_PATH}/orders/00000000-0000-4000-8000-000000000000",
        Headers([("Authorization", credentials.authorization), ("Accept", "application/json")]),
    )
    exchange = target.send(probe)
    for _ in range(_MORE_PROBES):
        if exchange.failure != LOST:
            break
        # A service may lose an answer once in a while; one that loses all of them is out of reach.
        exchange = target.send(probe)
    if exchange.response is None:
        target.close()
        raise TargetError(f"{target.base_url} cannot be reached: {exchange.failure}")
    if exchange.response.status == 401:
        target.close()
        raise TargetError(f"{target.base_url} refuses the credentials (401)")
    return target
