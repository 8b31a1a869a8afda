"""Fills the placeholders of scenarios: an axis is written once and stands for all of its values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

__all__ = ["UnknownNameError", "fill"]

_PLACEHOLDER = re.compile(r"\{([a-z_]+(?:\.[a-z_0-9-]+)*)\}", re.ASCII)


class UnknownNameError(KeyError):
    """A placeholder names nothing that is known; ``args[0]`` is the name."""


def fill(template: Any, known: Mapping[str, Any], later: frozenset[str] = frozenset()) -> Any:
    """Replace ``{name}`` and ``{name.field}`` throughout JSON data.

    A text that is nothing but a placeholder becomes the value itself, whatever its type. Names in ``later`` are left
    for a second filling. Raises UnknownNameError for any other name.
    """
    if isinstance(template, str):
        return _text(template, known, later)
    if isinstance(template, Mapping):
        return {
            _text(key, known, later) if isinstance(key, str) else key: fill(value, known, later)
            for key, value in template.items()
        }
    if isinstance(template, list | tuple):
        return [fill(value, known, later) for value in template]
    return template


def _text(text: str, known: Mapping[str, Any], later: frozenset[str]) -> Any:
    whole = _PLACEHOLDER.fullmatch(text)
    if whole is not None:
        return _value(whole[1], text, known, later)
    return _PLACEHOLDER.sub(lambda found: str(_value(found[1], found[0], known, later)), text)


def _value(name: str, written: str, known: Mapping[str, Any], later: frozenset[str]) -> Any:
    first, *fields = name.split(".")
    if first in later:
        return written
    if first not in known:
        raise UnknownNameError(name)
    value = known[first]
    for field in fields:
        if not isinstance(value, Mapping) or field not in value:
            raise UnknownNameError(name)
        value = value[field]
    return value
