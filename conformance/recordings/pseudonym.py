"""Stand-ins for what must not be written down: the same text always gets the same one, of the same length and shape."""

from __future__ import annotations

import functools
import hashlib
import re
import string
from collections.abc import Callable
from datetime import date, timedelta

__all__ = ["PUBLIC_SALT", "SALT_VARIABLE", "Pseudonyms", "is_uuid"]

PUBLIC_SALT = "klarna-conformance"
"""The salt for data that was made up; whoever knows the salt can try out who is behind a pseudonym."""

SALT_VARIABLE = "KLARNA_REDACTION_SALT"
"""Where a salt of one's own comes from: recordings of real people need one that nobody else knows."""

# Part of every hash: pseudonyms of two versions of the procedure have nothing to do with each other.
_PROCEDURE = b"pseudonym-1"
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_NUMBER = re.compile(r"(-?)(\d+)(\.\d+)?([eE][-+]?\d+)?", re.ASCII)
_MAIL_HOST = "@example.com"
_FIRST_BIRTH = date(1935, 1, 1)
_BIRTH_DAYS = 25_000
# Letters beyond ASCII become letters that take as many bytes, so that limits in bytes hold as before.
_TWO_BYTES = "àáâãäåæçèéêëìíîïðñòóôõöøùúûüýþ"
_THREE_BYTES = "".join(chr(0x4E00 + step) for step in range(256))
_FOUR_BYTES = "".join(chr(0x20000 + step) for step in range(256))
_ALPHABETS = {
    sign: alphabet for alphabet in (string.digits, string.ascii_uppercase, string.ascii_lowercase) for sign in alphabet
}
_LONGEST_KEPT = 64
_CACHE = 65_536


def is_uuid(text: str) -> bool:
    """Tell whether a text has the shape of a UUID, whatever its version."""
    return len(text) == 36 and _UUID.fullmatch(text) is not None


class Pseudonyms:
    """Derives stand-ins from a salt by a keyed hash, so that nothing has to be remembered between two recordings.

    Upper and lower case are looked past when hashing and kept in the result: a name in capitals still matches.
    """

    def __init__(self, salt: str = PUBLIC_SALT) -> None:
        self._key = hashlib.blake2b(salt.encode("utf-8", "surrogatepass"), digest_size=32, person=_PROCEDURE).digest()
        self.fingerprint = hashlib.blake2b(b"fingerprint", key=self._key, digest_size=4).hexdigest()
        """Tells recordings of different salts apart without giving the salt away."""
        self._token: Callable[[str], str] = functools.lru_cache(_CACHE)(self._make_token)

    def token(self, text: str) -> str:
        """Return a stand-in for a run of letters and digits: letters for letters, digits for digits, case kept."""
        return self._token(text) if len(text) <= _LONGEST_KEPT else self._make_token(text)

    def mail(self, address: str) -> str:
        """Return a stand-in for an e-mail address at a host that belongs to nobody.

        It has the length of the original unless that leaves no room for a name before ``@example.com``.
        """
        room = max(8 if len(address) <= len(_MAIL_HOST) else 1, len(address) - len(_MAIL_HOST))
        stream = self._stream(f"mail|{address.casefold()}", room)
        return "".join(string.ascii_lowercase[each % 26] for each in stream) + _MAIL_HOST

    def day(self, text: str) -> str:
        """Return a stand-in for a calendar date in ISO form; raises ValueError for a text that is none."""
        date.fromisoformat(text)
        attempt = 0
        while True:
            number = int.from_bytes(self._stream(f"day|{text}|{attempt}", 8), "big")
            found = (_FIRST_BIRTH + timedelta(days=number % _BIRTH_DAYS)).isoformat()
            if found != text:
                return found
            attempt += 1

    def uuid(self, text: str) -> str:
        """Return a stand-in of a UUID's shape; the digits that tell version and variant stay."""
        stream = self._stream(f"uuid|{text.lower()}", 36)
        made = [
            sign if sign == "-" or place in (14, 19) else "0123456789abcdef"[stream[place] & 15]
            for place, sign in enumerate(text.lower())
        ]
        found = "".join(made)
        return found.upper() if text.isupper() else found

    def number(self, text: str) -> str:
        """Return a stand-in for a number as JSON writes it: as many digits, the same sign, no zero in front."""
        parts = _NUMBER.fullmatch(text)
        if parts is None:
            raise ValueError("no number")
        sign, whole, fraction, exponent = parts[1], parts[2], parts[3] or "", parts[4] or ""
        if whole != "0":
            stream = self._stream(f"number|{text}", len(whole))
            made = str(1 + stream[0] % 9) + "".join(str(each % 10) for each in stream[1:])
            whole = made if made != whole else str(1 + (int(made[0]) % 9)) + made[1:]
        if fraction:
            fraction = "." + self.token(fraction[1:])
        return f"{sign}{whole}{fraction}{exponent}"

    def digest(self, text: str) -> str:
        """Return eight hexadecimal digits that stand for a text of any shape."""
        return self._stream(f"digest|{text}", 4).hex()

    def _make_token(self, text: str) -> str:
        folded = text.casefold()
        attempt = 0
        while True:
            made = self._shaped(text, self._stream(f"token|{folded}|{attempt}", len(text)))
            # A stand-in that says the same would be none; a text of one sign meets itself often enough.
            if made.casefold() != folded or attempt == 64:
                return made
            attempt += 1

    def _shaped(self, text: str, stream: bytes) -> str:
        made = []
        for sign, number in zip(text, stream, strict=True):
            alphabet = _ALPHABETS.get(sign)
            if alphabet is not None:
                made.append(alphabet[number % len(alphabet)])
            else:
                made.append(_beyond_ascii(sign, number) if sign.isalnum() else sign)
        return "".join(made)

    def _stream(self, text: str, length: int) -> bytes:
        """Return as many bytes as wanted that follow from the salt and a text."""
        content = text.encode("utf-8", "surrogatepass")
        first = hashlib.blake2b(content, key=self._key).digest()
        if length <= len(first):
            return first[:length]
        # Each further block costs the hash of one block and not of the text again.
        more = (
            hashlib.blake2b(number.to_bytes(8, "big") + first, key=self._key).digest()
            for number in range(1, -(-length // len(first)))
        )
        return b"".join((first, *more))[:length]


def _beyond_ascii(sign: str, number: int) -> str:
    size = len(sign.encode("utf-8"))
    if size == 2:
        # A letter of its own case, since case is part of the shape.
        made = _TWO_BYTES[number % len(_TWO_BYTES)]
        return made.upper() if sign.isupper() else made
    return (_THREE_BYTES if size == 3 else _FOUR_BYTES)[number]
