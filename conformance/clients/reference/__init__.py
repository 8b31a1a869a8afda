"""A client of the Order Management API that does everything right, to be judged, copied and broken on purpose.

``connect`` gives a client that waits, ``connect_async`` one to be awaited; both offer the API's eighteen operations as
methods, and raise a ``KlarnaError`` for every failure.
"""

from __future__ import annotations

from conformance.clients.reference.client import AsyncClient, Client, connect, connect_async
from conformance.clients.reference.errors import (
    InvalidRequestError,
    KlarnaError,
    MissingIdError,
    NotAllowedError,
    NotAuthenticatedError,
    NotFoundError,
    RateLimitedError,
    RequestRefusedError,
    TransportError,
    UnavailableError,
    UnreadableAnswerError,
)
from conformance.clients.reference.retry import RetryPolicy

__all__ = [
    "AsyncClient",
    "Client",
    "InvalidRequestError",
    "KlarnaError",
    "MissingIdError",
    "NotAllowedError",
    "NotAuthenticatedError",
    "NotFoundError",
    "RateLimitedError",
    "RequestRefusedError",
    "RetryPolicy",
    "TransportError",
    "UnavailableError",
    "UnreadableAnswerError",
    "connect",
    "connect_async",
]
