"""A description that is wrong is refused with the field that is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from conformance.contract.operations import BASE_PATH, Operations
from conformance.exceptions import ContractError


def order_path(document: Any) -> Any:
    return document["paths"][f"{BASE_PATH}/orders/{{order_id}}"]


def bad_request(document: Any) -> Any:
    return document["components"]["responses"]["BadRequest"]


def refusal(document: Any) -> Any:
    return bad_request(document)["content"]["application/json"]["schema"]


MISTAKES: dict[str, tuple[Callable[[Any], Any], str]] = {
    "no paths": (lambda d: d.pop("paths"), "paths: is missing or no mapping"),
    "paths as a list": (lambda d: d.update(paths=[]), "paths: is missing or no mapping"),
    "a path of another API": (
        lambda d: d["paths"].update({"/payments/v1/sessions": {}}),
        "paths[/payments/v1/sessions]: does not lie below /ordermanagement/v1",
    ),
    "an operation without a name": (
        lambda d: order_path(d)["get"].pop("operationId"),
        "get.operationId: is missing or no text",
    ),
    "an operation without a summary": (
        lambda d: order_path(d)["get"].update(summary=""),
        "get.summary: is missing or no text",
    ),
    "a name given twice": (
        lambda d: order_path(d)["get"].update(operationId="cancelOrder"),
        "operationId: cancelOrder is given twice",
    ),
    "no answers": (lambda d: order_path(d)["get"].pop("responses"), "get.responses: is missing or no mapping"),
    "no success": (
        lambda d: order_path(d)["get"]["responses"].pop("200"),
        "get.responses: has 0 successes instead of one",
    ),
    "a range of statuses": (
        lambda d: order_path(d)["get"]["responses"].update({"4XX": {}}),
        "get.responses.4XX: is not a status of three digits",
    ),
    "a dangling reference": (
        lambda d: d["components"]["responses"].pop("Unauthorized"),
        "#/components/responses/Unauthorized leads nowhere",
    ),
    "a reference that is no text": (
        lambda d: order_path(d)["get"]["responses"].update({"404": {"$ref": 7}}),
        "get.responses.404.$ref: is missing or no text",
    ),
    "a parameter that is not in the path": (
        lambda d: order_path(d)["parameters"].append({"$ref": "#/components/parameters/CaptureId"}),
        "capture_id is either not declared or not in the path",
    ),
    "a parameter that is not declared": (
        lambda d: order_path(d).pop("parameters"),
        "order_id is either not declared or not in the path",
    ),
    "parameters as a mapping": (
        lambda d: order_path(d).update(parameters={}),
        "parameters: is missing or no list",
    ),
    "a dangling schema": (
        lambda d: d["components"]["schemas"].pop("Capture"),
        "#/components/schemas/Capture leads to no schema",
    ),
    "a schema of another file": (
        lambda d: d["components"]["schemas"]["Order"]["properties"].update(customer={"$ref": "other.yaml#/X"}),
        "other.yaml#/X leads to no schema",
    ),
    "a body that is not JSON": (
        lambda d: d["paths"][f"{BASE_PATH}/orders/{{order_id}}/refunds"]["post"]["requestBody"].update(
            content={"text/plain": {}}
        ),
        "requestBody.content[application/json]: is missing or no mapping",
    ),
    "an answer without its truth": (lambda d: bad_request(d).pop("x-truth"), "x-truth: is missing or no text"),
    "an unknown truth": (
        lambda d: bad_request(d).update({"x-truth": "guessed"}),
        "x-truth: guessed is none of documented, observed, inferred",
    ),
    "a refusal without codes": (
        lambda d: refusal(d)["allOf"].pop(),
        "allOf: is not the shape of a refusal followed by its codes",
    ),
    "a refusal without shape": (lambda d: refusal(d).pop("allOf"), "allOf: is missing or no list"),
    "codes that are no list": (
        lambda d: refusal(d)["allOf"].__setitem__(1, {"properties": {"error_code": {"const": "X"}}}),
        "error_code.enum: is missing or no list",
    ),
    "codes of another field": (
        lambda d: refusal(d)["allOf"].__setitem__(1, {"properties": {"code": {"enum": ["X"]}}}),
        "error_code: is missing or no mapping",
    ),
}


@pytest.mark.parametrize(("break_it", "reason"), list(MISTAKES.values()), ids=list(MISTAKES))
def test_a_wrong_description_is_refused_with_the_field(
    document: Any, break_it: Callable[[Any], Any], reason: str
) -> None:
    break_it(document)
    with pytest.raises(ContractError) as caught:
        Operations.from_document(document)
    assert str(caught.value).startswith("order-management.yaml: ")
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_no_mapping_is_refused() -> None:
    nothing: Any = ["not", "a", "description"]
    with pytest.raises(ContractError, match=r"order-management\.yaml: is missing or no mapping"):
        Operations.from_document(nothing)


def test_the_document_is_left_as_it_was(document: Any, described: Any) -> None:
    Operations.from_document(document)
    assert document == described
