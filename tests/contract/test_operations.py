from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.contract import operations as module
from conformance.contract.document import load_document
from conformance.contract.operations import BASE_PATH, Operations
from conformance.contract.truth import Truth
from conformance.exceptions import ContractError

ORDER = "0a5c1f0e-7b7d-4c2e-9d3a-4f1e2b6c8d90"
CAPTURE = "3c9e8b52-1d47-4e0a-8a66-7f0b5d2c4e11"
REFUND = "8e2d7c64-5b1f-4a93-b0c8-1a9f3e6d7b22"
IDS = {"order_id": ORDER, "capture_id": CAPTURE, "refund_id": REFUND}
ORDER_PATH = f"{BASE_PATH}/orders/{ORDER}"

NUMBERED = [
    ("getOrder", "GET", "/orders/{order_id}"),
    ("acknowledgeOrder", "POST", "/orders/{order_id}/acknowledge"),
    ("updateAuthorization", "PATCH", "/orders/{order_id}/authorization"),
    ("captureOrder", "POST", "/orders/{order_id}/captures"),
    ("getCaptures", "GET", "/orders/{order_id}/captures"),
    ("getCapture", "GET", "/orders/{order_id}/captures/{capture_id}"),
    ("extendDueDate", "PATCH", "/orders/{order_id}/captures/{capture_id}/extend-due-date"),
    ("getOptionsForExtendDueDate", "GET", "/orders/{order_id}/captures/{capture_id}/extend-due-date-options"),
    ("appendShippingInfo", "POST", "/orders/{order_id}/captures/{capture_id}/shipping-info"),
    ("triggerSendOut", "POST", "/orders/{order_id}/captures/{capture_id}/trigger-send-out"),
    ("updateConsumerDetails", "PATCH", "/orders/{order_id}/customer-details"),
    ("extendAuthorizationTime", "POST", "/orders/{order_id}/extend-authorization-time"),
    ("updateMerchantReferences", "PATCH", "/orders/{order_id}/merchant-references"),
    ("refundOrder", "POST", "/orders/{order_id}/refunds"),
    ("get", "GET", "/orders/{order_id}/refunds/{refund_id}"),
    ("releaseRemainingAuthorization", "POST", "/orders/{order_id}/release-remaining-authorization"),
    ("appendOrderShippingInfo", "POST", "/orders/{order_id}/shipping-info"),
    ("cancelOrder", "POST", "/orders/{order_id}/cancel"),
]


DOCUMENT: Any = load_document("order-management.yaml")
OPERATIONS = Operations.from_document(DOCUMENT)


@pytest.fixture
def document() -> Any:
    return copy.deepcopy(DOCUMENT)


@pytest.fixture
def operations() -> Operations:
    return OPERATIONS


def body_of(operations: Operations, operation_id: str) -> Any:
    body = operations[operation_id].body
    assert body is not None
    return operations.validator(body)


def answer_of(operations: Operations, operation_id: str, status: int = 200) -> Any:
    schema = operations[operation_id].answers[status].media["application/json"]
    assert schema is not None
    return operations.validator(schema)


# --- the collection --------------------------------------------------------------------------------------------------


def test_the_operations_come_in_the_order_of_the_documentation(operations: Operations) -> None:
    assert [(each.id, each.method, each.path) for each in operations] == [
        (name, method, BASE_PATH + path) for name, method, path in NUMBERED
    ]
    assert len(operations) == 18


def test_an_operation_is_found_by_the_name_the_api_gives_it(operations: Operations) -> None:
    assert operations["get"].path.endswith("/refunds/{refund_id}")
    assert "get" in operations
    assert "getRefund" not in operations
    with pytest.raises(KeyError):
        operations["getRefund"]


def test_thirteen_operations_write_and_eight_take_a_body(operations: Operations) -> None:
    assert sum(each.writes for each in operations) == 13
    assert {each.id for each in operations if each.body is not None} == {
        "updateAuthorization",
        "captureOrder",
        "extendDueDate",
        "appendShippingInfo",
        "updateConsumerDetails",
        "updateMerchantReferences",
        "refundOrder",
        "appendOrderShippingInfo",
    }


def test_parameters_are_those_of_the_path_from_left_to_right(operations: Operations) -> None:
    assert operations["getCapture"].parameters == ("order_id", "capture_id")
    assert operations["get"].parameters == ("order_id", "refund_id")
    assert operations["cancelOrder"].parameters == ("order_id",)


def test_successes_carry_the_documented_headers_and_bodies(operations: Operations) -> None:
    successes = {each.id: (each.success.status, bool(each.success.media)) for each in operations}
    created = {"captureOrder", "refundOrder"}
    assert successes == {
        each.id: (201, False) if each.id in created else (204, False) if each.writes else (200, True)
        for each in operations
    }
    assert operations["captureOrder"].success.headers == ("Capture-Id", "Location")
    assert operations["refundOrder"].success.headers == ("Refund-Id", "Location")
    assert operations["getOrder"].success.headers == ("Klarna-Correlation-Id",)
    assert operations["cancelOrder"].success.headers == ()
    assert operations["getOrder"].success.codes == ()


def test_a_refusal_names_its_codes_and_the_empty_one_for_a_page_without_code(operations: Operations) -> None:
    bad_request = operations["get"].answers[400]
    assert bad_request.codes == ("", "INVALID_ORDER_ID", "NOT_FOUND")
    assert bad_request.media["text/html"] is None
    assert bad_request.truth is Truth.DOCUMENTED
    assert operations["captureOrder"].answers[403].codes == ("CAPTURE_NOT_ALLOWED", "PAYMENT_METHOD_FAILED")
    assert operations["extendDueDate"].answers[403].truth is Truth.INFERRED
    assert operations["cancelOrder"].answers[401].headers == ()
    assert operations["cancelOrder"].answers[404].headers == ("Klarna-Correlation-Id",)


def test_the_text_of_an_operation_leaves_its_schemas_out(operations: Operations) -> None:
    assert "$defs" not in repr(operations["captureOrder"])


# --- routing ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "method", "path"), NUMBERED)
def test_every_operation_is_reached(operations: Operations, name: str, method: str, path: str) -> None:
    route = operations.route(method, BASE_PATH + path.format_map(IDS))
    assert route is not None
    assert route.operation is operations[name]
    assert route.ids == {parameter: IDS[parameter] for parameter in operations[name].parameters}
    assert method in route.allowed


@pytest.mark.parametrize(
    "target",
    [
        ORDER_PATH,
        f"/{ORDER_PATH}",
        f"https://api.klarna.com{ORDER_PATH}",
        f"https://api-na.playground.klarna.com/{ORDER_PATH}",
        f"http://127.0.0.1:8080/gateway/eu{ORDER_PATH}",
        f"/gateway/eu//{ORDER_PATH}",
        f"{ORDER_PATH}?at=/x/y",
        f"{ORDER_PATH}#part",
        f"/ordermanagement/v10{ORDER_PATH}",
        f"{BASE_PATH}/orders/%30a5c1f0e-7b7d-4c2e-9d3a-4f1e2b6c8d90",
        f"{BASE_PATH}/%6Frders/{ORDER}",
    ],
)
def test_host_prefix_and_query_do_not_matter(operations: Operations, target: str) -> None:
    route = operations.route("GET", target)
    assert route is not None
    assert route.operation is operations["getOrder"]
    assert route.ids == {"order_id": ORDER}


@pytest.mark.parametrize(
    "target",
    [
        "",
        "/",
        "*",
        "/payments/v1/sessions",
        "/ordermanagement",
        "/ordermanagement/v2/orders/x",
        "/ordermanagement/v10/orders/x",
        "https://api.klarna.com/checkout/v3/orders/x",
        f"/elsewhere?next={ORDER_PATH}",
        f"/elsewhere#{ORDER_PATH}",
    ],
)
def test_traffic_of_other_apis_is_foreign(operations: Operations, target: str) -> None:
    assert operations.route("GET", target) is None


@pytest.mark.parametrize(
    "target",
    [
        BASE_PATH,
        f"{BASE_PATH}/",
        f"{BASE_PATH}/orders",
        f"{BASE_PATH}/orders/",
        f"{BASE_PATH}//orders/{ORDER}",
        f"{ORDER_PATH}/",
        f"{ORDER_PATH}/captures/",
        f"{ORDER_PATH}/captures/{CAPTURE}/",
        f"{ORDER_PATH}/captures//shipping-info",
        f"{BASE_PATH}/orders//captures",
        f"{ORDER_PATH}/Captures",
        f"{ORDER_PATH}/refunds/{REFUND}/shipping-info",
        f"{ORDER_PATH}/captures/{CAPTURE}/shipping-info/more",
        f"{ORDER_PATH}/captures/{CAPTURE}/shipping-info/{'x/' * 1000}",
        f"{ORDER_PATH}/authorization-adjustments",
    ],
)
def test_paths_that_no_operation_has_lead_nowhere(operations: Operations, target: str) -> None:
    route = operations.route("GET", target)
    assert route is not None
    assert (route.operation, dict(route.ids), route.allowed) == (None, {}, ())


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PUT", "DELETE", "get", "", "BREW"])
def test_a_method_that_the_path_lacks_is_told_what_it_has(operations: Operations, method: str) -> None:
    route = operations.route(method, f"{ORDER_PATH}/captures")
    assert route is not None
    assert route.operation is None
    assert route.allowed == ("GET", "POST")
    assert route.ids == {"order_id": ORDER}


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("a%20b", "a b"),
        ("%7B%7D", "{}"),
        ("{}", "{}"),
        ("a%2Fb", "a/b"),
        ("a+b", "a+b"),
        ("%C3%A5", "å"),
        ("%FF", "\ufffd"),
        ("100%", "100%"),
    ],
)
def test_ids_come_percent_decoded(operations: Operations, written: str, read: str) -> None:
    route = operations.route("POST", f"{BASE_PATH}/orders/{written}/captures/{CAPTURE}/trigger-send-out")
    assert route is not None
    assert route.operation is operations["triggerSendOut"]
    assert route.ids == {"order_id": read, "capture_id": CAPTURE}


@settings(max_examples=100, deadline=None)
@given(order_id=st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_any_id_survives_the_way_into_a_path_and_out_again(order_id: str) -> None:
    route = OPERATIONS.route("GET", f"{BASE_PATH}/orders/{quote(order_id, safe='')}/captures")
    assert route is not None
    assert route.ids == {"order_id": order_id}


@settings(max_examples=200, deadline=None)
@given(method=st.text(), target=st.text() | st.text().map(lambda text: BASE_PATH + text))
def test_no_target_brings_routing_down(method: str, target: str) -> None:
    route = OPERATIONS.route(method, target)
    assert route is None or route.operation is None or route.operation.method == method


# --- validating ------------------------------------------------------------------------------------------------------


def test_what_is_kept_of_routes_is_bounded_and_right(operations: Operations, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_ROUTES", 3)
    fresh = Operations(operations)
    for _ in range(2):
        for number in range(10):
            route = fresh.route("GET", f"/ordermanagement/v1/orders/{number}")
            assert route is not None
            assert route.ids == {"order_id": str(number)}
            assert len(fresh._routes) <= 3
    assert fresh.route("GET", "/elsewhere") is fresh.route("GET", "/elsewhere") is None
    kept = len(fresh._routes)
    fresh.route("GET", "/ordermanagement/v1/orders/" + "1" * 300)
    fresh.route("G" * 300, "/ordermanagement/v1/orders/1")
    assert len(fresh._routes) == kept


def test_a_schema_compiles_once_and_stays_known_by_its_identity(operations: Operations) -> None:
    capture, order = operations["captureOrder"].body, operations["appendOrderShippingInfo"].body
    assert capture is not None
    assert order is not None
    assert operations.validator(capture) is operations.validator(capture)
    assert operations.validator(capture) is not operations.validator(order)
    assert order is operations["appendShippingInfo"].body
    assert (
        operations["getOrder"].answers[404].media["application/json"]
        is (operations["refundOrder"].answers[403].media["application/json"])
    )


@pytest.mark.parametrize(
    ("operation_id", "body", "valid"),
    [
        ("captureOrder", {"captured_amount": 1}, True),
        ("captureOrder", {"captured_amount": 0}, True),
        ("captureOrder", {"captured_amount": 200_000_000}, True),
        ("captureOrder", {"captured_amount": 200_000_001}, False),
        ("captureOrder", {"captured_amount": -1}, False),
        ("captureOrder", {"captured_amount": "1"}, False),
        ("captureOrder", {"captured_amount": 1.5}, False),
        ("captureOrder", {"captured_amount": None}, False),
        ("captureOrder", {}, False),
        ("captureOrder", [], False),
        ("captureOrder", {"captured_amount": 1, "tracking_url": "ignored"}, True),
        ("captureOrder", {"captured_amount": 1, "shipping_delay": 2**63 - 1}, True),
        ("captureOrder", {"captured_amount": 1, "shipping_delay": 2**63}, False),
        ("captureOrder", {"captured_amount": 1, "description": "x" * 255}, True),
        ("captureOrder", {"captured_amount": 1, "description": "x" * 256}, False),
        ("captureOrder", {"captured_amount": 1, "shipping_info": [{"tracking_number": 1245}]}, False),
        ("captureOrder", {"captured_amount": 1, "shipping_info": [{"shipping_method": "Drone"}]}, False),
        ("refundOrder", {"refunded_amount": 200_000_000}, True),
        ("refundOrder", {"refunded_amount": 200_000_001}, False),
        ("refundOrder", {"captured_amount": 1}, False),
        ("updateAuthorization", {"order_amount": 0}, True),
        ("updateAuthorization", {"order_amount": 1, "order_lines": None}, False),
        ("extendDueDate", {"number_of_days": 2**31 - 1}, True),
        ("extendDueDate", {"number_of_days": 2**31}, False),
        ("extendDueDate", {}, False),
        ("appendShippingInfo", {"shipping_info": []}, False),
        ("appendShippingInfo", {"shipping_info": [{}]}, True),
        ("appendShippingInfo", {"shipping_info": [{}] * 501}, False),
        ("updateMerchantReferences", {}, True),
        ("updateMerchantReferences", {"merchant_reference1": ""}, True),
        ("updateConsumerDetails", {"shipping_address": {"postal_code": "12345678901"}}, False),
    ],
)
def test_request_limits_hold(operations: Operations, operation_id: str, body: Any, valid: bool) -> None:
    assert body_of(operations, operation_id).is_valid(body) is valid


LINE = {"name": "Book", "quantity": 1, "unit_price": 100, "total_amount": 100}


@pytest.mark.parametrize(
    ("change", "valid"),
    [
        ({}, True),
        ({"total_amount": -(2**63), "unit_price": -1}, True),
        ({"total_amount": -(2**63) - 1}, False),
        ({"total_amount": 200_000_001}, False),
        ({"total_discount_amount": -1}, False),
        ({"quantity": -1}, False),
        ({"quantity": 2**63}, False),
        ({"tax_rate": 2**31}, False),
        ({"type": "physical"}, True),
        ({"type": "physical|discount"}, False),
        ({"quantity_unit": "x" * 11}, False),
        ({"product_identifiers": {}}, True),
        ({"product_identifiers": {"brand": "x" * 71}}, False),
        ({"subscription": {"name": "x", "interval": "MONTH", "interval_count": 1}}, True),
        ({"subscription": {"name": "x", "interval": "CENTURY", "interval_count": 1}}, False),
        ({"subscription": {"name": "x", "interval": "MONTH", "interval_count": 0}}, False),
        ({"subscription": {"name": "x"}}, False),
    ],
)
def test_limits_of_a_line_hold(operations: Operations, change: dict[str, Any], valid: bool) -> None:
    for operation_id, amount in (("captureOrder", "captured_amount"), ("refundOrder", "refunded_amount")):
        body = {amount: 1, "order_lines": [{**LINE, **change}]}
        assert body_of(operations, operation_id).is_valid(body) is valid


RECORDED_CAPTURE = {
    "capture_id": "3c9e8b52-1d47-4e0a-8a66-7f0b5d2c4e11",
    "captured_amount": 1,
    "captured_at": "2021-09-07T10:11:12Z",
}
RECORDED_ORDER: dict[str, Any] = {
    "order_id": "0a5c1f0e-7b7d-4c2e-9d3a-4f1e2b6c8d90",
    "status": "AUTHORIZED",
    "fraud_status": "ACCEPTED",
    "order_amount": 1,
    "original_order_amount": 1,
    "captured_amount": 0,
    "refunded_amount": 0,
    "remaining_authorized_amount": 1,
    "purchase_currency": "EUR",
    "created_at": "2021-09-07T10:11:12Z",
    "captures": [],
    "refunds": [],
}


@pytest.mark.parametrize(
    ("order", "valid"),
    [
        ({}, True),
        ({"order_amount": 10**15, "some_day": {"new": True}}, True),
        ({"order_amount": 2**63}, False),
        ({"order_amount": "100"}, False),
        ({"merchant_reference1": "x" * 5000}, True),
        ({"merchant_reference1": None}, False),
        ({"status": "AUTHORIZED"}, True),
        ({"status": "authorized"}, False),
        ({"fraud_status": "STOPPED"}, False),
        ({"created_at": "2021-09-07T10:11:12.123Z"}, True),
        ({"created_at": "2021-09-07"}, False),
        ({"customer": {"date_of_birth": "1970-07-10", "type": "person"}}, True),
        ({"customer": {"date_of_birth": "10.07.1970"}}, False),
        ({"captures": [RECORDED_CAPTURE]}, True),
        ({"captures": [{**RECORDED_CAPTURE, "captured_amount": -1}]}, False),
        (
            {"captures": [{**RECORDED_CAPTURE, "order_lines": [{**LINE, "name": "x" * 5000, "total_amount": 10**12}]}]},
            True,
        ),
        ({"order_lines": [{"name": "x"}]}, False),
        ({"initial_payment_method": {"type": "SOMETHING_NEW", "number_of_installments": 4}}, True),
    ],
)
def test_answers_are_open_and_typed(operations: Operations, order: Any, valid: bool) -> None:
    assert answer_of(operations, "getOrder").is_valid({**RECORDED_ORDER, **order}) is valid


@pytest.mark.parametrize("field", sorted(RECORDED_ORDER))
def test_what_every_recorded_order_shows_is_required(operations: Operations, field: str) -> None:
    order = {name: value for name, value in RECORDED_ORDER.items() if name != field}
    assert not answer_of(operations, "getOrder").is_valid(order)


REFUSAL = {
    "error_code": "NO_SUCH_ORDER",
    "error_messages": [],
    "correlation_id": "f35f3b84-21a0-4c2f-a1be-2c6a6b5a9f11",
}


@pytest.mark.parametrize(
    ("change", "valid"),
    [
        ({}, True),
        ({"error_code": "A_CODE_OF_ANOTHER_OPERATION"}, True),
        ({"error_code": ""}, False),
        ({"error_messages": "text"}, False),
        ({"correlation_id": "12345"}, False),
        ({"service_version": "1"}, True),
    ],
)
def test_a_refusal_is_held_to_its_shape_and_not_to_its_code(
    operations: Operations, change: dict[str, Any], valid: bool
) -> None:
    validator = answer_of(operations, "getOrder", 404)
    assert validator.is_valid({**REFUSAL, **change}) is valid
    for missing in REFUSAL:
        assert not validator.is_valid({name: value for name, value in REFUSAL.items() if name != missing})


# --- a description that is wrong -------------------------------------------------------------------------------------


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


def test_the_document_is_left_as_it_was(document: Any) -> None:
    Operations.from_document(document)
    assert document == DOCUMENT
