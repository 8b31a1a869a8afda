"""A server with one fault is caught by the case made for it, under the code of the fault."""

from __future__ import annotations

import pytest

from tests.suites.careless import (
    ages,
    conditions,
    everyday,
    histories,
    memories,
    neighbours,
    refusals,
    surface,
    unusual,
)
from tests.suites.wrong_servers import Faults, assert_found, assert_passes

BY_KIND: dict[str, Faults] = {
    "everyday": everyday.FAULTS,
    "unusual": unusual.FAULTS,
    "histories": histories.FAULTS,
    "neighbours": neighbours.FAULTS,
    "refusals": refusals.FAULTS,
    "ages": ages.FAULTS,
    "conditions": conditions.FAULTS,
    "surface": surface.FAULTS,
    "memories": memories.FAULTS,
}
FAULTS: Faults = {f"{kind}: {name}": fault for kind, faults in BY_KIND.items() for name, fault in faults.items()}


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_is_found(fault: str) -> None:
    assert_found(FAULTS[fault])


@pytest.mark.parametrize("case", sorted({case for _, case, _ in FAULTS.values()}))
def test_case_passes_without_the_fault(case: str) -> None:
    assert_passes(case)
