"""Says of a request that reaches no operation which one it was probably meant for, and what differs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

from conformance.contract.operation import Operation
from conformance.contract.operations import BASE_PATH, Operations

__all__ = ["Place", "differences"]

_MOST_SEGMENTS = 16
_LONGEST_SEGMENT = 80
_WRONG_METHOD = 0.6
_EMPTY_SEGMENT = 0.3
_EMPTY_ID = 0.5
_WORD_FOR_ID = 0.6
_ONE_SEGMENT = 1.0


class Place(NamedTuple):
    """Where requests go: scheme with host (empty when it does not matter) and the path before the API's own."""

    origin: str
    prefix: str


class _Edit(NamedTuple):
    """One step from the path that was asked for to the one that exists; None on either side stands for nothing."""

    given: str | None
    wanted: str | None
    position: int


def differences(method: str, origin: str, path: str, mounted: Place, operations: Operations) -> str:
    """Return one line that names the request, the nearest operation and every difference."""
    path = path.partition("?")[0]
    asked = f"{method} {origin}{path}"[:300]
    segments = path.split("/")[1:][:_MOST_SEGMENTS]
    fixed = {word for operation in operations for word in operation.path.split("/") if not word.startswith("{")}
    if not _is_related(segments):
        host = f" ({_host(origin, mounted)})" if origin != mounted.origin else ""
        return f"{asked} is no request of Order Management{host}; the mock knows nothing but {BASE_PATH}"
    _cost, nearest, edits = min(
        (_compared(method, segments, operation, mounted.prefix, fixed) for operation in operations),
        key=lambda each: each[0],
    )
    words = [] if origin == mounted.origin else [_host(origin, mounted)]
    if method != nearest.method:
        words.append(f"the method is {method}, not {nearest.method}")
    words += _described(edits, segments)
    return (
        f"no operation takes {asked}; nearest is {nearest.id} ({nearest.method} {mounted.prefix}{nearest.path}):"
        f" {'; '.join(words)}"
    )


def _host(origin: str, mounted: Place) -> str:
    return f"the host is {origin}, mounted is {mounted.origin}"


def _is_related(segments: Sequence[str]) -> bool:
    return any(_likeness(segment, "ordermanagement") > 0.75 for segment in segments) or "orders" in segments


def _compared(
    method: str, given: Sequence[str], operation: Operation, prefix: str, fixed: set[str]
) -> tuple[float, Operation, list[_Edit]]:
    wanted = f"{prefix}{operation.path}".split("/")[1:]
    cost, edits = _aligned(given, wanted, fixed)
    return cost + (_WRONG_METHOD if method != operation.method else 0.0), operation, edits


def _aligned(given: Sequence[str], wanted: Sequence[str], fixed: set[str]) -> tuple[float, list[_Edit]]:
    """Return the cheapest way from one path to the other (edit distance over segments) with its steps."""
    rows: list[list[tuple[float, int]]] = [[(0.0, 0)]]
    for _word in wanted:
        rows[0].append((rows[0][-1][0] + _ONE_SEGMENT, 1))
    for i, segment in enumerate(given, 1):
        row = [(rows[i - 1][0][0] + _dropped(segment), 2)]
        for j, word in enumerate(wanted, 1):
            row.append(
                min(
                    (rows[i - 1][j - 1][0] + _replaced(segment, word, fixed), 0),
                    (row[j - 1][0] + _ONE_SEGMENT, 1),
                    (rows[i - 1][j][0] + _dropped(segment), 2),
                )
            )
        rows.append(row)
    edits: list[_Edit] = []
    i, j = len(given), len(wanted)
    while i or j:
        move = rows[i][j][1]
        if i and j and move == 0:
            i, j = i - 1, j - 1
            if _replaced(given[i], wanted[j], fixed):
                edits.append(_Edit(given[i], wanted[j], i))
        elif j and (move == 1 or not i):
            j -= 1
            edits.append(_Edit(None, wanted[j], i))
        else:
            i -= 1
            edits.append(_Edit(given[i], None, i))
    return rows[-1][-1][0], edits[::-1]


def _dropped(segment: str) -> float:
    return _ONE_SEGMENT if segment else _EMPTY_SEGMENT


def _replaced(segment: str, word: str, fixed: set[str]) -> float:
    if word.startswith("{"):
        if not segment:
            return _EMPTY_ID
        return _WORD_FOR_ID if segment in fixed else 0.0
    # Above the price of one segment less and one more, words that have nothing in common are no replacement.
    return 0.0 if segment == word else 1.8 * (1.0 - _likeness(segment, word)) + 0.1


def _likeness(segment: str, word: str) -> float:
    return SequenceMatcher(None, segment[:_LONGEST_SEGMENT].lower(), word.lower()).ratio()


def _described(edits: Sequence[_Edit], segments: Sequence[str]) -> Iterator[str]:
    last = len(segments) - 1
    for given, wanted, position in edits:
        if given == "":
            if wanted is not None:
                doubled = " (a doubled slash)" if position < last else ""
                yield f"{wanted.strip('{}')} is empty{doubled}"
            elif position == last:
                yield "the path ends in a slash"
            else:
                yield f"a doubled slash stands before {segments[position + 1][:_LONGEST_SEGMENT]!r}"
        elif given is None:
            yield f"{(wanted or '').strip('{}')!r} is missing as segment {position + 1}"
        elif wanted is None:
            yield f"segment {position + 1}, {given[:_LONGEST_SEGMENT]!r}, is too many"
        elif wanted.startswith("{"):
            yield f"segment {position + 1} is {given[:_LONGEST_SEGMENT]!r}, where {wanted.strip('{}')} belongs"
        else:
            yield f"segment {position + 1} is {given[:_LONGEST_SEGMENT]!r}, not {wanted!r}"
