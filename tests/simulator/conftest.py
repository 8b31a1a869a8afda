from __future__ import annotations

from collections.abc import Callable

import pytest

from conformance.contract.contract import Contract, load_contract
from conformance.simulator.service import Simulator
from tests.simulator.caller import Caller


@pytest.fixture(scope="session")
def contract() -> Contract:
    return load_contract()


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
