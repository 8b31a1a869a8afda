"""One run that holds every verdict and every character a report must survive."""

from __future__ import annotations

import pytest

from conformance.verdict import CaseResult, CellState, ErrorCell, OperationCell, Reported, RunResult, Severity, Verdict

HOSTILE = "<script>&\"' \x1b[31m\x00 [bold] \ud800 ünï \U0001f600"


def finding(code: str = "KOM-207", **changes: object) -> Reported:
    fields: dict[str, object] = {
        "code": code,
        "severity": Severity.MUST,
        "message": "captured beyond what remains",
        "operation": "captureOrder",
        "status": 201,
        "requirement": "OM-MONEY-01",
        "curl": 'curl -u "$KLARNA_USERNAME:$KLARNA_PASSWORD" \\\n  -X POST http://127.0.0.1/orders/1/captures',
        "story": ("1. getOrder 200", "2. captureOrder 201"),
    }
    return Reported(**(fields | changes))  # type: ignore[arg-type]  # the names are those of the class


def case(id: str = "captureOrder/fresh/full", verdict: Verdict = Verdict.PASSED, **changes: object) -> CaseResult:  # noqa: A002 - the field's own name
    fields: dict[str, object] = {"level": "core", "requirements": ("OM-MONEY-01",), "duration_s": 0.25, "exchanges": 2}
    fields["number"] = 1
    return CaseResult(id=id, verdict=verdict, **(fields | changes))  # type: ignore[arg-type]  # as above


def run(*cases: CaseResult, **changes: object) -> RunResult:
    fields: dict[str, object] = {
        "suite": {"name": "klarna-conformance", "version": "0.1.0", "contract": "0" * 64},
        "target": {"kind": "simulator"},
        "seed": 7,
    }
    return RunResult(cases=cases, **(fields | changes))  # type: ignore[arg-type]  # as above


@pytest.fixture
def everything() -> RunResult:
    return run(
        case("getOrder/fresh/read"),
        case(
            "captureOrder/part_captured/above-remaining",
            Verdict.FAILED,
            findings=(
                finding("KOM-301", known="spring-404"),
                finding(),
                finding("KOM-601", severity=Severity.SHOULD, message=HOSTILE),
            ),
        ),
        case("captureOrder/fresh/unicode", Verdict.FAILED, findings=(finding(), finding())),
        case("getOrder/x/odd", Verdict.WARNING, findings=(finding("KOM-602", severity=Severity.SHOULD, status=None),)),
        case("get/x/html", Verdict.KNOWN, findings=(finding("KOM-201", known="html-400", operation="get"),)),
        case("cancelOrder/x/y", Verdict.NOT_MEASURED, why="no second merchant", exchanges=0),
        case(f"refundOrder/{HOSTILE}", Verdict.ERROR, why=f"harness: {HOSTILE}"),
        operations=(
            OperationCell("getOrder", 200, CellState.COVERED),
            OperationCell("captureOrder", 201, CellState.NOT_MEASURED, "no order"),
        ),
        errors=(
            ErrorCell("getOrder", 404, "NO_SUCH_ORDER", CellState.COVERED),
            ErrorCell("captureOrder", 403, "NOT_ALLOWED", CellState.NOT_MEASURED, HOSTILE),
            ErrorCell("captureOrder", 503, "TEMPORARILY_UNAVAILABLE", CellState.EXCLUDED, "only the service itself"),
            ErrorCell("captureOrder", 400, "", CellState.COVERED),
        ),
        notes=("the target has no second merchant",),
    )
