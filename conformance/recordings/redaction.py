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
from urllib.parse import parse_qsl, urlencode

from conformance.contract.contract import Contract
from conformance.contract.files import spec_directory
from conformance.exchange import Exchange, Headers, Request, Response
from conformance.recordings.policy import (
    DROPPED_HEADERS,
    HEADER_WORDS,
    HEADERS,
    PAGE_WORDS,
    POLICY_VERSION,
    Kind,
    kind_of_field,
)
from conformance.recordings.pseudonym import PUBLIC_SALT, is_uuid
from conformance.recordings.text_redaction import TextRedactor

__all__ = ["MARK", "MERCHANT", "UNUSABLE", "Redactor", "contract_words", "redactor_for"]

MARK = "X-Redaction"
"""The header by which an exchange tells that it has been redacted, with the version of the policy."""

MERCHANT = "X-Merchant"
"""The header that stands for Authorization: who asked, without a word of what proves it."""

UNUSABLE = "unusable"
"""Stands for an Authorization value that is no Basic credentials."""

# Kinds whose numbers are amounts, statuses or counts.
_PLAIN_NUMBERS = frozenset({Kind.AMOUNT, Kind.WORDS, Kind.TIME})

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


class Redactor(TextRedactor):
    """One policy with one salt. It keeps no memory of what it has seen: order and company of exchanges do not matter.

    The arguments are those of ``TextRedactor``.
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
        super().__init__(salt, words=words, segments=segments, secrets=secrets, keep_ids=keep_ids)
        self._page_words = self._words | PAGE_WORDS
        self._header_words = self._words | HEADER_WORDS

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
