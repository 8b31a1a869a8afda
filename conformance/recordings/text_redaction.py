"""Takes people and secrets out of single texts: values of fields, sentences, names and addresses.

Stand-ins have the length and the shape of what they replace, and equal texts get equal ones, wherever they stand.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus, unquote_to_bytes

from conformance.recordings.policy import FIELDS, PATH_WORDS, SECRET_PARENTS, Kind, kind_of_field
from conformance.recordings.pseudonym import PUBLIC_SALT, Pseudonyms, is_uuid

__all__ = ["HOME", "TextRedactor"]

HOME = "https://api.playground.klarna.com"
"""Stands for every host that is not Klarna's own: which machine was asked is nobody's business."""

_KEPT_DOMAINS = (".klarna.com", ".kustom.co")
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(:\d{1,5})?", re.ASCII)
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,20}):(//)([^/?#]*)", re.ASCII)

_UUID = r"[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}"
_PIECE = re.compile(rf"(?P<uuid>(?<![^\W_]){_UUID}(?![^\W_]))|(?P<token>[^\W_]+)")
_MAIL = re.compile(r"[^\s@<>()\"',;:=&/?#\[\]{}|]{1,64}@[^\s@<>()\"',;:=&/?#\[\]{}|]{1,190}\.[^\W\d_]{2,24}")
_WHOLE_MAIL = re.compile(r"[^\s@]{1,320}@[^\s@]{1,255}")
_MOMENT = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d([.,]\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?|\d\d:\d\d(:\d\d)?", re.ASCII
)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_FORMS: dict[Kind, re.Pattern[str]] = {
    Kind.COUNTRY: re.compile(r"[A-Za-z]{2}", re.ASCII),
    Kind.CURRENCY: re.compile(r"[A-Za-z]{3}", re.ASCII),
    Kind.LOCALE: re.compile(r"[A-Za-z]{2}([-_][A-Za-z]{2})?", re.ASCII),
    Kind.AMOUNT: re.compile(r"[-+]?\d{0,9}(\.\d{1,6})?", re.ASCII),
    Kind.TIME: _MOMENT,
}
# A number this short in a message is a status or a count and tells of nobody, unless it is part of a longer one.
_SHORT_NUMBER = 3
_LONG_NUMBER = re.compile(r"\+?\d(?:[ ()./-]{0,2}\d){5,40}", re.ASCII)
_NAME = re.compile(r"[$@]?[^\W\d][\w.-]{0,63}")
_DIGIT_RUN = re.compile(r"\d{4}")
_SHORTEST_SECRET = 4


class TextRedactor:
    """Redacts one text at a time by what it is, so that it gets the same stand-in in a body, a header and an address.

    ``secrets`` are texts that must not survive even where words are kept, such as the credentials of a run; they are
    found in plain, percent-encoded and Base64 form. ``keep_ids`` leaves the ids of orders, captures and refunds as
    they are, which is what makes two recordings of one order comparable; otherwise they get stand-ins too.
    """

    def __init__(
        self,
        salt: str = PUBLIC_SALT,
        *,
        words: Iterable[str] = (),
        segments: Iterable[str] = (),
        secrets: Iterable[str] = (),
        keep_ids: bool = True,
    ) -> None:
        self.pseudonyms = Pseudonyms(salt)
        self.fingerprint = self.pseudonyms.fingerprint
        self._keep_ids = keep_ids
        self._words = frozenset(words)
        self._segments = frozenset(segments) | PATH_WORDS | {"customer-token", "checkout-sessions"}
        forms = sorted(_forms(secrets), key=len, reverse=True)
        self._secret = re.compile("|".join(map(re.escape, forms))) if forms else None

    # --- values -------------------------------------------------------------------------------------------------

    def value(self, text: str, kind: Kind, ids: frozenset[str] = frozenset()) -> str:
        """Redact the text of one field by its kind."""
        if not text:
            return text
        if self._secret is not None and self._secret.search(text):
            return self.text(text)
        if kind is Kind.WORDS:
            return self._said(text, self._words, ids)
        if kind is Kind.ID and is_uuid(text):
            return text if self._keep_ids else self.pseudonyms.uuid(text)
        if kind is Kind.PATH:
            return self.target(text)
        form = _FORMS.get(kind)
        if form is not None and form.fullmatch(text):
            return text
        if kind is Kind.MAIL and _WHOLE_MAIL.fullmatch(text):
            return self.pseudonyms.mail(text)
        if kind is Kind.LINK:
            return self._link(text)
        return self.text(text)

    def text(self, text: str) -> str:
        """Give every word and number of a free text a stand-in; addresses and dates keep their form."""
        if "@" in text:
            parts: list[str] = []
            end = 0
            for found in _MAIL.finditer(text):
                parts += (self._pieces(text[end : found.start()]), self.pseudonyms.mail(found[0]))
                end = found.end()
            return "".join(parts) + self._pieces(text[end:])
        return self._pieces(text)

    def message(self, text: str, ids: frozenset[str] = frozenset()) -> str:
        """Redact a text that a program wrote for people: the words of the contract, short numbers and ``ids`` stay."""
        return self._said(text, self._words, ids)

    def name(self, name: str) -> str:
        """Redact the name of a field: names stay, data in the place of a name does not."""
        if name in FIELDS:
            return name
        if self._secret is not None and self._secret.search(name):
            return self.text(name)
        return name if _NAME.fullmatch(name) and not _DIGIT_RUN.search(name) else self.text(name)

    def _pieces(self, text: str) -> str:
        if _DATE.fullmatch(text):
            try:
                return self.pseudonyms.day(text)
            except ValueError:
                # Whatever stands for a date that is none must be none either, or a mistake would be covered up.
                return self._no_day(text)
        return _PIECE.sub(self._stand_in, text)

    def _stand_in(self, piece: re.Match[str]) -> str:
        uuid = piece["uuid"]
        return self.pseudonyms.uuid(uuid) if uuid is not None else self.pseudonyms.token(piece[0])

    def _no_day(self, text: str) -> str:
        return f"{self.pseudonyms.token(text[:4])}-{self.pseudonyms.token('8' + text[5:7])[:1]}9-99"

    def _said(self, text: str, words: frozenset[str], ids: frozenset[str]) -> str:
        if not text:
            return text
        if self._secret is not None and self._secret.search(text):
            text = self._secret.sub(lambda found: self._pieces(found[0]), text)
        if "@" in text:
            text = _MAIL.sub(lambda found: self.pseudonyms.mail(found[0]), text)
        text = _LONG_NUMBER.sub(
            lambda found: found[0] if found[0] in words or _in_uuid(found) else self._pieces(found[0]), text
        )

        def stand_in(piece: re.Match[str]) -> str:
            said = piece[0]
            if piece["uuid"] is not None:
                if said.lower() not in ids:
                    return self.pseudonyms.uuid(said)
                return said if self._keep_ids else self.pseudonyms.uuid(said)
            if said.casefold() in words or (len(said) <= _SHORT_NUMBER and said.isdecimal()):
                return said
            return self.pseudonyms.token(said)

        return _PIECE.sub(stand_in, text)

    def _link(self, text: str) -> str:
        scheme, colon, rest = text.partition("://")
        if colon and scheme.lower() in ("http", "https"):
            return scheme + colon + self.text(rest)
        return self.text(text)

    # --- addresses ----------------------------------------------------------------------------------------------

    def target(self, target: str) -> str:
        """Redact a request target or an absolute URL: user information goes, hosts of strangers are replaced."""
        found = _URL.match(target)
        origin = ""
        rest = target
        if found is not None:
            origin, rest = _origin(found[1], found[3]), target[found.end() :]
        elif target.startswith("//") and "@" in target.partition("?")[0]:
            rest = "//" + target[2:].partition("@")[2]
        path, mark, query = rest.partition("?")
        path, sharp, fragment = path.partition("#") if not mark else (path, "", "")
        made = "/".join(self._segments_of(path))
        if mark:
            query, sharp, fragment = query.partition("#")
            made += "?" + "&".join(self._pair(pair) for pair in query.split("&"))
        return origin + made + (sharp + self.text(fragment) if sharp else "")

    def _segments_of(self, path: str) -> Iterator[str]:
        before = ""
        for raw in path.split("/"):
            segment, semicolon, parameters = raw.partition(";")
            yield self._segment(segment, before) + (semicolon + self._escaped(parameters) if semicolon else "")
            before = segment

    def _segment(self, segment: str, before: str) -> str:
        if segment in self._segments or not segment:
            return segment
        if is_uuid(segment):
            secret = before in SECRET_PARENTS or (self._secret is not None and self._secret.search(segment) is not None)
            return segment if self._keep_ids and not secret else self.pseudonyms.uuid(segment)
        return self._escaped(segment)

    def _pair(self, pair: str) -> str:
        name, equals, value = pair.partition("=")
        # This API has no queries: a name that it does not know is data until proven otherwise.
        plain_name = _unescaped(name)
        kept = plain_name if plain_name in FIELDS else self._said(plain_name, self._words, frozenset())
        made = quote(kept, safe="[]().,:~$@-_ ", errors="surrogateescape").replace(" ", "%20")
        plain = _unescaped(value.replace("+", " "))
        return made + (equals + quote(self.value(plain, kind_of_field(kept)), safe="", errors="surrogateescape"))

    def _escaped(self, raw: str) -> str:
        """Replace the words of a percent-encoded text; letters that were hidden by escapes come out first."""
        if "%" not in raw:
            return self.text(raw)
        made = []
        for part in re.split(r"((?:%[0-9A-Fa-f]{2})+)", raw):
            if part[:1] != "%":
                made.append(self.text(part))
                continue
            plain = _unescaped(part)
            # Escapes of signs that are no letters stay as they were written: how a path is written can be the test.
            made.append(part if not any(sign.isalnum() for sign in plain) else quote(self.text(plain), safe=""))
        return "".join(made)


def _origin(scheme: str, authority: str) -> str:
    host = authority.rpartition("@")[2]
    found = _HOST.fullmatch(host)
    if found is not None and scheme.lower() in ("http", "https") and found[1].lower().endswith(_KEPT_DOMAINS):
        return f"{scheme}://{host}"
    return HOME


_AROUND = re.compile(r"[0-9A-Fa-f-]*", re.ASCII)


def _in_uuid(found: re.Match[str]) -> bool:
    """Tell whether a long number is part of a UUID, which is replaced as a whole or not at all."""
    text, start = found.string, found.start()
    floor = max(0, start - 36)
    while start > floor and (text[start - 1] == "-" or text[start - 1] in "0123456789abcdefABCDEF"):
        start -= 1
    around = _AROUND.match(text, start, start + 80)
    return around is not None and is_uuid(around[0])


def _unescaped(text: str) -> str:
    return unquote_to_bytes(text.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")


def _forms(secrets: Iterable[str]) -> set[str]:
    """Return every form in which a secret could turn up; one that is too short would be found everywhere."""
    found: set[str] = set()
    for secret in secrets:
        for form in (
            secret,
            quote(secret, safe=""),
            quote_plus(secret),
            base64.b64encode(secret.encode("utf-8", "surrogatepass")).decode("ascii"),
        ):
            if len(form) >= _SHORTEST_SECRET:
                found.add(form)
    return found
