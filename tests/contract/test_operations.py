"""The operations as a collection, and which of them a request is for."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.contract import operations as module
from conformance.contract.operations import BASE_PATH, Operations
from conformance.contract.truth import Truth

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
    assert operations["captureOrder"].success.headers == ("Capture-Id", "Location", "Klarna-Correlation-Id")
    assert operations["refundOrder"].success.headers == ("Refund-Id", "Location", "Klarna-Correlation-Id")
    assert operations["getOrder"].success.headers == ("Klarna-Correlation-Id",)
    assert operations["cancelOrder"].success.headers == ("Klarna-Correlation-Id",)
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
def test_any_id_survives_the_way_into_a_path_and_out_again(operations: Operations, order_id: str) -> None:
    route = operations.route("GET", f"{BASE_PATH}/orders/{quote(order_id, safe='')}/captures")
    assert route is not None
    assert route.ids == {"order_id": order_id}


@settings(max_examples=200, deadline=None)
@given(method=st.text(), target=st.text() | st.text().map(lambda text: BASE_PATH + text))
def test_no_target_brings_routing_down(operations: Operations, method: str, target: str) -> None:
    route = operations.route(method, target)
    assert route is None or route.operation is None or route.operation.method == method


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
