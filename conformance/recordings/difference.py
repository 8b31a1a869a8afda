"""What differs between a recorded request and one that was sent, field by field."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from conformance.contract.operations import BASE_PATH
from conformance.exchange import Request

__all__ = ["ABSENT", "Difference", "differences"]

ABSENT = "(absent)"
_MOST = 20
_LONGEST = 120
_DEEPEST = 32


@dataclass(frozen=True, slots=True)
class Difference:
    """One field with its recorded value and the one sent, as JSON writes them; ``ABSENT`` where there is none."""

    field: str
    recorded: str
    sent: str

    def told(self) -> str:
        """Tell the difference in words."""
        return f"{self.field} was {self.recorded}, sent {self.sent}"

    def described(self) -> dict[str, str]:
        """Lay the difference out for a program."""
        return {"field": self.field, "recorded": self.recorded, "sent": self.sent}


def differences(recorded: Request, sent: Request) -> list[Difference]:
    """List what keeps two requests from being the same: method, path, query, body; at most twenty fields."""
    found: list[Difference] = []
    for difference in _all(recorded, sent):
        found.append(difference)
        if len(found) == _MOST:
            break
    return found


def _all(recorded: Request, sent: Request) -> Iterator[Difference]:
    if recorded.method.upper() != sent.method.upper():
        yield Difference("method", recorded.method, sent.method)
    before, asked = _parts(recorded.target), _parts(sent.target)
    for place, (was, now) in enumerate(zip_longest(before[0], asked[0]), 1):
        if was != now:
            yield Difference(f"path segment {place}", _plain(was), _plain(now))
    for name in sorted(before[1].keys() | asked[1].keys()):
        if before[1].get(name) != asked[1].get(name):
            yield Difference(f"query {name}", _plain(before[1].get(name)), _plain(asked[1].get(name)))
    yield from _bodies(recorded.body, sent.body)


def _parts(target: str) -> tuple[list[str], dict[str, str]]:
    parts = urlsplit(target if "://" in target else f"x://x{target}")
    base = parts.path.find(BASE_PATH)
    path = parts.path[base:] if base > 0 else parts.path
    query: dict[str, list[str]] = {}
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        query.setdefault(name, []).append(value)
    return path.strip("/").split("/"), {name: ",".join(sorted(values)) for name, values in query.items()}


def _bodies(recorded: bytes, sent: bytes) -> Iterator[Difference]:
    if recorded == sent:
        return
    try:
        was, now = json.loads(recorded) if recorded else None, json.loads(sent) if sent else None
    except (ValueError, RecursionError):
        yield Difference("body", _shown(recorded.decode("utf-8", "replace")), _shown(sent.decode("utf-8", "replace")))
        return
    if not recorded or not sent:
        yield Difference("body", _shown(was) if recorded else ABSENT, _shown(now) if sent else ABSENT)
        return
    yield from _values("body", was, now, _DEEPEST)


def _values(where: str, was: Any, now: Any, depth: int) -> Iterator[Difference]:
    if depth and isinstance(was, dict) and isinstance(now, dict):
        for name in [*was, *(name for name in now if name not in was)]:
            if name not in was:
                yield Difference(f"{where}.{name}", ABSENT, _shown(now[name]))
            elif name not in now:
                yield Difference(f"{where}.{name}", _shown(was[name]), ABSENT)
            else:
                yield from _values(f"{where}.{name}", was[name], now[name], depth - 1)
    elif depth and isinstance(was, list) and isinstance(now, list):
        for index, (old, new) in enumerate(zip(was, now, strict=False)):
            yield from _values(f"{where}[{index}]", old, new, depth - 1)
        if len(was) != len(now):
            yield Difference(f"length of {where}", str(len(was)), str(len(now)))
    elif type(was) is not type(now) or was != now:
        yield Difference(where, _shown(was), _shown(now))


def _plain(value: str | None) -> str:
    return ABSENT if value is None else _cut(value)


def _shown(value: Any) -> str:
    return _cut(json.dumps(value, ensure_ascii=False, default=str))


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
