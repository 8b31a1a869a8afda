"""An exchange reduced to what two recordings of one case have to share, whoever the order belongs to."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from conformance.contract.contract import Contract
from conformance.contract.operations import BASE_PATH
from conformance.exchange import Exchange, Headers, Response
from conformance.recordings.policy import Kind, kind_of_field
from conformance.recordings.redaction import MARK, MERCHANT
from conformance.recordings.roles import (
    IDENTITY_FIELDS,
    IDENTITY_HEADERS,
    TIME_FIELDS,
    Roles,
    is_uuid,
    time_shape,
    without_uuids,
)

__all__ = ["UNROUTED", "Field", "Sketch", "draw"]

UNROUTED = "unrouted"
_DEEPEST = 32
_MOST_FIELDS = 5_000
# How a message travels, which every hop decides for itself, and what redaction puts there.
_PASSED_OVER = frozenset(
    {"content-length", "content-encoding", "transfer-encoding", "connection", "keep-alive", MARK.lower()}
    | {MERCHANT.lower(), "content-type"}
)
# Names of kind WORDS whose values are sentences.
_SENTENCES = frozenset({"error_messages", "error_message", "message", "error"})
_TYPES: tuple[tuple[type, str], ...] = (
    (bool, "boolean"),
    (int, "integer"),
    (float, "number"),
    (str, "string"),
    (list, "array"),
    (dict, "object"),
)


@dataclass(slots=True)
class Field:
    """What is known of one place in a body.

    ``types`` are JSON types, ``words`` the values that mean the same in every recording: enumerated words, truth
    values, how times are written, whether an id is new. Amounts, names and texts have none.
    """

    types: set[str] = field(default_factory=set)
    words: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Sketch:
    """One exchange without its identities.

    ``key`` is method and path with roles, by which two recordings are laid side by side; ``repeated`` tells that the
    same request follows because this answer asked for it (5xx, 429), ``attempts`` which attempt this one was.
    ``body`` maps places (``captures/-/capture_id``, any element being ``-``) to what stands there; ``messages`` are
    the sentences of a refusal.
    """

    key: str
    operation: str
    status: int
    error_code: str
    media: str
    headers: Mapping[str, str]
    body: Mapping[str, Field]
    body_kind: str
    messages: tuple[str, ...]
    attempts: int = 1
    repeated: bool = False

    @property
    def passing(self) -> bool:
        """Whether the answer speaks of the service's present condition and not of the request."""
        return self.status == 429 or self.status >= 500

    @property
    def succeeded(self) -> bool:
        """Whether the answer is a success."""
        return 200 <= self.status < 300


def draw(exchanges: Iterable[Exchange], contract: Contract) -> list[Sketch | None]:
    """Sketch the exchanges of one recording in order; None stands for other APIs and for missing answers."""
    listed = list(exchanges)
    roles = Roles()
    found: list[Sketch | None] = []
    attempts = 1
    for index, exchange in enumerate(listed):
        response = exchange.response
        follows = index + 1 < len(listed) and _same_request(exchange, listed[index + 1])
        passing = response is not None and (response.status == 429 or response.status >= 500)
        repeated = follows and (passing or response is None)
        route = contract.operations.route(exchange.request.method, exchange.request.target)
        if response is None or route is None:
            found.append(None)
        else:
            operation = route.operation.id if route.operation is not None else UNROUTED
            found.append(_sketch(exchange, response, operation, dict(route.ids), roles, attempts, repeated))
        attempts = attempts + 1 if repeated else 1
    return found


def _same_request(first: Exchange, second: Exchange) -> bool:
    one, other = first.request, second.request
    key = "Klarna-Idempotency-Key"
    return (one.method, one.target, one.body, one.headers.get(key)) == (
        other.method,
        other.target,
        other.body,
        other.headers.get(key),
    )


def _sketch(
    exchange: Exchange,
    response: Response,
    operation: str,
    ids: Mapping[str, str],
    roles: Roles,
    attempts: int,
    repeated: bool,
) -> Sketch:
    known = {value: roles.role(IDENTITY_FIELDS.get(name, "id"), value) for name, value in ids.items()}
    path = _path(exchange.request.target)
    for value, role in known.items():
        path = path.replace(value, role.partition(":")[0] + ">")
    path = without_uuids(path)
    new: dict[str, str] = {}
    headers = dict(_headers(response.headers, roles, new))
    value, kind = _read(response.body)
    body: dict[str, Field] = {}
    messages: list[str] = []
    if kind == "json":
        _flatten(value, "", "", body, roles, new, _DEEPEST)
        messages = _messages(value, roles)
    code = value.get("error_code") if response.status >= 400 and isinstance(value, dict) else ""
    for found, role in new.items():
        roles.role(role, found)
    return Sketch(
        key=f"{exchange.request.method.upper()} {path}" + (" (repeated)" if repeated else ""),
        operation=operation,
        status=response.status,
        error_code=code if isinstance(code, str) else "",
        media=(response.headers.get("Content-Type") or "").partition(";")[0].strip().lower(),
        headers=headers,
        body=body,
        body_kind=kind,
        messages=tuple(messages),
        attempts=attempts,
        repeated=repeated,
    )


def _path(target: str) -> str:
    path = urlsplit(target).path if "://" in target else target.partition("?")[0]
    base = path.find(BASE_PATH)
    return path[base + len(BASE_PATH) :] if base >= 0 else path


def _read(body: bytes) -> tuple[Any, str]:
    if not body:
        return None, "none"
    try:
        return json.loads(body), "json"
    except (ValueError, RecursionError):
        return None, "text"


def _freshness(kind: str, value: str, roles: Roles, new: dict[str, str]) -> str:
    """Say of an id what can be compared: its role, whether it is new, and whether it has the form of a UUID."""
    form = "" if is_uuid(value) else ", not a UUID"
    if roles.knows(value):
        return f"<{kind}> known before{form}"
    new.setdefault(value, kind)
    return f"<{kind}> that is new{form}"


def _headers(headers: Headers, roles: Roles, new: dict[str, str]) -> Iterator[tuple[str, str]]:
    # The ids first: Location cites one of them.
    for name, value in headers:
        lower = name.lower()
        if lower in IDENTITY_HEADERS:
            yield lower, _freshness(IDENTITY_HEADERS[lower], value, roles, new)
    for name, value in headers:
        lower = name.lower()
        if lower == "location":
            yield lower, _location(value, roles, new)
        elif lower == "www-authenticate":
            # The parameters of a challenge are for people.
            yield lower, value.partition(" ")[0]
        elif lower not in _PASSED_OVER and lower not in IDENTITY_HEADERS:
            yield lower, time_shape(value)


def _location(value: str, roles: Roles, new: Mapping[str, str]) -> str:
    parts = urlsplit(value)
    path = "/".join(
        f"<{new[segment]}>" if segment in new else "<known>" if roles.knows(segment) else segment
        for segment in parts.path.split("/")
    )
    return f"{'absolute ' if parts.scheme else ''}{path[max(path.find(BASE_PATH), 0) :]}"


def _flatten(
    value: Any, place: str, name: str, found: dict[str, Field], roles: Roles, new: dict[str, str], depth: int
) -> None:
    if len(found) >= _MOST_FIELDS:
        return
    here = found.setdefault(place, Field())
    kind = next((word for type_, word in _TYPES if isinstance(value, type_)), "null")
    here.types.add(kind)
    if not depth:
        return
    if isinstance(value, dict):
        for key, member in value.items():
            _flatten(member, f"{place}/{key}" if place else key, key, found, roles, new, depth - 1)
    elif isinstance(value, list):
        for member in value:
            _flatten(member, f"{place}/-" if place else "-", name, found, roles, new, depth - 1)
    elif isinstance(value, bool):
        here.words.add(str(value).lower())
    elif isinstance(value, str):
        in_list = "/-" in f"/{place}"
        if name in IDENTITY_FIELDS:
            # An order that served before has more in its lists, so there nothing can be said of who is new.
            if not in_list:
                here.words.add(_freshness(IDENTITY_FIELDS[name], value, roles, new))
        elif name in TIME_FIELDS:
            here.words.add(time_shape(value))
        elif kind_of_field(name) is Kind.WORDS and name not in _SENTENCES:
            here.words.add(value)


def _messages(value: Any, roles: Roles) -> list[str]:
    if not isinstance(value, dict):
        return []
    told: list[str] = []
    for name in ("error_messages", "error_message", "message"):
        given = value.get(name)
        texts = given if isinstance(given, list) else [given]
        told.extend(roles.text(text) for text in texts if isinstance(text, str))
    return told
