"""The JSON report: everything a run found, for programs; its schema is ``specs/schemas/report.schema.json``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from conformance.reports.artifact import write_artifact
from conformance.verdict import CaseResult, Reported, RunResult

__all__ = ["as_json", "render_json", "write_json"]


def write_json(result: RunResult, path: Path) -> None:
    """Write the report; the file is there whole or not at all."""
    write_artifact(path, render_json(result))


def render_json(result: RunResult) -> str:
    """Render the report with its keys in the order of the schema, so that two runs can be compared line by line."""
    return json.dumps(as_json(result), ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def as_json(result: RunResult) -> dict[str, Any]:
    """Lay a run out as the schema has it: amounts in minor units, durations in seconds."""
    return {
        "suite": dict(result.suite),
        "target": dict(result.target),
        "seed": result.seed,
        "cases": [_case(case) for case in result.cases],
        "coverage": {
            "operations": [
                {"operation": cell.operation, "status": cell.status, "state": cell.state.value, "why": cell.why}
                for cell in result.operations
            ],
            "errors": [
                {
                    "operation": cell.operation,
                    "status": cell.status,
                    "error_code": cell.error_code,
                    "state": cell.state.value,
                    "why": cell.why,
                }
                for cell in result.errors
            ],
        },
        "summary": result.summary(),
        "notes": list(result.notes),
    }


def _case(case: CaseResult) -> dict[str, Any]:
    return {
        "id": case.id,
        **({"number": case.number} if case.number else {}),
        "verdict": case.verdict.value,
        "level": case.level,
        "requirements": list(case.requirements),
        "findings": [_finding(finding) for finding in case.findings],
        "duration_s": round(case.duration_s, 6),
        "exchanges": case.exchanges,
        "why": case.why,
    }


def _finding(finding: Reported) -> dict[str, Any]:
    return {
        "code": finding.code,
        "severity": finding.severity.value,
        "message": finding.message,
        "operation": finding.operation,
        "status": finding.status,
        "error_code": finding.error_code,
        "curl": finding.curl,
        "requirement": finding.requirement,
        "known": finding.known,
        "story": list(finding.story),
    }
