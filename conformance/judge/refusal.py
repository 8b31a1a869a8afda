"""Checks of a refusal by itself: is its body of the documented shape, and does the error table know it."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.contract.contract import Contract
from conformance.contract.error_table import BodyKind
from conformance.judge.observation import Observation, Remark, is_uuid, shown
from conformance.judge.reading import hard_text
from conformance.judge.surface import CORRELATION

__all__ = ["check_refusal"]

# Given by routers and parsers before the API's own error writer: their shape is not known.
_SHAPE_UNKNOWN = frozenset({405, 406, 408, 414, 415, 431, 501, 505})


_BAD_REQUEST = 400
_DOCUMENTED_FOR = "getOrder"


def check_refusal(seen: Observation, contract: Contract) -> Iterator[Remark]:
    """Yield what a refusal (status 400 and above) breaks by itself."""
    if seen.status < 400:
        return
    if seen.exchange.request.method.upper() == "HEAD":
        return
    if seen.status == 401:
        yield from _check_challenge(seen)
    if seen.operation is None:
        # Of paths that no operation has, one answer is on record, and it has a form of its own.
        return
    if seen.status not in seen.operation.answers or seen.unroutable:
        return
    body = seen.exchange.request.body
    unread = seen.sent.problem and (body or seen.operation.body is not None)
    if seen.status in _SHAPE_UNKNOWN or (seen.status == 400 and (unread or hard_text(body, seen.sent.value))):
        # A parser that cannot read the body may answer before the API's own error writer is asked.
        return
    shape = tuple(_check_shape(seen))
    yield from shape
    if seen.error_code:
        yield from _check_code(seen, contract)
        yield from _check_message(seen, contract)


def _check_challenge(seen: Observation) -> Iterator[Remark]:
    challenges = seen.response.headers.all("WWW-Authenticate")
    if not any("basic" in challenge.lower() for challenge in challenges):
        yield Remark("KOM-709", f"401 with {shown(challenges[0]) if challenges else 'no'} challenge, Basic is due")


def _check_shape(seen: Observation) -> Iterator[Remark]:
    header = seen.response.headers.get(CORRELATION)
    if header is None:
        yield Remark("KOM-107", f"{seen.status} without the header {CORRELATION}")
    if not seen.response.body:
        yield Remark("KOM-201", f"{seen.status} with an empty body instead of an error object")
        return
    value = seen.answered.value
    if seen.answered.problem:
        code = "KOM-110" if seen.media == "application/json" else "KOM-201"
        yield Remark(code, f"{seen.status} with a body of type {shown(seen.media)} that {seen.answered.problem}")
        return
    if seen.media != "application/json":
        yield Remark("KOM-103", f"content type {shown(seen.media)} instead of application/json")
    if not isinstance(value, dict):
        yield Remark("KOM-201", f"the error body is {shown(value)}, not an object")
        return
    error_code = value.get("error_code")
    if not isinstance(error_code, str) or not error_code:
        yield Remark("KOM-201", f"error_code is {shown(error_code)}, not a non-empty text")
    messages = value.get("error_messages")
    if not isinstance(messages, list) or not all(isinstance(message, str) for message in messages):
        yield Remark("KOM-201", f"error_messages is {shown(messages)}, not a list of texts")
    correlation = value.get("correlation_id")
    if not isinstance(correlation, str) or not correlation:
        yield Remark("KOM-201", f"correlation_id is {shown(correlation)}, not a non-empty text")
    elif header is not None and correlation != header:
        yield Remark("KOM-203", f"correlation_id in the body is {shown(correlation)}, the header says {shown(header)}")


def _check_code(seen: Observation, contract: Contract) -> Iterator[Remark]:
    operation, status, code = seen.operation, seen.status, seen.error_code
    if operation is None or contract.errors.at(operation.id, status, code):
        return
    rows = [row for row in contract.errors.rows if operation.id in row.operations]
    if any((status, code) in row.tolerated for row in rows):
        return
    here = [row for row in rows if row.status == status and row.body is BodyKind.JSON]
    placed_elsewhere = any(row.code == code and row.truth.binds for row in contract.errors.rows)
    # Of an order id that is none, the code is documented for one operation; rows of the same status are about more.
    elsewhere = operation.id != _DOCUMENTED_FOR and status == _BAD_REQUEST and not is_uuid(seen.order_id)
    if not placed_elsewhere and (elsewhere or not any(row.truth.binds for row in here)):
        # Nobody knows the code of this status on this operation, so a code of the server's own is no fault.
        return
    allowed = ", ".join(sorted({row.code for row in here})) or "none"
    yield Remark("KOM-202", f"error_code {shown(code)} is not documented for {operation.id} with {status} ({allowed})")


def _check_message(seen: Observation, contract: Contract) -> Iterator[Remark]:
    if seen.operation is None or not isinstance(seen.answered.value, dict):
        return
    if seen.sent.problem and (seen.exchange.request.body or seen.operation.body is not None):
        # What is said of a body that cannot be read, no source tells.
        return
    rows = contract.errors.at(seen.operation.id, seen.status, seen.error_code)
    # A wording may go with another code of the status: more than one is documented for what it says.
    alike = contract.errors.of(seen.operation.id, frozenset({seen.status}))
    patterns = [pattern for row in alike for pattern in row.patterns]
    messages = seen.answered.value.get("error_messages")
    known = any(row.truth.binds and row.patterns for row in rows) and all(row.wording_known for row in rows)
    if not known or not isinstance(messages, list):
        return
    for message in messages:
        if isinstance(message, str) and message and not any(pattern.fullmatch(message) for pattern in patterns):
            yield Remark("KOM-204", f"message {shown(message, 120)} fits no known wording")
