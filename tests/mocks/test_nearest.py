"""A request that reaches no operation is told which one it was meant for, and every difference."""

from __future__ import annotations

import pytest

from conformance.contract.contract import load_contract
from conformance.mocks.nearest import Place, differences

OPERATIONS = load_contract().operations
HOME = Place("https://api.playground.klarna.com", "")
ID = "1b6d2a1f-8c8e-4d3f-8e4b-5a2f3c7d9ea1"
ORDER = f"/ordermanagement/v1/orders/{ID}"


def told(method: str, path: str, origin: str = HOME.origin, home: Place = HOME) -> tuple[str, str]:
    """The nearest operation and what differs."""
    line = differences(method, origin, path, home, OPERATIONS)
    assert line.startswith(f"no operation takes {method} {origin}{path.partition('?')[0]}; nearest is ")
    nearest, _, rest = line.partition("; nearest is ")[2].partition(" ")
    return nearest, rest.partition("): ")[2]


@pytest.mark.parametrize(
    ("method", "path", "nearest", "differs"),
    [
        ("PUT", f"{ORDER}/captures", "captureOrder", "the method is PUT, not POST"),
        ("DELETE", ORDER, "getOrder", "the method is DELETE, not GET"),
        ("post", f"{ORDER}/cancel", "cancelOrder", "the method is post, not POST"),
        ("GET", f"{ORDER}/cancel", "cancelOrder", "the method is GET, not POST"),
        ("POST", f"{ORDER}/capture", "captureOrder", "segment 5 is 'capture', not 'captures'"),
        ("POST", f"{ORDER}/Captures", "captureOrder", "segment 5 is 'Captures', not 'captures'"),
        ("POST", f"{ORDER}/refund", "refundOrder", "segment 5 is 'refund', not 'refunds'"),
        ("POST", f"{ORDER}//captures", "captureOrder", "a doubled slash stands before 'captures'"),
        ("POST", "/ordermanagement/v1//orders/1/captures", "captureOrder", "a doubled slash stands before 'orders'"),
        ("POST", f"{ORDER}/captures/", "captureOrder", "the path ends in a slash"),
        ("GET", f"{ORDER}/", "getOrder", "the path ends in a slash"),
        ("GET", "/ordermanagement/v1/orders/", "getOrder", "order_id is empty"),
        ("GET", "/ordermanagement/v1/orders", "getOrder", "'order_id' is missing as segment 4"),
        (
            "POST",
            "/ordermanagement/v1/orders//captures",
            "captureOrder",
            "order_id is empty (a doubled slash)",
        ),
        ("GET", f"/ordermanagement/orders/{ID}", "getOrder", "'v1' is missing as segment 2"),
        ("GET", f"/ordermanagement/v2/orders/{ID}", "getOrder", "segment 2 is 'v2', not 'v1'"),
        ("GET", f"/order-management/v1/orders/{ID}", "getOrder",
         "segment 1 is 'order-management', not 'ordermanagement'"),
        ("GET", f"/api{ORDER}", "getOrder", "segment 1, 'api', is too many"),
        ("GET", f"{ORDER}/captures/{ID}/extend-due-date-option", "getOptionsForExtendDueDate",
         "segment 7 is 'extend-due-date-option', not 'extend-due-date-options'"),
        ("PATCH", f"{ORDER}/consumer-details", "updateConsumerDetails",
         "segment 5 is 'consumer-details', not 'customer-details'"),
        ("POST", "/ordermanagement/v1/orders/captures", "captureOrder", "'order_id' is missing as segment 4"),
        ("PUT", f"{ORDER}//capture", "captureOrder",
         ("the method is PUT, not POST; a doubled slash stands before 'capture';"
          " segment 6 is 'capture', not 'captures'")),
        ("GET", f"{ORDER}/captures/captures", "getCapture", "segment 6 is 'captures', where capture_id belongs"),
    ],
)  # fmt: skip
def test_what_differs(method: str, path: str, nearest: str, differs: str) -> None:
    assert told(method, path) == (nearest, differs)


def test_the_host_differs() -> None:
    assert told("GET", ORDER, "https://api.klarna.com") == (
        "getOrder",
        "the host is https://api.klarna.com, mounted is https://api.playground.klarna.com",
    )
    assert told("GET", ORDER, "http://api.playground.klarna.com")[1].startswith("the host is http://api.playground")


def test_the_prefix_belongs_to_the_path() -> None:
    home = Place("http://127.0.0.1:8080", "/klarna")
    assert told("GET", ORDER, home.origin, home) == ("getOrder", "'klarna' is missing as segment 1")


def test_queries_are_left_out() -> None:
    assert told("PUT", f"{ORDER}?token=secret")[1] == "the method is PUT, not GET"


def test_other_apis_have_no_nearest() -> None:
    line = differences("POST", HOME.origin, "/payments/v1/sessions", HOME, OPERATIONS)
    assert line == (
        "POST https://api.playground.klarna.com/payments/v1/sessions is no request of Order Management;"
        " the mock knows nothing but /ordermanagement/v1"
    )
    line = differences("POST", "https://example.com", "/", HOME, OPERATIONS)
    assert "Order Management (the host is https://example.com, mounted is https://api.playground" in line


def test_long_paths_are_bounded() -> None:
    line = differences("GET", HOME.origin, "/orders" + "/x" * 100_000 + "y" * 100_000, HOME, OPERATIONS)
    assert len(line) < 3_000
