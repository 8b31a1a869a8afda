"""Faults of the place where idempotency keys are kept: what counts as the same key, and what a known key opens."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from urllib.parse import unquote

from conformance.exchange import Response
from conformance.simulator.faults.call import Call
from conformance.simulator.faults.changes import succeeded
from conformance.simulator.faults.fault import Behaviour

__all__ = ["BEHAVIOURS"]

_KEPT = 20
_LONG = 20


def _read_as(change: Callable[[str], str]) -> Behaviour:
    """Keep a key in another form, in which it may be another's."""
    return lambda call: call.proceed(call.keyed(change(call.key)) if call.key else None)


def _number(key: str) -> str:
    return str(int(key)) if key.isascii() and key.isdigit() else key


def _newest(call: Call) -> Response:
    """Remember the newest keys only, whatever their age."""
    if not call.key:
        return call.proceed()
    newest: list[str] = call.memory.setdefault("newest", [])
    forgotten: dict[str, int] = call.memory.setdefault("forgotten", {})
    if call.key in newest:
        newest.remove(call.key)
    newest.append(call.key)
    if len(newest) > _KEPT:
        oldest = newest.pop(0)
        forgotten[oldest] = forgotten.get(oldest, 0) + 1
    times = forgotten.get(call.key, 0)
    return call.proceed(call.keyed(f"{call.key}~{times}") if times else None)


def _no_long_bodies(call: Call) -> Response:
    lines = call.sent.get("order_lines")
    return call.proceed(call.keyed("") if isinstance(lines, list) and len(lines) > _LONG else None)


def _open_to_all(call: Call) -> Response:
    """Answer a known key before anybody looks at the credentials."""
    response = call.proceed()
    place = (call.operation, tuple(call.ids.values()), call.key)
    if call.key and succeeded(response):
        call.memory[place] = response
    known: Response = call.memory.get(place, response)
    return known if response.status == 401 else response


BEHAVIOURS: Mapping[str, Behaviour] = {
    "key-percent-decoded": _read_as(unquote),
    "key-plus-as-blank": _read_as(lambda key: key.replace("+", " ")),
    "key-cut-at-separator": _read_as(lambda key: re.split("[;,]", key)[0]),
    "key-as-number": _read_as(_number),
    "keys-kept-by-number": _newest,
    "key-of-long-body-ignored": _no_long_bodies,
    "known-key-without-credentials": _open_to_all,
}
