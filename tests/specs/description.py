"""The description of the API as a document, and ways through it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from conformance.contract.document import load_document
from conformance.contract.operations import Operations

PATH = Path(__file__).parents[2] / "specs" / "order-management.yaml"


DOCUMENT: Any = load_document(PATH.name)


OPERATIONS = Operations.from_document(DOCUMENT)


SCHEMAS: Any = DOCUMENT["components"]["schemas"]


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
