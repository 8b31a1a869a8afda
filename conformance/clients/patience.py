"""Waits for calls, and tells a client that never comes back from an adapter that never answers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from itertools import pairwise

from conformance.clients.adapter import Adapter, AdapterError
from conformance.clients.call import Call, NeverReturned, Outcome

__all__ = ["GRACE_S", "GaveUpError", "Patience"]

# Beyond the time limit that the caller set: more than a busy machine costs, less than a person would wait.
GRACE_S = 8.0
# A client that hangs this often hangs in whatever is left, too; each time costs a wait.
MOST_HANGS = 60
# Whoever backs off waits a few times longer than before, not more.
_NEXT_PAUSE = 4.0

Arrivals = Callable[[], Sequence[float]]


class GaveUpError(Exception):
    """The client hung so often that it is not asked again; the text says so."""


class Patience:
    """How long a run waits for its calls. What counts is the silence on the wire, since a call may wait in a queue.

    ``grace_s`` is how long a client may be silent beyond the time limit of the call.
    """

    def __init__(self, adapter: Adapter, grace_s: float = GRACE_S) -> None:
        self.hangs = 0
        self._adapter = adapter
        self._grace_s = grace_s
        self._answered = False
        self._left: dict[str, int] = {}

    def session(self, name: str) -> str:
        """Return the name under which a client object that does not hang is to be had."""
        left = self._left.get(name, 0)
        return f"{name}~{left}" if left else name

    async def outcome(
        self,
        call: Call,
        arrivals: Arrivals,
        plain: Callable[[], Call],
        delay_s: float = 0.0,
    ) -> Outcome:
        """Make a call and wait for what comes of it; ``NeverReturned`` when it arrived and nothing came back.

        ``arrivals`` returns when its requests arrived, on the monotonic clock; ``delay_s`` is what the server takes
        for an answer. ``plain`` makes a call with nothing in its way: only of an adapter that has handed over something
        can it be said that it would have handed over this too. Raises AdapterError for one that has not, GaveUpError
        after too many.
        """
        if self.hangs >= MOST_HANGS:
            raise GaveUpError(f"not tried: the client did not come back from {self.hangs} calls before this one")
        limit_s = _limit_s(call, delay_s, self._grace_s)
        begun = time.monotonic()
        task = asyncio.ensure_future(self._adapter.call(call))
        try:
            deadline = begun + limit_s
            while not (await asyncio.wait({task}, timeout=max(0.0, deadline - time.monotonic())))[0]:
                deadline = _deadline(arrivals(), limit_s)
                if deadline <= time.monotonic():
                    return await self._hung(task, call, begun, plain)
            outcome = task.result()
        finally:
            task.cancel()
        self._answered = True
        return outcome

    async def _hung(
        self, task: asyncio.Future[Outcome], call: Call, begun: float, plain: Callable[[], Call]
    ) -> Outcome:
        waited_s = time.monotonic() - begun
        task.cancel()
        await self._adapter.abandon(call)
        base = call.session.partition("~")[0]
        self._left[base] = self._left.get(base, 0) + 1
        self._answered = self._answered or await self._answers(plain())
        if not self._answered:
            raise AdapterError(f"the adapter handed over nothing, of this call or any other, within {waited_s:.0f} s")
        self.hangs += 1
        return NeverReturned(waited_s)

    async def _answers(self, call: Call) -> bool:
        """Whether a call with nothing in its way comes to anything."""
        try:
            await asyncio.wait_for(self._adapter.call(call), _limit_s(call, 0.0, self._grace_s))
        except TimeoutError:
            await self._adapter.abandon(call)
            return False
        except AdapterError:
            return False
        return True


def _limit_s(call: Call, delay_s: float, grace_s: float) -> float:
    return call.timeout_s + delay_s + grace_s


def _deadline(arrivals: Sequence[float], limit_s: float) -> float:
    """Return until when a call is waited for, on the monotonic clock."""
    if not arrivals:
        # It may be in a queue; how long that may last is for the adapter to say.
        return time.monotonic() + limit_s
    longest = max((after - before for before, after in pairwise(arrivals)), default=0.0)
    return arrivals[-1] + limit_s + _NEXT_PAUSE * longest
