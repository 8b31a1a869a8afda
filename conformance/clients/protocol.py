"""The adapter protocol: one JSON object a line, checked against its schema in both directions."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from typing import Any

import jsonschema_rs

from conformance.clients.call import Call, CouldNotTry, Hello, Outcome, Raised, Returned, Unsupported
from conformance.contract.files import spec_directory

__all__ = ["BYE", "HELLO", "PROTOCOL", "ProtocolError", "encode_call", "hello_from", "outcome_from", "parse_line"]

PROTOCOL = 1
HELLO = b'{"type":"hello","protocol":1}\n'
BYE = b'{"type":"bye"}\n'

_SHOWN = 160


class ProtocolError(ValueError):
    """A line that is no message; the text says what is wrong with it and shows its beginning."""


@functools.cache
def _validators() -> Mapping[str, Any]:
    schema = json.loads((spec_directory() / "schemas" / "adapter.schema.json").read_text("utf-8"))
    definitions = schema["$defs"]
    return {
        kind: jsonschema_rs.Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": definitions})
        for kind, name in (("hello", "hello_answer"), ("result", "result"))
    }


def encode_call(call: Call) -> bytes:
    """Write a call as one line. Text goes as ASCII escapes, so that no adapter can trip over its own locale."""
    message = {
        "type": "run",
        "id": call.id,
        "session": call.session,
        "base_url": call.base_url,
        "username": call.username,
        "password": call.password,
        "operation": call.operation,
        "path": dict(call.path),
        "body": call.body,
        "idempotency_key": call.idempotency_key,
        "timeout_s": call.timeout_s,
    }
    return json.dumps(message, separators=(",", ":")).encode("ascii") + b"\n"


def parse_line(line: bytes) -> dict[str, Any]:
    """Read one line that an adapter wrote; raises ProtocolError for whatever is no message of the protocol."""
    try:
        message = json.loads(line.decode("utf-8"))
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise ProtocolError(f"is no JSON: {_shown(line)}") from error
    if not isinstance(message, dict):
        raise ProtocolError(f"is no JSON object: {_shown(line)}")
    kind = message.get("type")
    if kind is None and "outcome" in message:
        # The design shows the answers after the first in short form; what they mean is beyond doubt.
        message["type"] = kind = "result"
    validator = _validators().get(kind) if isinstance(kind, str) else None
    if validator is None:
        raise ProtocolError(f"has the type {str(kind)[:40]!r}, which no adapter sends: {_shown(line)}")
    if not validator.is_valid(message):
        wrong = next(validator.iter_errors(message))
        place = "/".join(str(step) for step in wrong.instance_path) or "the message"
        raise ProtocolError(f"{place}: {wrong.message[:_SHOWN]}: {_shown(line)}")
    return message


def hello_from(message: Mapping[str, Any]) -> Hello:
    """Turn a checked ``hello`` into its value."""
    return Hello(
        name=message["name"],
        version=message.get("version") or "",
        language=message.get("language") or "",
        operations=frozenset(message["operations"]),
        features=message.get("features") or {},
    )


def outcome_from(message: Mapping[str, Any]) -> Outcome:
    """Turn a checked ``result`` into what the user saw."""
    kind = message["outcome"]
    if kind == "returned":
        return Returned(message.get("value"))
    if kind == "unsupported":
        return Unsupported()
    if kind == "could_not_try":
        return CouldNotTry(message.get("why") or "the adapter gave no reason")
    error = message["error"]
    return Raised(
        kind=error["kind"],
        status=error.get("status"),
        error_code=error.get("error_code"),
        error_messages=tuple(error.get("error_messages") or ()),
        correlation_id=error.get("correlation_id"),
        text=error.get("text") or "",
    )


def _shown(line: bytes) -> str:
    text = line.decode("utf-8", "replace").rstrip("\n")
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "...")
