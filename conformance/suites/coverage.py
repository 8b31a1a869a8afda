"""Which answers were really exchanged, and why the others were not: nothing counts that did not travel."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from conformance.contract.contract import Contract
from conformance.contract.error_table import ErrorRow, Party
from conformance.verdict import CellState, ErrorCell, OperationCell

__all__ = ["IN_ANOTHER_SHARD", "NO_CASE", "NO_SELECTED_CASE", "Coverage"]

IN_ANOTHER_SHARD = "not brought about in this shard; another may do so"
NO_CASE = "no case brought it about"
NO_SELECTED_CASE = "the selected cases do not bring it about"

Cell = tuple[str, int, str]


@dataclass(slots=True)
class Coverage:
    """What a run exchanged.

    ``unmeasured`` maps an operation to the reasons for which its cases could not be put; ``behaviour`` is that of the
    embedded simulator, empty for any other target. ``complete`` tells whether all cases of the profile are played,
    ``sharded`` whether some of them are played elsewhere.
    """

    contract: Contract
    behaviour: str = ""
    control: bool = True
    complete: bool = True
    sharded: bool = False
    errors: set[Cell] = field(default_factory=set)
    successes: set[tuple[str, int]] = field(default_factory=set)
    unmeasured: dict[str, list[str]] = field(default_factory=dict)

    def note(self, errors: Iterable[Cell], successes: Iterable[tuple[str, int]]) -> None:
        """Add what a case exchanged."""
        self.errors.update(errors)
        self.successes.update(successes)

    def operations(self) -> tuple[OperationCell, ...]:
        """Say for each operation whether its documented success was exchanged."""
        return tuple(
            OperationCell(operation.id, status, CellState.COVERED)
            if (operation.id, status := operation.success.status) in self.successes
            else OperationCell(operation.id, status, CellState.NOT_MEASURED, self._why(operation.id))
            for operation in self.contract.operations
        )

    def cells(self) -> tuple[ErrorCell, ...]:
        """Say for each cell of the error table whether it was exchanged."""
        return tuple(self._cell(cell) for cell in self.contract.errors.cells())

    def _cell(self, cell: Cell) -> ErrorCell:
        operation, status, code = cell
        if cell in self.errors:
            return ErrorCell(operation, status, code, CellState.COVERED)
        rows = self.contract.errors.at(operation, status, code)
        if self.behaviour and all(row.behaviour not in ("both", self.behaviour) for row in rows):
            why = f"the simulator answers so in its {rows[0].behaviour} behaviour only"
            return ErrorCell(operation, status, code, CellState.EXCLUDED, why)
        instead = self._instead(operation, rows)
        if instead:
            return ErrorCell(
                operation, status, code, CellState.EXCLUDED, f"the target answers {instead}, which is as good"
            )
        if not self.control and all(row.provoked_by is Party.SERVER for row in rows):
            return ErrorCell(operation, status, code, CellState.NOT_MEASURED, "only a control interface can provoke it")
        return ErrorCell(operation, status, code, CellState.NOT_MEASURED, self._why(operation))

    def _instead(self, operation: str, rows: Iterable[ErrorRow]) -> str:
        """Name a tolerated answer that the target gave where these rows were due."""
        every = tuple(rows)
        for row in every:
            others: set[tuple[int, str]] = set(row.tolerated)
            others.update(
                twin.answer
                for twin in self.contract.errors.rows
                if operation in twin.operations
                and row.answer in twin.tolerated
                and twin.precondition == row.precondition
            )
            for status, code in sorted(others):
                if (operation, status, code) in self.errors:
                    return f"{status} {code}".strip()
        return ""

    def _why(self, operation: str) -> str:
        if self.sharded:
            return IN_ANOTHER_SHARD
        reasons: Mapping[str, list[str]] = self.unmeasured
        if reasons.get(operation):
            return reasons[operation][0]
        return NO_CASE if self.complete else NO_SELECTED_CASE
