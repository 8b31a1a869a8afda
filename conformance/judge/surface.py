"""Checks of one answer by itself: status, media type, headers, body against schema, amounts and times."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urljoin, urlsplit

from conformance.contract.contract import Contract
from conformance.contract.operation import Operation
from conformance.judge.observation import Observation, Remark, shown
from conformance.judge.reading import reals, repeated

__all__ = ["CORRELATION", "check_surface"]

CORRELATION = "Klarna-Correlation-Id"

# Statuses that a gateway or a server's own parser gives before the API sees the request: no table speaks of them.
_TRANSPORT_STATUSES = frozenset({406, 408, 414, 431})
_FORBIDDEN = 403
_LENGTH_REQUIRED = 411
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_TIMES = frozenset({"created_at", "expires_at", "captured_at", "refunded_at"})
_AMOUNT_NAMES = re.compile(r"(?:_amount|unit_price|price|amount)$")
_CHARSET = re.compile(r";\s*charset\s*=\s*\"?([^\s;\"]+)", re.IGNORECASE)
_UTF_8 = frozenset({"utf-8", "utf8"})
_WIDE = ("utf-16", "utf-32", "ucs-")
# Methods that every path of a server may know, and that do nothing (RFC 9110, 9.3.2 and 9.3.7).
_ASKING_ONLY = frozenset({"HEAD", "OPTIONS"})
_MOST_SCHEMA_ERRORS = 20
# Names that an order or a capture holds once, and those that each of its captures and refunds may hold once more.
_ONCE = tuple(
    b'"%s"' % name for name in (b"order_id", b"status", b"order_amount", b"remaining_authorized_amount", b"currency")
)
_ONCE_EACH = (b'"captured_amount"', b'"refunded_amount"')

# Which header names a created thing, which path parameter reads it, and which operation does.
_CREATED = {
    "captureOrder": ("Capture-Id", "capture_id", "getCapture"),
    "refundOrder": ("Refund-Id", "refund_id", "get"),
}


def check_surface(seen: Observation, contract: Contract) -> Iterator[Remark]:
    """Yield what the answer breaks by itself, whatever went before."""
    if seen.response.cut:
        yield Remark("KOM-111", f"the body {seen.response.cut}")
    if seen.operation is None:
        request = seen.exchange.request
        if seen.succeeded and request.method.upper() not in _ASKING_ONLY:
            yield Remark("KOM-116", f"{request.method} on a path that no operation has was answered {seen.status}")
        return
    answer = seen.operation.answers.get(seen.status)
    if answer is None:
        yield from _check_undocumented_status(seen, seen.operation)
        return
    if seen.succeeded:
        yield from _check_success(seen, seen.operation, contract)


def _check_undocumented_status(seen: Observation, operation: Operation) -> Iterator[Remark]:
    wanted = operation.success.status
    if seen.succeeded:
        yield Remark("KOM-102", f"answered {seen.status}, the documented success of {operation.id} is {wanted}")
    elif operation.writes and seen.status == _FORBIDDEN:
        # No page lists every state in which a write is forbidden: the judge knows those in which it is not.
        return
    elif seen.status == _LENGTH_REQUIRED and "Transfer-Encoding" in seen.exchange.request.headers:
        # RFC 9110, 15.5.12: a server may want to know beforehand how long a body is.
        return
    elif seen.status not in _TRANSPORT_STATUSES and not (seen.unroutable or seen.surplus):
        yield Remark("KOM-101", f"answered {seen.status}, which is not documented for {operation.id}")


def _check_success(seen: Observation, operation: Operation, contract: Contract) -> Iterator[Remark]:
    answer = operation.success
    yield from _check_correlation_header(seen)
    for name in answer.headers:
        if name != CORRELATION and name not in seen.response.headers:
            yield Remark("KOM-105", f"{seen.status} without the header {name}")
    if operation.id in _CREATED:
        yield from _check_created(seen, operation, contract)
    if not answer.media:
        if seen.response.body:
            size = len(seen.response.body)
            yield Remark("KOM-106", f"{seen.status} carries a body of {size} bytes where none belongs")
        return
    if seen.media not in answer.media:
        yield Remark("KOM-103", f"content type {shown(seen.media)} instead of {' or '.join(answer.media)}")
    yield from _check_charset(seen)
    if seen.answered.problem:
        if not seen.response.cut:
            yield Remark("KOM-110", f"the body {seen.answered.problem}")
        return
    schema = answer.media.get(seen.media) or next(iter(answer.media.values()))
    if schema is not None:
        yield from _check_schema(seen, schema, contract)
    yield from _check_numbers(seen)
    yield from _check_members(seen.response.body, seen.answered.value)
    yield from _check_times(seen.answered.value, "")
    yield from _check_identity(seen)


def _check_charset(seen: Observation) -> Iterator[Remark]:
    # JSON has no such parameter, and many clients go by it; of plain ASCII most character sets make the same.
    found = _CHARSET.search(seen.response.headers.get("Content-Type") or "")
    if found is None or found[1].lower() in _UTF_8:
        return
    if not seen.response.body.isascii() or found[1].lower().startswith(_WIDE):
        yield Remark("KOM-103", f"declared as {shown(found[1])}, and JSON is UTF-8")


def _check_correlation_header(seen: Observation) -> Iterator[Remark]:
    value = seen.response.headers.get(CORRELATION)
    if value is None:
        yield Remark("KOM-107", f"{seen.status} without the header {CORRELATION}")


def _check_created(seen: Observation, operation: Operation, contract: Contract) -> Iterator[Remark]:
    header, parameter, reader = _CREATED[operation.id]
    created = seen.response.headers.get(header)
    location = seen.response.headers.get("Location")
    if created is not None and not _UUID.fullmatch(created):
        yield Remark("KOM-109", f"{header} is {shown(created)}, not a UUID")
    if location is not None and not _is_absolute(location):
        yield Remark("KOM-118", f"Location is {shown(location, 200)}, not an absolute URL")
    if location is None or created is None:
        return
    route = contract.operations.route("GET", _place(location, seen.exchange.request.target))
    if route is None or route.operation is None or route.operation.id != reader:
        yield Remark("KOM-108", f"Location {shown(location, 200)} is not the address of what was created")
    elif route.ids["order_id"].lower() != seen.order_id.lower():
        yield Remark("KOM-108", f"Location names order {route.ids['order_id']}, asked was {seen.order_id}")
    elif route.ids[parameter] != created:
        yield Remark("KOM-108", f"Location names {route.ids[parameter]}, {header} says {created}")


def _is_absolute(location: str) -> bool:
    try:
        parts = urlsplit(location)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _place(location: str, asked: str) -> str:
    """Return the path that a Location leads to from the target that was asked for; empty when it is none."""
    try:
        parts = urlsplit(urljoin(f"http://127.0.0.1{asked}" if asked.startswith("/") else asked, location))
    except ValueError:
        return ""
    return parts.path if parts.scheme in ("http", "https") else ""


def _check_schema(seen: Observation, schema: Any, contract: Contract) -> Iterator[Remark]:
    validator = contract.operations.validator(schema)
    value = seen.answered.value
    if validator.is_valid(value):
        return
    for count, error in enumerate(validator.iter_errors(value)):
        if count == _MOST_SCHEMA_ERRORS:
            yield Remark("KOM-104", f"and more than {_MOST_SCHEMA_ERRORS} further breaches of the schema")
            return
        path = [str(part) for part in error.instance_path]
        where = "/" + "/".join(path)
        keyword = str(error.schema_path[-1]) if error.schema_path else ""
        last = path[-1] if path else ""
        message = f"{where}: {error.message[:160]}"
        if last in _TIMES and keyword in ("format", "type"):
            yield Remark("KOM-113", message)
        elif _AMOUNT_NAMES.search(last) and keyword == "type":
            yield Remark("KOM-114", message)
        else:
            yield Remark("KOM-104", message)


def _check_numbers(seen: Observation) -> Iterator[Remark]:
    if seen.answered.reals:
        # Free-form parts of a request may come back with numbers of any kind.
        amounts = (
            (path, number)
            for path, number in reals(seen.answered.value)
            if _AMOUNT_NAMES.search(path.rpartition("/")[2])
        )
        for count, (path, number) in enumerate(amounts):
            if count == _MOST_SCHEMA_ERRORS:
                return
            yield Remark("KOM-114", f"{path} is written as {number!r}; amounts are integers in minor units")


def _check_members(body: bytes, value: Any) -> Iterator[Remark]:
    # To count costs little; to look at each object is left to where the count is odd.
    count = body.count
    odd = [name for name in _ONCE if count(name) > 1] or _more_than_once_each(count, value)
    name = repeated(body) if odd else ""
    if name:
        yield Remark("KOM-110", f"the body holds {shown(name)} twice in one object")


def _more_than_once_each(count: Callable[[bytes], int], value: Any) -> bool:
    items = 1
    if isinstance(value, dict):
        items += sum(len(value[name]) for name in ("captures", "refunds") if isinstance(value.get(name), list))
    elif isinstance(value, list):
        items += len(value)
    return any(count(name) > items for name in _ONCE_EACH)


def _check_times(value: Any, path: str) -> Iterator[Remark]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _check_times(item, f"{path}/{index}")
    elif isinstance(value, dict):
        for name, item in value.items():
            if name in _TIMES:
                if isinstance(item, str) and not _is_utc(item):
                    yield Remark("KOM-113", f"{path}/{name} is {shown(item)}, not a time in UTC")
            elif name in ("captures", "refunds"):
                yield from _check_times(item, f"{path}/{name}")


def _is_utc(text: str) -> bool:
    if text.endswith("Z"):
        # A text that is no time at all already breaks the schema's format.
        return True
    try:
        offset = datetime.fromisoformat(text).utcoffset()
    except ValueError:
        return True
    return offset == timedelta(0)


def _check_identity(seen: Observation) -> Iterator[Remark]:
    operation, value = seen.operation, seen.answered.value
    if operation is None or not isinstance(value, dict):
        return
    for name in ("order_id", "capture_id", "refund_id"):
        asked, got = seen.ids.get(name), value.get(name)
        if asked is not None and isinstance(got, str) and got.lower() != asked.lower():
            yield Remark("KOM-117", f"{name} is {shown(got)}, asked was {shown(asked)}")
