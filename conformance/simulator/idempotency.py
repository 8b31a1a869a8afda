"""Remembers the first answer to a key, so that a repeated request moves nothing and is told the same."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Generic, TypeVar

__all__ = ["LIFETIME", "IdempotencyKeys"]

LIFETIME = timedelta(hours=24)

_Answer = TypeVar("_Answer")


class IdempotencyKeys(Generic[_Answer]):
    """First answers by merchant and key.

    The key alone is compared: neither body nor operation nor order. Keys are forgotten when their lifetime has passed.
    """

    __slots__ = ("_answers",)

    def __init__(self) -> None:
        self._answers: dict[tuple[str, str], tuple[datetime, _Answer]] = {}

    def __len__(self) -> int:
        return len(self._answers)

    def first_answer(self, merchant_id: str, key: str, now: datetime) -> _Answer | None:
        """Return the answer that was kept for a key within its lifetime."""
        known = self._answers.get((merchant_id, key))
        return known[1] if known is not None and now - known[0] <= LIFETIME else None

    def keep(self, merchant_id: str, key: str, now: datetime, answer: _Answer) -> None:
        """Keep the first answer to a key from now on."""
        self._forget(now)
        # A key whose lifetime has passed starts anew, at the end of the queue.
        self._answers.pop((merchant_id, key), None)
        self._answers[merchant_id, key] = (now, answer)

    def _forget(self, now: datetime) -> None:
        answers = self._answers
        while answers:
            oldest = next(iter(answers))
            if now - answers[oldest][0] <= LIFETIME:
                break
            del answers[oldest]
