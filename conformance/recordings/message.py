"""What cassette layouts share: header mappings, times, statuses, and two messages made into an exchange."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from conformance.exchange import Exchange, Headers, Request, Response
from conformance.recordings.content import ContentDecoder
from conformance.recordings.node import Node

__all__ = ["Message", "build_exchange", "read_headers", "read_status", "read_time"]

NO_ANSWER = "the recording holds no answer"
_STATUS = re.compile(r"[1-9][0-9]{2}", re.ASCII)
_NO_STATUS = frozenset({"", "0", "-1"})
_METHOD = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Message:
    """One side of an exchange as it was written down.

    ``body`` is still in its content coding, and None when the recording leaves it out although there was one.
    ``at`` is where complaints about it point.
    """

    headers: Headers
    body: bytes | None
    at: Node


def build_exchange(
    method: Node, target: Node, sent: Message, status: int | None, answered: Message | None, decoder: ContentDecoder
) -> tuple[Exchange, str]:
    """Make an exchange of what was written down, with both bodies decoded, and say what it lacks.

    ``status`` None, or no ``answered``, stands for an exchange without an answer. Raises RecordingError for a method
    or target that cannot be one, and for bodies beyond the decoder's bounds.
    """
    verb = method.text()
    if not _METHOD.fullmatch(verb):
        raise method.fault("is no HTTP method")
    where = target.text()
    if not where:
        raise target.fault("is empty")
    body, lacking = _body(sent, "request", decoder)
    request = Request(verb, where, sent.headers, body)
    if status is None or answered is None:
        return Exchange(request, None, lacking or NO_ANSWER), lacking
    body, also_lacking = _body(answered, "response", decoder)
    lacking = lacking or also_lacking
    if lacking:
        return Exchange(request, None, lacking), lacking
    return Exchange(request, Response(status, answered.headers, body)), ""


def _body(message: Message, side: str, decoder: ContentDecoder) -> tuple[bytes, str]:
    if message.body is None:
        return b"", f"the recording leaves out the body of the {side}"
    body, trouble = decoder.decode(message.body, message.headers.all("Content-Encoding"), message.at)
    return body, f"the recorded body of the {side} {trouble}" if trouble else ""


def read_headers(node: Node | None) -> Headers:
    """Read a mapping from names to one value or a list of values; absent means none."""
    if node is None:
        return Headers()
    found: list[tuple[str, str]] = []
    for name, member in node.pairs():
        if member.value is None:
            found.append((name, ""))
        elif isinstance(member.value, list):
            found.extend((name, "" if item.value is None else item.text()) for item in member.items())
        else:
            found.append((name, member.text()))
    return Headers(found)


def read_status(node: Node | None) -> int | None:
    """Read a status code; None for an absent one, 0 and -1, which recorders write when no answer came."""
    if node is None:
        return None
    text = node.text().strip()
    if _STATUS.fullmatch(text):
        return int(text)
    if text in _NO_STATUS:
        return None
    raise node.fault("is no HTTP status")


def read_time(node: Node | None) -> datetime | None:
    """Read a time in the ISO or the HTTP form; None for anything else, because no verdict hangs on it."""
    if node is None or not isinstance(node.value, str) or len(node.value) > 64:
        return None
    for parse in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            moment = parse(node.value)
            return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
    return None
