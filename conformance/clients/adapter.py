"""What stands between the suite and a client, so that scenarios need not know in which language it is written."""

from __future__ import annotations

from typing import Protocol

from conformance.clients.call import Call, Hello, Outcome
from conformance.exceptions import ConformanceError

__all__ = ["Adapter", "AdapterError"]


class AdapterError(ConformanceError):
    """The adapter broke the protocol, died or hung; the text says how, without secrets.

    ``alone`` tells whether no other call was under way, so that this one is certainly the culprit; ``innocent``,
    whether another call is known to be.
    """

    def __init__(self, reason: str, *, alone: bool = True, innocent: bool = False) -> None:
        super().__init__(reason)
        self.alone = alone
        self.innocent = innocent


class Adapter(Protocol):
    """A client that can be called. Calls of one session come one after the other; sessions run side by side."""

    async def start(self) -> Hello:
        """Get ready and introduce the client; raises AdapterError when that fails."""
        ...

    async def call(self, call: Call) -> Outcome:
        """Make one call; raises AdapterError when the adapter fails, never for what the client does."""
        ...

    async def abandon(self, call: Call) -> None:
        """Let go of a call that does not come back, and stay fit for others; its session is not used again."""
        ...

    async def close(self) -> None:
        """Let go of everything, whatever state it is in."""
        ...
