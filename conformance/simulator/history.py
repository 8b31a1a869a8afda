"""What was asked and answered lately, bounded by number and by size."""

from __future__ import annotations

from collections import deque

from conformance.exchange import Exchange, Request, Response

__all__ = ["History"]

_MOST_EXCHANGES = 10_000
_MOST_BYTES = 64 * 1024 * 1024


class History:
    """The newest exchanges; the oldest make room. Numbers count from 1 over all that ever were."""

    __slots__ = ("_bytes", "_pairs", "total")

    def __init__(self) -> None:
        self._pairs: deque[tuple[Request, Response]] = deque()
        self._bytes = 0
        self.total = 0

    def add(self, request: Request, response: Response) -> None:
        """Keep one exchange."""
        self.total += 1
        self._pairs.append((request, response))
        self._bytes += len(request.body) + len(response.body)
        while len(self._pairs) > _MOST_EXCHANGES or (self._bytes > _MOST_BYTES and len(self._pairs) > 1):
            first, answer = self._pairs.popleft()
            self._bytes -= len(first.body) + len(answer.body)

    def exchanges(self) -> tuple[Exchange, ...]:
        """Return what is kept, oldest first."""
        return tuple(Exchange(request, response) for request, response in self._pairs)

    def numbered(self) -> list[tuple[int, Request, Response]]:
        """Return what is kept with its running numbers, oldest first."""
        first = self.total - len(self._pairs) + 1
        return [(first + index, request, response) for index, (request, response) in enumerate(self._pairs)]
