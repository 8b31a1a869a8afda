from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from conformance.contract.contract import Contract, load_contract
from conformance.simulator.service import Simulator
from conformance.simulator.socket_door import ServerThread
from tests.simulator.caller import Caller
from tests.simulator.raw_caller import RawCaller


@pytest.fixture(scope="session")
def contract() -> Contract:
    return load_contract()


@pytest.fixture(scope="module")
def raw(contract: Contract) -> Iterator[RawCaller]:
    """A caller at a server that the tests of a module share."""
    with ServerThread(Simulator(contract)) as server:
        yield RawCaller(server)


@pytest.fixture
def simulator(contract: Contract) -> Simulator:
    return Simulator(contract)


@pytest.fixture
def observed(contract: Contract) -> Simulator:
    return Simulator(contract, behaviour="observed")


@pytest.fixture
def caller(simulator: Simulator) -> Caller:
    return Caller(simulator)


@pytest.fixture
def make(simulator: Simulator) -> Callable[..., str]:
    """Make an order in the simulator and return its id."""

    def made(**fields: object) -> str:
        return simulator.create_order(fields)

    return made
