"""The API description as a document: from OpenAPI 3.1 to operations whose schemas need nothing but themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from conformance.contract.operation import Answer, Operation
from conformance.contract.truth import Truth
from conformance.exceptions import ContractError

__all__ = ["read_operations"]

_DOCUMENT = "order-management.yaml"
_METHODS = frozenset({"delete", "get", "head", "options", "patch", "post", "put", "trace"})
_JSON = "application/json"
_HTML = "text/html"
_SCHEMAS = "#/components/schemas/"
_PLACEHOLDER = re.compile(r"\{([^{}/]+)\}")
# JSON Schema takes these formats for remarks; the service's integers really end there.
_INTEGER_BOUNDS = {"int32": (-(2**31), 2**31 - 1), "int64": (-(2**63), 2**63 - 1)}


def read_operations(document: Mapping[str, Any], base_path: str) -> tuple[Operation, ...]:
    """Return the operations in the order of the document; raises ContractError naming the field that is wrong.

    Every path begins with ``base_path``. References are followed one level for parameters, headers, bodies and
    answers, and rewritten into a shared ``$defs`` for schemas.
    """
    return tuple(_Description(document, base_path).operations())


class _Description:
    """The document with what its schemas have in common."""

    def __init__(self, document: Mapping[str, Any], base_path: str) -> None:
        self._document = _mapping(document, "")
        self._base_path = base_path
        components = _mapping(self._document.get("components", {}), "components")
        schemas = _mapping(components.get("schemas", {}), "components.schemas")
        # Filled in place: each schema refers to this mapping, also those made before it is complete.
        self._definitions: dict[str, Any] = {}
        self._named: dict[str, Mapping[str, Any]] = {}
        for name in schemas:
            self._named[name] = {"$ref": f"#/$defs/{name}", "$defs": self._definitions}
        for name, schema in schemas.items():
            self._definitions[name] = self._rewritten(schema, f"components.schemas.{name}")

    def operations(self) -> Iterator[Operation]:
        seen: set[str] = set()
        for path, item in _mapping(self._document.get("paths"), "paths").items():
            place = f"paths[{path}]"
            if not path.startswith(f"{self._base_path}/"):
                raise _mistake(place, f"does not lie below {self._base_path}")
            for method, given in _mapping(item, place).items():
                if method not in _METHODS:
                    continue
                operation = self._operation(path, method, item, _mapping(given, f"{place}.{method}"))
                if operation.id in seen:
                    raise _mistake(f"{place}.{method}.operationId", f"{operation.id} is given twice")
                seen.add(operation.id)
                yield operation

    def _operation(self, path: str, method: str, item: Mapping[str, Any], given: Mapping[str, Any]) -> Operation:
        place = f"paths[{path}].{method}"
        name = _text(given, "operationId", place)
        answers = {
            answer.status: answer
            for status, response in _mapping(given.get("responses"), f"{place}.responses").items()
            for answer in [self._answer(status, response, f"{place}.responses.{status}")]
        }
        successes = [answer for status, answer in answers.items() if status < 300]
        if len(successes) != 1:
            raise _mistake(f"{place}.responses", f"has {len(successes)} successes instead of one")
        return Operation(
            id=name,
            method=method.upper(),
            path=path,
            summary=_text(given, "summary", place),
            parameters=self._path_parameters(path, item, given),
            body=self._body(given, place),
            answers=MappingProxyType(dict(sorted(answers.items()))),
            success=successes[0],
        )

    def _path_parameters(self, path: str, *holders: Mapping[str, Any]) -> tuple[str, ...]:
        names = tuple(_PLACEHOLDER.findall(path))
        declared: set[str] = set()
        for holder in holders:
            for index, given in enumerate(_sequence(holder.get("parameters", []), f"paths[{path}].parameters")):
                place = f"paths[{path}].parameters[{index}]"
                parameter = self._resolved(given, place)
                if _text(parameter, "in", place) == "path":
                    declared.add(_text(parameter, "name", place))
        if odd := declared.symmetric_difference(names):
            raise _mistake(f"paths[{path}].parameters", f"{min(odd)} is either not declared or not in the path")
        return names

    def _body(self, given: Mapping[str, Any], place: str) -> Mapping[str, Any] | None:
        if "requestBody" not in given:
            return None
        body = self._resolved(given["requestBody"], f"{place}.requestBody")
        content = _mapping(body.get("content"), f"{place}.requestBody.content")
        media = _mapping(content.get(_JSON), f"{place}.requestBody.content[{_JSON}]")
        return self._schema(media.get("schema"), f"{place}.requestBody.content[{_JSON}].schema")

    # --- answers -----------------------------------------------------------------------------------------------------

    def _answer(self, status: str, given: Any, place: str) -> Answer:
        if re.fullmatch(r"[1-5][0-9]{2}", status) is None:
            raise _mistake(place, "is not a status of three digits")
        response = self._resolved(given, place)
        content = _mapping(response.get("content", {}), f"{place}.content")
        media: dict[str, Mapping[str, Any] | None] = {}
        codes: set[str] = set()
        for kind, described in content.items():
            where = f"{place}.content[{kind}].schema"
            schema = _mapping(described, f"{place}.content[{kind}]").get("schema")
            if kind != _JSON:
                media[kind] = None
                # A page of HTML carries no code; the error table writes that as an empty one.
                codes.add("")
            elif int(status) < 400:
                media[kind] = self._schema(schema, where)
            else:
                media[kind], named = self._refusal(schema, where)
                codes.update(named)
        return Answer(
            status=int(status),
            media=MappingProxyType(media),
            headers=self._required_headers(response, place),
            codes=tuple(sorted(codes)),
            truth=_truth(response, place),
        )

    def _required_headers(self, response: Mapping[str, Any], place: str) -> tuple[str, ...]:
        headers = _mapping(response.get("headers", {}), f"{place}.headers")
        return tuple(
            name for name, given in headers.items() if self._resolved(given, f"{place}.headers.{name}").get("required")
        )

    def _refusal(self, schema: Any, place: str) -> tuple[Mapping[str, Any], list[str]]:
        """Part a refusal's schema into the shape, given by reference, and the codes that may fill it."""
        parts = _sequence(_mapping(schema, place).get("allOf"), f"{place}.allOf")
        if len(parts) != 2:
            raise _mistake(f"{place}.allOf", "is not the shape of a refusal followed by its codes")
        shape = self._schema(parts[0], f"{place}.allOf[0]")
        narrowed: Any = parts[1]
        for step in ("properties", "error_code"):
            narrowed = _mapping(narrowed, f"{place}.allOf[1]").get(step)
        codes = _mapping(narrowed, f"{place}.allOf[1].properties.error_code").get("enum")
        return shape, [str(code) for code in _sequence(codes, f"{place}.allOf[1].properties.error_code.enum")]

    # --- references --------------------------------------------------------------------------------------------------

    def _resolved(self, given: Any, place: str) -> Mapping[str, Any]:
        part = _mapping(given, place)
        if "$ref" not in part:
            return part
        reference = _text(part, "$ref", place)
        found: Any = self._document
        for step in reference.removeprefix("#/").split("/"):
            if not isinstance(found, Mapping) or step not in found:
                raise _mistake(place, f"{reference} leads nowhere")
            found = found[step]
        return _mapping(found, reference)

    def _schema(self, given: Any, place: str) -> Mapping[str, Any]:
        """Return a schema complete by itself; one and the same object for each named schema, so it compiles once."""
        schema = _mapping(given, place)
        if schema.keys() == {"$ref"}:
            return self._named[self._name(schema["$ref"], place)]
        return {**self._rewritten(schema, place), "$defs": self._definitions}

    def _name(self, reference: Any, place: str) -> str:
        name = reference.removeprefix(_SCHEMAS) if isinstance(reference, str) else ""
        if name not in self._named:
            raise _mistake(place, f"{reference} leads to no schema")
        return name

    def _rewritten(self, node: Any, place: str) -> Any:
        if isinstance(node, list):
            return [self._rewritten(part, place) for part in node]
        if not isinstance(node, dict):
            return node
        copy = {key: self._rewritten(value, place) for key, value in node.items()}
        if "$ref" in node and not isinstance(node["$ref"], dict):
            copy["$ref"] = f"#/$defs/{self._name(node['$ref'], place)}"
        if node.get("type") == "integer" and (bounds := _INTEGER_BOUNDS.get(str(node.get("format")))):
            copy["minimum"] = max(bounds[0], copy.get("minimum", bounds[0]))
            copy["maximum"] = min(bounds[1], copy.get("maximum", bounds[1]))
        return copy


def _truth(part: Mapping[str, Any], place: str) -> Truth:
    given = _text(part, "x-truth", place)
    try:
        return Truth(given)
    except ValueError as error:
        raise _mistake(f"{place}.x-truth", f"{given} is none of {', '.join(Truth)}") from error


def _text(part: Mapping[str, Any], key: str, place: str) -> str:
    value = part.get(key)
    if not isinstance(value, str) or not value:
        raise _mistake(f"{place}.{key}", "is missing or no text")
    return value


def _mapping(value: Any, place: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise _mistake(place, "is missing or no mapping")
    return value


def _sequence(value: Any, place: str) -> list[Any]:
    if not isinstance(value, list):
        raise _mistake(place, "is missing or no list")
    return value


def _mistake(place: str, reason: str) -> ContractError:
    return ContractError(_DOCUMENT, None, place, reason)
