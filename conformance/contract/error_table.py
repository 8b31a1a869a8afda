"""The error table: for each operation, which status and code a refusal carries, and how sure we are."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from conformance.contract.document import Document
from conformance.contract.truth import Truth

__all__ = ["BodyKind", "ErrorRow", "ErrorTable", "Party", "Retry"]


class Retry(StrEnum):
    """What the caller should do after the answer."""

    NEVER = "never"
    FIX = "fix"
    LATER = "later"
    SCHEDULE = "schedule"
    RATE_LIMIT = "rate_limit"


class BodyKind(StrEnum):
    """The shape in which the refusal is written."""

    JSON = "json"
    HTML = "html"
    SPRING = "spring"


class Party(StrEnum):
    """Who can bring the answer about: a request, or only the service's own condition."""

    CLIENT = "client"
    SERVER = "server"


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """One row: a status and a code with the situation in which it is given.

    ``code`` is empty for bodies that carry none. ``messages`` are the known wordings with placeholders,
    ``patterns`` the same compiled to match a whole message. ``behaviour`` is ``documented``, ``observed`` or
    ``both``: in which of the simulator's behaviours the row is produced. ``tolerated`` are (status, code) pairs
    that a server may give for the same precondition. ``wording_known`` is False where the messages are only what the
    simulator says.
    """

    id: str
    status: int
    code: str
    messages: tuple[str, ...]
    patterns: tuple[re.Pattern[str], ...]
    operations: frozenset[str]
    precondition: str
    provoked_by: Party
    retry: Retry
    body: BodyKind
    behaviour: str
    source: str
    truth: Truth
    tolerated: frozenset[tuple[int, str]]
    wording_known: bool

    @property
    def answer(self) -> tuple[int, str]:
        """The (status, code) pair that identifies the row on an operation."""
        return self.status, self.code

    @property
    def told(self) -> str:
        """The same in words."""
        return f"{self.status} {self.code or 'with an HTML page'}"

    def accepts(self, status: int, code: str) -> bool:
        """Tell whether an answer satisfies this row, tolerated alternatives included."""
        return (status, code) == self.answer or (status, code) in self.tolerated


class ErrorTable:
    """All rows, looked up by id and by (operation, status, code)."""

    __slots__ = ("_by_cell", "_by_id", "_by_operation", "_by_statuses", "rows", "unrouted")

    def __init__(self, rows: tuple[ErrorRow, ...], unrouted: tuple[ErrorRow, ...] = ()) -> None:
        self.rows = rows
        self.unrouted = unrouted
        self._by_statuses: dict[tuple[str, frozenset[int]], tuple[ErrorRow, ...]] = {}
        self._by_id = {row.id: row for row in (*rows, *unrouted)}
        by_cell: dict[tuple[str, int, str], list[ErrorRow]] = {}
        by_operation: dict[str, dict[tuple[int, str], ErrorRow]] = {}
        for row in rows:
            for operation in row.operations:
                by_cell.setdefault((operation, row.status, row.code), []).append(row)
                by_operation.setdefault(operation, {}).setdefault(row.answer, row)
        self._by_cell: Mapping[tuple[str, int, str], tuple[ErrorRow, ...]] = {
            cell: tuple(found) for cell, found in by_cell.items()
        }
        self._by_operation: Mapping[str, tuple[tuple[int, str], ...]] = {
            operation: tuple(sorted(pairs)) for operation, pairs in by_operation.items()
        }

    @classmethod
    def from_document(cls, document: Document) -> ErrorTable:
        """Build the table from ``errors.yaml``; raises ContractError for a reference that leads nowhere."""
        content = document.value
        sets = _sets(document)
        seen: set[str] = set()
        rows = [_row(document, ("rows", index), given, sets, seen) for index, given in enumerate(content["rows"])]
        unrouted = [
            _row(document, ("unrouted", index), _UNROUTED | given, sets, seen)
            for index, given in enumerate(content["unrouted"])
        ]
        answers = {row.answer for row in rows}
        for index, summary in enumerate(content["summary_rows"]):
            for status in summary["statuses"]:
                for code in summary["codes"]:
                    if (status, code) not in answers:
                        raise document.mistake(("summary_rows", index), f"no row answers {status} {code}")
        return cls(tuple(rows), tuple(unrouted))

    def row(self, row_id: str) -> ErrorRow:
        """Return the row with this id; raises KeyError for an unknown one."""
        return self._by_id[row_id]

    def at(self, operation: str, status: int, code: str) -> tuple[ErrorRow, ...]:
        """Return the rows that an answer can stand for; empty when the table has no such cell."""
        return self._by_cell.get((operation, status, code), ())

    def answers(self, operation: str) -> tuple[tuple[int, str], ...]:
        """Return the (status, code) pairs that an operation may answer with, sorted."""
        return self._by_operation.get(operation, ())

    def of(self, operation: str, statuses: frozenset[int]) -> tuple[ErrorRow, ...]:
        """Return the rows of an operation that answer with one of the statuses, in the order of the table."""
        found = self._by_statuses.get((operation, statuses))
        if found is None:
            found = tuple(row for row in self.rows if operation in row.operations and row.status in statuses)
            self._by_statuses[operation, statuses] = found
        return found

    def cells(self) -> Iterator[tuple[str, int, str]]:
        """Yield every (operation, status, code) cell once, sorted."""
        yield from sorted(self._by_cell)


# What a message may leave open, and what stands there in an answer.
_PLACEHOLDERS: Mapping[str, str] = {
    "order": r"(?s:.+)",
    "capture": r"(?s:.+)",
    "refund": r"(?s:.+)",
    "field": r".*",
    "words": r".*",
    "operation": r".*",
    "n": r"-?\d+",
    "m": r"-?\d+",
}
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")

_UNROUTED: Mapping[str, Any] = {
    "messages": [],
    "operations": [],
    "precondition": "The request reaches no operation.",
    "provoked_by": "client",
    "retry": "fix",
    "tolerated": [],
}


def _sets(document: Document) -> Mapping[str, frozenset[str]]:
    named = {name: frozenset(members) for name, members in document.value["sets"].items()}
    both = named["reads"] & named["writes"]
    if both:
        raise document.mistake(("sets", "reads"), f"{min(both)} is a write too")
    everything = named["reads"] | named["writes"]
    for name, members in named.items():
        if not members <= everything:
            raise document.mistake(("sets", name), f"{min(members - everything)} is neither a read nor a write")
    return named | {"all": everything}


def _row(
    document: Document,
    path: tuple[str, int],
    given: Mapping[str, Any],
    sets: Mapping[str, frozenset[str]],
    seen: set[str],
) -> ErrorRow:
    row_id: str = given["id"]
    if row_id in seen:
        raise document.mistake((*path, "id"), f"{row_id} is given twice")
    seen.add(row_id)
    body, code = BodyKind(given.get("body", "json")), given["code"]
    if (body is BodyKind.JSON) is not bool(code):
        raise document.mistake((*path, "code"), f"a body of kind {body} {'needs a' if not code else 'carries no'} code")
    named = given["operations"]
    operations = sets[named] if isinstance(named, str) else frozenset(named)
    unknown = operations - sets["all"]
    if unknown:
        raise document.mistake((*path, "operations"), f"{min(unknown)} is no operation")
    return ErrorRow(
        id=row_id,
        status=given["status"],
        code=code,
        messages=tuple(given["messages"]),
        patterns=tuple(
            _pattern(document, (*path, "messages", index), message) for index, message in enumerate(given["messages"])
        ),
        operations=operations,
        precondition=given["precondition"],
        provoked_by=Party(given["provoked_by"]),
        retry=Retry(given["retry"]),
        body=body,
        behaviour=given.get("behaviour", "both"),
        source=given["source"],
        truth=Truth(given["truth"]),
        tolerated=frozenset(_answer(text) for text in given["tolerated"]),
        wording_known=given.get("wording") != "ours",
    )


def _pattern(document: Document, path: tuple[str | int, ...], message: str) -> re.Pattern[str]:
    """Compile a wording; the pieces between the placeholders stand for themselves."""
    pieces = _PLACEHOLDER.split(message)
    for name in pieces[1::2]:
        if name not in _PLACEHOLDERS:
            raise document.mistake(path, f"{{{name}}} is no placeholder; known are {', '.join(_PLACEHOLDERS)}")
    pieces[::2] = [re.escape(piece) for piece in pieces[::2]]
    pieces[1::2] = [_PLACEHOLDERS[name] for name in pieces[1::2]]
    return re.compile(rf"\A{''.join(pieces)}\Z", re.ASCII)


def _answer(text: str) -> tuple[int, str]:
    status, _, code = text.partition(" ")
    return int(status), code
