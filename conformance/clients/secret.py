"""Keeps the credentials of a run out of everything that is shown, in every form in which they could turn up."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

__all__ = ["authorization", "forms_of", "masked"]

MASK = "***"
_SHORTEST = 6
_BASIC = re.compile(r"(?i)\b(basic|bearer)(\s+|%20)[A-Za-z0-9+/=_-]{4,}")


def authorization(username: str, password: str) -> str:
    """Return the value of the Authorization header (HTTP Basic, UTF-8)."""
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode("ascii")


def forms_of(username: str, password: str) -> tuple[str, ...]:
    """Return every text by which the password would be given away, the longest first."""
    pair = f"{username}:{password}"
    forms = {password, quote(password, safe=""), quote_plus(password)}
    for codec in ("utf-8", "latin-1"):
        try:
            forms.add(base64.b64encode(pair.encode(codec)).decode("ascii"))
        except (UnicodeEncodeError, binascii.Error):
            continue
    return tuple(sorted((form for form in forms if len(form) >= _SHORTEST), key=len, reverse=True))


def masked(text: str, secrets: Iterable[str]) -> str:
    """Blot out the secrets and whatever looks like a value of an Authorization header."""
    for secret in sorted((secret for secret in secrets if secret), key=len, reverse=True):
        text = text.replace(secret, MASK)
    return _BASIC.sub(lambda found: f"{found[1]} {MASK}", text)
