"""Compares the recordings of two days, case by case and step by step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from difflib import SequenceMatcher

from conformance.contract.contract import Contract
from conformance.judge.finding import Finding
from conformance.recordings.comparison import Change, Known, Verdicts, changes, classify, leftovers
from conformance.recordings.drift import CaseDrift, Drift, DriftClass, DriftResult
from conformance.recordings.sketch import Sketch
from conformance.recordings.take import Take, known_of

__all__ = ["compare_takes"]

_MOST_SHOWN = 160
_Step = tuple[Sketch, tuple[Finding, ...]]


def compare_takes(
    before: Mapping[str, Take], after: Mapping[str, Take], contract: Contract, names: tuple[str, str] = ("A", "B")
) -> DriftResult:
    """Compare every case that both sides have; ``names`` are how the sides are called.

    Two single recordings are one case, whatever they are called.
    """
    if len(before) == len(after) == 1 and before.keys() != after.keys():
        only = next(iter(after.values()))
        after = {next(iter(before)): only}
    known = (known_of(before.values()), known_of(after.values()))
    cases = tuple(_compare(case, take, after[case], known, contract) for case, take in before.items() if case in after)
    return DriftResult(
        before=names[0],
        after=names[1],
        cases=cases,
        only_before=tuple(case for case in before if case not in after),
        only_after=tuple(case for case in after if case not in before),
    )


def _compare(case: str, before: Take, after: Take, known: tuple[Known, Known], contract: Contract) -> CaseDrift:
    found: dict[tuple[str, DriftClass], Drift] = {}
    notes = [*before.notes, *after.notes]
    compared = 0
    old = {finding.known for _, findings in before.steps for finding in findings}
    excuses = [
        finding for _, findings in after.steps for finding in findings if finding.known and finding.known not in old
    ]
    for was, now in _pairs(before, after, notes):
        compared += 1
        for drift in _step(case, was, now, excuses, known, contract, after.side.recorded_at):
            key = (drift.path, drift.drift_class)
            seen = found.get(key)
            found[key] = drift if seen is None else replace(seen, times=seen.times + 1)
        if end := _passing(was[0], now[0]):
            notes.append(f"not compared from {now[0].operation} on: {end}")
            break
    return CaseDrift(case, before.side, after.side, tuple(found.values()), compared, tuple(dict.fromkeys(notes)))


def _pairs(before: Take, after: Take, notes: list[str]) -> Iterator[tuple[_Step, _Step]]:
    """Lay the steps side by side; a step that only one side has is noted, an attempt that only one side needed is not.

    A service that is asked again after a 503 gives one step more without having changed.
    """
    keys = [sketch.key for sketch, _ in before.steps], [sketch.key for sketch, _ in after.steps]
    matcher = SequenceMatcher(None, *keys, autojunk=False)
    for tag, first, last, start, end in matcher.get_opcodes():
        if tag == "equal":
            yield from zip(before.steps[first:last], after.steps[start:end], strict=True)
            continue
        for side, steps in (("first", before.steps[first:last]), ("second", after.steps[start:end])):
            notes.extend(f"only the {side} recording has {sketch.key}" for sketch, _ in steps if not sketch.repeated)


def _passing(before: Sketch, after: Sketch) -> str:
    """Say why nothing after a step can be compared: one side had a failure that was not asked about again."""
    for name, sketch, other in (("first", before, after), ("second", after, before)):
        if sketch.passing and not sketch.repeated and not other.passing:
            return f"the {name} recording has {sketch.status} there"
    return ""


def _step(
    case: str,
    before: _Step,
    after: _Step,
    excuses: Sequence[Finding],
    known: tuple[Known, Known],
    contract: Contract,
    first_seen: datetime | None,
) -> Iterator[Drift]:
    (was, old), (now, new) = before, after
    verdicts = Verdicts(old, new, excuses)
    operation = now.operation

    def drift(path: str, drift_class: DriftClass, message: str, codes: tuple[str, ...] = ()) -> Drift:
        return Drift(case, f"{operation}/{path}", drift_class, message, codes, first_seen)

    if _passing(was, now):
        yield drift("status", *_condition(was, now))
        return
    told = list(changes(was, now))
    for change in told:
        drift_class, codes, reason = classify(change, was, now, verdicts, known, contract)
        yield drift(change.path, drift_class, _message(change, reason), codes)
    for finding in leftovers(verdicts, told, now):
        yield drift(f"finding/{finding.code}", DriftClass.SERVICE_WRONG, finding.message, (finding.code,))
    for finding in verdicts.shared():
        message = f"as before, and the contract says otherwise: {finding.message}"
        yield drift(f"finding/{finding.code}", DriftClass.DOCUMENTATION_WRONG, message, (finding.code,))


def _condition(before: Sketch, after: Sketch) -> tuple[DriftClass, str]:
    if after.passing and after.attempts > 1:
        return DriftClass.SERVICE_WRONG, f"was {before.status}, is {after.status} after {after.attempts} attempts"
    which = after if after.passing else before
    return DriftClass.TOLERATED, f"{which.status} to a request that was not repeated says nothing of the next one"


def _message(change: Change, reason: str) -> str:
    told = change.told() + (f" ({reason})" if reason else "")
    return told if len(told) <= _MOST_SHOWN * 2 else f"{told[: _MOST_SHOWN * 2 - 1]}…"
