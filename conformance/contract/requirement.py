"""The MUST / SHOULD list and the finding codes that measure it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from conformance.contract.document import Document
from conformance.contract.truth import Truth
from conformance.verdict import Severity

__all__ = ["FindingCode", "Level", "Requirement", "finding_codes", "requirements"]


class Level(StrEnum):
    """What a team can promise: the API's rules, behaviour under failure, precision, freshness against the service."""

    CORE = "core"
    RESILIENT = "resilient"
    EXACT = "exact"
    CURRENT = "current"


@dataclass(frozen=True, slots=True)
class Requirement:
    """One rule in our own words; ``keyword`` decides the severity of every finding that cites it."""

    id: str
    keyword: Severity
    level: Level
    text: str
    source: str
    truth: Truth


@dataclass(frozen=True, slots=True)
class FindingCode:
    """What a code such as ``KOM-207`` stands for, as ``explain`` prints it.

    ``means`` says what was seen, ``costs`` what it costs a merchant, ``provoked`` how the suite brings it about,
    ``fix`` what the maintainer should do.
    """

    code: str
    title: str
    requirement: str
    means: str
    costs: str
    provoked: str
    fix: str


def requirements(document: Document) -> Mapping[str, Requirement]:
    """Build the list from ``requirements.yaml``, by id.

    Raises ContractError for a MUST that rests on something inferred: what nobody knows is held against nobody.
    """
    found: dict[str, Requirement] = {}
    for index, given in enumerate(document.value["requirements"]):
        requirement = Requirement(
            id=given["id"],
            keyword=Severity(given["keyword"]),
            level=Level(given["level"]),
            text=given["text"],
            source=given["source"],
            truth=Truth(given["truth"]),
        )
        if requirement.id in found:
            raise document.mistake(("requirements", index, "id"), f"{requirement.id} is given twice")
        if requirement.keyword is Severity.MUST and not requirement.truth.binds:
            raise document.mistake(("requirements", index, "truth"), "a must cannot rest on something inferred")
        found[requirement.id] = requirement
    return found


def finding_codes(document: Document, known: Mapping[str, Requirement]) -> Mapping[str, FindingCode]:
    """Build the registry from ``findings.yaml``, by code.

    Raises ContractError for a code that cites no known requirement.
    """
    found: dict[str, FindingCode] = {}
    for index, given in enumerate(document.value["findings"]):
        code = FindingCode(**given)
        if code.code in found:
            raise document.mistake(("findings", index, "code"), f"{code.code} is given twice")
        if code.requirement not in known:
            raise document.mistake(("findings", index, "requirement"), f"{code.requirement} is no requirement")
        found[code.code] = code
    return found
