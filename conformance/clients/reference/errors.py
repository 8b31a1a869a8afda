"""What can go wrong, as types, so that a shop decides by class and status and never by the words of a message."""

from __future__ import annotations

__all__ = [
    "InvalidRequestError",
    "KlarnaError",
    "MissingIdError",
    "NotAllowedError",
    "NotAuthenticatedError",
    "NotFoundError",
    "RateLimitedError",
    "RequestRefusedError",
    "TransportError",
    "UnavailableError",
    "UnreadableAnswerError",
    "error_type",
]


class KlarnaError(Exception):
    """A call did not end well, with all that the answer told about it.

    ``status`` is None when no answer came; ``error_code`` and ``correlation_id`` are None when the answer had none.
    ``carried_out`` says whether the work was done: True, False, or None when nobody can know.
    """

    kind = "error"

    def __init__(
        self,
        text: str,
        *,
        operation: str = "",
        status: int | None = None,
        error_code: str | None = None,
        error_messages: tuple[str, ...] = (),
        correlation_id: str | None = None,
        carried_out: bool | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(text)
        self.operation = operation
        self.status = status
        self.error_code = error_code
        self.error_messages = error_messages
        self.correlation_id = correlation_id
        self.carried_out = carried_out
        self.retry_after_s = retry_after_s


class InvalidRequestError(KlarnaError):
    """The call cannot be put into a request; nothing was sent."""

    kind = "invalid_request"


class RequestRefusedError(KlarnaError):
    """The service refuses the request; to send it again unchanged is of no use."""

    kind = "refused"


class NotAuthenticatedError(RequestRefusedError):
    """The credentials are wrong, or of another region or environment."""

    kind = "not_authenticated"


class NotAllowedError(RequestRefusedError):
    """The state of the order does not allow the operation."""

    kind = "not_allowed"


class NotFoundError(RequestRefusedError):
    """There is no such order, capture or refund."""

    kind = "not_found"


class RateLimitedError(KlarnaError):
    """The merchant calls too often; ``retry_after_s`` says how long to wait, where the answer said so."""

    kind = "rate_limited"


class UnavailableError(KlarnaError):
    """The service is in trouble, and whether a write was carried out is unknown."""

    kind = "unavailable"


class TransportError(KlarnaError):
    """No whole answer came, and whether a write was carried out is unknown."""

    kind = "transport"


class UnreadableAnswerError(KlarnaError):
    """An answer came that is not what the operation answers."""

    kind = "unreadable"


class MissingIdError(KlarnaError):
    """The capture or refund was made, but the answer does not name it; read the order to learn its id."""

    kind = "missing_id"


_BY_STATUS: dict[int, type[KlarnaError]] = {
    401: NotAuthenticatedError,
    403: NotAllowedError,
    404: NotFoundError,
    429: RateLimitedError,
}
_BY_CLASS: dict[int, type[KlarnaError]] = {4: RequestRefusedError, 5: UnavailableError}


def error_type(status: int) -> type[KlarnaError]:
    """Return the class for a status that is no success; what the API never answers is unreadable."""
    return _BY_STATUS.get(status) or _BY_CLASS.get(status // 100, UnreadableAnswerError)
