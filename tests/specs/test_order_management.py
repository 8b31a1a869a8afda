"""The description as others read it, where its facts come from, and what it says of refusals."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
import yaml
from hypothesis import HealthCheck, Phase, find, settings
from openapi_spec_validator import validate

from conformance.contract.document import read_document
from conformance.contract.error_table import BodyKind, ErrorTable
from conformance.contract.truth import Truth
from tests.specs.description import DOCUMENT, OPERATIONS, PATH, SCHEMAS, nodes, raw_operations, resolved

ERRORS = ErrorTable.from_document(read_document("errors.yaml", "errors.schema.json"))


RANK = (Truth.DOCUMENTED, Truth.OBSERVED, Truth.INFERRED)


def references() -> set[str]:
    return {node["$ref"] for _, node in nodes(DOCUMENT) if isinstance(node, dict) and "$ref" in node}


def test_it_is_valid_openapi() -> None:
    validate(DOCUMENT)
    assert DOCUMENT["openapi"] == "3.1.0"


def test_both_versions_of_yaml_read_the_same() -> None:
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    assert yaml.load(PATH.read_text("utf-8"), Loader=loader) == DOCUMENT  # noqa: S506 - a safe loader, only faster


@pytest.fixture(scope="module")
def generated() -> Any:
    return schemathesis.openapi.from_path(str(PATH))


@pytest.mark.parametrize("operation_id", [operation.id for operation in OPERATIONS])
def test_schemathesis_makes_requests_that_the_description_accepts(generated: Any, operation_id: str) -> None:
    operation = generated.find_operation_by_id(operation_id)
    once = settings(
        max_examples=1, database=None, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
    )
    case = find(operation.as_strategy(), lambda _: True, settings=once)
    body = OPERATIONS[operation_id].body
    route = OPERATIONS.route(case.method, case.formatted_path)
    assert route is not None
    assert route.operation is OPERATIONS[operation_id]
    assert (body is None) == (not isinstance(case.body, dict))
    assert body is None or OPERATIONS.validator(body).is_valid(case.body)


def test_schemathesis_can_follow_the_links(generated: Any) -> None:
    assert generated.as_state_machine() is not None


def test_there_is_nothing_that_generators_trip_over() -> None:
    keys = {path[-1] for path, _ in nodes(DOCUMENT) if path}
    assert not keys & {"pattern", "if", "then", "else", "nullable", "discriminator", "additionalProperties"}


def test_component_names_are_ones_that_openapi_allows() -> None:
    names = [name for part in DOCUMENT["components"].values() for name in part]
    assert [name for name in names if not re.fullmatch(r"[A-Za-z0-9._-]+", name)] == []


def test_every_component_is_used() -> None:
    used = references()
    unused = [
        f"#/components/{kind}/{name}"
        for kind, part in DOCUMENT["components"].items()
        for name in part
        if kind != "securitySchemes" and f"#/components/{kind}/{name}" not in used
    ]
    assert unused == []


def test_the_simulator_comes_first_among_the_servers_and_all_six_hosts_follow() -> None:
    urls = [server["url"] for server in DOCUMENT["servers"]]
    assert urls[0] == "http://127.0.0.1:8080"
    assert set(urls[1:]) == {
        f"https://api{region}{stage}.klarna.com" for region in ("", "-na", "-oc") for stage in ("", ".playground")
    }


def test_every_security_requirement_names_a_scheme_that_exists() -> None:
    wanted = [*DOCUMENT["security"], *(each for given in raw_operations() for each in given.get("security", []))]
    assert wanted == [{"basicAuth": []}]
    assert DOCUMENT["components"]["securitySchemes"]["basicAuth"]["scheme"] == "basic"


def parts_with_a_source() -> Iterator[tuple[str, Any]]:
    for given in raw_operations():
        yield given["operationId"], given
        for status, response in given["responses"].items():
            yield f"{given['operationId']} {status}", resolved(response)
    for kind in ("schemas", "responses", "headers", "parameters", "securitySchemes"):
        for name, part in DOCUMENT["components"][kind].items():
            yield f"{kind}.{name}", part


@pytest.mark.parametrize("part", [pytest.param(part, id=name) for name, part in parts_with_a_source()])
def test_every_part_says_how_sure_we_are_and_why(part: Any) -> None:
    assert Truth(part["x-truth"])
    assert re.search(r"facts \d|no source", part["x-source"])


def test_what_differs_from_its_holder_names_a_truth_that_exists() -> None:
    truths = {node["x-truth"] for _, node in nodes(DOCUMENT) if isinstance(node, dict) and "x-truth" in node}
    assert truths == {str(truth) for truth in Truth}


def test_every_field_is_explained() -> None:
    silent = [
        f"{name}.{field}"
        for name, schema in SCHEMAS.items()
        for field, described in schema["properties"].items()
        if "description" not in described and "$ref" not in described
    ]
    assert silent == []


def described_cells() -> set[tuple[str, int, str]]:
    return {
        (operation.id, answer.status, code)
        for operation in OPERATIONS
        for answer in operation.answers.values()
        for code in answer.codes
    }


def test_the_codes_are_those_of_the_error_table_both_ways() -> None:
    described, listed = described_cells(), set(ERRORS.cells())
    assert sorted(described - listed) == []
    assert sorted(listed - described) == []
    assert len(described) > 200


def test_every_refusal_is_as_sure_as_its_surest_row() -> None:
    for operation in OPERATIONS:
        for answer in operation.answers.values():
            if answer is operation.success:
                continue
            rows = [row for code in answer.codes for row in ERRORS.at(operation.id, answer.status, code)]
            surest = min((row.truth for row in rows), key=RANK.index)
            assert answer.truth is surest, (operation.id, answer.status)


def test_html_stands_where_the_error_table_has_it_and_nowhere_else() -> None:
    for operation in OPERATIONS:
        for answer in operation.answers.values():
            kinds = {row.body for code in answer.codes for row in ERRORS.at(operation.id, answer.status, code)}
            assert ("text/html" in answer.media) == (BodyKind.HTML in kinds), (operation.id, answer.status)


def test_every_answer_of_the_service_itself_must_name_its_correlation() -> None:
    for operation in OPERATIONS:
        for answer in operation.answers.values():
            required = "Klarna-Correlation-Id" in answer.headers
            # Credentials are refused by what stands before it.
            assert required == (answer.status != 401), operation.id
