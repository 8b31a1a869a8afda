"""The whole zoo: what the data says of each fault, together with what the fault does."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Callable, Mapping
from typing import Any

from conformance.contract.contract import Contract
from conformance.contract.document import Document, read_document
from conformance.contract.operation import Operation
from conformance.exceptions import UsageError
from conformance.simulator.faults import (
    aftermath,
    companions,
    concurrency,
    contradictions,
    effects,
    error_table,
    fidelity,
    half_bodies,
    hard_texts,
    idempotency,
    key_bodies,
    key_store,
    limits,
    lost_writes,
    money,
    near_ids,
    reads,
    security,
    sequels,
    state,
    surface,
)
from conformance.simulator.faults.fault import Behaviour, Fault, FaultClass

__all__ = ["fault_named", "faults", "read_faults"]

_BEHAVIOURS: Mapping[str, Behaviour] = {
    **surface.BEHAVIOURS,
    **error_table.BEHAVIOURS,
    **limits.BEHAVIOURS,
    **money.BEHAVIOURS,
    **state.BEHAVIOURS,
    **effects.BEHAVIOURS,
    **reads.BEHAVIOURS,
    **idempotency.BEHAVIOURS,
    **fidelity.BEHAVIOURS,
    **security.BEHAVIOURS,
    **concurrency.BEHAVIOURS,
    **sequels.BEHAVIOURS,
    **key_store.BEHAVIOURS,
    **lost_writes.BEHAVIOURS,
    **near_ids.BEHAVIOURS,
    **half_bodies.BEHAVIOURS,
    **contradictions.BEHAVIOURS,
    **hard_texts.BEHAVIOURS,
    **key_bodies.BEHAVIOURS,
    **aftermath.BEHAVIOURS,
    **companions.BEHAVIOURS,
}
_SETS: Mapping[str, Callable[[Operation], bool]] = {
    "all": lambda _operation: True,
    "reads": lambda operation: not operation.writes,
    "writes": lambda operation: operation.writes,
    "bodies": lambda operation: operation.body is not None,
}


def faults(contract: Contract) -> Mapping[str, Fault]:
    """Return every fault by its id, in the order of the classes."""
    return read_faults(_document(), contract)


def fault_named(fault_id: str, contract: Contract) -> Fault:
    """Return the fault with this id; raises UsageError naming the nearest one."""
    known = faults(contract)
    fault = known.get(fault_id)
    if fault is None:
        near = difflib.get_close_matches(fault_id, known, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise UsageError(f"no fault {fault_id!r}{hint}")
    return fault


def read_faults(document: Document, contract: Contract) -> Mapping[str, Fault]:
    """Build the zoo from ``faults.yaml``.

    Raises ContractError for an id that is given twice or that the simulator has no behaviour for, for a behaviour
    without a fault, and for a rule that is unknown or holds nobody to anything.
    """
    found: dict[str, Fault] = {}
    for index, given in enumerate(document.value["faults"]):
        fault = _fault(document, index, given, contract)
        if fault.id in found:
            raise document.mistake(("faults", index, "id"), f"{fault.id} is given twice")
        found[fault.id] = fault
    for unknown in _BEHAVIOURS.keys() - found.keys():
        raise document.mistake(("faults",), f"the simulator can be wrong in the way {unknown!r}, which is not listed")
    return found


@functools.cache
def _document() -> Document:
    return read_document("faults.yaml", "faults.schema.json")


def _fault(document: Document, index: int, given: Mapping[str, Any], contract: Contract) -> Fault:
    path = ("faults", index)
    if given["id"] not in _BEHAVIOURS:
        raise document.mistake((*path, "id"), f"the simulator has no such behaviour as {given['id']}")
    requirement = contract.requirements.get(given["requirement"])
    if requirement is None or not requirement.truth.binds:
        raise document.mistake((*path, "requirement"), f"{given['requirement']} is no rule that binds a server")
    named = given["operations"]
    if isinstance(named, str):
        wanted = _SETS[named]
        operations = tuple(operation.id for operation in contract.operations if wanted(operation))
    else:
        operations = tuple(named)
        for operation in operations:
            if operation not in contract.operations:
                raise document.mistake((*path, "operations"), f"{operation} is no operation")
    return Fault(
        id=given["id"],
        fault_class=FaultClass(given["class"]),
        operations=operations,
        title=given["title"],
        costs=given["costs"],
        requirement=requirement.id,
        behave=_BEHAVIOURS[given["id"]],
        unrouted=given.get("unrouted", False),
        books=money.BOOKS.get(given["id"]),
    )
