"""What a run has done so far, on disk after every case, so that an interrupted run goes on where it stopped."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from conformance.exceptions import UsageError
from conformance.verdict import CaseResult, Reported, Severity, Verdict

__all__ = ["CaseOutcome", "Journal", "read_seed"]

_LARGEST = 200_000_000


@dataclass(frozen=True, slots=True)
class CaseOutcome:
    """What a case came to, and the answers that were exchanged in it."""

    result: CaseResult
    errors: frozenset[tuple[str, int, str]] = frozenset()
    successes: frozenset[tuple[str, int]] = frozenset()


@dataclass(slots=True)
class Journal:
    """A file of JSON lines: first what the run is, then a line for every order made and every case played.

    Each line is written in one piece and is on disk before the run goes on; a last line that was cut off is
    overlooked and overwritten. Raises UsageError for a file that belongs to another run, or is none of these.
    """

    path: Path
    run: Mapping[str, str]
    outcomes: dict[str, CaseOutcome] = field(default_factory=dict)
    orders: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        whole, lines = _read(self.path)
        if lines:
            known = lines[0].get("run")
            if known != dict(self.run):
                raise UsageError(f"{self.path} belongs to another run ({_told(known)}); this one is {_told(self.run)}")
            for line in lines[1:]:
                self._take(line)
            os.truncate(self.path, whole)
        else:
            self._write({"run": dict(self.run)}, new=True)

    def note_case(self, outcome: CaseOutcome) -> None:
        """Keep what a case came to."""
        self.outcomes[outcome.result.id] = outcome
        self._write(
            {
                "case": asdict(outcome.result),
                "errors": sorted(outcome.errors),
                "successes": sorted(outcome.successes),
            }
        )

    def note_order(self, order_id: str) -> None:
        """Keep that an order was made, so that it can be tidied whatever happens next."""
        self.orders.append(order_id)
        self._write({"order": order_id})

    def _take(self, line: Mapping[str, Any]) -> None:
        try:
            if "order" in line:
                self.orders.append(str(line["order"]))
                return
            outcome = CaseOutcome(
                _result(line["case"]),
                frozenset((str(name), int(status), str(code)) for name, status, code in line["errors"]),
                frozenset((str(name), int(status)) for name, status in line["successes"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise UsageError(f"{self.path}: is no journal of a run: {error}") from error
        self.outcomes[outcome.result.id] = outcome

    def _write(self, line: Mapping[str, Any], *, new: bool = False) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | (os.O_TRUNC if new else 0)
        handle = os.open(self.path, flags, 0o600)
        try:
            os.write(handle, json.dumps(line, ensure_ascii=True).encode() + b"\n")
            os.fsync(handle)
        finally:
            os.close(handle)


def read_seed(path: Path) -> int | None:
    """Return the seed of the run that a journal belongs to; None where there is no journal yet."""
    _, lines = _read(path)
    run = lines[0].get("run") if lines else None
    seed = run.get("seed") if isinstance(run, dict) else None
    return int(seed) if isinstance(seed, str) and seed.isascii() and seed.isdecimal() else None


def _read(path: Path) -> tuple[int, list[dict[str, Any]]]:
    """Return how many bytes of whole lines there are, and the lines."""
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
    except FileNotFoundError:
        return 0, []
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or type(error).__name__}") from error
    if len(data) > _LARGEST:
        raise UsageError(f"{path}: is larger than {_LARGEST} bytes")
    whole = data.rfind(b"\n") + 1
    lines: list[dict[str, Any]] = []
    for number, line in enumerate(data[:whole].splitlines(), 1):
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict) or (number == 1 and "run" not in found):
            raise UsageError(f"{path}:{number}: is no journal of a run")
        lines.append(found)
    return whole, lines


def _result(given: Mapping[str, Any]) -> CaseResult:
    findings = tuple(
        Reported(**{**finding, "severity": Severity(finding["severity"]), "story": tuple(finding["story"])})
        for finding in given["findings"]
    )
    return CaseResult(
        **{
            **given,
            "verdict": Verdict(given["verdict"]),
            "requirements": tuple(given["requirements"]),
            "findings": findings,
        }
    )


def _told(run: Any) -> str:
    return ", ".join(f"{name} {value}" for name, value in run.items()) if isinstance(run, Mapping) else "unknown"
