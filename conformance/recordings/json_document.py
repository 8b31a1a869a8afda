"""JSON as recorders write it, with numbers kept as the text that stands there."""

from __future__ import annotations

import json
import re

from conformance.exceptions import RecordingError
from conformance.recordings.node import Value

__all__ = ["MAX_NODES", "looks_like_json", "parse_json"]

MAX_NODES = 10_000_000

PEEK = 4096
# A text that never ends is taken to the end of the file, or each quote in it would be tried as a new beginning.
_TEXT = re.compile(r'"[^"\\]*+(?:\\(?:.|\Z)[^"\\]*+)*+(?:"|\Z)', re.DOTALL)


def looks_like_json(data: bytes) -> bool:
    """Tell by its first signs whether a file means to be JSON; YAML recordings never begin like this."""
    head = data[:PEEK].decode(json.detect_encoding(data), "replace").lstrip("\ufeff \t\r\n")
    inside = head[1:].lstrip()
    return head[:1] == "[" or (head[:1] == "{" and inside[:1] in ('"', "}", ""))


def parse_json(data: bytes, path: str) -> Value:
    """Read one JSON document.

    Raises RecordingError with file and line for anything that is no JSON, for a key that stands twice, for more than
    ``MAX_NODES`` values, and for nesting beyond the interpreter's own bound.
    """
    try:
        text = data.decode(json.detect_encoding(data)).removeprefix("\ufeff")
        # Most files have fewer signs that could begin a value than they may have values.
        if _signs(text) > MAX_NODES and _signs(_TEXT.sub("", text)) > MAX_NODES:
            raise RecordingError(f"{path}: holds more than {MAX_NODES} values")
        document: Value = json.loads(
            text,
            parse_int=str,
            parse_float=str,
            parse_constant=str,
            object_pairs_hook=_unique,
        )
    except json.JSONDecodeError as error:
        raise RecordingError(f"{path}:{error.lineno}: is no valid JSON: {error.msg}") from None
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise RecordingError(f"{path}:{line}: is no valid JSON: not in {error.encoding}") from None
    except RecursionError:
        raise RecordingError(f"{path}: is nested too deeply") from None
    except _StandsTwiceError:
        raise RecordingError(f"{path}: a key stands twice in one object") from None
    return document


def _signs(text: str) -> int:
    return sum(text.count(sign) for sign in ",[{")


class _StandsTwiceError(Exception):
    """Which of two values was meant cannot be known."""


def _unique(pairs: list[tuple[str, Value]]) -> dict[str, Value]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _StandsTwiceError
    return members
