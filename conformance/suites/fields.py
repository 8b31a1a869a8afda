"""Every field of a request body with the values that break it and those at its limits, read from the description.

Nothing here knows a field by name, so that a field that is added to the description is tested by itself.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["MISSING", "Field", "Variant", "breakings", "fields", "furnished", "limits", "sample", "with_value"]

Schema = Mapping[str, Any]
Path = tuple[str | int, ...]

DEEPEST = 8
# Limits beyond this many characters or items are those of the format, not a rule anyone can test cheaply.
LONGEST = 10_000
# One character, three bytes in UTF-8, one unit in UTF-16: a length counted in bytes shows.
WIDE = "漢"


class _Missing:
    def __repr__(self) -> str:
        return "MISSING"


MISSING = _Missing()
"""The value of a field that is left out."""


@dataclass(frozen=True, slots=True)
class Field:
    """One place in a body: ``path`` leads there (0 is the first item of a list), ``schema`` says what belongs there."""

    path: Path
    schema: Schema
    required: bool

    @property
    def name(self) -> str:
        """The field in the words of the API, lists without an index."""
        return ".".join(part for part in self.path if isinstance(part, str))


@dataclass(frozen=True, slots=True)
class Variant:
    """A value to put in a field, and in which way it is special."""

    way: str
    value: Any


def fields(body: Schema) -> Iterator[Field]:
    """Yield every field of a body, parents before children."""
    yield from _walk(body, body, (), 0)


def _walk(root: Schema, schema: Schema, path: Path, depth: int) -> Iterator[Field]:
    if depth > DEEPEST:
        return
    schema = _resolved(root, schema)
    required = schema.get("required", ())
    for name, described in schema.get("properties", {}).items():
        inner = _resolved(root, described)
        yield Field((*path, name), inner, name in required)
        if inner.get("type") == "array":
            yield from _walk(root, inner.get("items", {}), (*path, name, 0), depth + 1)
        else:
            yield from _walk(root, inner, (*path, name), depth + 1)


def _resolved(root: Schema, schema: Schema) -> Schema:
    while "$ref" in schema:
        found: Any = root
        for part in str(schema["$ref"]).lstrip("#/").split("/"):
            found = found[part.replace("~1", "/").replace("~0", "~")]
        schema = found
    return schema


_ALIENS: Mapping[str, tuple[Variant, ...]] = {
    "string": (
        Variant("a number", 7),
        Variant("a boolean", True),
        Variant("a list", []),
        Variant("an object", {}),
        Variant("null", None),
    ),
    "integer": (
        Variant("a text", "100"),
        Variant("a fraction", 1.5),
        Variant("a boolean", True),
        Variant("a list", []),
        Variant("an object", {}),
        Variant("null", None),
    ),
    "boolean": (Variant("a text", "true"), Variant("a number", 1), Variant("null", None)),
    "array": (Variant("an object", {}), Variant("a text", "x"), Variant("a number", 7), Variant("null", None)),
    "object": (Variant("a list", []), Variant("a text", "x"), Variant("a number", 7), Variant("null", None)),
}


def breakings(body: Schema, field: Field) -> Iterator[Variant]:
    """Yield the values that the description does not allow in a field."""
    schema = field.schema
    kind = schema.get("type")
    if field.required:
        yield Variant("missing", MISSING)
    yield from _ALIENS.get(str(kind), ())
    if "enum" in schema:
        yield Variant("no member of its enumeration", "NO_SUCH_VALUE")
    elif kind == "string":
        if (shortest := schema.get("minLength", 0)) > 0:
            yield Variant("too short", "x" * (shortest - 1))
        if (longest := schema.get("maxLength", LONGEST)) < LONGEST:
            yield Variant("one character too long", "x" * (longest + 1))
    elif kind == "integer":
        if "minimum" in schema:
            yield Variant("below its minimum", schema["minimum"] - 1)
        if "maximum" in schema:
            yield Variant("above its maximum", schema["maximum"] + 1)
    elif kind == "array":
        item = sample(body, schema.get("items", {}))
        if (fewest := schema.get("minItems", 0)) > 0:
            yield Variant("too few items", [item] * (fewest - 1))
        if (most := schema.get("maxItems", LONGEST)) < LONGEST:
            yield Variant("one item too many", [item] * (most + 1))


def limits(body: Schema, field: Field) -> Iterator[Variant]:
    """Yield the values at the edge of what the description allows in a field."""
    schema = field.schema
    kind = schema.get("type")
    if "enum" in schema:
        yield from (Variant(f"the value {value}", value) for value in schema["enum"])
    elif kind == "string":
        yield Variant("its shortest text", "x" * schema.get("minLength", 0))
        if (longest := schema.get("maxLength", LONGEST)) < LONGEST:
            yield Variant("its longest text", "x" * longest)
            yield Variant("its longest text in wide characters", WIDE * longest)
    elif kind == "integer":
        yield from (Variant(f"its {bound}", schema[bound]) for bound in ("minimum", "maximum") if bound in schema)
    elif kind == "array":
        item = sample(body, schema.get("items", {}))
        yield Variant("its shortest list", [item] * schema.get("minItems", 0))
        if (most := schema.get("maxItems", LONGEST)) < LONGEST:
            yield Variant("its longest list", [item] * most)


def sample(body: Schema, schema: Schema) -> Any:
    """Make the smallest value that the description allows."""
    schema = _resolved(body, schema)
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "string":
            return "x" * max(schema.get("minLength", 0), 1)
        case "integer":
            return min(max(schema.get("minimum", 0), 1), schema.get("maximum", 1))
        case "boolean":
            return False
        case "array":
            return [sample(body, schema.get("items", {}))] * schema.get("minItems", 0)
        case _:
            return {name: sample(body, schema["properties"][name]) for name in schema.get("required", ())}


def _filled(body: Schema, schema: Schema, depth: int = 0) -> Any:
    """Make a value that leaves out nothing that the description knows, as small as it may be."""
    schema = _resolved(body, schema)
    if schema.get("type") != "object" or depth == DEEPEST:
        return sample(body, schema)
    return {name: _filled(body, inner, depth + 1) for name, inner in schema.get("properties", {}).items()}


def furnished(body: Schema, name: str, items: list[Any]) -> dict[str, Any]:
    """Return the first item of a list of the body with a value in every field that it may have."""
    described = next(field.schema for field in fields(body) if field.path == (name,))
    return {**_filled(body, described["items"]), **items[0]}


def with_value(body_schema: Schema, body: Mapping[str, Any], field: Field, value: Any) -> dict[str, Any]:
    """Return a body in which one field has another value; what leads there is made where the body lacks it.

    What does not lead there is the given body's own.
    """
    changed = dict(body)
    place: Any = changed
    schema = body_schema
    for part in field.path[:-1]:
        schema = _resolved(body_schema, schema)
        inner = schema["items"] if isinstance(part, int) else schema["properties"][part]
        if isinstance(part, int):
            if not place:
                place.append(sample(body_schema, inner))
        elif part not in place:
            place[part] = sample(body_schema, inner)
        place[part] = copy.copy(place[part])
        place, schema = place[part], inner
    if value is MISSING:
        place.pop(field.path[-1], None)
    else:
        place[field.path[-1]] = value
    return changed
