"""Puts the JSON reports of the parts of a run together, so that many machines speak with one voice."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema_rs

from conformance.contract.files import spec_path
from conformance.exceptions import UsageError
from conformance.suites.coverage import IN_ANOTHER_SHARD, NO_CASE, NO_SELECTED_CASE
from conformance.suites.shard import Shard
from conformance.verdict import (
    CaseResult,
    CellState,
    ErrorCell,
    OperationCell,
    Reported,
    RunResult,
    Severity,
    Verdict,
)

__all__ = ["Part", "merge", "missing", "read_report"]

# Bytes; a report of a night with thousands of findings stays well below.
_LARGEST = 512 * 1024 * 1024
# What all parts of one run have in common, beside the seed and the target.
_SHARED = {
    "version": "versions of the suite",
    "contract": "contracts",
    "profile": "profiles",
}
# A cell is as good as the best that any part says of it.
_BEST = (CellState.COVERED, CellState.EXCLUDED, CellState.NOT_MEASURED)


@dataclass(frozen=True, slots=True)
class Part:
    """One report with its name, which errors cite."""

    name: str
    result: RunResult

    @property
    def shard(self) -> Shard | None:
        """Which part of the run it is; None for a run that was not split."""
        written = self.result.suite.get("shard")
        return None if written is None else Shard.parse(written)


def read_report(path: Path) -> Part:
    """Read a JSON report of this suite; raises UsageError for any other file and OSError for one that is not there."""
    with path.open("rb") as file:
        content = file.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise UsageError(f"{path}: is larger than any report")
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        raise UsageError(f"{path}: is no report of this suite: it is no JSON") from None
    mistake = next(iter(_validator().iter_errors(value)), None)
    if mistake is not None:
        place = ".".join(str(step) for step in mistake.instance_path)
        raise UsageError(f"{path}: is no report of this suite: {place or 'the whole'}: {mistake.message[:200]}")
    return Part(str(path), _result(value))


def merge(parts: Sequence[Part]) -> RunResult:
    """Make one result of the parts of a run.

    Raises UsageError when the parts do not belong together (another version of the suite, contract, profile, target or
    seed, another number of shards) and when a case or a shard occurs twice. Cases come in the order in which a whole
    run plays them. A shard that is not there is noted, and for the caller to mind: see ``missing``.
    """
    first = parts[0]
    for name, words in _SHARED.items():
        _agree(parts, words, lambda part, name=name: part.result.suite.get(name, "none"))  # type: ignore[misc]
    _agree(parts, "seeds", lambda part: part.result.seed)
    _agree(parts, "targets", lambda part: _told(part.result.target))
    _agree(parts, "numbers of shards", lambda part: part.shard.of if part.shard else "none")
    if first.shard is not None:
        _agree(parts, "selections of cases", lambda part: part.result.suite.get("cases", "all"))
        _once(((str(part.shard), part.name) for part in parts), "shard")
    _once(((case.id, part.name) for part in parts for case in part.result.cases), "case")
    cases = tuple(sorted((case for part in parts for case in part.result.cases), key=lambda case: case.number))
    suite = {name: value for name, value in first.result.suite.items() if name != "shard"}
    if first.shard is None and len({part.result.suite.get("cases") for part in parts}) > 1:
        suite.pop("cases", None)
        selected = [part.result.suite.get("cases", "") for part in parts]
        if all(selected):
            suite["cases"] = " ".join(selected)
    absent = missing(parts)
    whys = _Whys(cases, IN_ANOTHER_SHARD if absent else NO_SELECTED_CASE if "cases" in suite else NO_CASE)
    notes = [note for part in parts for note in part.result.notes]
    notes += [f"the run is not whole: shard {shard} is missing" for shard in absent]
    return RunResult(
        suite=suite,
        target=first.result.target,
        seed=first.result.seed,
        cases=cases,
        operations=_operations(parts, whys),
        errors=_errors(parts, whys),
        notes=tuple(dict.fromkeys(notes)),
    )


def missing(parts: Sequence[Part]) -> tuple[Shard, ...]:
    """Name the shards of the run that no part is."""
    present = {part.shard for part in parts}
    of = next((shard.of for shard in present if shard is not None), 0)
    every = (Shard(number, of) for number in range(1, of + 1))
    return tuple(shard for shard in every if shard not in present)


def _agree(parts: Sequence[Part], words: str, value: Callable[[Part], object]) -> None:
    first = parts[0]
    for part in parts[1:]:
        if value(part) != value(first):
            raise UsageError(
                f"the reports have different {words}: {value(first)} in {first.name}, {value(part)} in {part.name}"
            )


def _once(named: Iterable[tuple[str, str]], what: str) -> None:
    seen: dict[str, str] = {}
    for name, file in named:
        if name in seen:
            where = file if seen[name] == file else f"{seen[name]} and {file}"
            raise UsageError(f"the {what} {name} occurs twice, in {where}")
        seen[name] = file


def _told(target: Mapping[str, str]) -> str:
    return " ".join(f"{name}={value}" for name, value in sorted(target.items()))


class _Whys:
    """Why a cell was not covered by any part, in the words of a run that was not split."""

    def __init__(self, cases: Iterable[CaseResult], otherwise: str) -> None:
        self._otherwise = otherwise
        self._reasons: dict[str, str] = {}
        for case in cases:
            if case.verdict is Verdict.NOT_MEASURED:
                self._reasons.setdefault(case.id.partition("/")[0], case.why)

    def of(self, operation: str, told: Iterable[str]) -> str:
        """Return the reason that a part gave of its own, else what the cases of the operation say."""
        own = next((why for why in told if why not in (IN_ANOTHER_SHARD, NO_CASE, NO_SELECTED_CASE)), "")
        return own or self._reasons.get(operation, self._otherwise)


def _operations(parts: Sequence[Part], whys: _Whys) -> tuple[OperationCell, ...]:
    cells: dict[tuple[str, int], list[OperationCell]] = {}
    for part in parts:
        for cell in part.result.operations:
            cells.setdefault((cell.operation, cell.status), []).append(cell)
    merged = []
    for (operation, status), said in cells.items():
        best = min(said, key=lambda cell: _BEST.index(cell.state))
        why = whys.of(operation, (cell.why for cell in said)) if best.state is CellState.NOT_MEASURED else best.why
        merged.append(OperationCell(operation, status, best.state, why))
    return tuple(merged)


def _errors(parts: Sequence[Part], whys: _Whys) -> tuple[ErrorCell, ...]:
    cells: dict[tuple[str, int, str], list[ErrorCell]] = {}
    for part in parts:
        for cell in part.result.errors:
            cells.setdefault((cell.operation, cell.status, cell.error_code), []).append(cell)
    merged = []
    for (operation, status, code), said in cells.items():
        best = min(said, key=lambda cell: _BEST.index(cell.state))
        why = whys.of(operation, (cell.why for cell in said)) if best.state is CellState.NOT_MEASURED else best.why
        merged.append(ErrorCell(operation, status, code, best.state, why))
    return tuple(merged)


def _validator() -> Any:
    schema = json.loads(spec_path("schemas/report.schema.json").read_text(encoding="utf-8"))
    return jsonschema_rs.Draft202012Validator(schema)


def _result(value: Mapping[str, Any]) -> RunResult:
    coverage = value["coverage"]
    return RunResult(
        suite=value["suite"],
        target=value["target"],
        seed=value["seed"],
        cases=tuple(_case(case) for case in value["cases"]),
        operations=tuple(
            OperationCell(cell["operation"], cell["status"], CellState(cell["state"]), cell["why"])
            for cell in coverage.get("operations", ())
        ),
        errors=tuple(
            ErrorCell(cell["operation"], cell["status"], cell["error_code"], CellState(cell["state"]), cell["why"])
            for cell in coverage.get("errors", ())
        ),
        notes=tuple(value.get("notes", ())),
    )


def _case(value: Mapping[str, Any]) -> CaseResult:
    return CaseResult(
        id=value["id"],
        verdict=Verdict(value["verdict"]),
        level=value["level"],
        requirements=tuple(value["requirements"]),
        findings=tuple(_finding(finding) for finding in value["findings"]),
        duration_s=value["duration_s"],
        exchanges=value.get("exchanges", 0),
        why=value.get("why", ""),
        number=value.get("number", 0),
    )


def _finding(value: Mapping[str, Any]) -> Reported:
    return Reported(
        code=value["code"],
        severity=Severity(value["severity"]),
        message=value["message"],
        operation=value["operation"],
        status=value["status"],
        error_code=value["error_code"],
        requirement=value.get("requirement", ""),
        known=value.get("known", ""),
        curl=value["curl"],
        story=tuple(value.get("story", ())),
    )
