"""One request with its answer, free of any HTTP library, so that every world is judged by the same checks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

__all__ = ["Exchange", "Headers", "Request", "Response"]


class Headers:
    """Header fields in the order and case in which they travelled, looked up without regard to case."""

    __slots__ = ("_first", "items")

    items: tuple[tuple[str, str], ...]

    def __init__(self, items: Iterable[tuple[str, str]] | Mapping[str, str] = ()) -> None:
        # Nearly always it is a tuple, and to ask for a mapping costs more than all the rest.
        if type(items) is not tuple:
            items = tuple(items.items() if isinstance(items, Mapping) else items)
        self.items = items
        self._first: dict[str, str] | None = None

    def get(self, name: str) -> str | None:
        """Return the first value of a field, or None when the field is absent."""
        # Asked for more often than anything else.
        first = self._first
        return (self._index() if first is None else first).get(name.lower())

    def all(self, name: str) -> tuple[str, ...]:
        """Return every value of a field in the order sent."""
        wanted = name.lower()
        return tuple(value for known, value in self.items if known.lower() == wanted)

    def without(self, *names: str) -> Headers:
        """Return a copy that lacks the named fields."""
        unwanted = {name.lower() for name in names}
        return Headers(pair for pair in self.items if pair[0].lower() not in unwanted)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._index()

    def _index(self) -> dict[str, str]:
        """Return the first values by lower-case name; most headers are written and never looked up."""
        if self._first is None:
            self._first = {name.lower(): value for name, value in reversed(self.items)}
        return self._first

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Headers) and self.items == other.items

    def __hash__(self) -> int:
        return hash(self.items)

    def __repr__(self) -> str:
        # Values stay out of the text: Authorization must not reach a log or a traceback.
        return f"Headers({', '.join(name for name, _ in self.items)})"


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked.

    ``target`` is the request target exactly as it stood on the request line (percent-encoded path, query
    included) or an absolute URL when the source knows no better. ``body`` is the body after content decoding.
    """

    method: str
    target: str
    headers: Headers = field(default_factory=Headers)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Response:
    """What was answered.

    ``body`` is the body after content decoding. ``cut`` says in words why the body is incomplete (longer than
    the reader was willing to read, or ended before its announced length); empty when the body is whole.
    """

    status: int
    headers: Headers = field(default_factory=Headers)
    body: bytes = b""
    cut: str = ""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and what came back.

    ``response`` is None when no usable answer came; ``failure`` then says why in a few words.
    """

    request: Request
    response: Response | None = None
    failure: str = ""
