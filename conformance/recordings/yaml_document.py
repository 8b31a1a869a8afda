"""YAML as recorders write it, read without meaning: text stays text, and nothing is ever constructed from a tag.

YAML's own guesses would damage traffic (``no`` a boolean, ``0`` a number, a date a time), and its aliases let a small
file unfold without end. So the parser's events are taken one by one: plain nulls and base64 are recognised, every
other scalar is the text that stands there, and depth, number of nodes and unfolded size are bounded.
"""

from __future__ import annotations

import base64
import binascii

import yaml

from conformance.exceptions import RecordingError
from conformance.recordings.node import Block, Value

__all__ = ["MAX_DEPTH", "MAX_NODES", "MAX_UNFOLDED", "parse_yaml"]

MAX_DEPTH = 64
MAX_NODES = 10_000_000
MAX_UNFOLDED = 200_000_000
"""How much aliases may add, in characters; a node counts for ``NODE_COST`` of them."""

NODE_COST = 100
NULLS = frozenset({"", "~", "null", "Null", "NULL"})
NULL_TAG = "tag:yaml.org,2002:null"
BINARY_TAGS = frozenset({"!binary", "tag:yaml.org,2002:binary"})
# libyaml is ten times faster; a build of PyYAML without it reads the same events.
LOADER: type[yaml.CSafeLoader | yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def parse_yaml(data: bytes, path: str) -> Value:
    """Read one YAML document; an empty file reads as None.

    Raises RecordingError with file and line for anything that is no YAML, for more than one document, for keys that
    are no text or stand twice, for undecodable base64, and for documents beyond the bounds.
    """
    builder = _Builder(path)
    try:
        for event in yaml.parse(data, Loader=LOADER):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else None
        raise _fault(path, line, f"is no valid YAML: {error.problem or error.context}") from None
    except yaml.reader.ReaderError as error:
        line = data.count(b"\n", 0, error.position) + 1
        raise _fault(path, line, f"is no valid YAML: {error.reason}") from None
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise _fault(path, None, f"is no valid YAML: {type(error).__name__}") from None
    return builder.root


def _fault(path: str, line: int | None, reason: str) -> RecordingError:
    return RecordingError(f"{path}:{line}: {reason}" if line is not None else f"{path}: {reason}")


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1


class _Frame:
    """A list or mapping that is still open, with the key that waits for its value."""

    __slots__ = ("anchor", "container", "key", "weight")

    def __init__(self, container: list[Value] | Block, anchor: str | None) -> None:
        self.container = container
        self.anchor = anchor
        self.key: str | None = None
        self.weight = NODE_COST


class _Builder:
    """Builds the value from events, with its own stack instead of recursion."""

    __slots__ = ("anchors", "documents", "nodes", "path", "root", "stack", "unfolded")

    def __init__(self, path: str) -> None:
        self.path = path
        self.root: Value = None
        self.stack: list[_Frame] = []
        self.anchors: dict[str, tuple[Value, int]] = {}
        self.nodes = 0
        self.unfolded = 0
        self.documents = 0

    def take(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.ScalarEvent):
            value = self._scalar(event)
            self._add(event, value, NODE_COST + len(event.value), event.anchor)
        elif isinstance(event, yaml.MappingStartEvent):
            self._open(event, Block(_line(event)))
        elif isinstance(event, yaml.SequenceStartEvent):
            self._open(event, [])
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            frame = self.stack.pop()
            self._add(event, frame.container, frame.weight, frame.anchor)
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event)
        elif isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                raise self._fault(event, "a recording is one YAML document, and here a second one begins")

    def _fault(self, event: yaml.Event, reason: str) -> RecordingError:
        return _fault(self.path, _line(event), reason)

    def _scalar(self, event: yaml.ScalarEvent) -> str | bytes | None:
        text: str = event.value
        if event.tag is None:
            return None if event.implicit[0] and text in NULLS else text
        if event.tag in BINARY_TAGS:
            try:
                return base64.b64decode("".join(text.split()), validate=True)
            except (binascii.Error, ValueError):
                raise self._fault(event, "holds base64 that cannot be decoded") from None
        return None if event.tag == NULL_TAG else text

    def _open(self, event: yaml.CollectionStartEvent, container: list[Value] | Block) -> None:
        if len(self.stack) >= MAX_DEPTH:
            raise self._fault(event, f"is nested deeper than {MAX_DEPTH} levels")
        if self.stack and isinstance(self.stack[-1].container, Block) and self.stack[-1].key is None:
            raise self._fault(event, "a key is no text")
        if event.anchor is not None:
            # An alias that stands inside its own anchor must not find an older anchor of the same name.
            self.anchors.pop(event.anchor, None)
        self.stack.append(_Frame(container, event.anchor))

    def _alias(self, event: yaml.AliasEvent) -> None:
        found = self.anchors.get(event.anchor or "")
        if found is None:
            raise self._fault(event, "an alias stands for nothing that is complete at this place")
        value, weight = found
        self.unfolded += weight
        if self.unfolded > MAX_UNFOLDED:
            raise self._fault(event, f"its aliases unfold to more than {MAX_UNFOLDED} characters")
        self._add(event, value, weight, None)

    def _add(self, event: yaml.Event, value: Value, weight: int, anchor: str | None) -> None:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise self._fault(event, f"holds more than {MAX_NODES} values")
        if anchor is not None:
            self.anchors[anchor] = (value, weight)
        if not self.stack:
            self.root = value
            return
        frame = self.stack[-1]
        frame.weight += weight
        if isinstance(frame.container, list):
            frame.container.append(value)
        elif frame.key is None:
            frame.key = self._key(event, value, frame.container)
        else:
            frame.container[frame.key] = value
            frame.key = None

    def _key(self, event: yaml.Event, value: Value, block: Block) -> str:
        if isinstance(value, bytes):
            key = value.decode("latin-1")
        elif isinstance(value, str):
            key = value
        elif value is None and isinstance(event, yaml.ScalarEvent):
            key = event.value
        else:
            raise self._fault(event, "a key is no text")
        if key in block:
            raise self._fault(event, "a key stands twice in one mapping")
        return key
