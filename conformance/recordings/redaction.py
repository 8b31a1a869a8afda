"""Takes people and secrets out of exchanges before anything is written down, and leaves what can be judged.

Nothing is recognised by chance: what a table does not declare harmless gets a stand-in. Stand-ins have the length and
the shape of what they replace, and equal texts get equal ones, so amounts, limits, identities and the comparison of
what was written with what is read keep their meaning.
"""

from __future__ import annotations

import base64
import binascii
import functools
import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import parse_qsl, quote, quote_plus, unquote_to_bytes, urlencode

from conformance.contract.contract import Contract
from conformance.contract.files import spec_directory
from conformance.exchange import Exchange, Headers, Request, Response
from conformance.recordings.policy import (
    DROPPED_HEADERS,
    FIELDS,
    HEADER_WORDS,
    HEADERS,
    PAGE_WORDS,
    PATH_WORDS,
    POLICY_VERSION,
    SECRET_PARENTS,
    Kind,
    kind_of_field,
)
from conformance.recordings.pseudonym import PUBLIC_SALT, Pseudonyms, is_uuid

__all__ = ["MARK", "MERCHANT", "UNUSABLE", "Redactor", "contract_words", "redactor_for"]

MARK = "X-Redaction"
"""The header by which an exchange tells that it has been redacted, with the version of the policy."""

MERCHANT = "X-Merchant"
"""The header that stands for Authorization: who asked, without a word of what proves it."""

UNUSABLE = "unusable"
"""Stands for an Authorization value that is no Basic credentials."""

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
# Kinds whose numbers are amounts, statuses or counts.
_PLAIN_NUMBERS = frozenset({Kind.AMOUNT, Kind.WORDS, Kind.TIME})
# A number this short in a message is a status or a count and tells of nobody, unless it is part of a longer one.
_SHORT_NUMBER = 3
_LONG_NUMBER = re.compile(r"\+?\d(?:[ ()./-]{0,2}\d){5,40}", re.ASCII)
_NAME = re.compile(r"[$@]?[^\W\d][\w.-]{0,63}")
_DIGIT_RUN = re.compile(r"\d{4}")
_SHORTEST_SECRET = 4

_JSON_PIECE = re.compile(
    r"\s*(?:(?P<text>\"(?:[^\"\\]|\\.)*\")|(?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?P<sign>[{}\[\],:]|true|false|null))",
    re.DOTALL,
)
_TEXTS = json.JSONDecoder(strict=False)


# The files of the contract whose words a service may say.
_SPOKEN = ("errors.yaml", "order-management.yaml", "requirements.yaml", "findings.yaml")


@functools.cache
def contract_words() -> frozenset[str]:
    """Collect the words of the contract's own files, which a message may say without giving anybody away."""
    found: set[str] = set()
    for name in _SPOKEN:
        lines = (spec_directory() / name).read_text("utf-8").splitlines()
        # Examples of people are no vocabulary.
        text = "\n".join(line for line in lines if "given_name:" not in line or "{" not in line)
        found.update(word.casefold() for word in re.findall(r"[^\W\d_][^\W_]*", text))
    return frozenset(found)


def redactor_for(
    contract: Contract, salt: str = PUBLIC_SALT, *, secrets: Iterable[str] = (), keep_ids: bool = True
) -> Redactor:
    """Make the redactor that knows the words and paths of a contract; the arguments are those of ``Redactor``."""
    segments = {part for operation in contract.operations for part in operation.path.split("/") if part[:1] != "{"}
    codes = {row.code for row in contract.errors.rows}
    words = contract_words() | {word.casefold() for code in codes for word in code.split("_")}
    return Redactor(salt, words=words, segments=segments, secrets=secrets, keep_ids=keep_ids)


class Redactor:
    """One policy with one salt. It keeps no memory of what it has seen: order and company of exchanges do not matter.

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
        self._page_words = self._words | PAGE_WORDS
        self._header_words = self._words | HEADER_WORDS
        self._segments = frozenset(segments) | PATH_WORDS | {"customer-token", "checkout-sessions"}
        forms = sorted(_forms(secrets), key=len, reverse=True)
        self._secret = re.compile("|".join(map(re.escape, forms))) if forms else None

    # --- whole messages -----------------------------------------------------------------------------------------

    def exchange(self, exchange: Exchange) -> Exchange:
        """Redact both sides; the ids that the address names may be cited in the answer."""
        if exchange.request.headers.get(MARK) == POLICY_VERSION:
            return exchange
        ids = _ids_in(exchange.request.target)
        response = exchange.response
        return Exchange(
            self.request(exchange.request),
            None if response is None else self.response(response, ids),
            self.message(exchange.failure, ids),
        )

    def request(self, request: Request) -> Request:
        """Redact a request and mark it; a request that bears the mark is returned as it is."""
        if request.headers.get(MARK) == POLICY_VERSION:
            return request
        body = self.body(request.body, request.headers.get("Content-Type") or "")
        headers = self._headers(request.headers, request.body, body)
        credentials = request.headers.get("Authorization")
        if credentials is not None:
            headers = Headers([*headers.without(MERCHANT), (MERCHANT, self.merchant(credentials))])
        return Request(request.method, self.target(request.target), headers, body)

    def response(self, response: Response, ids: frozenset[str] = frozenset()) -> Response:
        """Redact an answer and mark it; ``ids`` may stay in its texts."""
        if response.headers.get(MARK) == POLICY_VERSION:
            return response
        ids = ids | {value.lower() for name in ("Capture-Id", "Refund-Id") for value in response.headers.all(name)}
        body = self.body(response.body, response.headers.get("Content-Type") or "", ids)
        return Response(
            response.status,
            self._headers(response.headers, response.body, body, ids),
            body,
            self.message(response.cut, ids),
        )

    def headers(self, headers: Headers, ids: frozenset[str] = frozenset()) -> Headers:
        """Redact header fields: some go, the values of the others follow the table."""
        return Headers(
            (self._header_name(name), self._header_value(name.lower(), value, ids))
            for name, value in headers
            if name.lower() not in DROPPED_HEADERS
        )

    def merchant(self, credentials: str) -> str:
        """Return what stands for an Authorization value: equal for equal values, and nothing can be read out of it."""
        scheme, _, encoded = credentials.strip(" \t").partition(" ")
        try:
            pair = base64.b64decode(encoded.strip(" \t"), validate=True)
        except (binascii.Error, ValueError):
            return UNUSABLE
        if scheme.lower() != "basic" or b":" not in pair:
            return UNUSABLE
        return "merchant-" + self.pseudonyms.digest(f"merchant|{encoded.strip()}")

    def _headers(self, headers: Headers, before: bytes, after: bytes, ids: frozenset[str] = frozenset()) -> Headers:
        pairs = list(self.headers(headers, ids))
        if before and len(before) != len(after):
            pairs = [
                (name, str(len(after)))
                if name.lower() == "content-length" and value == str(len(before))
                else (name, value)
                for name, value in pairs
            ]
        return Headers([*pairs, (MARK, POLICY_VERSION)])

    # --- bodies -------------------------------------------------------------------------------------------------

    def body(self, body: bytes, media: str = "", ids: frozenset[str] = frozenset()) -> bytes:
        """Redact a body: JSON and forms by the names of their fields, anything else word by word.

        JSON keeps its spelling: white space, the order of members, and how numbers and escapes are written.
        """
        if not body:
            return body
        text = body.decode("utf-8", "surrogateescape")
        if "x-www-form-urlencoded" in media.lower():
            made = self._form(text, ids)
        elif _is_json(text):
            made = "".join(self._json(text, ids))
        else:
            made = self._said(text, self._page_words, ids)
        return made.encode("utf-8", "surrogateescape")

    def _json(self, text: str, ids: frozenset[str]) -> Iterator[str]:
        """Yield the pieces of a valid document with strings and numbers replaced where they have to be."""
        # One entry for each open container: whether it is an object, and the kind that its plain members have.
        objects: list[bool] = []
        kinds: list[Kind] = []
        kind = Kind.TEXT
        expects_name = False
        end = 0
        for piece in _JSON_PIECE.finditer(text):
            end = piece.end()
            raw = piece[0]
            sign = piece["sign"]
            if piece["text"] is not None:
                lead = raw[: len(raw) - len(piece["text"])]
                value = _TEXTS.decode(piece["text"])
                if expects_name:
                    kind = kind_of_field(value)
                    expects_name = False
                    yield lead + _spelled(piece["text"], value, self.name(value))
                else:
                    yield lead + _spelled(piece["text"], value, self.value(value, kind, ids))
                continue
            if piece["number"] is not None:
                lead = raw[: len(raw) - len(piece["number"])]
                yield lead + self._number(piece["number"], kind)
                continue
            yield raw
            if sign in ("{", "["):
                objects.append(sign == "{")
                kinds.append(kind)
                expects_name = sign == "{"
            elif sign in ("}", "]"):
                objects.pop()
                kind = kinds.pop()
                expects_name = False
            elif sign == ",":
                expects_name = bool(objects) and objects[-1]
        yield text[end:]

    def _number(self, text: str, kind: Kind) -> str:
        return text if kind in _PLAIN_NUMBERS and len(text) <= 20 else self.pseudonyms.number(text)

    def _form(self, text: str, ids: frozenset[str]) -> str:
        try:
            pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=True, errors="surrogateescape")
        except ValueError:
            return self._said(text, self._page_words, ids)
        redacted = [(self.name(name), self.value(value, kind_of_field(name), ids)) for name, value in pairs]
        return urlencode(redacted, errors="surrogateescape")

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

    # --- header fields ------------------------------------------------------------------------------------------

    def _header_name(self, name: str) -> str:
        return name if name.lower() in HEADERS else self.name(name)

    def _header_value(self, name: str, value: str, ids: frozenset[str]) -> str:
        kind = HEADERS.get(name, Kind.TEXT)
        if kind is Kind.WORDS:
            if _plain_header(name, value):
                return value
            return self._said(value, self._header_words, ids)
        return self.value(value, kind, ids)


_HTTP_DATE = re.compile(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT", re.ASCII)


_COUNTS = frozenset(
    {"content-length", "retry-after", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"}
)
_TIMES = frozenset({"date", "expires"})


def _plain_header(name: str, value: str) -> bool:
    """Tell whether a header holds the count or time that it should."""
    if name in _COUNTS:
        return value.isascii() and value.isdecimal() and len(value) <= 7
    return name in _TIMES and _HTTP_DATE.fullmatch(value) is not None


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


def _ids_in(target: str) -> frozenset[str]:
    """Return the ids that an address of this API names, in lower case."""
    path = target.partition("?")[0]
    _, base, below = path.partition("/ordermanagement/")
    return frozenset(part.lower() for part in below.split("/") if is_uuid(part)) if base else frozenset()


def _is_json(text: str) -> bool:
    if text.lstrip()[:1] not in ("{", "[", '"'):
        return False
    try:
        json.loads(text, strict=False, parse_constant=_refuse, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        return False
    return True


def _refuse(name: str) -> None:
    raise ValueError(name)


def _spelled(raw: str, before: str, after: str) -> str:
    """Write a JSON text the way it was written, which is as it stands when nothing changed."""
    if before == after:
        return raw
    made = json.dumps(after, ensure_ascii="\\u" in raw)
    if _CONTROL.search(raw) is None:
        return made
    # A control character that was written as it is makes the document invalid, and it has to stay so.
    return _ESCAPE.sub(lambda found: json.loads(f'"{found[0]}"') if found[0] in _CONTROLS else found[0], made)


_CONTROL = re.compile(r"[\x00-\x1f]")
_ESCAPE = re.compile(r"\\(?:u[0-9a-f]{4}|.)")
_CONTROLS = frozenset(json.dumps(chr(number))[1:-1] for number in range(0x20))


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
