"""The pytest plugin: a simulator, a server, orders and a judge as fixtures, and the options of the bundled suites.

Loading it costs nothing: whatever is heavy is imported by the fixture that needs it.
"""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conformance.contract.contract import Contract
    from conformance.judge.judge import Judge
    from conformance.mocks.klarna_mock import KlarnaMock
    from conformance.simulator.service import Simulator

__all__ = ["RunningServer"]

BEHAVIOURS = ("documented", "observed")
PROFILES = ("quick", "default", "deep")


@dataclass(frozen=True, slots=True)
class RunningServer:
    """Where a simulator answers on loopback, and the credentials of its first merchant."""

    base_url: str
    control_url: str
    username: str
    password: str = field(repr=False)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the bundled suites; credentials come from the environment, never from an option."""
    group = parser.getgroup("klarna-conformance", "conformance to Klarna's Order Management API")
    group.addoption("--conformance-target", metavar="URL", help="judge this server; default: the embedded simulator")
    group.addoption("--conformance-control-url", metavar="URL", help="the control interface of that server")
    group.addoption("--conformance-client", metavar="MODULE:OBJECT", help="judge this Python client")
    group.addoption("--conformance-adapter", metavar="CMD", help="judge the client behind this adapter")
    group.addoption(
        "--conformance-cassettes", type=Path, metavar="DIR", help="judge these recordings; default: the ones that ship"
    )
    group.addoption("--conformance-seed", type=_seed, default=0, metavar="N", help="repeats a run; default: 0")
    group.addoption("--conformance-profile", choices=PROFILES, default="quick", help="default: quick")
    group.addoption("--conformance-behaviour", choices=BEHAVIOURS, default="documented", help="default: documented")


def _seed(text: str) -> int:
    if not text.isascii() or not text.isdecimal():
        raise ArgumentTypeError(f"{text!r} is no seed: a seed is a whole number from 0 up")
    return int(text)


@pytest.fixture(scope="session")
def klarna_contract() -> Contract:
    """The contract that the suite judges by: operations, error table, lifecycle, requirements."""
    from conformance.contract.contract import load_contract  # noqa: PLC0415 - heavy

    return load_contract()


@pytest.fixture
def klarna_simulator(klarna_contract: Contract, pytestconfig: pytest.Config) -> Simulator:
    """A fresh simulator of the API, seeded by ``--conformance-seed``; ``handle(request)`` answers."""
    from conformance.simulator.service import Simulator  # noqa: PLC0415 - heavy

    return Simulator(
        klarna_contract,
        seed=pytestconfig.getoption("--conformance-seed"),
        behaviour=pytestconfig.getoption("--conformance-behaviour"),
    )


@pytest.fixture
def klarna_server(klarna_simulator: Simulator) -> Iterator[RunningServer]:
    """``klarna_simulator`` on two free ports of loopback for the length of a test."""
    from conformance.simulator.socket_door import ServerThread  # noqa: PLC0415 - heavy

    merchant = klarna_simulator.credentials.merchants[0]
    with ServerThread(klarna_simulator) as server:
        yield RunningServer(server.base_url, server.control_url, merchant.username, merchant.password)


@pytest.fixture
def klarna_order(klarna_simulator: Simulator) -> Callable[..., str]:
    """Make an order in ``klarna_simulator`` with the API's own field names, and get its id."""

    def make(**fields: Any) -> str:
        return klarna_simulator.create_order(fields)

    return make


@pytest.fixture(scope="session")
def klarna_base_url() -> str:
    """Where the client under test believes the service to be; override it to mock another host than the playground."""
    return "https://api.playground.klarna.com"


@pytest.fixture
def klarna(klarna_simulator: Simulator, klarna_base_url: str) -> Iterator[KlarnaMock]:
    """The whole API in front of httpx and httpx2 clients: faithful, until the test forces another documented answer."""
    from conformance.mocks.mounting import mount  # noqa: PLC0415 - heavy

    with mount(base_url=klarna_base_url, simulator=klarna_simulator) as mock:
        yield mock


@pytest.fixture
def klarna_socket(klarna_simulator: Simulator) -> Iterator[KlarnaMock]:
    """The same as ``klarna`` on a socket of loopback, for clients on any other library and in any language."""
    from conformance.mocks.serving import serve_mock  # noqa: PLC0415 - heavy

    with serve_mock(simulator=klarna_simulator) as mock:
        yield mock


@pytest.fixture
def klarna_judge(klarna_contract: Contract) -> Judge:
    """A judge that has seen nothing; ``feed(exchange)`` says what breaks the contract."""
    from conformance.judge.judge import Judge  # noqa: PLC0415 - heavy

    return Judge(klarna_contract)


@pytest.fixture
def klarna_cassette(request: pytest.FixtureRequest) -> Iterator[Any]:
    """The cassette that pytest-recording plays for this test; what is left unplayed at the end fails the test."""
    cassette = request.getfixturevalue("vcr")
    yield cassette
    if cassette is not None and cassette.write_protected and not cassette.all_played:
        left = [
            f"{asked.method} {asked.path}"
            for place, (asked, _) in enumerate(cassette.data)
            if not cassette.play_counts[place]
        ]
        if left:
            pytest.fail(f"recorded and never asked for: {', '.join(left)}", pytrace=False)
