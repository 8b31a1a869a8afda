"""The 18 operations as values: where they live, what they take, and how they may answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from conformance.contract.truth import Truth

__all__ = ["Answer", "Operation", "Route"]


@dataclass(frozen=True, slots=True)
class Answer:
    """One documented status of an operation.

    ``media`` maps a media type to the JSON Schema of its body (fully resolved through ``$defs``; None where the
    body is free); it is empty when the answer has no body. ``headers`` are the required response headers.
    ``codes`` are the ``error_code`` values that may stand in the body (empty string for bodies without a code).
    """

    status: int
    media: Mapping[str, Mapping[str, Any] | None] = field(repr=False)
    headers: tuple[str, ...]
    codes: tuple[str, ...]
    truth: Truth


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the API, under the API's own name for it."""

    id: str
    method: str
    path: str
    summary: str
    parameters: tuple[str, ...]
    body: Mapping[str, Any] | None = field(repr=False)
    answers: Mapping[int, Answer]
    success: Answer

    @property
    def writes(self) -> bool:
        """Whether the operation changes an order, and so takes an idempotency key."""
        return self.method in ("POST", "PATCH")


@dataclass(frozen=True, slots=True)
class Route:
    """What a request target resolves to.

    ``operation`` is None when the path is under the API's base path but no operation has it (or has it with that
    method); ``allowed`` then names the methods that the path does have. ``ids`` maps path parameters to their
    percent-decoded values.
    """

    operation: Operation | None
    ids: Mapping[str, str]
    allowed: tuple[str, ...]
