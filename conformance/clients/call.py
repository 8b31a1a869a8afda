"""One call to a client under test and what its user saw, free of any language and library."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Call", "CouldNotTry", "Hello", "NeverReturned", "Outcome", "Oversized", "Raised", "Returned", "Unsupported"]


@dataclass(frozen=True, slots=True)
class Hello:
    """How a client introduces itself.

    ``operations`` are the operation ids that it has; ``features`` says what else its users can ask for. Known
    features: ``idempotency_key`` (bool: a caller can hand over a key), ``timeout`` (bool: a caller can set a time
    limit), ``concurrency`` (int: how many calls it takes at once).
    """

    name: str
    version: str = ""
    language: str = ""
    operations: frozenset[str] = frozenset()
    features: Mapping[str, Any] = field(default_factory=dict)

    def has(self, feature: str) -> bool:
        """Tell whether a feature is there; what is not mentioned is taken for granted."""
        return self.features.get(feature) is not False

    @property
    def concurrency(self) -> int | None:
        """How many calls the adapter takes at once; None when it sets no limit."""
        wished = self.features.get("concurrency")
        return wished if isinstance(wished, int) and not isinstance(wished, bool) and wished > 0 else None


@dataclass(frozen=True, slots=True)
class Call:
    """One call of one method of the client.

    ``session`` names the client object: the same session is the same object, with its kept-alive connections.
    ``path`` maps path parameters to their plain, unescaped values. ``body`` is JSON data or None. ``timeout_s`` is
    the time limit that the caller sets, in seconds.
    """

    id: str
    session: str
    base_url: str
    username: str
    password: str = field(repr=False)
    operation: str
    path: Mapping[str, str]
    body: Any = None
    idempotency_key: str | None = None
    timeout_s: float = 5.0


@dataclass(frozen=True, slots=True)
class Returned:
    """The client reported success; ``value`` is what it handed to its user, as JSON data."""

    value: Any = None


@dataclass(frozen=True, slots=True)
class Raised:
    """The client reported a failure.

    ``kind`` is the name of the error in the client's own words. The other fields are what its user can get at, None
    or empty where there is no way; ``text`` is what the error says when printed.
    """

    kind: str
    status: int | None = None
    error_code: str | None = None
    error_messages: tuple[str, ...] = ()
    correlation_id: str | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Unsupported:
    """The client has no such operation."""


@dataclass(frozen=True, slots=True)
class CouldNotTry:
    """The client has the operation and no way to be called like this; ``why`` says what it lacks."""

    why: str


@dataclass(frozen=True, slots=True)
class NeverReturned:
    """The client was called and neither succeeded nor failed; ``waited_s`` is for how long that was watched."""

    waited_s: float


@dataclass(frozen=True, slots=True)
class Oversized:
    """The client handed over more than anyone could use; ``size`` in bytes, as the adapter wrote it."""

    size: int


Outcome = Returned | Raised | Unsupported | CouldNotTry | NeverReturned | Oversized
