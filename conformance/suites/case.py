"""A case: one question to a server, under an id that means the same in every world."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.contract.contract import Contract
from conformance.contract.requirement import Level

if TYPE_CHECKING:
    from conformance.suites.conversation import Conversation

__all__ = ["Case", "level_of", "requirements_of"]


@dataclass(frozen=True, slots=True)
class Case:
    """One question.

    ``id`` reads ``operation/state/class``. ``codes`` are the findings that the case is made to provoke; its
    requirements and level follow from them. ``consumes`` tells whether a correct server changes the order, so that
    it cannot serve again in the same state. A ``thorough`` case is left out where time is short: another asks nearly
    the same.
    """

    id: str
    operation: str
    state: str
    name: str
    play: Callable[[Conversation], None]
    codes: tuple[str, ...]
    consumes: bool = False
    thorough: bool = False


def requirements_of(codes: tuple[str, ...], contract: Contract) -> tuple[str, ...]:
    """Name the requirements that these findings cite, in the order of the codes."""
    return tuple(dict.fromkeys(contract.findings[code].requirement for code in codes))


def level_of(codes: tuple[str, ...], contract: Contract) -> Level:
    """Return the level of the rule that the case is first of all about."""
    return contract.requirements[contract.findings[codes[0]].requirement].level
