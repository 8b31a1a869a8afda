from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import jsonschema_rs
import pytest

from conformance.contract.files import spec_path
from conformance.reports.json_report import as_json, render_json, write_json
from conformance.verdict import RunResult

SCHEMA = json.loads(spec_path("schemas/report.schema.json").read_text(encoding="utf-8"))


def test_the_report_fits_its_published_schema(everything: RunResult) -> None:
    jsonschema_rs.validator_for(SCHEMA).validate(json.loads(render_json(everything)))


def test_the_schema_can_refuse_a_report(everything: RunResult) -> None:
    report = as_json(everything)
    report["summary"].pop("failed")
    assert not jsonschema_rs.is_valid(SCHEMA, report)


def test_no_field_of_the_schema_is_left_out(everything: RunResult) -> None:
    report = as_json(everything)
    assert list(report) == ["suite", "target", "seed", "cases", "coverage", "summary", "notes"]
    assert set(SCHEMA["$defs"]["case"]["properties"]) == set(report["cases"][0])
    assert set(SCHEMA["$defs"]["finding"]["properties"]) == set(report["cases"][1]["findings"][0])
    assert set(SCHEMA["$defs"]["error_cell"]["properties"]) == set(report["coverage"]["errors"][0])


def test_a_run_comes_back_as_it_was(everything: RunResult, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    write_json(everything, path)
    read = json.loads(path.read_bytes())
    assert read["seed"] == 7
    assert read["summary"] == {"passed": 1, "failed": 2, "warning": 1, "known": 1, "not_measured": 1, "error": 1}
    assert [case["id"] for case in read["cases"]] == [case.id for case in everything.cases]
    assert read["cases"][1]["findings"][2]["message"] == everything.cases[1].findings[2].message
    assert read["cases"][3]["findings"][0]["status"] is None
    assert read["coverage"]["errors"][1]["state"] == "not_measured"


def test_a_number_that_json_lacks_is_refused(everything: RunResult) -> None:
    broken = replace(everything, cases=(replace(everything.cases[0], duration_s=float("nan")),))
    with pytest.raises(ValueError, match="not JSON compliant"):
        render_json(broken)
