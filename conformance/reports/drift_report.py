"""Drift told to people and to programs: lines for a terminal, Markdown for a nightly job, JSON for whatever follows."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from conformance.recordings.drift import Drift, DriftClass, DriftResult

__all__ = ["append_summary", "first_seen_before", "lines", "render_summary", "write_drift_json"]

_MARKS: Mapping[DriftClass, str] = {
    DriftClass.SERVICE_WRONG: "❌",
    DriftClass.BREAKING: "❌",
    DriftClass.DOCUMENTATION_WRONG: "📄",
    DriftClass.ADDITIVE: "🆕",
    DriftClass.TOLERATED: "⚪",
}
_MOST_ROWS = 200
_LOUD = frozenset({DriftClass.SERVICE_WRONG, DriftClass.BREAKING, DriftClass.DOCUMENTATION_WRONG, DriftClass.ADDITIVE})


def lines(result: DriftResult) -> Iterator[str]:
    """Tell of every difference in plain lines, worst first; what is merely tolerated is counted."""
    for drift in result.drifts():
        if drift.drift_class in _LOUD:
            codes = f" [{', '.join(drift.codes)}]" if drift.codes else ""
            ignored = f"  (ignored: {drift.ignored})" if drift.ignored else ""
            yield f"{drift.drift_class.value:<19}  {drift.case}  {drift.path}: {drift.message}{codes}{ignored}"
    for fault in result.faults:
        yield f"{'ignore list':<19}  {fault}"
    yield from notes(result)
    yield totals(result)


def notes(result: DriftResult) -> Iterator[str]:
    """Say what was not compared."""
    if result.only_before:
        yield f"not compared: {len(result.only_before)} cases that only {result.before} has"
    if result.only_after:
        yield f"not compared: {len(result.only_after)} cases that only {result.after} has"
    found = Counter(note for case in result.cases for note in case.notes)
    yield from (f"{case.case}: {note}" for case in result.cases for note in case.notes if found[note] == 1)
    yield from (f"{count} cases: {note}" for note, count in found.items() if count > 1)
    yield from result.notes


def totals(result: DriftResult) -> str:
    """Count on one line."""
    counts = Counter(drift.drift_class for drift in result.drifts())
    ignored = sum(bool(drift.ignored) for drift in result.drifts())
    told = ", ".join(f"{counts[each]} {each.value}" for each in DriftClass if counts[each]) or "no drift"
    steps = sum(case.compared for case in result.cases)
    return f"{len(result.cases)} cases, {steps} steps compared: {told}" + (f"; {ignored} ignored" if ignored else "")


def append_summary(result: DriftResult, path: Path) -> None:
    """Add the summary to a file, as a step of a workflow adds to the summary of its job."""
    with path.open("a", encoding="utf-8") as file:
        file.write(render_summary(result))


def render_summary(result: DriftResult) -> str:
    """Render what changed as Markdown: the worst first, the tolerated only counted."""
    head = "Drift found" if result.fails else "No drift that breaks anything"
    told = ["", f"## {head}: {_cell(result.before)} → {_cell(result.after)}", "", _cell(totals(result)), ""]
    rows = [drift for drift in result.drifts() if drift.drift_class in _LOUD]
    if rows:
        told += ["| class | case | where | what | first seen |", "|---|---|---|---|---|"]
        told += [_row(drift) for drift in rows[:_MOST_ROWS]]
        if len(rows) > _MOST_ROWS:
            told.append(f"| … | {len(rows) - _MOST_ROWS} more | | | |")
        told.append("")
    told += [f"- ❌ {_cell(fault)}" for fault in result.faults]
    told += [f"- {_cell(note)}" for note in list(notes(result))[:_MOST_ROWS]]
    return "\n".join(told) + "\n"


def _row(drift: Drift) -> str:
    mark = "🔵" if drift.ignored else _MARKS[drift.drift_class]
    cells = [
        f"{mark} {drift.drift_class.value.replace('_', ' ')}",
        _cell(drift.case),
        _cell(drift.path),
        _cell(drift.message + (f" (ignored: {drift.ignored})" if drift.ignored else "")),
        "" if drift.first_seen is None else drift.first_seen.date().isoformat(),
    ]
    return f"| {' | '.join(cells)} |"


def _cell(text: str) -> str:
    """Keep what a server said from breaking the table or becoming markup."""
    flat = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "".join(f"\\{sign}" if sign in "\\|`*_[]" else sign for sign in flat)[:600]


def write_drift_json(result: DriftResult, path: Path, stale: tuple[tuple[str, datetime | None], ...] = ()) -> None:
    """Write the report for programs; ``stale`` are the cases that were not validated for long."""
    path.write_text(json.dumps(_document(result, stale), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _document(result: DriftResult, stale: tuple[tuple[str, datetime | None], ...]) -> dict[str, Any]:
    counts = Counter(drift.drift_class for drift in result.drifts())
    return {
        "before": result.before,
        "after": result.after,
        "drifts": [_described(drift) for drift in result.drifts()],
        "cases": [
            {
                "id": case.case,
                "compared": case.compared,
                "first_recorded": _moment(case.before.recorded_at),
                "last_recorded": _moment(case.after.recorded_at),
                "last_validated": _moment(case.last_validated),
                "notes": list(case.notes),
            }
            for case in result.cases
        ],
        "only_before": list(result.only_before),
        "only_after": list(result.only_after),
        "faults": list(result.faults),
        "stale": [{"id": case, "last_validated": _moment(when)} for case, when in stale],
        "summary": {each.value: counts[each] for each in DriftClass},
    }


def _described(drift: Drift) -> dict[str, Any]:
    return {
        "case": drift.case,
        "path": drift.path,
        "class": drift.drift_class.value,
        "message": drift.message,
        "codes": list(drift.codes),
        "first_seen": _moment(drift.first_seen),
        "ignored": drift.ignored,
        "times": drift.times,
    }


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def first_seen_before(document: Any) -> Mapping[tuple[str, str, str], datetime]:
    """Read from an earlier report when each difference was seen first; what cannot be read is left out."""
    found: dict[tuple[str, str, str], datetime] = {}
    drifts = document.get("drifts") if isinstance(document, dict) else None
    for given in drifts if isinstance(drifts, list) else []:
        if not isinstance(given, dict):
            continue
        case, path, kind, when = (given.get(name) for name in ("case", "path", "class", "first_seen"))
        if isinstance(case, str) and isinstance(path, str) and isinstance(kind, str) and isinstance(when, str):
            try:
                moment = datetime.fromisoformat(when)
            except ValueError:
                continue
            if moment.tzinfo is not None:
                found[case, path, kind] = moment
    return found
