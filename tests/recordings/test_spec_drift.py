from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conformance.contract.files import spec_directory
from conformance.exceptions import RecordingError
from conformance.recordings.drift import DriftClass
from conformance.recordings.spec_drift import compare_descriptions, is_description, read_description

ADDITIVE, BREAKING, TOLERATED = DriftClass.ADDITIVE, DriftClass.BREAKING, DriftClass.TOLERATED

BEFORE: dict[str, Any] = {
    "openapi": "3.1.0",
    "paths": {
        "/orders/{order_id}": {
            "parameters": [{"name": "order_id", "in": "path", "required": True, "schema": {"type": "string"}}],
            "get": {
                "operationId": "getOrder",
                "parameters": [{"name": "Klarna-Integrator", "in": "header", "schema": {"type": "string"}}],
                "responses": {
                    "200": {
                        "headers": {"Klarna-Correlation-Id": {"required": True, "schema": {"type": "string"}}},
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Order"}}},
                    },
                    "404": {"description": "no order"},
                },
            },
            "post": {
                "operationId": "captureOrder",
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Capture"}}},
                },
                "responses": {"201": {"description": "made"}},
            },
        }
    },
    "components": {
        "schemas": {
            "Order": {
                "type": "object",
                "required": ["order_id"],
                "properties": {
                    "order_id": {"type": "string"},
                    "amount": {"type": "integer", "maximum": 100},
                    "status": {"type": "string", "enum": ["AUTHORIZED", "CAPTURED"]},
                    "parts": {"type": "array", "items": {"$ref": "#/components/schemas/Order"}},
                    "any": {"oneOf": [{"type": "string"}, {"type": "integer"}]},
                },
            },
            "Capture": {
                "type": "object",
                "required": ["amount"],
                "properties": {
                    "amount": {"type": "integer", "minimum": 0},
                    "text": {"type": "string", "maxLength": 255, "pattern": "^a", "enum": ["a", "ab"]},
                },
            },
        }
    },
}
Edit = Callable[[dict[str, Any]], Any]


def at(document: dict[str, Any], *path: str) -> Any:
    for part in path:
        document = document[part]
    return document


def order(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = at(document, "components", "schemas", "Order", "properties")
    return found


def capture(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = at(document, "components", "schemas", "Capture", "properties")
    return found


def read(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = at(document, "paths", "/orders/{order_id}", "get")
    return found


def write(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = at(document, "paths", "/orders/{order_id}", "post")
    return found


def required(document: dict[str, Any], name: str) -> list[str]:
    found: list[str] = at(document, "components", "schemas", name, "required")
    return found


def _require_something_new(document: dict[str, Any]) -> None:
    capture(document).update(x={})
    required(document, "Capture").append("x")


BODY, SENT = "getOrder/response/200/body", "captureOrder/request/body"
TABLE: list[tuple[str, Edit, str, DriftClass]] = [
    ("operation gone", lambda d: at(d, "paths", "/orders/{order_id}").pop("get"), "getOrder", BREAKING),
    (
        "operation new",
        lambda d: at(d, "paths").update({"/x": {"get": {"operationId": "new", "responses": {}}}}),
        "new",
        ADDITIVE,
    ),
    ("deprecated", lambda d: read(d).update(deprecated=True), "getOrder", TOLERATED),
    ("field read new", lambda d: order(d).update(x={"type": "string"}), f"{BODY}/x", ADDITIVE),
    ("field read gone", lambda d: order(d).pop("amount"), f"{BODY}/amount", BREAKING),
    ("field sent new", lambda d: capture(d).update(x={"type": "string"}), f"{SENT}/x", ADDITIVE),
    ("field sent gone", lambda d: capture(d).pop("text"), f"{SENT}/text", BREAKING),
    (
        "required field sent new",
        _require_something_new,
        f"{SENT}/x",
        BREAKING,
    ),
    ("sent became required", lambda d: required(d, "Capture").append("text"), f"{SENT}/text", BREAKING),
    ("sent became optional", lambda d: required(d, "Capture").clear(), f"{SENT}/amount", ADDITIVE),
    ("read became optional", lambda d: required(d, "Order").clear(), f"{BODY}/order_id", BREAKING),
    ("read became required", lambda d: required(d, "Order").append("amount"), f"{BODY}/amount", ADDITIVE),
    ("type read", lambda d: order(d).update(amount={"type": "string", "maximum": 100}), f"{BODY}/amount", BREAKING),
    (
        "type read widened",
        lambda d: order(d)["amount"].update(type=["integer", "null"]),
        f"{BODY}/amount",
        BREAKING,
    ),
    ("type read nullable", lambda d: order(d)["amount"].update(nullable=True), f"{BODY}/amount", BREAKING),
    ("type sent widened", lambda d: capture(d)["amount"].update(type="number"), f"{SENT}/amount", ADDITIVE),
    ("word read new", lambda d: order(d)["status"]["enum"].append("NEW"), f"{BODY}/status=NEW", BREAKING),
    ("word read gone", lambda d: order(d)["status"]["enum"].remove("CAPTURED"), f"{BODY}/status=CAPTURED", TOLERATED),
    ("word sent new", lambda d: capture(d)["text"]["enum"].append("abc"), f"{SENT}/text=abc", ADDITIVE),
    ("word sent gone", lambda d: capture(d)["text"]["enum"].remove("ab"), f"{SENT}/text=ab", BREAKING),
    ("words read free", lambda d: order(d)["status"].pop("enum"), f"{BODY}/status", BREAKING),
    ("words sent limited", lambda d: capture(d)["amount"].update(enum=[1]), f"{SENT}/amount", BREAKING),
    ("bound sent narrowed", lambda d: capture(d)["text"].update(maxLength=100), f"{SENT}/text", BREAKING),
    ("bound sent widened", lambda d: capture(d)["text"].update(maxLength=300), f"{SENT}/text", ADDITIVE),
    ("lower bound sent raised", lambda d: capture(d)["amount"].update(minimum=1), f"{SENT}/amount", BREAKING),
    ("bound sent new", lambda d: capture(d)["amount"].update(maximum=1), f"{SENT}/amount", BREAKING),
    ("bound sent gone", lambda d: capture(d)["text"].pop("maxLength"), f"{SENT}/text", ADDITIVE),
    ("bound read", lambda d: order(d)["amount"].update(maximum=1_000), f"{BODY}/amount", TOLERATED),
    ("pattern sent", lambda d: capture(d)["text"].update(pattern="^ab"), f"{SENT}/text", BREAKING),
    ("pattern sent gone", lambda d: capture(d)["text"].pop("pattern"), f"{SENT}/text", ADDITIVE),
    ("format read", lambda d: order(d)["order_id"].update(format="uuid"), f"{BODY}/order_id", BREAKING),
    ("pattern read", lambda d: order(d)["order_id"].update(pattern="x"), f"{BODY}/order_id", TOLERATED),
    ("branch read new", lambda d: order(d)["any"]["oneOf"].append({"type": "null"}), f"{BODY}/any", BREAKING),
    ("branch read gone", lambda d: order(d)["any"]["oneOf"].pop(), f"{BODY}/any", TOLERATED),
    ("success new", lambda d: read(d)["responses"].update({"206": {}}), "getOrder/response/206", BREAKING),
    ("success gone", lambda d: write(d)["responses"].pop("201"), "captureOrder/response/201", BREAKING),
    ("refusal new", lambda d: read(d)["responses"].update({"409": {}}), "getOrder/response/409", ADDITIVE),
    ("refusal gone", lambda d: read(d)["responses"].pop("404"), "getOrder/response/404", TOLERATED),
    (
        "header gone",
        lambda d: read(d)["responses"]["200"].pop("headers"),
        "getOrder/response/200/header/klarna-correlation-id",
        BREAKING,
    ),
    (
        "header new",
        lambda d: read(d)["responses"]["404"].update(headers={"X-New": {}}),
        "getOrder/response/404/header/x-new",
        ADDITIVE,
    ),
    (
        "header optional",
        lambda d: read(d)["responses"]["200"]["headers"]["Klarna-Correlation-Id"].update(required=False),
        "getOrder/response/200/header/klarna-correlation-id",
        BREAKING,
    ),
    ("parameter gone", lambda d: read(d).pop("parameters"), "getOrder/request/header/klarna-integrator", BREAKING),
    (
        "parameter required",
        lambda d: read(d)["parameters"][0].update(required=True),
        "getOrder/request/header/klarna-integrator",
        BREAKING,
    ),
    (
        "parameter new",
        lambda d: read(d)["parameters"].append({"name": "page", "in": "query", "required": True}),
        "getOrder/request/query/page",
        BREAKING,
    ),
    ("body gone", lambda d: write(d).pop("requestBody"), "captureOrder/request", BREAKING),
    ("body new", lambda d: read(d).update(requestBody={"content": {}}), "getOrder/request", ADDITIVE),
    ("body optional", lambda d: write(d)["requestBody"].update(required=False), "captureOrder/request", ADDITIVE),
    (
        "media gone",
        lambda d: read(d)["responses"]["200"]["content"].clear(),
        "getOrder/response/200/application/json",
        BREAKING,
    ),
    (
        "media new",
        lambda d: write(d)["requestBody"]["content"].update({"text/xml": {}}),
        "captureOrder/request/text/xml",
        ADDITIVE,
    ),
]


@pytest.mark.parametrize(("edit", "path", "drift_class"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_each_change_is_classed_by_whom_it_hurts(edit: Edit, path: str, drift_class: DriftClass) -> None:
    after = copy.deepcopy(BEFORE)
    edit(after)
    result = compare_descriptions(BEFORE, after, ("A", "B"))
    assert {(drift.path, drift.drift_class) for drift in result.drifts()} == {(path, drift_class)}
    assert result.fails is (drift_class is BREAKING)


def test_nothing_is_found_where_nothing_changed() -> None:
    assert compare_descriptions(BEFORE, copy.deepcopy(BEFORE), ("A", "B")).drifts() == ()


def test_what_a_path_parameter_is_called_does_not_matter() -> None:
    text = json.dumps(BEFORE).replace("order_id", "id")
    after = json.loads(text)
    order(after)["order_id"] = order(after).pop("id")
    required(after, "Order")[:] = ["order_id"]
    assert compare_descriptions(BEFORE, after, ("A", "B")).drifts() == ()


def test_parts_that_are_put_together_are_one_schema() -> None:
    after = copy.deepcopy(BEFORE)
    schemas = after["components"]["schemas"]
    own = {"order_id": schemas["Order"]["properties"].pop("order_id")}
    schemas["Base"] = {"required": ["order_id"], "properties": own}
    schemas["Order"]["required"] = []
    schemas["Order"]["allOf"] = [{"$ref": "#/components/schemas/Base"}]
    assert compare_descriptions(BEFORE, after, ("A", "B")).drifts() == ()


def test_our_own_description_is_read(tmp_path: Path) -> None:
    path = spec_directory() / "order-management.yaml"
    assert is_description(path)
    description = read_description(path)
    assert compare_descriptions(description, description, ("A", "B")).drifts() == ()
    written = tmp_path / "a.json"
    written.write_text(json.dumps(BEFORE))
    assert is_description(written)
    assert read_description(written)["paths"]


def test_other_files_are_no_descriptions(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("interactions: []\n")
    assert not is_description(file)
    assert not is_description(tmp_path)
    with pytest.raises(RecordingError, match="has no paths"):
        read_description(file)
    file.write_text("openapi: [")
    with pytest.raises(RecordingError, match="is not YAML"):
        read_description(file)


@pytest.mark.parametrize(
    "paths",
    [
        {"/x": {"get": {"parameters": 7}}},
        {"/x": {"get": {"responses": {"200": {"headers": []}}}}},
        {"/x": {"get": {"responses": {"200": {"content": {"a": 1}}}}}},
    ],
)
def test_a_malformed_description_is_one_line(paths: Any) -> None:
    malformed = {"openapi": "3.1.0", "paths": paths}
    with pytest.raises(RecordingError, match="is no well-formed description"):
        compare_descriptions(malformed, malformed, ("A", "B"))


def test_a_description_without_end_comes_to_one() -> None:
    endless: dict[str, Any] = copy.deepcopy(BEFORE)
    schemas = endless["components"]["schemas"]
    for level in range(40):
        link = {"$ref": f"#/components/schemas/L{level + 1}"}
        schemas[f"L{level}"] = {"properties": {"a": link, "b": link, "c": link}}
    schemas["Order"]["properties"]["deep"] = {"$ref": "#/components/schemas/L0"}
    with pytest.raises(RecordingError, match="schemas"):
        compare_descriptions(endless, endless, ("A", "B"))


def test_references_that_lead_nowhere_are_empty() -> None:
    for target in ("#/components/schemas/None", "other.yaml#/x", "#/components/schemas/Loop"):
        odd = copy.deepcopy(BEFORE)
        odd["components"]["schemas"]["Loop"] = {"$ref": "#/components/schemas/Loop"}
        order(odd)["amount"] = {"$ref": target}
        result = compare_descriptions(BEFORE, odd, ("A", "B"))
        assert {drift.path for drift in result.drifts()} == {f"{BODY}/amount"}
