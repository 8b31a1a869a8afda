"""Refusals that come before the lifecycle: which row of the error table answers, and in which words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from conformance.contract.error_table import ErrorRow, ErrorTable
from conformance.simulator.wording import messages

__all__ = ["RefusalError", "Refusals", "named"]

# The rows of the error table that say what a path names is not there; each knows its operations.
_ORDER_MISSING = (
    "no-such-order",
    "no-such-order-acknowledge",
    "no-such-order-references",
    "no-such-order-shipping-info",
    "no-such-order-capture-shipping-info",
    "no-such-order-send-out",
    "no-such-order-unlisted",
    "no-such-order-due-date",
    "refund-on-unknown-order",
    "no-such-refund",
)
_CAPTURE_MISSING = (
    "no-such-capture",
    "no-such-capture-send-out",
    "no-such-capture-read",
    "no-such-capture-due-date",
)
_ORDER_ID_MALFORMED = ("invalid-order-id", "invalid-order-id-elsewhere")


class RefusalError(Exception):
    """A row of the error table answers; raised wherever a check finds out."""

    def __init__(self, row: ErrorRow, words: tuple[str, ...]) -> None:
        super().__init__(row.id)
        self.row = row
        self.words = words


class Refusals:
    """Makes refusals from the error table; ``ids`` are those that the path names."""

    __slots__ = ("_capture_missing", "_errors", "_order_id_malformed", "_order_missing")

    def __init__(self, errors: ErrorTable) -> None:
        self._errors = errors
        self._order_missing = self._by_operation(_ORDER_MISSING)
        self._capture_missing = self._by_operation(_CAPTURE_MISSING)
        self._order_id_malformed = self._by_operation(_ORDER_ID_MALFORMED)

    def of(self, row_id: str, words: tuple[str, ...] | None = None) -> RefusalError:
        """Refuse by a row, in its own words or in those that are given."""
        row = self._errors.row(row_id)
        return RefusalError(row, messages(row, {}) if words is None else words)

    def order_missing(self, operation: str, ids: Mapping[str, str]) -> RefusalError:
        """Refuse because there is no such order, or no such refund of it."""
        row = self._order_missing[operation]
        return RefusalError(row, messages(row, named(ids), operation=operation))

    def capture_missing(self, operation: str, ids: Mapping[str, str]) -> RefusalError:
        """Refuse because the order has no such capture."""
        row = self._capture_missing[operation]
        return RefusalError(row, messages(row, named(ids), operation=operation))

    def order_id_malformed(self, operation: str, ids: Mapping[str, str]) -> RefusalError:
        """Refuse because what stands for the order's id is none."""
        row = self._order_id_malformed[operation]
        return RefusalError(row, messages(row, named(ids)))

    def refund_id_malformed(self, ids: Mapping[str, str]) -> RefusalError:
        """Refuse because what stands for the refund's id is none."""
        row = self._errors.row("refund-not-found-400")
        return RefusalError(row, messages(row, named(ids)))

    def _by_operation(self, rows: Iterable[str]) -> Mapping[str, ErrorRow]:
        return {operation: row for row in map(self._errors.row, rows) for operation in row.operations}


def named(ids: Mapping[str, str]) -> dict[str, object]:
    """Return the ids of a path under the names that messages have for them."""
    return {name.removesuffix("_id"): value for name, value in ids.items()}
