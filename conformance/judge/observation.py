"""One exchange as the checks look at it: routed, parsed once, and with the words that matter pulled out."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from conformance.contract.operation import Operation, Route
from conformance.exchange import Exchange, Response
from conformance.judge.reading import Text, read_json

__all__ = ["Observation", "Remark", "is_uuid", "observe", "shown", "unroutable"]

_NOTHING = Text(None, "is empty", False)


@dataclass(frozen=True, slots=True)
class Remark:
    """A finding in the making: a code and what was seen; the judge adds severity, place and known deviations.

    ``topic`` names the circumstance for which a deviation may be listed, empty for most.
    """

    code: str
    message: str
    topic: str = ""


@dataclass(frozen=True, slots=True)
class Observation:
    """An exchange under the API's base path that got an answer.

    ``operation`` is None when no operation takes the request. ``sent`` and ``answered`` are the parsed bodies, ``body``
    is what was sent as an object without its nulls, empty when it is none.
    ``principal`` is the Authorization value, empty when there is none. ``error_code`` is empty on success and for
    error bodies that carry none.
    """

    exchange: Exchange
    response: Response
    operation: Operation | None
    ids: Mapping[str, str]
    sent: Text
    body: Mapping[str, Any]
    answered: Text
    media: str
    error_code: str
    principal: str
    key: str

    @property
    def order_id(self) -> str:
        """The order that the request names, empty when it names none."""
        return self.ids.get("order_id", "")

    @property
    def status(self) -> int:
        """The status answered."""
        return self.response.status

    @property
    def unroutable(self) -> bool:
        """Whether an id holds what routers and parsers refuse before the API's own error writer is asked."""
        return unroutable(self.ids)

    @property
    def succeeded(self) -> bool:
        """Whether the answer is any success."""
        return 200 <= self.response.status < 300

    @property
    def nulls(self) -> frozenset[str]:
        """The fields of the request body that were sent as null: whether that clears them is not known."""
        value = self.sent.value
        if not isinstance(value, dict) or value is self.body:
            return frozenset()
        return frozenset(name for name, item in value.items() if item is None)

    @property
    def surplus(self) -> bool:
        """Whether it carries a body or a query that its operation knows nothing of."""
        request = self.exchange.request
        bare = self.operation is None or self.operation.body is None
        return "?" in request.target or (bare and bool(request.body))

    def password(self) -> str:
        """Return the password that was sent, empty when it cannot be told."""
        return _password(self.principal)


def _sent_object(sent: Text, raw: bytes) -> Mapping[str, Any]:
    if not isinstance(sent.value, dict):
        return {}
    value: dict[str, Any] = sent.value
    return _without_nulls(value) if b"null" in raw else value


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(item) for name, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value


_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_NO_PART_OF_A_PATH = re.compile(r"[\x00-\x20\x7f/\\%;]")


def is_uuid(text: str) -> bool:
    """Tell whether an id has the form that all recorded ids have."""
    return _UUID.fullmatch(text) is not None


def unroutable(ids: Mapping[str, str]) -> bool:
    """Tell whether any id holds control characters, blanks or separators, which many a router takes for no id."""
    return any(_NO_PART_OF_A_PATH.search(value) for value in ids.values())


# A conversation speaks with one or two credentials; the cache keeps no more than that.
@lru_cache(maxsize=4)
def _password(authorization: str) -> str:
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        pair = base64.b64decode(value, validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return ""
    return pair.partition(":")[2]


def observe(exchange: Exchange, route: Route, response: Response) -> Observation:
    """Parse an exchange that was routed and answered, once for all checks."""
    request = exchange.request
    answered = read_json(response.body) if response.body else _NOTHING
    code = ""
    if response.status >= 400 and isinstance(answered.value, dict):
        found = answered.value.get("error_code")
        code = found if isinstance(found, str) else ""
    sent = read_json(request.body) if request.body else _NOTHING
    return Observation(
        exchange=exchange,
        response=response,
        operation=route.operation,
        ids=route.ids,
        sent=sent,
        body=_sent_object(sent, request.body),
        answered=answered,
        media=(response.headers.get("Content-Type") or "").partition(";")[0].strip().lower(),
        error_code=code,
        principal=request.headers.get("Authorization") or "",
        key=request.headers.get("Klarna-Idempotency-Key") or "",
    )


def shown(value: Any, limit: int = 60) -> str:
    """Write a value for a message: as JSON, on one line, and short."""
    text = json.dumps(value, ensure_ascii=True, default=str)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
