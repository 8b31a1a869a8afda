"""Chooses and fills in the words of a refusal from those that the error table knows."""

from __future__ import annotations

import re
from collections.abc import Mapping

from conformance.contract.error_table import ErrorRow

__all__ = ["messages", "state_words"]

_PLACEHOLDER = re.compile(r"\{(\w+)\}")

_STATES: Mapping[str, str] = {
    "CAPTURED": "fully captured",
    "RELEASED": "fully captured",
    "CANCELLED": "cancelled",
    "EXPIRED": "expired",
    "CLOSED": "closed",
}

# How the refusal of an unknown order ends on operations for which no sample is published.
_OPERATIONS: Mapping[str, str] = {
    "cancelOrder": "Cancel not possible.",
    "updateAuthorization": "Order authorization cannot be updated.",
    "updateConsumerDetails": "Customer details cannot be updated.",
    "extendAuthorizationTime": "Authorization time cannot be extended.",
    "releaseRemainingAuthorization": "Remaining authorization cannot be released.",
}

# Wordings that name a field of the request fit only when it was sent.
_NAMES_FIELD: Mapping[str, str] = {"Billing address": "billing_address"}


def state_words(state: str) -> str:
    """Return how a message calls a state; empty for states that no message names."""
    return _STATES.get(state, "")


def messages(
    row: ErrorRow, known: Mapping[str, object], *, operation: str = "", sent: Mapping[str, object] | None = None
) -> tuple[str, ...]:
    """Return the messages of a refusal.

    ``known`` holds the values of placeholders; ``words`` among them is how the order's state is called when it is the
    state that refuses. ``sent`` is the request's body. A row without wordings has no message.
    """
    values = {"operation": _OPERATIONS.get(operation, ""), **known}
    fitting = [
        message
        for message in row.messages
        if all(name in values for name in _PLACEHOLDER.findall(message))
        and all(field in (sent or ()) for start, field in _NAMES_FIELD.items() if message.startswith(start))
    ]
    if not fitting:
        return ()
    words = known.get("words")
    named = [message for message in fitting if words and (f" is {words}" in message or " is {words}" in message)]
    chosen = (named or fitting)[0]
    return (_PLACEHOLDER.sub(lambda found: str(values[found[1]]), chosen),)
