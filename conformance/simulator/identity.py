"""Ids that can be told in advance: the same order gets the same ids however many others are handled beside it."""

from __future__ import annotations

import hashlib
import re

__all__ = ["Identities", "is_uuid"]

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_REFERENCE_LENGTH = 8
_SHAPE = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)

# The variant nibble of a UUID has its two upper bits fixed.
_VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}


def is_uuid(text: str) -> bool:
    """Tell whether the text has the shape of a UUID; the service's own ids carry arbitrary version nibbles."""
    return _SHAPE.fullmatch(text) is not None


class Identities:
    """Derives UUIDs and references by hashing from the seed, what the id is for, and a running number."""

    __slots__ = ("_base",)

    def __init__(self, seed: int) -> None:
        self._base = hashlib.blake2b(f"{seed}|".encode(), digest_size=16)

    def uuid(self, kind: str, number: int, within: str = "") -> str:
        """Return the UUID (version 4) of the ``number``-th thing of a kind, within an order if one is named."""
        digest = self._base.copy()
        digest.update(f"{kind}|{within}|{number}".encode())
        text = digest.hexdigest()
        return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{_VARIANT[text[16]]}{text[17:20]}-{text[20:]}"

    def reference(self, order_id: str) -> str:
        """Return the short upper-case reference that the customer of an order is shown."""
        digest = self._base.copy()
        digest.update(f"reference|{order_id}".encode())
        number = int.from_bytes(digest.digest()[:8], "big")
        characters = []
        for _ in range(_REFERENCE_LENGTH):
            number, rest = divmod(number, len(_ALPHABET))
            characters.append(_ALPHABET[rest])
        return "".join(characters)
