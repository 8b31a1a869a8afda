"""A field is tested by what the description says of it, and by nothing else."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest

from conformance.contract.contract import load_contract
from conformance.suites.bodies import BodyMaker, lines_of
from conformance.suites.fields import MISSING, Field, breakings, fields, furnished, limits, sample, with_value
from conformance.suites.prepared_order import PreparedOrder

SCHEMA: dict[str, Any] = {
    "$ref": "#/$defs/Body",
    "$defs": {
        "Body": {
            "type": "object",
            "required": ["amount", "lines"],
            "properties": {
                "amount": {"type": "integer", "minimum": 0, "maximum": 10},
                "word": {"type": "string", "minLength": 2, "maxLength": 4},
                "kind": {"type": "string", "enum": ["A", "B"]},
                "flag": {"type": "boolean"},
                "lines": {"type": "array", "minItems": 1, "maxItems": 3, "items": {"$ref": "#/$defs/Line"}},
            },
        },
        "Line": {
            "type": "object",
            "required": ["name"],
            "properties": {"name": {"type": "string", "maxLength": 3}, "more": {"$ref": "#/$defs/Line"}},
        },
    },
}
VALID = {"amount": 1, "lines": [{"name": "x"}]}


def field(name: str) -> Field:
    return next(each for each in fields(SCHEMA) if each.name == name)


def test_every_field_is_found_and_recursion_ends() -> None:
    names = [each.name for each in fields(SCHEMA)]
    assert names[:6] == ["amount", "word", "kind", "flag", "lines", "lines.name"]
    assert "lines.more.more.name" in names
    assert len(names) < 50


@pytest.mark.parametrize(
    "name", ["amount", "word", "kind", "flag", "lines", "lines.name", "lines.more", "lines.more.name"]
)
def test_breakings_break_and_limits_do_not(name: str) -> None:
    validator = jsonschema_rs.Draft202012Validator(SCHEMA)
    broken = [with_value(SCHEMA, VALID, field(name), variant.value) for variant in breakings(SCHEMA, field(name))]
    allowed = [with_value(SCHEMA, VALID, field(name), variant.value) for variant in limits(SCHEMA, field(name))]
    assert broken
    assert not [body for body in broken if validator.is_valid(body)]
    assert [body for body in allowed if not validator.is_valid(body)] == []


def test_the_ways_are_told_apart() -> None:
    ways = [variant.way for variant in breakings(SCHEMA, field("word"))]
    assert ways[-2:] == ["too short", "one character too long"]
    assert [variant.value for variant in limits(SCHEMA, field("word"))] == ["xx", "xxxx", "漢漢漢漢"]
    assert [variant.value for variant in limits(SCHEMA, field("amount"))] == [0, 10]
    assert [len(variant.value) for variant in limits(SCHEMA, field("lines"))] == [1, 3]
    assert [variant.value for variant in limits(SCHEMA, field("kind"))] == ["A", "B"]
    assert [len(variant.value) for variant in breakings(SCHEMA, field("lines")) if isinstance(variant.value, list)] == [
        0,
        4,
    ]


def test_what_leads_to_a_field_is_made() -> None:
    assert with_value(SCHEMA, {"amount": 1}, field("lines.more.name"), "y")["lines"] == [
        {"name": "x", "more": {"name": "y"}}
    ]
    assert with_value(SCHEMA, VALID, field("lines.name"), MISSING) == {"amount": 1, "lines": [{}]}
    assert VALID == {"amount": 1, "lines": [{"name": "x"}]}
    assert repr(MISSING) == "MISSING"


def test_an_item_is_furnished_and_recursion_ends() -> None:
    item = furnished(SCHEMA, "lines", [{"name": "y"}])
    assert item["name"] == "y"
    assert item["more"]["name"] == item["more"]["more"]["name"] == "x"
    jsonschema_rs.validator_for(SCHEMA).validate({"amount": 1, "lines": [item]})


def test_samples_are_the_smallest_valid_values() -> None:
    assert sample(SCHEMA, SCHEMA) == {"amount": 1, "lines": [{"name": "x"}]}
    assert sample(SCHEMA, {"type": "boolean"}) is False
    assert sample(SCHEMA, {"type": "integer", "maximum": 0}) == 0


def test_valid_bodies_are_valid_and_samples_of_the_contract_too() -> None:
    contract = load_contract()
    maker = BodyMaker(PreparedOrder("id", order_amount=10_000, remaining=10_000, captured=0))
    for operation in contract.operations:
        if operation.body is None:
            assert maker.valid(operation.id) is None
            continue
        validator = contract.operations.validator(operation.body)
        validator.validate(maker.valid(operation.id))
        validator.validate(sample(operation.body, operation.body))


@pytest.mark.parametrize("amount", [1, 10, 99, 1_000, 11_900, 199_999_999])
def test_the_tax_of_a_line_is_within_half_a_unit(amount: int) -> None:
    (line,) = lines_of(amount)
    assert line["quantity"] * line["unit_price"] - line["total_discount_amount"] == line["total_amount"] == amount
    assert abs((amount - line["total_tax_amount"]) * 11_900 - amount * 10_000) * 2 <= 11_900
