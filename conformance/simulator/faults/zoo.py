"""Every fault by its id, in the order of the classes."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from conformance.exceptions import UsageError
from conformance.simulator.faults import (
    concurrency,
    error_table,
    fidelity,
    idempotency,
    limits,
    money,
    security,
    state,
    surface,
)
from conformance.simulator.faults.fault import Fault

__all__ = ["FAULTS", "fault_named"]

FAULTS: Mapping[str, Fault] = {
    fault.id: fault
    for module in (surface, error_table, limits, money, state, idempotency, fidelity, security, concurrency)
    for fault in module.FAULTS
}


def fault_named(fault_id: str) -> Fault:
    """Return the fault with this id; raises UsageError naming the nearest one."""
    fault = FAULTS.get(fault_id)
    if fault is None:
        near = difflib.get_close_matches(fault_id, FAULTS, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise UsageError(f"no fault {fault_id!r}{hint}")
    return fault
