"""One case on file: vcrpy's layout, below a block that says what it is, how old it is, and that nobody edited it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import yaml

from conformance.exceptions import RecordingError
from conformance.exchange import Exchange, Headers, Request, Response
from conformance.recordings.node import Node
from conformance.recordings.policy import POLICY_VERSION
from conformance.recordings.redaction import MARK, MERCHANT, UNUSABLE, Redactor
from conformance.recordings.text_redaction import HOME

__all__ = [
    "BLOCK",
    "LIFETIME",
    "NEVER",
    "SIMULATOR",
    "Header",
    "cassette_text",
    "read_header",
    "redacted",
    "restored",
    "shortcomings",
]

BLOCK = "conformance"
"""The top-level key of the block; vcrpy and pytest-recording overlook keys that they do not know."""

NEVER = "never"
SIMULATOR = "simulator"
LIFETIME = timedelta(days=180)

_FIELDS = ("case", "contract", "recorded_at", "recorded_against", "redaction", "salt", "expires")
_CONTENT = "content"
_LEGEND = (
    "# Recorded by `klarna-conformance record` against {against}.\n"
    "# Names, addresses and the like are stand-ins. Record again rather than edit: `content` seals what stands here.\n"
)
_MADE_UP = "the simulator, which is no service of Klarna's"
# Bodies are kept decoded, so these would promise a reader what is not there.
_OF_THE_CODING = frozenset({"content-encoding"})
_LENGTH = "content-length"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)
_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


@dataclass(frozen=True, slots=True)
class Header:
    """What a cassette says of itself.

    ``contract`` is the digest of the contract of the day. ``recorded_against`` is ``simulator`` with its behaviour,
    or the host of a sandbox. ``redaction`` is the version of the policy, ``salt`` the fingerprint of its salt.
    ``expires`` is the last day on which it counts, None for recordings that anybody can make again at any time.
    ``intact`` is False when the content is not the one that was sealed.
    """

    case: str
    contract: str
    recorded_at: datetime
    recorded_against: str
    redaction: str
    salt: str
    expires: date | None
    intact: bool = True

    def __post_init__(self) -> None:
        if self.recorded_at.tzinfo is None:
            raise ValueError("recorded_at needs a time zone")

    def block(self) -> dict[str, str]:
        """Lay the block out as it stands in the file, without its seal."""
        return {
            "case": self.case,
            "contract": self.contract,
            "recorded_at": self.recorded_at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
            "recorded_against": self.recorded_against,
            "redaction": self.redaction,
            "salt": self.salt,
            "expires": NEVER if self.expires is None else self.expires.isoformat(),
        }


def redacted(exchange: Exchange, redactor: Redactor) -> Exchange:
    """Redact an exchange that comes off the wire: a mark that somebody else set there proves nothing."""
    request, response = exchange.request, exchange.response
    if MARK in request.headers:
        request = Request(request.method, request.target, request.headers.without(MARK), request.body)
    if response is not None and MARK in response.headers:
        response = Response(response.status, response.headers.without(MARK), response.body, response.cut)
    return redactor.exchange(Exchange(request, response, exchange.failure))


def restored(exchange: Exchange) -> Exchange:
    """Give a recorded request an Authorization value again, so that a judge can tell merchants apart.

    The value is made up; it is equal where the real ones were, and as unusable as they were.
    """
    request = exchange.request
    merchant = request.headers.get(MERCHANT)
    if merchant is None:
        return exchange
    value = (
        merchant if merchant == UNUSABLE else "Basic " + base64.b64encode(f"{merchant}:{merchant}".encode()).decode()
    )
    headers = Headers([*request.headers, ("Authorization", value)])
    return Exchange(Request(request.method, request.target, headers, request.body), exchange.response, exchange.failure)


def cassette_text(header: Header, exchanges: Iterable[Exchange]) -> str:
    """Write a cassette; the same exchanges and header give the same text.

    Every exchange has to be redacted already. Raises RecordingError for one that is not, or that has no answer:
    vcrpy's layout has no place for an exchange without one.
    """
    interactions = [_interaction(exchange) for exchange in exchanges]
    content = {"version": 1, "interactions": interactions}
    block = header.block()
    document = {BLOCK: {**block, _CONTENT: _seal(block, content)}, **content}
    against = _MADE_UP if header.recorded_against.startswith(SIMULATOR) else header.recorded_against
    text: str = yaml.dump(document, Dumper=_DUMPER, sort_keys=False, allow_unicode=True, width=120)
    return _LEGEND.format(against=" ".join(against.split())) + text


def read_header(document: Node) -> Header | None:
    """Read the block of a cassette; None for a recording without one. Raises RecordingError where it is broken."""
    block = document.child(BLOCK)
    if block is None:
        return None
    fields = {name: block.need(name).text() for name in _FIELDS}
    seal = block.need(_CONTENT).text()
    if _DIGEST.fullmatch(seal) is None:
        raise block.need(_CONTENT).fault("is no SHA-256 digest")
    assert isinstance(document.value, dict)  # noqa: S101 - child() above has refused everything else
    content = {name: value for name, value in document.value.items() if name != BLOCK}
    known = {name: value for name, value in block.pairs() if name != _CONTENT}
    return Header(
        case=fields["case"],
        contract=fields["contract"],
        recorded_at=_moment(block.need("recorded_at")),
        recorded_against=fields["recorded_against"],
        redaction=fields["redaction"],
        salt=fields["salt"],
        expires=None if fields["expires"] == NEVER else _day(block.need("expires")),
        intact=_seal({name: node.value for name, node in known.items()}, content) == seal,
    )


def shortcomings(
    header: Header, contract_digest: str, today: date, is_case: bool | None
) -> tuple[list[str], list[str]]:
    """Say why a cassette no longer counts, and what is merely worth a note.

    ``is_case`` tells whether the suite has the case, None when nobody looked.
    """
    faults: list[str] = []
    notes: list[str] = []
    if not header.intact:
        faults.append("was edited after it was recorded: its content does not match its seal")
    if header.expires is not None and header.expires < today:
        faults.append(f"expired on {header.expires.isoformat()}: record it again")
    if is_case is False:
        faults.append(f"records the case {header.case}, which the suite does not have any more")
    if header.redaction != POLICY_VERSION:
        faults.append(f"was redacted by policy {header.redaction}, and the policy is now {POLICY_VERSION}")
    if header.contract != contract_digest:
        notes.append(f"was recorded under another contract ({header.contract[:12]}, now {contract_digest[:12]})")
    return faults, notes


def _moment(node: Node) -> datetime:
    try:
        found = datetime.fromisoformat(node.text())
    except ValueError:
        raise node.fault("is no time") from None
    if found.tzinfo is None:
        raise node.fault("is a time without its zone")
    return found.astimezone(UTC)


def _day(node: Node) -> date:
    try:
        return date.fromisoformat(node.text())
    except ValueError:
        raise node.fault(f"is neither a date nor {NEVER!r}") from None


def _seal(block: Mapping[str, Any], content: Mapping[str, Any]) -> str:
    """Hash what a cassette says, not how it is laid out: a formatter is no forger."""
    plain = json.dumps([_plain(block), _plain(content)], sort_keys=True, separators=(",", ":"))
    return "sha256:" + hashlib.sha256(plain.encode("ascii")).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_plain(member) for member in value]
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    # The reader takes numbers for text, and null for nothing.
    return None if value is None else str(value)


def _interaction(exchange: Exchange) -> dict[str, Any]:
    request, response = exchange.request, exchange.response
    if response is None:
        raise RecordingError(f"an exchange without an answer cannot be recorded: {exchange.failure}")
    if request.headers.get(MARK) != POLICY_VERSION or response.headers.get(MARK) != POLICY_VERSION:
        raise RecordingError("an exchange that has not been redacted is not written down")
    return {
        "request": {
            "body": _body(request.body) if request.body else None,
            "headers": _headers(request.headers, request.body),
            "method": request.method,
            "uri": request.target if urlsplit(request.target).scheme else HOME + request.target,
        },
        "response": {
            "body": {"string": _body(response.body)},
            "headers": _headers(response.headers, response.body),
            "status": {"code": response.status, "message": _phrase(response.status)},
        },
    }


def _headers(headers: Headers, body: bytes) -> dict[str, list[str]]:
    spelled: dict[str, str] = {}
    found: dict[str, list[str]] = {}
    for name, value in headers:
        lower = name.lower()
        if lower in _OF_THE_CODING:
            continue
        if lower == _LENGTH and value != str(len(body)):
            value = str(len(body))  # noqa: PLW2901 - the coding is undone, so the length is another
        found.setdefault(spelled.setdefault(lower, name), []).append(value)
    return found


def _body(body: bytes) -> str | bytes:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return body


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
