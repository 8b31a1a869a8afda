"""What the description says of requests and answers."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.specs.description import DOCUMENT, OPERATIONS, SCHEMAS, nodes, raw_operation, raw_operations, resolved

REQUEST_SCHEMAS = {name for name in SCHEMAS if name.endswith("Request")} | {"ShippingInfoItem"}


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
