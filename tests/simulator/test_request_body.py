from __future__ import annotations

from typing import Any

import pytest

from conformance.contract.contract import Contract
from conformance.simulator.request_body import MalformedBodyError, RequestBodies, is_json_type, parse

LINE: dict[str, Any] = {"name": "x", "quantity": 1, "unit_price": 1, "total_amount": 1}


@pytest.fixture(scope="module")
def bodies(contract: Contract) -> RequestBodies:
    return RequestBodies(contract.operations)


@pytest.mark.parametrize(
    ("operation", "value", "message"),
    [
        ("captureOrder", {}, "'captured_amount' must not be null"),
        ("captureOrder", {"captured_amount": None}, "'captured_amount' must not be null"),
        ("captureOrder", {"captured_amount": "1"}, "'captured_amount' must be of type integer"),
        ("captureOrder", {"captured_amount": True}, "'captured_amount' must be of type integer"),
        ("captureOrder", {"captured_amount": -1}, "'captured_amount' must be greater than or equal to 0"),
        ("captureOrder", {"captured_amount": 200_000_001}, "'captured_amount' must be less than or equal to 200000000"),
        (
            "captureOrder",
            {"captured_amount": 1, "description": "x" * 256},
            "The size of the description value must be between 0 and 255",
        ),
        (
            "captureOrder",
            {"captured_amount": 1, "shipping_info": [{}, {"shipping_company": "x" * 101}]},
            "The size of the shipping_info/shipping_company value must be between 0 and 100",
        ),
        (
            "captureOrder",
            {"captured_amount": 1, "order_lines": [LINE] * 1_001},
            "The size of the order_lines value must be between 0 and 1000",
        ),
        (
            "captureOrder",
            {"captured_amount": 1, "order_lines": [{**LINE, "name": None}]},
            "'order_lines/name' must not be null",
        ),
        (
            "captureOrder",
            {"captured_amount": 1, "order_lines": [{"quantity": 1, "unit_price": 1, "total_amount": 1}]},
            "'order_lines/name' must not be null",
        ),
        (
            "captureOrder",
            {"captured_amount": 1, "order_lines": [{**LINE, "type": "gadget"}]},
            "'order_lines/type' is none of the known values",
        ),
        ("appendShippingInfo", {"shipping_info": []}, "The size of the shipping_info value must be between 1 and 500"),
        ("extendDueDate", {"number_of_days": 2**31}, "'number_of_days' must be less than or equal to 2147483647"),
        ("refundOrder", None, "'body' must be of type object"),
        ("refundOrder", [], "'body' must be of type object"),
    ],
)
def test_mistakes_are_told_in_the_services_words(
    contract: Contract, bodies: RequestBodies, operation: str, value: Any, message: str
) -> None:
    described = contract.operations[operation]
    assert bodies.mistakes(described, value) == (message,)
    assert any(pattern.match(message) for pattern in contract.errors.row("unprocessable").patterns)


def test_several_mistakes_are_told_once_each_and_not_without_end(contract: Contract, bodies: RequestBodies) -> None:
    operation = contract.operations["captureOrder"]
    two = bodies.mistakes(operation, {"description": 5, "reference": 5})
    assert set(two) == {
        "'captured_amount' must not be null",
        "'description' must be of type string",
        "'reference' must be of type string",
    }
    many = bodies.mistakes(operation, {"captured_amount": 1, "order_lines": [{}] * 1_000})
    assert 1 <= len(many) <= 10


def test_good_bodies_have_no_mistakes(contract: Contract, bodies: RequestBodies) -> None:
    assert bodies.mistakes(contract.operations["captureOrder"], {"captured_amount": 0, "unknown": [None]}) == ()
    assert bodies.mistakes(contract.operations["updateMerchantReferences"], {}) == ()


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b" {} \r\n", {}),
        (b'{"a":1}', {"a": 1}),
        (b'{"a":100.0,"b":1e3,"c":1.5,"d":-0.0}', {"a": 100, "b": 1_000, "c": 1.5, "d": 0}),
        (b'{"a":"\\ud83d\\ude00"}', {"a": "😀"}),
        ('{"a":"ü"}'.encode(), {"a": "ü"}),
        (b'{"a":1,"a":2}', {"a": 2}),
        (b"null", None),
    ],
)
def test_json_is_read(body: bytes, value: Any) -> None:
    read = parse(body)
    assert read == value
    assert repr(read) == repr(value)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"   ",
        b"{",
        b"{}{}",
        b"{'a':1}",
        b"NaN",
        b"-Infinity",
        b"1e400",
        b"\xff",
        b"\xef\xbb\xbf{}",
        b'"\\ud800"',
        b'{"\\udfff":1}',
        b"9" * 5_000,
        b"[" * 100_000,
    ],
)
def test_what_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedBodyError):
        parse(body)


@pytest.mark.parametrize(
    ("content_type", "expected"),
    [
        ("application/json", True),
        ("Application/JSON; charset=utf-8", True),
        ("application/vnd.klarna+json", True),
        ("text/json", False),
        ("application/jsonp", False),
        ("", False),
        (None, False),
    ],
)
def test_media_types(content_type: str | None, expected: bool) -> None:
    assert is_json_type(content_type) is expected
