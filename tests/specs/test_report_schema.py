from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import jsonschema_rs
import pytest

from conformance.contract.files import spec_path
from conformance.verdict import CellState, Severity, Verdict

SCHEMA = json.loads(spec_path("schemas/report.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema_rs.validator_for(SCHEMA)

REPORT: dict[str, Any] = {
    "suite": {"name": "klarna-conformance", "version": "0.1.0", "contract": "0" * 64, "profile": "quick"},
    "target": {"kind": "embedded"},
    "seed": 0,
    "cases": [
        {
            "id": "captureOrder/part_captured/above-remaining",
            "verdict": "failed",
            "level": "core",
            "requirements": ["OM-MONEY-04"],
            "findings": [
                {
                    "code": "KOM-306",
                    "severity": "must",
                    "message": "a capture of 101 of 100 was accepted",
                    "operation": "captureOrder",
                    "status": None,
                    "error_code": "",
                    "curl": "curl ...",
                }
            ],
            "duration_s": 0.5,
        },
        {
            "id": "cancelOrder/expired",
            "verdict": "not_measured",
            "level": "core",
            "requirements": [],
            "findings": [],
            "duration_s": 0,
            "exchanges": 0,
            "why": "no expired order",
        },
    ],
    "coverage": {
        "operations": [{"operation": "getOrder", "status": 200, "state": "covered", "why": ""}],
        "errors": [
            {"operation": "getOrder", "status": 401, "error_code": "", "state": "excluded", "why": "never documented"}
        ],
    },
    "summary": {"passed": 0, "failed": 1, "warning": 0, "known": 0, "not_measured": 1, "error": 0},
}


def test_the_schema_itself_is_sound() -> None:
    assert jsonschema_rs.meta.is_valid(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_a_report_of_the_least_fields_is_valid() -> None:
    VALIDATOR.validate(REPORT)


def test_a_field_of_a_later_release_is_no_mistake() -> None:
    VALIDATOR.validate(REPORT | {"environment": {}})


@pytest.mark.parametrize(
    "spoil",
    [
        lambda report: report.pop("seed"),
        lambda report: report.update(seed="7"),
        lambda report: report["suite"].update(contract="abc"),
        lambda report: report["suite"].pop("version"),
        lambda report: report["target"].pop("kind"),
        lambda report: report["cases"][0].update(verdict="skipped"),
        lambda report: report["cases"][0].update(duration_s=-1),
        lambda report: report["cases"][0].update(findings=[]),
        lambda report: report["cases"][0].pop("requirements"),
        lambda report: report["cases"][0]["requirements"].append("MONEY-4"),
        lambda report: report["cases"][0]["findings"][0].update(code="306"),
        lambda report: report["cases"][0]["findings"][0].update(severity="fatal"),
        lambda report: report["cases"][0]["findings"][0].update(status=0),
        lambda report: report["cases"][0]["findings"][0].pop("curl"),
        lambda report: report["cases"][1].pop("why"),
        lambda report: report["cases"][1].update(why=""),
        lambda report: report["coverage"].pop("errors"),
        lambda report: report["coverage"]["errors"][0].update(state="skipped"),
        lambda report: report["coverage"]["errors"][0].update(status=200),
        lambda report: report["coverage"]["operations"][0].update(status=404),
        lambda report: report["summary"].pop("known"),
        lambda report: report["summary"].update(skipped=1),
    ],
)
def test_a_report_that_hides_something_is_refused(spoil: Callable[[dict[str, Any]], object]) -> None:
    report = copy.deepcopy(REPORT)
    spoil(report)
    assert not VALIDATOR.is_valid(report)


def test_the_words_are_those_of_the_verdicts() -> None:
    assert SCHEMA["$defs"]["verdict"]["enum"] == [verdict.value for verdict in Verdict]
    assert SCHEMA["$defs"]["finding"]["properties"]["severity"]["enum"] == [severity.value for severity in Severity]
    assert SCHEMA["$defs"]["error_cell"]["properties"]["state"]["enum"] == [state.value for state in CellState]
    assert list(SCHEMA["properties"]["summary"]["properties"]) == [verdict.value for verdict in Verdict]
