"""Who is meant by an id, in place of the id: two recordings of one case never speak of the same order."""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = ["IDENTITY_FIELDS", "IDENTITY_HEADERS", "TIME_FIELDS", "Roles", "is_uuid", "time_shape", "without_uuids"]

IDENTITY_FIELDS: Mapping[str, str] = {
    "order_id": "order",
    "capture_id": "capture",
    "refund_id": "refund",
    "correlation_id": "correlation",
    "klarna_reference": "reference",
}
"""Fields and path parameters whose value is somebody's name, with the role that stands for it."""

IDENTITY_HEADERS: Mapping[str, str] = {
    "capture-id": "capture",
    "refund-id": "refund",
    "klarna-correlation-id": "correlation",
    "transaction-id": "transaction",
    "klarna-idempotency-key": "key",
}

TIME_FIELDS = frozenset(
    {"created_at", "expires_at", "captured_at", "refunded_at", "due_date", "timestamp", "cutoff", "start", "end"}
)
"""Fields whose value is a moment: only how it is written can be compared."""

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_FRACTION = re.compile(r"\.\d+")
_DIGIT = re.compile(r"\d")


class Roles:
    """The ids of one recording in the order in which they turned up, each numbered within its role."""

    __slots__ = ("_counts", "_roles")

    def __init__(self) -> None:
        self._roles: dict[str, str] = {}
        self._counts: dict[str, int] = {}

    def knows(self, value: str) -> bool:
        """Tell whether an id has turned up before."""
        return value.lower() in self._roles

    def role(self, kind: str, value: str) -> str:
        """Return what stands for an id, such as ``<capture:1>``; an id that is new gets the next number of its kind."""
        found = self._roles.get(value.lower())
        if found is None:
            number = self._counts[kind] = self._counts.get(kind, 0) + 1
            found = self._roles[value.lower()] = f"<{kind}:{number}>"
        return found

    def text(self, text: str) -> str:
        """Replace the ids in a text by their roles, and every other number by a sign that stands for any."""
        # Pieces between ids come at even places, so that the number of a role is not taken for one of the text.
        pieces = _UUID.split(text)
        ids = [self.role("id", found) for found in _UUID.findall(text)]
        plain = [re.sub(r"\d+", "#", piece) for piece in pieces]
        return "".join(piece + role for piece, role in zip(plain, [*ids, ""], strict=True))


def is_uuid(value: str) -> bool:
    """Tell whether a text is a UUID and nothing else."""
    return _UUID.fullmatch(value) is not None


def time_shape(text: str) -> str:
    """Return how a moment is written: its digits become signs, and a fraction of a second has no length."""
    return _DIGIT.sub("#", _FRACTION.sub(".#", text))


def without_uuids(text: str) -> str:
    """Replace every UUID by one sign that stands for any."""
    return _UUID.sub("<id>", text)
