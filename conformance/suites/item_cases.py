"""The items of a list in a request body: a wrong one behind a right one, and every limit of an item in one body."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle

from conformance.contract.contract import Contract
from conformance.contract.operation import Operation
from conformance.suites.bodies import AMOUNT_FIELD
from conformance.suites.case import Case
from conformance.suites.conversation import Conversation
from conformance.suites.expectations import CODES, representative
from conformance.suites.fields import Schema, breakings, fields, furnished, limits, with_value
from conformance.suites.scene import Scene

__all__ = ["item_cases"]

# Of the wrong types, those that one which is tried stands for: all are tried in a first item.
_LIKE_ANOTHER = frozenset({"a boolean", "a list", "an object"})
# How long a path is to a field of an item: the list, the place in it, the field.
_OF_AN_ITEM = 3
_BOUNDS = ("its longest text", "its longest text in wide characters", "its shortest text")
_LINES = "order_lines"
# What one line comes to, in minor units.
_EACH = 10


def item_cases(contract: Contract) -> Iterator[Case]:
    """Yield the cases of the operations whose body holds a list."""
    for operation in contract.operations:
        if any(field.schema.get("type") == "array" for field in fields(operation.body or {})):
            yield _case(contract, operation, "broken-second-item", "invalid body")
            yield _case(contract, operation, "limits-throughout", "limits")


def _case(contract: Contract, operation: Operation, name: str, kind: str) -> Case:
    state = representative(contract, operation.id)
    ask, consumes = (_broken_second, False) if kind == "invalid body" else (_throughout, True)

    def play(conversation: Conversation) -> None:
        ask(Scene(conversation, operation.id, state), operation.body or {})

    return Case(f"{operation.id}/{state}/{name}", operation.id, state, name, play, CODES[kind], consumes)


def _broken_second(scene: Scene, schema: Schema) -> None:
    """One item that is right does not save the one behind it, nor is it filed."""
    body = scene.body(_EACH) or {}
    # What stands beside it in the item must not save it either, nor of what kind the item is.
    full = {name: [furnished(schema, name, items)] for name, items in body.items() if isinstance(items, list)}
    kinds = cycle(_kinds(schema))
    # Only against what was read before can be seen what was filed.
    scene.read()
    for field in fields(schema):
        name = str(field.path[0])
        if len(field.path) == 1 or name not in full:
            continue
        for variant in breakings(schema, field):
            if variant.way in _LIKE_ANOTHER:
                continue
            wrong = with_value(schema, full, field, variant.value)[name][0]
            if name == _LINES and field.path[-1] != "type":
                wrong = {**wrong, "type": next(kinds)}
            scene.ask({**body, **_total(scene, name, 2), name: [body[name][0], wrong]})
    for name in full:
        for wrong in ("x", None):
            scene.ask({**body, **_total(scene, name, 2), name: [body[name][0], wrong]})
    scene.read()
    if "capture_id" in scene.ids:
        scene.conversation.call("getCapture", scene.ids)


def _throughout(scene: Scene, schema: Schema) -> None:
    """Every value of an enumeration in one list, and every text of every item at its limit in one body.

    The longer list comes first, since a total may not always be raised again.
    """
    inner = [field for field in fields(schema) if len(field.path) > 1]
    for field in inner:
        if "enum" in field.schema and len(field.path) == _OF_AN_ITEM:
            body, name = scene.body(_EACH) or {}, str(field.path[0])
            items = [with_value(schema, body, field, value)[name][0] for value in field.schema["enum"]]
            scene.read_back(scene.ask({**body, **_total(scene, name, len(items)), name: items}))
    for way in _BOUNDS:
        body = scene.body(_EACH) or {}
        for field in inner:
            for variant in limits(schema, field):
                if variant.way == way:
                    body = with_value(schema, body, field, variant.value)
        scene.read_back(scene.ask(body))


def _total(scene: Scene, name: str, number: int) -> dict[str, int]:
    """Return the amount that so many items come to, where they have one."""
    return {AMOUNT_FIELD[scene.operation]: number * _EACH} if name == _LINES else {}


def _kinds(schema: Schema) -> list[str]:
    """Return the types that a line may be of, one type for a body without lines."""
    kinds = [field.schema["enum"] for field in fields(schema) if field.path == (_LINES, 0, "type")]
    return kinds[0] if kinds else ["physical"]
