"""An answer and what it means, free of any HTTP library."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass, field
from typing import Any, NoReturn
from urllib.parse import unquote, urljoin, urlsplit

from conformance.clients.reference.call import Call, build_target
from conformance.clients.reference.errors import (
    KlarnaError,
    MissingIdError,
    TransportError,
    UnreadableAnswerError,
    error_type,
)
from conformance.clients.reference.retry import asked_wait_s
from conformance.exchange import Headers

__all__ = ["Answer", "Body", "Lost", "error_fields", "made_id", "read_answer", "read_json", "refusal"]

_JSON_TYPES: dict[str, type] = {"object": dict, "list": list}
"""What a read answers, as Python has it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the body as it travelled, and in ``cut`` why it is not whole, empty when it is."""

    status: int
    headers: Headers = field(default_factory=Headers)
    body: bytes = b""
    cut: str = ""

    @property
    def is_success(self) -> bool:
        """Whether the work is done: any 2xx, since regions differ in which one they send."""
        return 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class Lost:
    """No head of an answer came. ``is_final`` when it will never come, as with a certificate that is not trusted."""

    why: str
    is_final: bool = False


class Body:
    """Collects the body of an answer up to a size and a time, so that no server can fill the memory."""

    __slots__ = ("_chunks", "_deadline", "_limit", "_size", "cut")

    def __init__(self, limit: int, deadline: float) -> None:
        self._chunks: list[bytes] = []
        self._size = 0
        self._limit = limit
        self._deadline = deadline
        self.cut = ""

    def take(self, chunk: bytes, now: float) -> bool:
        """Add what arrived; False when enough has been read."""
        self._size += len(chunk)
        if self._size > self._limit:
            self.cut = f"the body is longer than {self._limit} bytes"
        elif now > self._deadline:
            self.cut = "the body took too long"
        else:
            self._chunks.append(chunk)
        return not self.cut

    def answer(self, status: int, headers: Headers) -> Answer:
        """Return the answer, decompressed within the same limit."""
        body = b"".join(self._chunks)
        if headers.get("Content-Encoding") in {"gzip", "x-gzip"} and not self.cut:
            body, self.cut = _decompressed(body, self._limit)
        return Answer(status, headers, body, self.cut)


def _decompressed(body: bytes, limit: int) -> tuple[bytes, str]:
    unpacking = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        plain = unpacking.decompress(body, limit + 1)
    except zlib.error:
        return b"", "the body is not the gzip that it claims to be"
    if len(plain) > limit:
        return b"", f"the body is longer than {limit} bytes"
    return plain, "" if unpacking.eof else "the body ends early"


def read_answer(call: Call, outcome: Answer | Lost) -> Any:
    """Return what the operation gives its user, or raise what kept it from doing so.

    An object or list for a read, the id of a new capture or refund, None for every other write. The status alone
    decides on success.
    """
    operation = call.operation
    if isinstance(outcome, Lost):
        raise TransportError(
            f"{call.operation_id}: {outcome.why}; {_state_of(call)}",
            operation=call.operation_id,
            carried_out=False if operation.method == "GET" or outcome.is_final else None,
        )
    if not outcome.is_success:
        raise refusal(call, outcome)
    if operation.answers == "nothing":
        return None
    if operation.answers == "id":
        return {operation.id_field: made_id(call, outcome)}
    if outcome.cut:
        _unreadable(call, outcome, outcome.cut, TransportError)
    document = read_json(outcome.body)
    if not isinstance(document, _JSON_TYPES[operation.answers]):
        _unreadable(call, outcome, f"the body is no JSON {operation.answers}")
    return document


def _state_of(call: Call) -> str:
    if call.operation.method == "GET":
        return "nothing was changed"
    return "whether it was carried out is unknown; to repeat it safely, use the same idempotency key"


def _unreadable(call: Call, answer: Answer, why: str, error: type[KlarnaError] = UnreadableAnswerError) -> NoReturn:
    raise error(
        f"{call.operation_id}: status {answer.status}, but {why}",
        operation=call.operation_id,
        status=answer.status,
        correlation_id=answer.headers.get("Klarna-Correlation-Id"),
        carried_out=False,
    )


def read_json(body: bytes) -> Any:
    """Return the document in a body, or None when it is no UTF-8 JSON, or is nested too deeply to be any."""
    try:
        return json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        return None


def made_id(call: Call, answer: Answer) -> str:
    """Return the id of what was made, from its own header or else from the end of Location.

    Raises:
        MissingIdError: the answer names none, though the money has moved.
    """
    named = (answer.headers.get(call.operation.id_header) or "").strip()
    location = (answer.headers.get("Location") or "").strip()
    made = named or (_id_in_location(call, location) if location else "")
    if not made:
        raise MissingIdError(
            f"{call.operation_id}: it was carried out, do not repeat it, but the answer does not say under which id;"
            " read the order to learn it",
            operation=call.operation_id,
            status=answer.status,
            correlation_id=answer.headers.get("Klarna-Correlation-Id"),
            carried_out=True,
        )
    return made


def _id_in_location(call: Call, location: str) -> str:
    # The place is compared without its host: a gateway may know itself by another name.
    collection = build_target(call)
    try:
        path = urlsplit(urljoin(collection, location)).path
    except ValueError:
        return ""
    place, _, last = path.rstrip("/").rpartition("/")
    wanted = [unquote(part) for part in collection.split("/")][-3:]
    return unquote(last) if [unquote(part) for part in place.split("/")][-3:] == wanted else ""


def refusal(call: Call, answer: Answer) -> KlarnaError:
    """Return the error for an answer that is no success, whatever its body looks like."""
    error_code, messages, correlation_id = error_fields(answer)
    told = ", ".join(part for part in (error_code, *messages) if part)
    return error_type(answer.status)(
        f"{call.operation_id}: status {answer.status}" + (f": {told}" if told else ""),
        operation=call.operation_id,
        status=answer.status,
        error_code=error_code,
        error_messages=messages,
        correlation_id=correlation_id,
        carried_out=None if answer.status >= 500 and call.operation.method != "GET" else False,
        retry_after_s=asked_wait_s(answer.status, answer.headers),
    )


def error_fields(answer: Answer) -> tuple[str | None, tuple[str, ...], str | None]:
    """Return the error code, messages and correlation id of an error in any of the shapes that have been seen.

    They are: the API's own object, with its messages as a list or as one text; the page of a proxy; the object of a
    web framework, whose one text is called ``message``; and nothing at all.
    """
    document = read_json(answer.body)
    fields = document if isinstance(document, dict) else {}
    messages = fields.get("error_messages") or fields.get("error_message") or fields.get("message") or []
    if isinstance(messages, str):
        messages = [messages]
    texts = tuple(text for text in messages if isinstance(text, str)) if isinstance(messages, list) else ()
    return (
        _text(fields.get("error_code")),
        texts,
        _text(fields.get("correlation_id")) or answer.headers.get("Klarna-Correlation-Id"),
    )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
