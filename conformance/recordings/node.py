"""A place in a parsed file, so that every complaint about its content says where it stands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from conformance.exceptions import RecordingError

__all__ = ["Block", "Node", "Value"]

Value: TypeAlias = "str | bytes | bool | list[Value] | dict[str, Value] | None"
"""What a parser hands over. Numbers stay text: nothing computes with them, and none can be too large."""


class Block(dict[str, Value]):
    """A mapping that remembers the line on which it began."""

    __slots__ = ("line",)

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line


class Node:
    """One value with the way that leads to it.

    Every accessor raises RecordingError naming file, line (where known) and field, never the value: a recording may
    hold credentials.
    """

    __slots__ = ("line", "path", "trail", "value")

    def __init__(self, value: Value, path: str, trail: str = "", line: int | None = None) -> None:
        self.value = value
        self.path = path
        self.trail = trail
        self.line = value.line if isinstance(value, Block) else line

    def fault(self, reason: str) -> RecordingError:
        """Make the error that says what is wrong here; the caller raises it."""
        place = f"{self.path}:{self.line}" if self.line is not None else self.path
        return RecordingError(f"{place}: {self.trail}: {reason}" if self.trail else f"{place}: {reason}")

    def child(self, name: str) -> Node | None:
        """Return a member of this mapping; None when it is absent or null.

        A leading colon is overlooked: it is how Ruby writes a symbol.
        """
        if not isinstance(self.value, dict):
            raise self.fault("is no mapping")
        value = self.value.get(name)
        if value is None:
            value = self.value.get(f":{name}")
        if value is None:
            return None
        return Node(value, self.path, f"{self.trail}.{name}" if self.trail else name, self.line)

    def need(self, name: str) -> Node:
        """Return a member of this mapping that has to be there."""
        found = self.child(name)
        if found is None:
            raise self.fault(f"{name!r} is missing")
        return found

    def items(self) -> Iterator[Node]:
        """Yield the members of this list, counted from 1."""
        if not isinstance(self.value, list):
            raise self.fault("is no list")
        for index, value in enumerate(self.value, start=1):
            yield Node(value, self.path, f"{self.trail}#{index}", self.line)

    def pairs(self) -> Iterator[tuple[str, Node]]:
        """Yield the names and members of this mapping in the order of the file."""
        if not isinstance(self.value, dict):
            raise self.fault("is no mapping")
        for name, value in self.value.items():
            yield name, Node(value, self.path, self.trail, self.line)

    def text(self) -> str:
        """Return this value as text; bytes become the characters of the same numbers."""
        if isinstance(self.value, bytes):
            return self.value.decode("latin-1")
        if not isinstance(self.value, str):
            raise self.fault("is no text")
        return self.value
