"""Which cells of the contract a set of recordings holds, so that nobody takes silence for conformance."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from conformance.contract.contract import Contract
from conformance.verdict import CellState, ErrorCell, OperationCell

__all__ = ["cover_errors", "cover_operations"]

NOT_RECORDED = "the recordings hold no such exchange"


def cover_operations(contract: Contract, cells: AbstractSet[tuple[str, int, str]]) -> tuple[OperationCell, ...]:
    """Say for every operation whether its success was recorded; ``cells`` are (operation, status, error code)."""
    return tuple(
        OperationCell(
            operation.id, operation.success.status, *_state((operation.id, operation.success.status, ""), cells)
        )
        for operation in contract.operations
    )


def cover_errors(contract: Contract, cells: AbstractSet[tuple[str, int, str]]) -> tuple[ErrorCell, ...]:
    """Say for every cell of the error table whether it was recorded."""
    return tuple(ErrorCell(*cell, *_state(cell, cells)) for cell in contract.errors.cells())


def _state(cell: tuple[str, int, str], cells: AbstractSet[tuple[str, int, str]]) -> tuple[CellState, str]:
    return (CellState.COVERED, "") if cell in cells else (CellState.NOT_MEASURED, NOT_RECORDED)
