"""Remembers the first answer to a key, so that a repeated request moves nothing and is told the same."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Generic, NamedTuple, TypeVar

__all__ = ["LIFETIME", "IdempotencyKeys", "KeyUse"]

LIFETIME = timedelta(hours=24)

_Answer = TypeVar("_Answer")


class KeyUse(NamedTuple):
    """What a key was sent for: whose it is, and the operation on the resource that ``ids`` name.

    That the body is not compared is documented. What a key means on another operation or order is not: here it is a
    key of its own, since the first answer may be one that the other operation never gives.
    """

    merchant_id: str
    operation: str
    ids: tuple[str, ...]
    key: str


class IdempotencyKeys(Generic[_Answer]):
    """First answers by the use of a key; they are forgotten when their lifetime has passed."""

    __slots__ = ("_answers",)

    def __init__(self) -> None:
        self._answers: dict[KeyUse, tuple[datetime, _Answer]] = {}

    def __len__(self) -> int:
        return len(self._answers)

    def first_answer(self, use: KeyUse, now: datetime) -> _Answer | None:
        """Return the answer that was kept for a key within its lifetime."""
        known = self._answers.get(use)
        return known[1] if known is not None and now - known[0] <= LIFETIME else None

    def keep(self, use: KeyUse, now: datetime, answer: _Answer) -> None:
        """Keep the first answer to a key from now on."""
        self._forget(now)
        # A key whose lifetime has passed starts anew, at the end of the queue.
        self._answers.pop(use, None)
        self._answers[use] = (now, answer)

    def _forget(self, now: datetime) -> None:
        answers = self._answers
        while answers:
            oldest = next(iter(answers))
            if now - answers[oldest][0] <= LIFETIME:
                break
            del answers[oldest]
