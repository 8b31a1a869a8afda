"""One data file, read strictly, so that a slip of the pen is found at loading and not as a wrong verdict."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema_rs
import yaml

from conformance.contract.files import spec_directory
from conformance.exceptions import ContractError

__all__ = ["Document", "FieldPath", "load_document", "read_document"]

FieldPath = Sequence[str | int]

# Sizes far above any file of ours; whoever hands over a larger one gets a clear line instead of a full memory.
_MAX_BYTES = 4_000_000
_MAX_NODES = 1_000_000
_MAX_DEPTH = 64


@dataclass(frozen=True, slots=True)
class Document:
    """A file with what it says: ``value`` is plain JSON data, ``name`` is how mistakes in it are reported."""

    name: str
    text: str
    value: Any

    def mistake(self, path: FieldPath, reason: str) -> ContractError:
        """Return the error for a mistake at ``path`` (keys and indexes from the top), with the line it stands on."""
        return ContractError(self.name, _line_of(self.text, path), _field_of(path), reason)

    def located(self, error: ContractError) -> ContractError:
        """Return an error that names only a field with the line that the field stands on."""
        path = [bracketed or plain for bracketed, plain in _STEP.findall(error.field)]
        return ContractError(self.name, _line_of(self.text, path), error.field, error.reason)


def load_document(name: str, schema_name: str | None = None, directory: Path | None = None) -> Any:
    """Return what a file under ``specs/`` says; raises ContractError when it breaks its schema."""
    return read_document(name, schema_name, directory).value


def read_document(name: str, schema_name: str | None = None, directory: Path | None = None) -> Document:
    """Read one file of a specs directory and hold it against its schema.

    ``schema_name`` is the name of a file in the directory's ``schemas/``; ``directory`` defaults to the suite's own
    specs. Raises ContractError with file, line and field.
    """
    home = spec_directory() if directory is None else directory
    text = _text(home / name, name)
    document = Document(name, text, _Builder(name).build(text))
    if schema_name is not None:
        _validate(document, _validator(home / "schemas" / schema_name))
    return document


def _text(path: Path, name: str) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise ContractError(name, None, "", f"cannot be read: {error.strerror or 'unknown reason'}") from error
    if len(content) > _MAX_BYTES:
        raise ContractError(name, None, "", f"is larger than {_MAX_BYTES} bytes")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ContractError(name, line, "", "is not UTF-8 text") from error


# --- reading ---------------------------------------------------------------------------------------------------------

# The core schema of YAML 1.2: `NO` is a country and `2024-01-01` a text. A plain scalar starting otherwise is a string.
_CONSTANTS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_NUMBER_START = frozenset("0123456789+-.")
_INTEGER = re.compile(r"[-+]?[0-9]{1,40}", re.ASCII)
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]{1,2})?", re.ASCII)

_CONTAINER_START = (yaml.MappingStartEvent, yaml.SequenceStartEvent)
_CONTAINER_END = (yaml.MappingEndEvent, yaml.SequenceEndEvent)
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _scalar(text: str) -> str | int | float | bool | None:
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if text[0] in _NUMBER_START:
        if _INTEGER.fullmatch(text):
            return int(text)
        if _FLOAT.fullmatch(text):
            return float(text)
    return text


class _Builder:
    """Builds plain values from parser events, each of which knows its line, so that a key given twice is found."""

    def __init__(self, name: str) -> None:
        self._name = name
        # What an anchor stands for, with the number of values in it.
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._nodes = 0

    def build(self, text: str) -> Any:
        """Return the value of the only document in a text."""
        loader = _Loader(text)
        try:
            return self._documents(loader.get_event)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            reason = f"is not YAML: {error.problem or error.context}"
            raise ContractError(self._name, mark.line + 1 if mark else None, "", reason) from error
        except yaml.reader.ReaderError as error:
            line = text.encode().count(b"\n", 0, error.position) + 1
            raise ContractError(self._name, line, "", "is not YAML: it holds a control character") from error
        finally:
            loader.dispose()

    def _documents(self, get_event: Callable[[], Any]) -> Any:
        get_event()
        if not isinstance(start := get_event(), yaml.DocumentStartEvent):
            raise self._mistake(start, (), "the file is empty")
        value = self._value(get_event)
        get_event()
        if not isinstance(end := get_event(), yaml.StreamEndEvent):
            raise self._mistake(end, (), "holds more than one document")
        return value

    def _value(self, get_event: Callable[[], Any]) -> Any:
        """Build iteratively: each open container lies on the stack with its pending key and its anchor."""
        stack: list[_Open] = []
        while True:
            event = get_event()
            kind = type(event)
            if kind is yaml.ScalarEvent:
                self._refuse_tag(event, stack)
                value = _scalar(event.value) if event.implicit[0] else event.value
                self._count(event, stack, 1)
                if event.anchor:
                    self._anchors[event.anchor] = (value, 1)
            elif kind in _CONTAINER_START:
                self._refuse_tag(event, stack)
                self._count(event, stack, 1)
                if len(stack) >= _MAX_DEPTH:
                    raise self._mistake(event, _path(stack), f"is nested deeper than {_MAX_DEPTH} levels")
                stack.append(_Open({} if kind is yaml.MappingStartEvent else [], event.anchor, self._nodes))
                continue
            elif kind in _CONTAINER_END:
                done = stack.pop()
                value = done.value
                if done.anchor:
                    # Known only from here on, so that nothing can contain itself.
                    self._anchors[done.anchor] = (value, self._nodes - done.first + 1)
            else:
                if event.anchor not in self._anchors:
                    raise self._mistake(event, _path(stack), f"names the anchor {event.anchor!r} that is not complete")
                value, size = self._anchors[event.anchor]
                self._count(event, stack, size)
            if not stack:
                return value
            self._place(event, stack, value)

    def _place(self, event: Any, stack: list[_Open], value: Any) -> None:
        top = stack[-1]
        if isinstance(top.value, list):
            top.value.append(value)
        elif top.has_key:
            top.value[top.key] = value
            top.has_key = False
        elif not isinstance(value, str):
            raise self._mistake(event, _path(stack), "has a key that is not a string; put it in quotes")
        elif value in top.value:
            raise self._mistake(event, [*_path(stack), value], "is given twice")
        else:
            top.key, top.has_key = value, True

    def _count(self, event: Any, stack: list[_Open], size: int) -> None:
        self._nodes += size
        if self._nodes > _MAX_NODES:
            raise self._mistake(event, _path(stack), f"holds more than {_MAX_NODES} values")

    def _refuse_tag(self, event: Any, stack: list[_Open]) -> None:
        if event.tag is not None:
            raise self._mistake(event, _path(stack), f"carries the tag {event.tag}; the files hold plain data only")

    def _mistake(self, event: Any, path: FieldPath, reason: str) -> ContractError:
        return ContractError(self._name, event.start_mark.line + 1, _field_of(path), reason)


@dataclass(slots=True)
class _Open:
    """A mapping or sequence whose end has not been read; ``first`` counts the values read before it."""

    value: dict[str, Any] | list[Any]
    anchor: str | None
    first: int
    key: str = ""
    has_key: bool = False


def _path(stack: list[_Open]) -> list[str | int]:
    path: list[str | int] = []
    for opened in stack:
        if isinstance(opened.value, list):
            path.append(len(opened.value))
        elif opened.has_key:
            path.append(opened.key)
    return path


# --- holding against a schema ----------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=32)
def _validator(path: Path) -> Any:
    try:
        schema = json.loads(_text(path, f"schemas/{path.name}"))
        return jsonschema_rs.validator_for(schema, validate_formats=True)
    except ValueError as error:
        raise ContractError(f"schemas/{path.name}", None, "", f"is no usable JSON Schema: {error}") from error


def _validate(document: Document, validator: Any) -> None:
    if validator.is_valid(document.value):
        return
    # The deepest complaint is the one about the field that was mistyped, not about everything that contains it.
    path, reason = max(map(_complaint, validator.iter_errors(document.value)), key=lambda found: len(found[0]))
    raise document.mistake(path, reason)


def _complaint(error: jsonschema_rs.ValidationError) -> tuple[list[str | int], str]:
    path: list[str | int] = list(error.instance_path)
    kind: Any = error.kind
    if kind.name == "additionalProperties":
        return [*path, kind.unexpected[0]], "is not a field that belongs here"
    if kind.name == "required":
        return path, f"lacks the field {kind.property!r}"
    return path, error.message


# --- naming places ---------------------------------------------------------------------------------------------------

_STEP = re.compile(r"\[([^\[\]]*)\]|([^.\[\]]+)")
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*", re.ASCII)


def _field_of(path: FieldPath) -> str:
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif _PLAIN_KEY.fullmatch(step):
            text += f".{step}" if text else step
        else:
            text += f"[{json.dumps(step, ensure_ascii=False)}]"
    return text


def _line_of(text: str, path: FieldPath) -> int:
    """Compose the nodes again: only a mistake pays for line numbers."""
    node: Any = yaml.compose(text, Loader=_Loader)
    line: int = node.start_mark.line
    for step in path:
        if isinstance(node, yaml.MappingNode):
            found = next(((key, value) for key, value in node.value if key.value == step), None)
            if found is None:
                break
            line, node = found[0].start_mark.line, found[1]
        elif isinstance(node, yaml.SequenceNode) and str(step).isdecimal() and int(step) < len(node.value):
            node = node.value[int(step)]
            line = node.start_mark.line
        else:
            break
    return line + 1
