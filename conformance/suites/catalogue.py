"""Which cases there are, for those who only hold names: a cassette whose case is gone proves nothing any more."""

from __future__ import annotations

import functools

from conformance.contract.contract import load_contract
from conformance.suites.matrix import matrix_cases

__all__ = ["is_case"]

# The cases of this driver take their names from the description and come and go with it.
_GENERATED = "/schemathesis/"


def is_case(case_id: str) -> bool:
    """Tell whether the suite has a case of this id, in any profile."""
    return case_id in _ids() or _GENERATED in case_id


@functools.cache
def _ids() -> frozenset[str]:
    return frozenset(case.id for case in matrix_cases(load_contract(), "deep"))
