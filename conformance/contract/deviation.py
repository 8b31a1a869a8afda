"""Where the real service is known to differ from its documentation, with the evidence."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass

from conformance.contract.document import Document
from conformance.contract.truth import Truth

__all__ = ["Deviation", "deviations"]


@dataclass(frozen=True, slots=True)
class Deviation:
    """One known difference: a finding that it explains is reported as known, never as passed or failed.

    ``codes`` are the finding codes that it can explain. The precise condition under which it does so is a
    predicate of the judge, registered under ``id``.
    """

    id: str
    title: str
    documented: str
    observed: str
    evidence: str
    truth: Truth
    codes: tuple[str, ...]
    operations: frozenset[str]


def deviations(document: Document, codes: Container[str], operations: frozenset[str]) -> Mapping[str, Deviation]:
    """Build the list from ``deviations.yaml``, by id.

    Raises ContractError for a finding code or an operation that does not exist.
    """
    found: dict[str, Deviation] = {}
    for index, given in enumerate(document.value["deviations"]):
        if given["id"] in found:
            raise document.mistake(("deviations", index, "id"), f"{given['id']} is given twice")
        for place, code in enumerate(given["codes"]):
            if code not in codes:
                raise document.mistake(("deviations", index, "codes", place), f"{code} is no finding code")
        named = operations if given["operations"] == "all" else frozenset(given["operations"])
        if not named <= operations:
            reason = f"{min(named - operations)} is no operation"
            raise document.mistake(("deviations", index, "operations"), reason)
        found[given["id"]] = Deviation(
            id=given["id"],
            title=given["title"],
            documented=given["documented"],
            observed=given["observed"],
            evidence=given["evidence"],
            truth=Truth(given["truth"]),
            codes=tuple(given["codes"]),
            operations=named,
        )
    return found
