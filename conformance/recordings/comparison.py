"""Two sketches of one exchange laid side by side: every difference, and what it means."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from conformance.contract.contract import Contract
from conformance.judge.finding import Finding
from conformance.recordings.drift import DriftClass
from conformance.recordings.roles import TIME_FIELDS
from conformance.recordings.sketch import UNROUTED, Field, Sketch

__all__ = ["Change", "Known", "Verdicts", "changes", "classify", "leftovers"]

_API_HEADERS = frozenset(
    {
        "klarna-correlation-id",
        "capture-id",
        "refund-id",
        "location",
        "transaction-id",
        "klarna-order-validation",
        "www-authenticate",
    }
)
"""Headers that clients read; the others are how an answer travels."""

# What a finding is about. A code that is not listed speaks of the answer as a whole.
_STATUS = frozenset({"status", "error_code"})
_AREAS: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(("KOM-101", "KOM-102", "KOM-116"), _STATUS),
    **dict.fromkeys(("KOM-202", "KOM-205", "KOM-206", "KOM-207", "KOM-208", "KOM-209"), _STATUS),
    **dict.fromkeys(("KOM-304", "KOM-305", "KOM-306", "KOM-307", "KOM-308", "KOM-313"), _STATUS),
    **dict.fromkeys(("KOM-402", "KOM-403", "KOM-409", "KOM-701", "KOM-702", "KOM-705"), _STATUS),
    **dict.fromkeys(("KOM-103", "KOM-201"), frozenset({"media", "body", "error_code"})),
    **dict.fromkeys(("KOM-105", "KOM-107", "KOM-108", "KOM-109", "KOM-112", "KOM-413"), frozenset({"header"})),
    **dict.fromkeys(("KOM-104", "KOM-106", "KOM-110", "KOM-111", "KOM-113", "KOM-114"), frozenset({"body"})),
    "KOM-117": frozenset({"body"}),
    "KOM-203": frozenset({"body", "header"}),
}
_ANY = frozenset({"status", "error_code", "header", "body"})
# Findings about a body that name the place they mean.
_PLACED = frozenset({"KOM-104", "KOM-113", "KOM-114", "KOM-117"})
_WORDING = "KOM-204"
_INDEX = re.compile(r"/\d+(?=/|$)")


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: ``area`` is status, error_code, media, header, body or message, ``place`` a name within it.

    ``kind`` is added, removed, type, word, form or value.
    """

    area: str
    place: str
    kind: str
    was: str
    now: str

    @property
    def path(self) -> str:
        """The place without the operation."""
        return f"{self.area}/{self.place}" if self.place else self.area

    def told(self) -> str:
        """Tell the difference in words."""
        if self.kind == "added":
            return f"{self.now or 'it'} is new"
        if self.kind == "removed":
            return f"{self.was or 'it'} is gone"
        return f"was {self.was or 'nothing'}, is {self.now or 'nothing'}"


@dataclass(frozen=True, slots=True)
class Known:
    """What one side shows anywhere: places of bodies and headers, and the words that stand there."""

    places: Collection[tuple[str, str, str]]
    words: Mapping[tuple[str, str, str], Collection[str]]


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What the judge said of both sides of one step.

    ``excuses`` are the known deviations that the second side shows anywhere in the case: the judge tells each once.
    """

    before: Sequence[Finding]
    after: Sequence[Finding]
    excuses: Sequence[Finding] = ()

    def new(self) -> list[Finding]:
        """Return what only the second side breaks, known deviations left out; wordings are no breach."""
        old = {finding.code for finding in self.before}
        return [
            finding
            for finding in self.after
            if finding.code not in old and not finding.known and finding.code != _WORDING
        ]

    def repaired(self) -> list[Finding]:
        """Return what only the first side breaks."""
        now = {finding.code for finding in self.after}
        return [finding for finding in self.before if finding.code not in now and finding.code != _WORDING]

    def shared(self) -> list[Finding]:
        """Return what both sides break, once for each code."""
        old = {finding.code for finding in self.before if not finding.known}
        found = {finding.code: finding for finding in self.after if not finding.known}
        return [finding for code, finding in found.items() if code in old and code != _WORDING]


def changes(before: Sketch, after: Sketch) -> Iterator[Change]:
    """Yield every difference between two answers to one request."""
    if before.status != after.status:
        yield Change("status", "", "value", _answer(before), _answer(after))
        if before.succeeded != after.succeeded:
            # A success and a refusal have nothing else in common.
            return
    elif before.error_code != after.error_code:
        yield Change("error_code", "", "word", before.error_code, after.error_code)
    if before.media != after.media:
        yield Change("media", "", "word", before.media, after.media)
    yield from _headers(before, after)
    if before.body_kind != after.body_kind:
        yield Change("body", "", "type", before.body_kind, after.body_kind)
        return
    yield from _bodies(before.body, after.body)
    if before.messages != after.messages and before.error_code == after.error_code:
        yield Change("message", "", "value", " / ".join(before.messages), " / ".join(after.messages))


def _answer(sketch: Sketch) -> str:
    return f"{sketch.status} {sketch.error_code}".rstrip()


def _headers(before: Sketch, after: Sketch) -> Iterator[Change]:
    for name in [*before.headers, *(name for name in after.headers if name not in before.headers)]:
        if name not in after.headers:
            yield Change("header", name, "removed", "", "")
        elif name not in before.headers:
            yield Change("header", name, "added", "", "")
        elif before.headers[name] != after.headers[name]:
            yield Change("header", name, "form", before.headers[name], after.headers[name])


def _bodies(before: Mapping[str, Field], after: Mapping[str, Field]) -> Iterator[Change]:
    for place in [*before, *(place for place in after if place not in before)]:
        was, now = before.get(place), after.get(place)
        if was is None or now is None:
            # Told once, at the outermost place, and not of elements where a list has none.
            parent, _, last = place.rpartition("/")
            missing_in = after if now is None else before
            if last == "-" or place == "-" or (parent and parent not in missing_in):
                continue
            kind = "removed" if now is None else "added"
            types = _listed((was or now or Field()).types)
            yield Change("body", place, kind, "" if now is not None else types, types if now is not None else "")
        elif was.types != now.types:
            yield Change("body", place, "type", _listed(was.types), _listed(now.types))
        elif was.words != now.words:
            last = place.rpartition("/")[2]
            kind = "form" if last in TIME_FIELDS else "word"
            if "-" in place.split("/") and (was.words <= now.words or now.words <= was.words):
                # Of a list one recording may hold more than the other.
                continue
            yield Change("body", place, kind, _listed(was.words), _listed(now.words))


def _listed(values: Collection[str]) -> str:
    return " or ".join(sorted(values))


# --- what a difference means -----------------------------------------------------------------------------------------


def classify(
    change: Change, before: Sketch, after: Sketch, verdicts: Verdicts, known: tuple[Known, Known], contract: Contract
) -> tuple[DriftClass, tuple[str, ...], str]:
    """Say what a difference means: its class, the findings behind it, and a reason where it is excused.

    ``known`` is what each side shows in all its cases: what depends on an order's past comes and goes.
    """
    guilty = [finding for finding in verdicts.new() if _concerns(finding, change, after)]
    if guilty and change.area != "message":
        return DriftClass.SERVICE_WRONG, tuple(dict.fromkeys(finding.code for finding in guilty)), guilty[0].message
    for finding in verdicts.excuses:
        if _concerns(finding, change, after):
            return DriftClass.TOLERATED, (finding.code,), f"a known deviation, {finding.known}"
    if any(_concerns(finding, change, before) for finding in verdicts.repaired()):
        return DriftClass.TOLERATED, (), "as the contract has it, which it was not before"
    return _by_kind(change, before, after, known, contract), (), ""


def leftovers(verdicts: Verdicts, told: Collection[Change], after: Sketch) -> list[Finding]:
    """Return the new breaches that show in no difference, such as a sum that is wrong, once for each code."""
    found: dict[str, Finding] = {}
    for finding in verdicts.new():
        if not any(_concerns(finding, change, after) for change in told if change.area != "message"):
            found.setdefault(finding.code, finding)
    return list(found.values())


def _concerns(finding: Finding, change: Change, sketch: Sketch) -> bool:
    areas = _AREAS.get(finding.code, _ANY)
    if change.area not in areas:
        # A page in place of JSON is one mistake, whichever sign of it is looked at.
        return change.area == "media" and "body" in areas and sketch.body_kind == "text"
    if change.area == "header":
        return change.place in finding.message.lower()
    if change.area == "body" and change.place:
        return _is_about(finding, change)
    return True


def _is_about(finding: Finding, change: Change) -> bool:
    last = change.place.rpartition("/")[2]
    if finding.code not in _PLACED:
        return re.search(rf"\b{re.escape(last)}\b", finding.message) is not None
    if finding.code == "KOM-117":
        return finding.message.startswith(f"{last} ")
    place, _, rest = finding.message.partition(" ")
    place = _INDEX.sub("/-", place.rstrip(":")).strip("/")
    if place == change.place or (change.place.startswith(f"{place}/") and change.kind == "type"):
        return True
    # A field that is missing is told of the object that lacks it.
    return change.kind in ("removed", "added") and place == change.place.rpartition("/")[0] and f'"{last}"' in rest


def _by_kind(
    change: Change, before: Sketch, after: Sketch, known: tuple[Known, Known], contract: Contract
) -> DriftClass:
    place = (after.operation, f"{change.area}/{change.place}", "2xx" if after.succeeded else "4xx")
    match change.area:
        case "message":
            return DriftClass.TOLERATED
        case "status" | "error_code":
            return DriftClass.TOLERATED if _one_row(before, after, contract) else DriftClass.BREAKING
        case "media":
            return DriftClass.BREAKING
        case "header":
            if change.place not in _API_HEADERS:
                return DriftClass.ADDITIVE if change.kind == "added" else DriftClass.TOLERATED
            if change.kind == "added":
                return DriftClass.ADDITIVE
            if change.kind == "removed" and place in known[1].places:
                return DriftClass.TOLERATED
            return DriftClass.BREAKING
        case _:
            return _body_by_kind(change, place, known)


def _body_by_kind(change: Change, place: tuple[str, str, str], known: tuple[Known, Known]) -> DriftClass:
    first, second = known
    if change.kind == "added":
        return DriftClass.TOLERATED if place in first.places else DriftClass.ADDITIVE
    if change.kind == "removed":
        return DriftClass.TOLERATED if place in second.places else DriftClass.BREAKING
    if change.kind == "form":
        # The judge knows which ways of writing a moment are right.
        return DriftClass.TOLERATED
    if change.kind == "word":
        seen = set(first.words.get(place, ()))
        return DriftClass.TOLERATED if set(change.now.split(" or ")) <= seen else DriftClass.BREAKING
    return DriftClass.BREAKING


def _one_row(before: Sketch, after: Sketch, contract: Contract) -> bool:
    """Whether the error table takes both answers for the same refusal."""
    if before.succeeded or after.succeeded or before.operation == UNROUTED:
        return False
    rows = contract.errors.at(before.operation, before.status, before.error_code)
    return any(row.accepts(after.status, after.error_code) for row in rows)
