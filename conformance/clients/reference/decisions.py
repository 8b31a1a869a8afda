"""What a client decides, and the two loops around it: one that waits and one that is awaited.

No HTTP library is known here, so that clients over different ones behave alike.
"""

from __future__ import annotations

import asyncio
import random
import time
from abc import abstractmethod
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

from conformance.clients.reference.answer import Answer, Lost, read_answer
from conformance.clients.reference.call import Call, WireRequest, build_request, trimmed_base_url
from conformance.clients.reference.operations import Operations
from conformance.clients.reference.retry import REPEATED_STATUSES, RetryPolicy, asked_wait_s

__all__ = ["AwaitedClient", "Decisions", "WaitingClient"]

# An order with a thousand lines and as many captures fits many times over.
_LONGEST_ANSWER = 16 * 1024 * 1024
_STANDARD_POLICY = RetryPolicy()


class Decisions:
    """All that a client decides, apart from how it sends; each decision is a method that a variant may replace."""

    def __init__(
        self,
        base_url: str,
        *,
        timeout_s: float,
        policy: RetryPolicy = _STANDARD_POLICY,
        longest_answer: int = _LONGEST_ANSWER,
        clock: Callable[[], float] = time.time,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._base_url = trimmed_base_url(base_url)
        self._timeout_s = timeout_s
        self._policy = policy
        self._longest_answer = longest_answer
        self._clock = clock
        self._chance = chance

    def __repr__(self) -> str:
        # No field but the address: the others lead to credentials.
        return f"{type(self).__name__}({self._base_url!r})"

    def _build(self, call: Call) -> WireRequest:
        """Return the request for a call."""
        return build_request(call)

    def _wait_s(self, request: WireRequest, outcome: Answer | Lost, attempt: int) -> float | None:
        """Return how long to wait before the request is sent again, or None when it is not."""
        if not request.is_repeatable:
            return None
        if isinstance(outcome, Lost):
            return None if outcome.is_final else self._policy.wait_s(attempt, None, self._chance())
        if outcome.status in REPEATED_STATUSES:
            asked_s = asked_wait_s(outcome.status, outcome.headers, datetime.fromtimestamp(self._clock(), UTC))
            return self._policy.wait_s(attempt, asked_s, self._chance())
        if outcome.is_success and outcome.cut and request.method == "GET":
            return self._policy.wait_s(attempt, None, self._chance())
        return None

    def _read(self, call: Call, outcome: Answer | Lost) -> Any:
        """Return the result of a call, or raise its error."""
        return read_answer(call, outcome)


class WaitingClient(Decisions, Operations[dict[str, Any], list[Any], dict[str, str], None]):
    """A client that waits for each answer; a subclass says how a request is sent."""

    def __init__(self, base_url: str, *, sleep: Callable[[float], object] = time.sleep, **options: Any) -> None:
        super().__init__(base_url, **options)
        self._sleep = sleep

    @abstractmethod
    def _send(self, request: WireRequest) -> Answer | Lost:
        """Send a request once and read its answer."""

    @abstractmethod
    def close(self) -> None:
        """Close the connections."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _perform(self, call: Call) -> Any:
        request = self._build(call)
        attempt = 1
        while True:
            outcome = self._send(request)
            wait_s = self._wait_s(request, outcome, attempt)
            if wait_s is None:
                return self._read(call, outcome)
            self._sleep(wait_s)
            attempt += 1


class AwaitedClient(
    Decisions,
    Operations[Awaitable[dict[str, Any]], Awaitable[list[Any]], Awaitable[dict[str, str]], Awaitable[None]],
):
    """A client to be awaited, for asyncio; with another ``sleep`` for trio too. A subclass says how to send."""

    def __init__(
        self, base_url: str, *, sleep: Callable[[float], Awaitable[object]] = asyncio.sleep, **options: Any
    ) -> None:
        super().__init__(base_url, **options)
        self._sleep = sleep

    @abstractmethod
    async def _send(self, request: WireRequest) -> Answer | Lost:
        """Send a request once and read its answer."""

    @abstractmethod
    async def aclose(self) -> None:
        """Close the connections."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _perform(self, call: Call) -> Any:
        request = self._build(call)
        attempt = 1
        while True:
            outcome = await self._send(request)
            wait_s = self._wait_s(request, outcome, attempt)
            if wait_s is None:
                return self._read(call, outcome)
            await self._sleep(wait_s)
            attempt += 1
