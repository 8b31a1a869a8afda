from __future__ import annotations

import pytest

from conformance.contract.contract import Contract, load_contract


@pytest.fixture(scope="session")
def contract() -> Contract:
    return load_contract()
