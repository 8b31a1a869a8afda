"""Reads JSON as strictly as money needs: bounded, without NaN, and without losing sight of what was not an integer."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

__all__ = ["Text", "hard_text", "read_json", "reals", "repeated"]

# Tab and line breaks have escapes of their own, and are ordinary text.
_CONTROL = re.compile(rb"\\u00[01][0-9a-fA-F]")
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


@dataclass(frozen=True, slots=True)
class Text:
    """What a body says.

    ``problem`` is empty when the body is readable JSON; ``value`` is then the parsed value and ``reals`` tells
    whether any number in it was not written as an integer.
    """

    value: Any
    problem: str
    reals: bool


class _RealError(Exception):
    """A number is written as no integer is."""


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not a JSON number")


def _notice_real(text: str) -> float:
    raise _RealError(text)


# Nearly every body holds integers only, and one decoder serves for all of them.
_INTEGERS = json.JSONDecoder(parse_float=_notice_real, parse_constant=_refuse_constant)
_REALS = json.JSONDecoder(parse_constant=_refuse_constant)


# A refused request leaves an order as it was: what was read a moment ago is often read again.
_MOST_KEPT = 16
_LARGEST_KEPT = 64 * 1024


def read_json(body: bytes) -> Text:
    """Parse a body; never raises, whatever the bytes are.

    Who asks again for the same bytes may get the same value: nobody changes it.
    """
    return _kept(body) if len(body) <= _LARGEST_KEPT else _parsed(body)


def _parsed(body: bytes) -> Text:
    found = False
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        return Text(None, f"is not UTF-8 at byte {error.start}", False)
    try:
        try:
            value = _INTEGERS.decode(text)
        except _RealError:
            found = True
            value = _REALS.decode(text)
    except RecursionError:
        return Text(None, "is nested too deeply", False)
    except json.JSONDecodeError as error:
        return Text(None, f"is not JSON: {error.msg} at character {error.pos}", False)
    except ValueError as error:
        # An integer of thousands of digits, or a constant that JSON does not have.
        return Text(None, f"holds no usable number: {str(error)[:80]}", False)
    return Text(value, "", found)


_kept = lru_cache(_MOST_KEPT)(_parsed)


def repeated(body: bytes) -> str:
    """Return a name that some object of a readable body holds twice, empty when none does.

    Of two members with one name a reader takes the first, another the last, and a third neither.
    """
    found = ""

    def notice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal found
        members = dict(pairs)
        if len(members) < len(pairs):
            found = next(name for index, (name, _) in enumerate(pairs) if name in dict(pairs[:index]))
        return members

    json.loads(body, object_pairs_hook=notice)
    return found


def reals(value: Any, path: str = "") -> Iterator[tuple[str, float]]:
    """Yield the path and the value of each number that was not written as an integer."""
    if isinstance(value, float):
        yield path or "/", float(value)
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from reals(item, f"{path}/{name}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from reals(item, f"{path}/{index}")


def hard_text(raw: bytes, value: Any) -> bool:
    """Tell whether a body holds a control character or half a surrogate pair: JSON has both, few stores do."""
    if _CONTROL.search(raw) is not None:
        return True
    if _SURROGATE.search(raw) is None:
        return False
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    return False
