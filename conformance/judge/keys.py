"""Remembers what each idempotency key was first used for, so that a replay can be told from a second execution."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from conformance.judge.observation import Observation, Remark

__all__ = ["First", "Keys", "compare_replay"]

# How long a retry with the same key is safe, by the escalation and retry policy.
_LIFETIME = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class First:
    """The first settled answer to a key.

    ``created`` is the id of the capture or refund that it made, empty when it made none.
    """

    operation: str
    ids: Mapping[str, str]
    status: int
    error_code: str
    created: str
    body: Any
    raw: bytes
    at: datetime | None

    def same_bytes(self, seen: Observation) -> bool:
        """Tell whether a request at the same place carries its body in the same spelling."""
        return seen.exchange.request.body == self.raw

    def same_request(self, seen: Observation) -> bool:
        """Tell whether a request at the same place also carries the same body, in whatever spelling."""
        return bool(_content(seen) == self.body)

    def same_place(self, seen: Observation) -> bool:
        """Tell whether a request is the same operation on the same resource."""
        return seen.operation is not None and seen.operation.id == self.operation and dict(seen.ids) == dict(self.ids)

    @property
    def succeeded(self) -> bool:
        """Whether the first answer was a success."""
        return 200 <= self.status < 300


class Keys:
    """The keys of every merchant, each with its first settled answer."""

    __slots__ = ("_first", "_used")

    def __init__(self) -> None:
        self._first: dict[tuple[str, str], First] = {}
        self._used: set[tuple[str, str]] = set()

    def use(self, seen: Observation) -> bool:
        """Take note of the key of a request; tell whether it was used before, whatever came of that."""
        if not seen.key:
            return False
        before = (seen.principal, seen.key) in self._used
        self._used.add((seen.principal, seen.key))
        return before

    def first(self, seen: Observation, now: datetime | None) -> First | None:
        """Return what the key of a request was first used for; None for a new, absent or outlived key."""
        if not seen.key:
            return None
        found = self._first.get((seen.principal, seen.key))
        if found is None or found.at is None or now is None:
            return found
        return found if now - found.at < _LIFETIME else None

    def outlived(self, seen: Observation, now: datetime | None) -> First | None:
        """Return what the key of a request was first used for, if that is too long ago to count for certain."""
        found = self._first.get((seen.principal, seen.key)) if seen.key else None
        return found if found is not None and self.first(seen, now) is None else None

    def remember(self, seen: Observation, now: datetime | None) -> None:
        """Keep the answer to a key, unless an earlier one still counts or this one settles nothing."""
        unsettled = seen.status >= 500 or seen.status in (401, 409, 429)
        if not seen.key or unsettled or seen.operation is None or self.first(seen, now) is not None:
            return
        self._first[seen.principal, seen.key] = First(
            operation=seen.operation.id,
            ids=seen.ids,
            status=seen.status,
            error_code=seen.error_code,
            created=_created(seen),
            body=_content(seen),
            raw=seen.exchange.request.body,
            at=now,
        )


def compare_replay(first: First, seen: Observation) -> Iterator[Remark]:
    """Yield how the answer to a repeated request differs from the first one."""
    created = _created(seen)
    if seen.succeeded and created != first.created:
        yield Remark("KOM-501", f"the replay created {created or 'something'} beside {first.created or 'the first'}")
    elif (seen.status, seen.error_code) != (first.status, first.error_code):
        answer = f"{seen.status} {seen.error_code}".rstrip()
        yield Remark("KOM-502", f"the replay was answered {answer}, the first request {first.status}")


def _content(seen: Observation) -> Any:
    return seen.exchange.request.body if seen.sent.problem else seen.sent.value


def _created(seen: Observation) -> str:
    headers = seen.response.headers
    return headers.get("Capture-Id") or headers.get("Refund-Id") or ""
