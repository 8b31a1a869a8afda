"""What changed between two versions of an API description, and whom it hurts: who sends, or who reads."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from conformance.contract.document import read_document
from conformance.exceptions import ContractError, RecordingError
from conformance.recordings.drift import CaseDrift, Drift, DriftClass, DriftResult, Side

__all__ = ["compare_descriptions", "is_description", "read_description"]

_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_DEEPEST = 24
_MOST_SCHEMAS = 100_000
_SNIFFED = 4_096
_TOP = re.compile(rb"""^\s*["']?(?:openapi|swagger)["']?\s*:""", re.MULTILINE)
_SENT, _READ = "request", "response"

_ADDITIVE, _BREAKING, _TOLERATED = DriftClass.ADDITIVE, DriftClass.BREAKING, DriftClass.TOLERATED

# Bounds by the direction in which a greater value admits more.
_UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_FORMS = ("pattern", "format", "const", "multipleOf")


def is_description(path: Path) -> bool:
    """Tell whether a file calls itself an OpenAPI description, by its beginning."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return _TOP.search(file.read(_SNIFFED).replace(b"{", b"\n")) is not None


def read_description(path: Path) -> Mapping[str, Any]:
    """Read a description in YAML or JSON; raises RecordingError for what is none."""
    try:
        document = read_document(str(path.resolve())).value
    except ContractError as error:
        raise RecordingError(str(error)) from error
    if not isinstance(document, dict) or not isinstance(document.get("paths"), dict):
        raise RecordingError(f"{path}: is no API description: it has no paths")
    return document


def compare_descriptions(before: Mapping[str, Any], after: Mapping[str, Any], names: tuple[str, str]) -> DriftResult:
    """Compare two descriptions; each operation is a case, named by its operationId where it has one.

    Raises RecordingError for a description that is malformed, or so deep that it has no end.
    """
    try:
        return _compared(before, after, names)
    except (AttributeError, TypeError, ValueError) as error:
        # Descriptions come from anywhere; whichever part is not of the form that OpenAPI gives it ends up here.
        raise RecordingError(f"{names[0]} or {names[1]} is no well-formed description: {error}") from error


def _compared(before: Mapping[str, Any], after: Mapping[str, Any], names: tuple[str, str]) -> DriftResult:
    was, now = _operations(before), _operations(after)
    cases: list[CaseDrift] = []
    for place in [*was, *(place for place in now if place not in was)]:
        name = _name(place, was, now)
        if place not in now:
            found = [("", _BREAKING, f"{place} is gone")]
        elif place not in was:
            found = [("", _ADDITIVE, f"{place} is new")]
        else:
            found = list(_operation(_Reader(before), was[place], _Reader(after), now[place]))
        drifts = {
            (where, kind, message): Drift(name, "/".join(part for part in (name, where) if part), kind, message)
            for where, kind, message in found
        }
        cases.append(CaseDrift(name, Side(), Side(), tuple(drifts.values()), compared=1))
    return DriftResult(names[0], names[1], tuple(cases))


_Found = tuple[str, DriftClass, str]


def _operations(document: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    found: dict[str, Mapping[str, Any]] = {}
    reader = _Reader(document)
    for path, given in document["paths"].items():
        item = reader.resolved(given)
        shared = item.get("parameters", [])
        for method in _METHODS:
            if isinstance(item.get(method), dict):
                own = item[method]
                place = f"{method.upper()} {re.sub(r'{[^{}]*}', '{}', path)}"
                found[place] = {**own, "parameters": [*shared, *own.get("parameters", [])]}
    return found


def _name(place: str, was: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    named = (was.get(place) or now[place]).get("operationId")
    return named if isinstance(named, str) else place


class _Reader:
    """One description, in which references are followed."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._left = _MOST_SCHEMAS

    def resolved(self, value: Any) -> Mapping[str, Any]:
        """Follow a reference within the document; what leads nowhere, or in a circle, is an empty object."""
        for _ in range(_DEEPEST):
            if not isinstance(value, dict):
                return {}
            reference = value.get("$ref")
            if not isinstance(reference, str):
                return value
            value = self._at(reference)
        return {}

    def _at(self, reference: str) -> Any:
        found: Any = self._document
        if not reference.startswith("#/"):
            return None
        for part in reference[2:].split("/"):
            name = part.replace("~1", "/").replace("~0", "~")
            found = found.get(name) if isinstance(found, dict) else None
        return found

    def schema(self, value: Any) -> Mapping[str, Any]:
        """Resolve a schema and merge what its ``allOf`` says, one level at a time; RecordingError after too many."""
        self._left -= 1
        if self._left < 0:
            raise RecordingError(f"a description holds more than {_MOST_SCHEMAS} schemas")
        schema = self.resolved(value)
        parts = schema.get("allOf")
        if not isinstance(parts, list):
            return schema
        merged: dict[str, Any] = {}
        for part in [*parts, {name: member for name, member in schema.items() if name != "allOf"}]:
            own = self.resolved(part)
            properties = {**merged.get("properties", {}), **own.get("properties", {})}
            required = [*merged.get("required", []), *own.get("required", [])]
            merged = {**merged, **own}
            if properties:
                merged["properties"] = properties
            if required:
                merged["required"] = required
        return merged


def _operation(before: _Reader, was: Mapping[str, Any], after: _Reader, now: Mapping[str, Any]) -> Iterator[_Found]:
    if bool(now.get("deprecated")) and not was.get("deprecated"):
        yield "", _TOLERATED, "is deprecated"
    yield from _parameters(before, was, after, now)
    yield from _request(before, before.resolved(was.get("requestBody")), after, after.resolved(now.get("requestBody")))
    old, new = was.get("responses", {}), now.get("responses", {})
    for status in [*old, *(status for status in new if status not in old)]:
        place = f"{_READ}/{status}"
        success = str(status).startswith("2")
        if status not in new:
            yield place, _BREAKING if success else _TOLERATED, f"the status {status} is gone"
        elif status not in old:
            yield place, _BREAKING if success else _ADDITIVE, f"the status {status} is new"
        else:
            yield from _answer(place, before, before.resolved(old[status]), after, after.resolved(new[status]))


def _parameters(before: _Reader, was: Mapping[str, Any], after: _Reader, now: Mapping[str, Any]) -> Iterator[_Found]:
    old, new = (
        {
            (parameter.get("in"), str(parameter.get("name", "")).lower()): parameter
            for parameter in map(reader.resolved, operation.get("parameters", []))
            # How a path parameter is called is nobody's business but the description's.
            if parameter.get("in") != "path"
        }
        for reader, operation in ((before, was), (after, now))
    )
    for key in [*old, *(key for key in new if key not in old)]:
        place = f"{_SENT}/{key[0]}/{key[1]}"
        if key not in new:
            yield place, _BREAKING, "the parameter is gone"
        elif key not in old:
            required = bool(new[key].get("required"))
            yield place, _needed(required), f"the {_word(required)} parameter is new"
        else:
            if bool(new[key].get("required")) != bool(old[key].get("required")):
                required = bool(new[key].get("required"))
                yield place, _needed(required), f"became {_word(required)}"
            yield from _schema(place, _SENT, before, old[key].get("schema"), after, new[key].get("schema"), ())


def _request(before: _Reader, was: Mapping[str, Any], after: _Reader, now: Mapping[str, Any]) -> Iterator[_Found]:
    if was and not now:
        yield _SENT, _BREAKING, "the body is gone"
    elif now and not was:
        required = bool(now.get("required"))
        yield _SENT, _needed(required), "a body is new"
    elif was and now:
        if bool(was.get("required")) != bool(now.get("required")):
            required = bool(now.get("required"))
            yield _SENT, _needed(required), f"the body became {_word(required)}"
        yield from _content(_SENT, _SENT, before, was, after, now)


def _answer(
    place: str, before: _Reader, was: Mapping[str, Any], after: _Reader, now: Mapping[str, Any]
) -> Iterator[_Found]:
    old, new = (
        {str(name).lower(): reader.resolved(given) for name, given in answer.get("headers", {}).items()}
        for reader, answer in ((before, was), (after, now))
    )
    for name in [*old, *(name for name in new if name not in old)]:
        where = f"{place}/header/{name}"
        if name not in new:
            yield where, _BREAKING, "the header is gone"
        elif name not in old:
            yield where, _ADDITIVE, "the header is new"
        elif bool(old[name].get("required")) != bool(new[name].get("required")):
            required = bool(new[name].get("required"))
            yield where, _ADDITIVE if required else _BREAKING, f"became {_word(required)}"
    yield from _content(place, _READ, before, was, after, now)


def _content(
    place: str, direction: str, before: _Reader, was: Mapping[str, Any], after: _Reader, now: Mapping[str, Any]
) -> Iterator[_Found]:
    old, new = was.get("content", {}), now.get("content", {})
    for media in [*old, *(media for media in new if media not in old)]:
        if media not in new:
            yield f"{place}/{media}", _BREAKING, "the media type is gone"
        elif media not in old:
            # A caller chooses what it sends, and has to take what it gets.
            yield f"{place}/{media}", _ADDITIVE if direction == _SENT or old else _BREAKING, "the media type is new"
        else:
            schemas = old[media].get("schema"), new[media].get("schema")
            yield from _schema(f"{place}/body", direction, before, schemas[0], after, schemas[1], ())


def _schema(
    place: str, direction: str, before: _Reader, given: Any, after: _Reader, given_now: Any, above: tuple[int, ...]
) -> Iterator[_Found]:
    was, now = before.schema(given), after.schema(given_now)
    if len(above) > _DEEPEST or id(was) in above:
        return
    above = (*above, id(was))
    yield from _types(place, direction, was, now)
    yield from _words(place, direction, was, now)
    yield from _bounds(place, direction, was, now)
    yield from _properties(place, direction, before, was, after, now, above)
    if "items" in was and "items" in now:
        yield from _schema(f"{place}/-", direction, before, was["items"], after, now["items"], above)
    for union in ("oneOf", "anyOf"):
        old, new = was.get(union), now.get(union)
        if isinstance(old, list) and isinstance(new, list):
            if len(old) != len(new):
                wider = len(new) > len(old)
                yield (
                    place,
                    _widened(direction) if wider else _narrowed(direction),
                    (f"{union} has {len(new)} branches, it had {len(old)}"),
                )
            for first, second in zip(old, new, strict=False):
                yield from _schema(place, direction, before, first, after, second, above)


def _word(required: bool) -> str:
    return "required" if required else "optional"


def _needed(required: bool) -> DriftClass:
    """What it means to a sender that something is asked for which was not."""
    return _BREAKING if required else _ADDITIVE


def _widened(direction: str) -> DriftClass:
    """More is admitted: good for who sends, a surprise for who reads."""
    return _ADDITIVE if direction == _SENT else _BREAKING


def _narrowed(direction: str) -> DriftClass:
    """Less is admitted: what was sent may now be refused; a reader only loses what no longer comes."""
    return _BREAKING if direction == _SENT else _TOLERATED


def _types(place: str, direction: str, was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[_Found]:
    old, new = _type_set(was), _type_set(now)
    if old == new:
        return
    message = f"the type was {_listed(old)}, is {_listed(new)}"
    if old < new or (old == {"integer"} and new == {"number"}) or not new:
        yield place, _widened(direction), message
    elif new < old or (old == {"number"} and new == {"integer"}) or not old:
        yield place, _narrowed(direction), message
    else:
        yield place, _BREAKING, message


def _type_set(schema: Mapping[str, Any]) -> frozenset[str]:
    given = schema.get("type")
    found = set(given if isinstance(given, list) else [given] if isinstance(given, str) else [])
    return frozenset(found | ({"null"} if schema.get("nullable") is True and found else set()))


def _listed(values: frozenset[str]) -> str:
    return " or ".join(sorted(values)) or "any"


def _words(place: str, direction: str, was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[_Found]:
    old, new = was.get("enum"), now.get("enum")
    if not isinstance(old, list) and not isinstance(new, list):
        return
    if not isinstance(old, list):
        yield place, _narrowed(direction), "the values are now limited"
    elif not isinstance(new, list):
        yield place, _widened(direction), "the values are no longer limited"
    else:
        for value in old:
            if value not in new:
                yield f"{place}={value}", _narrowed(direction), f"the value {value} is gone"
        for value in new:
            if value not in old:
                yield f"{place}={value}", _widened(direction), f"the value {value} is new"


def _bounds(place: str, direction: str, was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[_Found]:
    for name in (*_UPPER, *_LOWER):
        old, new = was.get(name), now.get(name)
        if old == new or isinstance(old, bool) or isinstance(new, bool):
            continue
        wider = new is None if old is None or new is None else (new > old) is (name in _UPPER)
        # No reader takes a bound for a promise.
        kind = _TOLERATED if direction == _READ else _widened(direction) if wider else _narrowed(direction)
        yield place, kind, f"{name} was {old}, is {new}"
    for name in _FORMS:
        old, new = was.get(name), now.get(name)
        if old == new:
            continue
        if direction == _READ:
            kind = _TOLERATED if name == "pattern" else _BREAKING
        else:
            kind = _ADDITIVE if new is None else _BREAKING
        yield place, kind, f"{name} was {old}, is {new}"


def _properties(
    place: str,
    direction: str,
    before: _Reader,
    was: Mapping[str, Any],
    after: _Reader,
    now: Mapping[str, Any],
    above: tuple[int, ...],
) -> Iterator[_Found]:
    old, new = was.get("properties", {}), now.get("properties", {})
    needed, needs = set(was.get("required", [])), set(now.get("required", []))
    for name in [*old, *(name for name in new if name not in old)]:
        where = f"{place}/{name}"
        if name not in new:
            yield where, _BREAKING, "the field is gone"
        elif name not in old:
            required = name in needs
            kind = _BREAKING if required and direction == _SENT else _ADDITIVE
            yield where, kind, f"the {_word(required)} field is new"
        else:
            if (name in needed) != (name in needs):
                required = name in needs
                # A reader may rely on what is required, a sender has to provide it.
                kind = _BREAKING if required is (direction == _SENT) else _ADDITIVE
                yield where, kind, f"became {_word(required)}"
            yield from _schema(where, direction, before, old[name], after, new[name], above)
