"""Answers that the double is told to give, for all that a correct request can never bring about."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from conformance.contract.error_table import ErrorTable
from conformance.contract.operations import Operations
from conformance.exchange import Headers
from conformance.simulator.control_error import ControlError

__all__ = ["Fault", "Provocations"]

_MOST_FAULTS = 1_000
_KNOWN = (
    "operation",
    "order_id",
    "status",
    "error_code",
    "error_messages",
    "times",
    "headers",
    "carried_out",
    "body",
    "content_type",
)
_FIELD_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)

# These three decide where a message ends; a double that lied about them would hang its callers.
_FRAMING = frozenset({"content-length", "transfer-encoding", "connection"})
_BODYLESS = frozenset({204, 304})


class Fault:
    """One provoked answer.

    ``operation`` and ``order_id`` narrow it down, None meaning any. ``times`` is how often it is still given, None
    meaning always. ``carried_out`` says that the work is done first and only its answer is lost. ``body`` replaces
    the usual JSON of a refusal, None meaning that JSON.
    """

    __slots__ = (
        "body",
        "carried_out",
        "content_type",
        "error_code",
        "error_messages",
        "headers",
        "operation",
        "order_id",
        "status",
        "times",
    )

    def __init__(self, fields: Mapping[str, Any], operations: Operations, errors: ErrorTable) -> None:
        for name in fields:
            if name not in _KNOWN:
                raise ControlError(f"{name}: is no field of a fault; known are {', '.join(_KNOWN)}")
        self.operation = _text(fields, "operation")
        if self.operation is not None and self.operation not in operations:
            raise ControlError(f"operation: {self.operation!r} is no operation")
        self.order_id = _text(fields, "order_id")
        self.status = _whole(fields, "status", 503, 200, 599)
        self.times = None if "times" in fields and fields["times"] is None else _whole(fields, "times", 1, 1, 10**9)
        self.carried_out = _flag(fields, "carried_out")
        self.body = _text(fields, "body")
        if self.body and self.status in _BODYLESS:
            raise ControlError(f"body: an answer with status {self.status} has none")
        self.content_type = _text(fields, "content_type") or "application/json"
        _check_header("content_type", "Content-Type", self.content_type)
        self.headers = _headers(fields.get("headers"))
        code, messages = _from_table(errors, self.operation, self.status, _text(fields, "error_code"))
        self.error_code = code
        self.error_messages = _messages(fields.get("error_messages"), messages)

    def matches(self, operation: str, order_id: str) -> bool:
        """Tell whether a request is meant."""
        return self.operation in (None, operation) and self.order_id in (None, order_id)

    def described(self) -> dict[str, Any]:
        """Return the fault as it could have been asked for."""
        fields = {name: getattr(self, name) for name in _KNOWN}
        return {**fields, "headers": dict(self.headers.items), "error_messages": list(self.error_messages)}


class Provocations:
    """The faults that are still to come, the first that was asked for first."""

    __slots__ = ("_errors", "_operations", "faults")

    def __init__(self, operations: Operations, errors: ErrorTable) -> None:
        self._operations = operations
        self._errors = errors
        self.faults: list[Fault] = []

    def add(self, fields: Mapping[str, Any]) -> None:
        """Take in a fault; raises ControlError naming the field that is wrong."""
        if len(self.faults) >= _MOST_FAULTS:
            raise ControlError(f"more than {_MOST_FAULTS} faults wait already; clear them first")
        self.faults.append(Fault(fields, self._operations, self._errors))

    def take(self, operation: str, order_id: str) -> Fault | None:
        """Return the fault for a request and count it."""
        for fault in self.faults:
            if fault.matches(operation, order_id):
                if fault.times is not None:
                    fault.times -= 1
                    if not fault.times:
                        self.faults.remove(fault)
                return fault
        return None


def _from_table(
    errors: ErrorTable, operation: str | None, status: int, code: str | None
) -> tuple[str, tuple[str, ...]]:
    """Find the code and words that the error table has for a status, so that a fault need name no more than that."""
    for row in errors.rows:
        if row.status != status or not row.code or (code is not None and row.code != code):
            continue
        if operation is None or operation in row.operations:
            return row.code, tuple(message for message in row.messages[:1] if "{" not in message)
    return code or "", ()


def _text(fields: Mapping[str, Any], name: str) -> str | None:
    value = fields.get(name)
    if value is not None and not isinstance(value, str):
        raise ControlError(f"{name}: must be text")
    return value


def _flag(fields: Mapping[str, Any], name: str) -> bool:
    value = fields.get(name, False)
    if not isinstance(value, bool):
        raise ControlError(f"{name}: must be true or false")
    return value


def _whole(fields: Mapping[str, Any], name: str, default: int, smallest: int, largest: int) -> int:
    value = fields.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not smallest <= value <= largest:
        raise ControlError(f"{name}: must be a whole number from {smallest} to {largest}")
    return value


def _messages(value: Any, default: tuple[str, ...]) -> tuple[str, ...]:
    if value is None:
        return default
    if not isinstance(value, list) or not all(isinstance(message, str) for message in value):
        raise ControlError("error_messages: must be a list of texts")
    return tuple(value)


def _headers(value: Any) -> Headers:
    if value is None:
        return Headers()
    if not isinstance(value, Mapping):
        raise ControlError("headers: must be an object of texts")
    for name, text in value.items():
        if not isinstance(name, str) or not _FIELD_NAME.fullmatch(name):
            raise ControlError("headers: a name is no header field name")
        if name.lower() in _FRAMING:
            raise ControlError(f"headers: {name} is decided by the door that answers")
        _check_header("headers", name, text)
    return Headers(value)


def _check_header(field: str, name: str, text: Any) -> None:
    if not isinstance(text, str) or not all(character == "\t" or " " <= character <= "ÿ" for character in text):
        raise ControlError(f"{field}: the value of {name} cannot stand in a header")
