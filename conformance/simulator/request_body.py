"""Reads the body of a request: strictly as JSON, then by the schema of its operation."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from itertools import islice
from typing import Any, NoReturn

from conformance.contract.operation import Operation
from conformance.contract.operations import Operations

__all__ = ["LARGEST", "MalformedBodyError", "RequestBodies", "is_json_type", "parse", "write_out_tracking_numbers"]

# One megabyte, read as a decimal one; whether the service counts in binary is not known.
LARGEST = 1_000_000

_MOST_MESSAGES = 10
_SPACE = " \t\r\n"
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


class MalformedBodyError(Exception):
    """The body is no JSON that this API can carry."""


def _refuse(constant: str) -> NoReturn:
    raise MalformedBodyError(constant)


def _number(text: str) -> int | float:
    value = float(text)
    if not math.isfinite(value):
        raise MalformedBodyError(text[:40])
    # JSON has one kind of number: 100.0 is the integer 100.
    return int(value) if value.is_integer() else value


_DECODER = json.JSONDecoder(parse_float=_number, parse_constant=_refuse)


def parse(body: bytes) -> Any:
    """Return the JSON value of a body.

    Raises MalformedBodyError for what is not JSON, not UTF-8, nested or numerous beyond reason, or text that no UTF-8
    answer could carry back.
    """
    try:
        text = body.decode()
        if text[:1] in _SPACE or text[-1:] in _SPACE:
            text = text.strip(_SPACE)
        value, end = _DECODER.raw_decode(text)
        if end != len(text):
            raise MalformedBodyError("there is more behind the value")
        if _SURROGATE.search(body) is not None:
            json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise MalformedBodyError from error
    return value


def is_json_type(content_type: str | None) -> bool:
    """Tell whether a Content-Type header declares JSON; parameters such as a charset do not matter."""
    if content_type == "application/json":
        return True
    if content_type is None:
        return False
    media_type = content_type.partition(";")[0].strip().lower()
    return media_type == "application/json" or (media_type.startswith("application/") and media_type.endswith("+json"))


def write_out_tracking_numbers(body: Any) -> bool:
    """Turn the tracking numbers of a body that are numbers into text, as the service does on record; tell of any."""
    entries = body.get("shipping_info") if isinstance(body, dict) else None
    found = False
    for entry in entries if isinstance(entries, list) else ():
        number = entry.get("tracking_number") if isinstance(entry, dict) else None
        if isinstance(number, int | float) and not isinstance(number, bool):
            entry["tracking_number"] = str(number)
            found = True
    return found


class RequestBodies:
    """Holds a body against the schema of its operation and says in the service's words what is wrong with it."""

    __slots__ = ("_schemas",)

    def __init__(self, operations: Operations) -> None:
        self._schemas = {
            operation.id: (operation.body, operations.validator(operation.body))
            for operation in operations
            if operation.body is not None
        }

    def mistakes(self, operation: Operation, value: Any) -> tuple[str, ...]:
        """Return what breaks the schema, one message each, or nothing; only the first few are told."""
        schema, validator = self._schemas[operation.id]
        if validator.is_valid(value):
            return ()
        found = [_message(error, schema) for error in islice(validator.iter_errors(value), _MOST_MESSAGES)]
        return tuple(dict.fromkeys(found))


def _message(error: Any, schema: Mapping[str, Any]) -> str:
    rule = error.kind.as_dict()
    name = error.kind.name
    path = [part for part in error.instance_path if isinstance(part, str)]
    if name == "required":
        return f"'{'/'.join([*path, rule['property']])}' must not be null"
    field = "/".join(path) or "body"
    if name == "type":
        if error.instance is None and path:
            return f"'{field}' must not be null"
        return f"'{field}' must be of type {' or '.join(rule['types'])}"
    if name in _SIZES:
        smallest, largest = _SIZES[name]
        node = _at(schema, error.instance_path)
        # A size without an upper bound never gets here by being too large, so one of the two is always known.
        return (
            f"The size of the {field} value must be between {node.get(smallest, 0)} and {node.get(largest, 2**31 - 1)}"
        )
    return f"'{field}' {_WORDS.get(name, 'is not valid').format(rule.get('limit'))}"


_SIZES = {
    "minLength": ("minLength", "maxLength"),
    "maxLength": ("minLength", "maxLength"),
    "minItems": ("minItems", "maxItems"),
    "maxItems": ("minItems", "maxItems"),
}
_WORDS = {
    "minimum": "must be greater than or equal to {}",
    "maximum": "must be less than or equal to {}",
    "enum": "is none of the known values",
    "pattern": "is none of the known values",
}


def _at(schema: Mapping[str, Any], path: list[str | int]) -> Mapping[str, Any]:
    """Return the part of a schema that rules the value at a path."""
    definitions: Mapping[str, Any] = schema.get("$defs", {})
    node = schema
    for part in [*path, None]:
        while "$ref" in node:
            node = definitions[node["$ref"].rpartition("/")[2]]
        if part is not None:
            node = node["properties"][part] if isinstance(part, str) else node["items"]
    return node
