"""One request that a client made to a mock, with what became of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from conformance.exchange import Request

__all__ = ["Call"]


@dataclass(frozen=True, slots=True, repr=False)
class Call:
    """A request to an operation.

    ``status`` is None when the client got no answer; ``outcome`` says in words what it got. ``carried_out`` tells
    whether the operation succeeded, heard of or not.
    """

    operation: str
    order_id: str
    request: Request = field(repr=False)
    status: int | None
    outcome: str
    carried_out: bool

    @property
    def is_write(self) -> bool:
        """Whether the operation changes an order."""
        return self.request.method in ("POST", "PATCH")

    @property
    def key(self) -> str | None:
        """The idempotency key that was sent, None when there was none."""
        return self.request.headers.get("Klarna-Idempotency-Key")

    @property
    def body(self) -> Any:
        """The JSON that was sent, None when there was none or it was no JSON."""
        try:
            return json.loads(self.request.body)
        except ValueError:
            return None

    def __repr__(self) -> str:
        key = "no key" if self.key is None else f"key {self.key!r}"
        return f"<{self.operation}, {key}: {self.outcome}>"
