"""A memory of failing examples that many machines share, so that what one found last night all try first tonight."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Self, TypeVar
from urllib.parse import urlsplit

from conformance.contract.contract import Contract
from conformance.exceptions import TargetError, UsageError

if TYPE_CHECKING:
    from hypothesis.database import ExampleDatabase

__all__ = ["ExampleMemory", "ExampleMemoryError"]

# Seconds that the store has to answer in.
_PATIENCE = 5.0
_SCHEMES = ("redis", "rediss")
_MOST_NAMED = 100

T = TypeVar("T")


class ExampleMemoryError(TargetError):
    """The store has stopped answering."""


class ExampleMemory:
    """Failing examples in Redis; each kind of test has a shelf of its own, and so has each version of the contract."""

    def __init__(self, store: Any, place: str, contract: Contract) -> None:
        self._store = store
        self._place = place
        self._prefix = f"klarna-conformance:{contract.digest[:16]}:"

    @classmethod
    def at(cls, url: str, contract: Contract) -> Self:
        """Connect to ``redis://[user:password@]host[:port][/number]``; raises UsageError when that does not work."""
        place = _place(url)
        try:
            import hypothesis.extra.redis  # noqa: F401, PLC0415 - seldom needed
            from redis import Redis, RedisError  # noqa: PLC0415 - as above
        except ImportError:
            raise UsageError(
                "a memory of examples needs Hypothesis and Redis: install klarna-conformance[redis]"
            ) from None
        try:
            store = Redis.from_url(url, socket_connect_timeout=_PATIENCE, socket_timeout=_PATIENCE)
            store.ping()
        except (RedisError, ValueError, OSError) as trouble:
            # The text of the error is not shown: it may repeat the address with the password in it.
            raise UsageError(f"no memory of examples at {place}: {type(trouble).__name__}") from None
        return cls(store, place, contract)

    def shelf(self, name: str) -> ExampleDatabase:
        """Return the database for the tests of one kind."""
        from hypothesis.database import ExampleDatabase  # noqa: PLC0415 - heavy
        from hypothesis.extra.redis import RedisExampleDatabase  # noqa: PLC0415 - heavy

        inner = RedisExampleDatabase(self._store, key_prefix=f"{self._prefix}{name}:".encode())
        guarded = self._guarded

        class Shelf(ExampleDatabase):
            """What stands between Hypothesis and a store that may go away."""

            def fetch(self, key: bytes) -> Iterable[bytes]:
                return guarded(lambda: list(inner.fetch(key)))

            def save(self, key: bytes, value: bytes) -> None:
                guarded(lambda: inner.save(key, value))

            def delete(self, key: bytes, value: bytes) -> None:
                guarded(lambda: inner.delete(key, value))

        return Shelf()

    def close(self) -> None:
        """Give back the connections."""
        self._store.close()

    def _guarded(self, work: Callable[[], T]) -> T:
        from redis import RedisError  # noqa: PLC0415 - imported by whoever made this

        try:
            return work()
        except (RedisError, OSError) as trouble:
            raise ExampleMemoryError(
                f"the memory of examples at {self._place} does not answer: {type(trouble).__name__}"
            ) from None


def _place(url: str) -> str:
    """Return host and port of an address, without what is secret in it."""
    try:
        parts = urlsplit(url)
        known, host, port = parts.scheme in _SCHEMES, parts.hostname, parts.port or 6379
    except ValueError:
        known, host, port = False, None, 0
    if not known or not host:
        raise UsageError("the address of a memory of examples reads redis://host:port/number")
    return f"{host[:_MOST_NAMED]}:{port}"
