"""Finds the row of the error table that a test means by a code, a status or the row's own id."""

from __future__ import annotations

from collections.abc import Iterable

from conformance.contract.contract import Contract
from conformance.contract.error_table import ErrorRow
from conformance.contract.operation import Operation
from conformance.mocks.mistake import AmbiguousAnswerError, UndocumentedAnswerError

__all__ = ["choose_row", "documented"]


def documented(operation: Operation, contract: Contract) -> str:
    """Return all refusals of an operation in words, in the order of their statuses."""
    by_status: dict[int, list[str]] = {}
    for status, code in contract.errors.answers(operation.id):
        by_status.setdefault(status, []).append(code or "an HTML page")
    return ", ".join(f"{status} {'/'.join(sorted(codes))}" for status, codes in sorted(by_status.items()))


def choose_row(
    contract: Contract,
    operation: Operation,
    behaviour: str,
    *,
    code: str | None = None,
    status: int | None = None,
    row: str | None = None,
) -> ErrorRow:
    """Return the row; ``code`` is empty for bodies without one, ``behaviour`` decides between rows that exclude it.

    Rows that differ in nothing but the situation share code and status: the first is taken unless ``row`` names
    another. Raises UndocumentedAnswerError or AmbiguousAnswerError.
    """
    if code is None and status is None and row is None:
        raise UndocumentedAnswerError(
            f"{operation.id}: say how it fails; documented are {documented(operation, contract)}"
        )
    rows = [
        each
        for each in contract.errors.rows
        if operation.id in each.operations
        and (code is None or each.code == code)
        and (status is None or each.status == status)
        and (row is None or each.id == row)
    ]
    if not rows:
        raise UndocumentedAnswerError(_undocumented(contract, operation, code, status, row))
    if row is None:
        # A page in HTML is given in the one behaviour, the JSON in its place in the other.
        rows = [each for each in rows if each.behaviour in ("both", behaviour)] or rows
    statuses = sorted({each.status for each in rows})
    if len(statuses) > 1:
        raise AmbiguousAnswerError(
            f"{operation.id} answers {code} with {_listed(map(str, statuses))}: add status={statuses[0]}"
            f" or another of them"
        )
    codes = sorted({each.code for each in rows})
    if len(codes) > 1 and len({each.precondition for each in rows}) > 1:
        raise AmbiguousAnswerError(
            f"{operation.id} answers {statuses[0]} with {_listed(map(_named, codes))}: name the code"
        )
    return rows[0]


def _undocumented(
    contract: Contract, operation: Operation, code: str | None, status: int | None, row: str | None
) -> str:
    if row is not None:
        ids = _listed(each.id for each in contract.errors.rows if operation.id in each.operations)
        with_it = f" with {_asked(code, status)}" if code is not None or status is not None else ""
        return f"{operation.id} has no row {row!r}{with_it} in the error table; its rows are {ids}"
    elsewhere = sorted(
        {
            name
            for each in contract.errors.rows
            if code is not None and each.code == code and (status is None or each.status == status)
            for name in each.operations
        }
    )
    hint = f" ({code} is an answer of {_listed(elsewhere[:4])})" if elsewhere else ""
    return (
        f"{operation.id} never answers {_asked(code, status)}{hint}, and a mock cannot promise what the service would"
        f" never say; documented are {documented(operation, contract)}"
    )


def _asked(code: str | None, status: int | None) -> str:
    words = [] if status is None else [str(status)]
    return " ".join(words if code is None else [*words, _named(code)])


def _named(code: str) -> str:
    return code or "an HTML page"


def _listed(names: Iterable[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last
