"""The lifecycle of an order as one table: states x operations -> guards, effect, answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from conformance.contract.document import Document
from conformance.contract.error_table import ErrorTable
from conformance.contract.truth import Truth

__all__ = ["Cell", "Effect", "Guard", "Lifecycle", "State"]


@dataclass(frozen=True, slots=True)
class State:
    """What the model tells apart; ``shows`` are the values of the API's ``status`` field, the simulator's first."""

    id: str
    means: str
    shows: tuple[str, ...]
    terminal: bool
    truth: Truth
    source: str


@dataclass(frozen=True, slots=True)
class Guard:
    """A condition on request and order; when it does not hold, the row ``error`` answers.

    A ``discretionary`` guard stands for the service's own decision (risk, credit): a refusal with its row is
    always acceptable, and so is a success.
    """

    guard: str
    error: str
    truth: Truth
    discretionary: bool


@dataclass(frozen=True, slots=True)
class Effect:
    """What an operation changes.

    ``amounts`` maps a field of the order to one (change, operand) pair: ``add``/``subtract``/``set`` name a field of
    the request, ``set_to`` names ``zero`` or ``order_amount_less_captured_amount``. ``to`` maps the conditions
    ``nothing_remains``, ``nothing_captured`` and ``otherwise`` (tried in this order) to a state; it is empty when
    the state stays.
    """

    id: str
    amounts: Mapping[str, tuple[str, str]]
    adds: str
    replaces: str
    overwrites: tuple[str, ...]
    appends: str
    moves: str
    to: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Cell:
    """One operation in one state: allowed (then guards apply) or refused with the row ``error``."""

    operation: str
    state: str
    allowed: bool
    truth: Truth
    error: str
    guards: tuple[Guard, ...]
    effect: Effect


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """The whole machine."""

    states: Mapping[str, State]
    effects: Mapping[str, Effect]
    guards: Mapping[str, str]
    cells: Mapping[tuple[str, str], Cell]

    def cell(self, operation: str, state: str) -> Cell:
        """Return the cell of an operation (by id) in a state (by id); raises KeyError for unknown ones."""
        return self.cells[operation, state]

    @classmethod
    def from_document(cls, document: Document, errors: ErrorTable) -> Lifecycle:
        """Build the machine from ``lifecycle.yaml``, with every operation answered for in every state.

        Raises ContractError for a cell that is missing or given twice, and for a reference that leads nowhere: a
        refusal must be a row of the error table that its operation can be given.
        """
        content = document.value
        states = {state_id: _state(state_id, given) for state_id, given in content["states"].items()}
        effects = {
            effect_id: _effect(document, effect_id, given, states) for effect_id, given in content["effects"].items()
        }
        reader = _Reader(document, errors, states, effects, content["guards"])
        cells = {
            (operation, cell.state): cell
            for operation, given in content["operations"].items()
            for cell in reader.cells(operation, given)
        }
        return cls(states=states, effects=effects, guards=content["guards"], cells=cells)


def _state(state_id: str, given: Mapping[str, Any]) -> State:
    return State(
        id=state_id,
        means=given["means"],
        shows=tuple(given["shows"]),
        terminal=given["terminal"],
        truth=Truth(given["truth"]),
        source=given["source"],
    )


def _effect(document: Document, effect_id: str, given: Mapping[str, Any], states: Mapping[str, State]) -> Effect:
    path = ("effects", effect_id)
    target: Mapping[str, str] = given.get("to", {})
    if given.get("keeps", False) is bool(target):
        raise document.mistake(path, "says neither where it leads (to) nor that the state stays (keeps), or says both")
    for condition, state in target.items():
        if state not in states:
            raise document.mistake((*path, "to", condition), f"{state} is no state")
    return Effect(
        id=effect_id,
        amounts={field: next(iter(change.items())) for field, change in given.get("amounts", {}).items()},
        adds=given.get("adds", ""),
        replaces=given.get("replaces", ""),
        overwrites=tuple(given.get("overwrites", ())),
        appends=given.get("appends", ""),
        moves=given.get("moves", ""),
        to=target,
    )


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads the cells of one operation after the other against what they refer to."""

    document: Document
    errors: ErrorTable
    states: Mapping[str, State]
    effects: Mapping[str, Effect]
    guards: Mapping[str, str]

    def cells(self, operation: str, given: Mapping[str, Any]) -> list[Cell]:
        """Return one cell for each state."""
        path = ("operations", operation)
        allowed, refused = given["allowed"], given.get("refused", {})
        for kind, named in (("allowed", allowed), ("refused", refused)):
            for state in named:
                if state not in self.states:
                    raise self.document.mistake((*path, kind, state), f"{state} is no state")
        for state in self.states:
            if (state in allowed) is (state in refused):
                both = "both allowed and refused" if state in allowed else "neither allowed nor refused"
                raise self.document.mistake(path, f"is {both} in the state {state}")
        if given["effect"] not in self.effects:
            raise self.document.mistake((*path, "effect"), f"{given['effect']} is no effect")
        effect = self.effects[given["effect"]]
        guards = tuple(
            self._guard(operation, (*path, "guards", index), guard)
            for index, guard in enumerate(given.get("guards", ()))
        )
        return [
            Cell(operation, state, True, Truth(allowed[state]), "", guards, effect)
            if state in allowed
            else self._refusal(operation, state, (*path, "refused", state), refused[state], effect)
            for state in self.states
        ]

    def _refusal(
        self, operation: str, state: str, path: tuple[str, ...], given: Mapping[str, str], effect: Effect
    ) -> Cell:
        self._require_row(operation, given["error"], (*path, "error"))
        return Cell(operation, state, False, Truth(given["truth"]), given["error"], (), effect)

    def _guard(self, operation: str, path: tuple[str | int, ...], given: Mapping[str, Any]) -> Guard:
        if given["guard"] not in self.guards:
            raise self.document.mistake((*path, "guard"), f"{given['guard']} is no guard")
        self._require_row(operation, given["error"], (*path, "error"))
        return Guard(given["guard"], given["error"], Truth(given["truth"]), given.get("discretionary", False))

    def _require_row(self, operation: str, row_id: str, path: tuple[str | int, ...]) -> None:
        try:
            row = self.errors.row(row_id)
        except KeyError:
            raise self.document.mistake(path, f"{row_id} is no row of the error table") from None
        if operation not in row.operations:
            raise self.document.mistake(path, f"the row {row_id} is not one of {operation}")
