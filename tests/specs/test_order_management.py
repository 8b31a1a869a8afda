from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import schemathesis
import yaml
from hypothesis import HealthCheck, Phase, find, settings
from openapi_spec_validator import validate

from conformance.contract.document import load_document, read_document
from conformance.contract.error_table import BodyKind, ErrorTable
from conformance.contract.operations import Operations
from conformance.contract.truth import Truth

PATH = Path(__file__).parents[2] / "specs" / "order-management.yaml"
DOCUMENT: Any = load_document(PATH.name)
OPERATIONS = Operations.from_document(DOCUMENT)
ERRORS = ErrorTable.from_document(read_document("errors.yaml", "errors.schema.json"))
SCHEMAS: Any = DOCUMENT["components"]["schemas"]
RANK = (Truth.DOCUMENTED, Truth.OBSERVED, Truth.INFERRED)
REQUEST_SCHEMAS = {name for name in SCHEMAS if name.endswith("Request")} | {"ShippingInfoItem"}


def raw_operations() -> Iterator[Any]:
    for item in DOCUMENT["paths"].values():
        yield from (given for method, given in item.items() if method != "parameters")


def raw_operation(operation_id: str) -> Any:
    return next(given for given in raw_operations() if given["operationId"] == operation_id)


def resolved(part: Any) -> Any:
    while "$ref" in part:
        found: Any = DOCUMENT
        for step in part["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        part = found
    return part


def nodes(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield path, value
    if isinstance(value, dict):
        for key, part in value.items():
            yield from nodes(part, (*path, key))
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from nodes(part, (*path, str(index)))


def references() -> set[str]:
    return {node["$ref"] for _, node in nodes(DOCUMENT) if isinstance(node, dict) and "$ref" in node}


# --- the document as others read it ----------------------------------------------------------------------------------


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


# --- where every fact comes from -------------------------------------------------------------------------------------


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


# --- the error table -------------------------------------------------------------------------------------------------


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


def test_every_json_answer_but_401_must_name_its_correlation() -> None:
    for operation in OPERATIONS:
        for answer in operation.answers.values():
            required = "Klarna-Correlation-Id" in answer.headers
            assert required == ("application/json" in answer.media and answer.status != 401), operation.id


# --- requests and answers --------------------------------------------------------------------------------------------


def test_the_idempotency_key_is_free_text_on_all_writes_and_on_no_read() -> None:
    parameter = DOCUMENT["components"]["parameters"]["IdempotencyKey"]
    assert (parameter["name"], parameter["in"], parameter["required"]) == ("Klarna-Idempotency-Key", "header", False)
    assert parameter["schema"] == {"type": "string"}
    for operation in OPERATIONS:
        given = raw_operation(operation.id).get("parameters", [])
        taken = {resolved(each)["name"] for each in given}
        expected = {"Klarna-Idempotency-Key"} if operation.writes else set()
        assert taken == ({"Klarna-Integrator"} if operation.id == "getOrder" else expected)


def test_every_body_is_required() -> None:
    assert all(given["requestBody"]["required"] for given in raw_operations() if "requestBody" in given)


# Written out a second time on purpose: a slip in the description must not go unnoticed.
LIMITS: dict[str, dict[str, dict[str, int]]] = {
    "CaptureRequest": {
        "captured_amount": {"minimum": 0, "maximum": 200_000_000},
        "description": {"maxLength": 255},
        "order_lines": {"maxItems": 1000},
        "reference": {"maxLength": 255},
        "shipping_delay": {"minimum": 0},
        "shipping_info": {"maxItems": 500},
    },
    "RefundRequest": {
        "description": {"maxLength": 255},
        "order_lines": {"maxItems": 1000},
        "reference": {"maxLength": 255},
        "refunded_amount": {"minimum": 0, "maximum": 200_000_000},
    },
    "UpdateAuthorizationRequest": {
        "description": {"maxLength": 255},
        "order_amount": {"minimum": 0, "maximum": 200_000_000},
        "order_lines": {"maxItems": 1000},
    },
    "MerchantReferencesRequest": {"merchant_reference1": {"maxLength": 255}, "merchant_reference2": {"maxLength": 255}},
    "CustomerDetailsRequest": {"shipping_address": {}},
    "ShippingInfoRequest": {"shipping_info": {"minItems": 1, "maxItems": 500}},
    "ExtendDueDateRequest": {"number_of_days": {}},
    "OrderLineRequest": {
        "image_url": {"maxLength": 1024},
        "merchant_data": {"maxLength": 1024},
        "name": {"maxLength": 255},
        "product_identifiers": {},
        "product_url": {"maxLength": 1024},
        "quantity": {"minimum": 0},
        "quantity_unit": {"maxLength": 10},
        "reference": {"maxLength": 255},
        "subscription": {},
        "tax_rate": {"minimum": 0},
        "total_amount": {"maximum": 200_000_000},
        "total_discount_amount": {"minimum": 0, "maximum": 200_000_000},
        "total_tax_amount": {"maximum": 200_000_000},
        "type": {},
        "unit_price": {"maximum": 200_000_000},
    },
    "ProductIdentifiersRequest": {
        "brand": {"maxLength": 70},
        "category_path": {"maxLength": 750},
        "color": {"maxLength": 64},
        "global_trade_item_number": {"maxLength": 50},
        "manufacturer_part_number": {"maxLength": 70},
        "size": {"maxLength": 64},
    },
    "SubscriptionRequest": {"interval": {}, "interval_count": {"minimum": 1}, "name": {"maxLength": 255}},
    "AddressRequest": {
        "attention": {"maxLength": 255},
        "city": {"maxLength": 200},
        "country": {},
        "email": {"maxLength": 100},
        "family_name": {"maxLength": 100},
        "given_name": {"maxLength": 100},
        "organization_name": {"maxLength": 255},
        "phone": {"maxLength": 100},
        "postal_code": {"maxLength": 10},
        "region": {"maxLength": 200},
        "street_address": {"maxLength": 100},
        "street_address2": {"maxLength": 100},
        "title": {"maxLength": 20},
    },
    "ShippingInfoItem": {
        "return_shipping_company": {"maxLength": 100},
        "return_tracking_number": {"maxLength": 100},
        "return_tracking_uri": {"maxLength": 1024},
        "shipping_company": {"maxLength": 100},
        "shipping_method": {},
        "tracking_number": {"maxLength": 100},
        "tracking_uri": {"maxLength": 1024},
    },
}
LIMIT_KEYWORDS = ("minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems")
REQUIRED = {
    "CaptureRequest": ["captured_amount"],
    "RefundRequest": ["refunded_amount"],
    "UpdateAuthorizationRequest": ["order_amount"],
    "ShippingInfoRequest": ["shipping_info"],
    "ExtendDueDateRequest": ["number_of_days"],
    "OrderLineRequest": ["name", "quantity", "total_amount", "unit_price"],
    "SubscriptionRequest": ["interval", "interval_count", "name"],
}


def test_requests_have_the_documented_fields_and_limits() -> None:
    described = {
        name: {
            field: {word: given[word] for word in LIMIT_KEYWORDS if word in given}
            for field, given in SCHEMAS[name]["properties"].items()
        }
        for name in REQUEST_SCHEMAS
    }
    assert described == LIMITS
    assert {name: sorted(SCHEMAS[name]["required"]) for name in REQUEST_SCHEMAS if "required" in SCHEMAS[name]} == (
        REQUIRED
    )


# What an answer may hold to is a documented lower bound, never a limit of the request.
ANSWER_BOUNDS = {
    ("Capture", "captured_amount", "minimum"): 0,
    ("OrderLine", "quantity", "minimum"): 0,
    ("OrderLine", "tax_rate", "minimum"): 0,
    ("OrderLine", "total_discount_amount", "minimum"): 0,
    ("Subscription", "interval_count", "minimum"): 1,
    ("Addon", "price", "minimum"): 0,
    ("Error", "error_code", "minLength"): 1,
}


def test_answers_are_not_held_to_the_limits_of_requests() -> None:
    bounds = {
        (name, field, word): given[word]
        for name, schema in SCHEMAS.items()
        if name not in REQUEST_SCHEMAS
        for field, given in schema["properties"].items()
        for word in LIMIT_KEYWORDS
        if word in given
    }
    assert bounds == ANSWER_BOUNDS


@pytest.mark.parametrize(
    ("answer", "request_schema"),
    [
        ("OrderLine", "OrderLineRequest"),
        ("ProductIdentifiers", "ProductIdentifiersRequest"),
        ("Subscription", "SubscriptionRequest"),
        ("Address", "AddressRequest"),
        ("ShippingInfo", "ShippingInfoItem"),
    ],
)
def test_what_is_sent_reads_back_under_the_same_names_and_types(answer: str, request_schema: str) -> None:
    def shape(name: str) -> Any:
        return {
            field: {word: given.get(word) for word in ("type", "format", "enum")}
            for field, given in SCHEMAS[name]["properties"].items()
        }

    assert shape(answer) == shape(request_schema)
    assert SCHEMAS[answer].get("required") == SCHEMAS[request_schema].get("required")


def test_enumerations_are_the_documented_ones() -> None:
    order, line, parcel = SCHEMAS["Order"], SCHEMAS["OrderLine"], SCHEMAS["ShippingInfo"]
    assert order["properties"]["status"]["enum"] == [
        *("AUTHORIZED", "PART_CAPTURED", "CAPTURED", "CANCELLED", "EXPIRED", "CLOSED"),
    ]
    assert order["properties"]["fraud_status"]["enum"] == ["ACCEPTED", "PENDING", "REJECTED"]
    assert line["properties"]["type"]["enum"] == [
        *("physical", "discount", "shipping_fee", "sales_tax", "store_credit", "gift_card", "digital"),
        *("surcharge", "return_fee"),
    ]
    assert parcel["properties"]["shipping_method"]["enum"] == [
        *("PickUpStore", "Home", "BoxReg", "BoxUnreg", "PickUpPoint", "Own", "Postal", "DHLPackstation", "Digital"),
        *("Undefined", "PickUpWarehouse", "ClickCollect", "PalletDelivery"),
    ]
    assert SCHEMAS["Subscription"]["properties"]["interval"]["enum"] == ["DAY", "WEEK", "MONTH", "YEAR"]
    enums = {path[-3] for path, _ in nodes(SCHEMAS) if path and path[-1] == "enum"}
    assert enums == {"properties"}


AMOUNT = re.compile(r"amount$|price$|^quantity$|rate$|_delay$|^number_of|_count$")
TIME = re.compile(r"_at$")


def test_amounts_are_integers_and_times_are_times() -> None:
    for name, schema in SCHEMAS.items():
        for field, given in schema["properties"].items():
            if AMOUNT.search(field):
                assert (given["type"], given["format"][:3]) == ("integer", "int"), (name, field)
            if TIME.search(field):
                assert (given["type"], given["format"]) == ("string", "date-time"), (name, field)


# --- links and examples ----------------------------------------------------------------------------------------------


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
