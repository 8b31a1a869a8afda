"""The links and examples of the description."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest

from tests.specs.description import DOCUMENT, OPERATIONS, PATH, SCHEMAS, nodes, raw_operations, resolved


def test_links_read_what_was_created() -> None:
    followed: dict[str, set[str]] = {}
    for given in raw_operations():
        for response in given["responses"].values():
            for link in resolved(response).get("links", {}).values():
                followed.setdefault(given["operationId"], set()).add(link["operationId"])
                target = OPERATIONS[link["operationId"]]
                assert not target.writes
                assert set(link["parameters"]) == set(target.parameters)
                assert link["parameters"]["order_id"] == "$request.path.order_id"
                for parameter, header in (("capture_id", "Capture-Id"), ("refund_id", "Refund-Id")):
                    if parameter in link["parameters"]:
                        assert link["parameters"][parameter] == f"$response.header.{header}"
                        assert header in resolved(response)["headers"]
    assert followed == {
        "captureOrder": {"getCapture", "getOptionsForExtendDueDate", "getCaptures", "getOrder"},
        "refundOrder": {"get", "getOrder"},
    }


def request_examples() -> Iterator[Any]:
    for given in raw_operations():
        if "requestBody" in given:
            for name, example in given["requestBody"]["content"]["application/json"]["examples"].items():
                yield pytest.param(
                    given["operationId"], resolved(example)["value"], id=f"{given['operationId']}-{name}"
                )


def answer_examples() -> Iterator[Any]:
    for given in raw_operations():
        content = given["responses"].get("200", {}).get("content")
        if content:
            for name, example in content["application/json"]["examples"].items():
                yield pytest.param(
                    given["operationId"], resolved(example)["value"], id=f"{given['operationId']}-{name}"
                )


@pytest.mark.parametrize(("operation_id", "value"), list(request_examples()))
def test_request_examples_fit(operation_id: str, value: Any) -> None:
    body = OPERATIONS[operation_id].body
    assert body is not None
    assert [error.message for error in OPERATIONS.validator(body).iter_errors(value)] == []


@pytest.mark.parametrize(("operation_id", "value"), list(answer_examples()))
def test_answer_examples_fit_and_name_fields_that_exist(operation_id: str, value: Any) -> None:
    schema = OPERATIONS[operation_id].success.media["application/json"]
    assert schema is not None
    assert [error.message for error in OPERATIONS.validator(schema).iter_errors(value)] == []
    # Answers are open, so a mistyped name in an example would pass unnoticed otherwise.
    closed = {name: {**part, "additionalProperties": False} for name, part in schema["$defs"].items()}
    strict = jsonschema_rs.Draft202012Validator({**schema, "$defs": closed})
    assert [error.message for error in strict.iter_errors(value)] == []


def test_every_body_and_every_read_has_an_example() -> None:
    assert {param.values[0] for param in request_examples()} == {each.id for each in OPERATIONS if each.body}
    assert {param.values[0] for param in answer_examples()} == {each.id for each in OPERATIONS if not each.writes}


def test_the_example_order_adds_up_and_bears_the_ids_of_the_parameters() -> None:
    examples, parameters = DOCUMENT["components"]["examples"], DOCUMENT["components"]["parameters"]
    order = examples["PartCapturedOrder"]["value"]
    assert order["order_id"] == parameters["OrderId"]["example"]
    assert [capture["capture_id"] for capture in order["captures"]] == [parameters["CaptureId"]["example"]]
    assert [refund["refund_id"] for refund in order["refunds"]] == [parameters["RefundId"]["example"]]
    assert order["captured_amount"] == sum(capture["captured_amount"] for capture in order["captures"])
    assert order["refunded_amount"] == sum(refund["refunded_amount"] for refund in order["refunds"])
    assert order["remaining_authorized_amount"] == order["order_amount"] - order["captured_amount"]
    assert order["order_amount"] == sum(line["total_amount"] for line in order["order_lines"])


def lines() -> Iterator[Any]:
    for _, node in nodes(DOCUMENT):
        if isinstance(node, dict) and isinstance(node.get("unit_price"), int):
            yield node


def test_the_lines_of_the_examples_obey_the_arithmetic_of_a_line() -> None:
    found = list(lines())
    assert len(found) >= 6
    for line in found:
        assert line["total_amount"] == line["quantity"] * line["unit_price"] - line["total_discount_amount"]
        net = round(line["total_amount"] * 10_000 / (10_000 + line["tax_rate"]))
        assert line["total_tax_amount"] == line["total_amount"] - net


def test_the_page_on_the_published_description_names_components_that_exist() -> None:
    page = (PATH.parents[1] / "docs" / "klarna-description.md").read_text("utf-8")
    names = page.partition("## Names")[2].splitlines()
    ours = {name for row in names for name in re.findall(r"`(\w+)`", row.rpartition(" | ")[2])}
    assert len(ours) > 15
    assert ours <= set(SCHEMAS)
