"""The surface of the API: which operation a request asks for, and how a body is held against its schema."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import unquote

import jsonschema_rs

from conformance.contract.description import read_operations
from conformance.contract.operation import Operation, Route

__all__ = ["BASE_PATH", "Operations"]

BASE_PATH = "/ordermanagement/v1"

# orders / id / captures / id / word: no operation lies deeper, so a longer path needs no look.
_DEEPEST = 5
# Traffic keeps coming back to the orders it is about. Routes are kept while there are few and their targets short.
_MOST_ROUTES = 2_000
_LONGEST_KEPT = 300
_NOWHERE = Route(None, MappingProxyType({}), ())


class Operations:
    """The 18 operations, so that every world routes and validates by one reading of the API description.

    Iteration follows the numbering of the documentation. ``Operation.path`` is the whole path with its placeholders,
    from ``BASE_PATH`` on; ``Operation.parameters`` are the names of its path parameters from left to right.

    Schemas are JSON Schema 2020-12, each complete by itself: references point into ``$defs``, which all of them
    share. The schema of a refusal describes its shape alone; its codes stand in ``Answer.codes``, since an answer
    that the error table merely tolerates is right in shape.
    """

    __slots__ = ("_by_id", "_by_path", "_routes", "_validators")

    def __init__(self, operations: Iterable[Operation]) -> None:
        self._by_id: Mapping[str, Operation] = {operation.id: operation for operation in operations}
        by_path: dict[tuple[int | str, ...], dict[str, Operation]] = {}
        for operation in self:
            segments = operation.path.removeprefix(BASE_PATH).split("/")[1:]
            by_path.setdefault(_key(segments), {})[operation.method] = operation
        self._by_path = {
            key: (by_method, tuple(sorted(by_method)), next(iter(by_method.values())).parameters)
            for key, by_method in by_path.items()
        }
        self._routes: dict[tuple[str, str], Route | None] = {}
        self._validators: dict[int, tuple[Mapping[str, Any], Any]] = {}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Operations:
        """Take the operations from a parsed OpenAPI document; raises ContractError naming the field that is wrong."""
        return cls(read_operations(document, BASE_PATH))

    def __iter__(self) -> Iterator[Operation]:
        return iter(self._by_id.values())

    def __len__(self) -> int:
        return len(self._by_id)

    def __getitem__(self, operation_id: str) -> Operation:
        return self._by_id[operation_id]

    def __contains__(self, operation_id: object) -> bool:
        return operation_id in self._by_id

    def route(self, method: str, target: str) -> Route | None:
        """Tell which operation a request asks for; None for traffic of other APIs.

        ``target`` is a raw request target or an absolute URL. Any host, any prefix and a doubled slash before the
        base path are accepted; the query is ignored. Behind the base path every slash counts, so an empty id or a
        slash at the end leads to no operation. Ids come percent-decoded, what is not UTF-8 in them replaced.
        """
        known = self._routes.get((method, target), _NOWHERE)
        if known is not _NOWHERE:
            return known
        route = self._found(method, target)
        if len(method) + len(target) <= _LONGEST_KEPT:
            if len(self._routes) >= _MOST_ROUTES:
                self._routes.clear()
            self._routes[method, target] = route
        return route

    def _found(self, method: str, target: str) -> Route | None:
        path = target.partition("#")[0].partition("?")[0]
        start = _end_of_base(path)
        if start < 0:
            return None
        segments = path[start:].split("/", _DEEPEST + 1)[1:]
        if "%" in path:
            segments = [unquote(segment) for segment in segments]
        found = self._by_path.get(_key(segments))
        if found is None:
            return _NOWHERE
        by_method, allowed, parameters = found
        ids = segments[1::2]
        if not all(ids):
            return _NOWHERE
        return Route(by_method.get(method), dict(zip(parameters, ids, strict=True)), allowed)

    def validator(self, schema: Mapping[str, Any]) -> Any:
        """Return the compiled validator of a schema of this description; it has ``is_valid`` and ``iter_errors``.

        A schema is known by its identity and compiled once. Formats are checked. JSON Schema takes 1000.0 for an
        integer: whoever minds how an amount is written has to look at the text.
        """
        known = self._validators.get(id(schema))
        if known is None:
            compiled = jsonschema_rs.Draft202012Validator(dict(schema), validate_formats=True)
            # Held together with its schema, so that no other can come by the same identity.
            known = self._validators[id(schema)] = (schema, compiled)
        return known[1]


def _end_of_base(path: str) -> int:
    """Return where the base path ends, -1 when it does not occur as whole segments."""
    start = path.find(BASE_PATH)
    while start >= 0:
        end = start + len(BASE_PATH)
        if end == len(path) or path[end] == "/":
            return end
        start = path.find(BASE_PATH, end)
    return -1


def _key(segments: list[str]) -> tuple[int | str, ...]:
    """Fixed words and ids alternate in every path of the API, so a path is told by its length and its words alone."""
    return (len(segments), *segments[::2])
