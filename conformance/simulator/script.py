"""What happens to each attempt at an operation, in an order that one short text can bring back."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote

from conformance.simulator.control_error import ControlError
from conformance.simulator.toxic import Toxic

__all__ = ["Script", "Scripts"]

_MOST_ATTEMPTS = 100
_MOST_SCRIPTS = 20_000
_LONGEST_TOKEN = 256 * 1024
_LARGEST_TEXT = 4 * 1024 * 1024

# A token starts with what it holds: toxics spelled out, or the seed and case from which they are drawn.
_SPELLED = "t1"
_DRAWN = "s1"

# What is drawn from: short faults that a patient caller gets over, each with the bounds of what varies in it.
_CHOICES: tuple[tuple[str, Mapping[str, tuple[int, ...]]], ...] = (
    ("latency", {"ms": (20, 50, 100)}),
    ("late_reply", {"ms": (200, 400)}),
    ("close_before", {}),
    ("reset_before", {}),
    ("close_after", {}),
    ("reset_after", {}),
    ("cut_head", {}),
    ("cut_body", {}),
    ("wrong_length", {"by": (-3, 7, 100)}),
    ("malformed_chunk", {}),
    ("invalid_json", {}),
    ("html_body", {"status": (200, 502, 503)}),
    ("empty_body", {"status": (500, 503, 504)}),
    ("drip", {"bytes": (16, 64, 256), "ms": (1, 5)}),
    ("close_next", {}),
    ("lower_case_headers", {}),
    ("challenge", {}),
    ("answer", {"status": (429, 500, 503)}),
)
_MOST_DRAWN = 3


@dataclass(frozen=True, slots=True)
class Script:
    """The faults of the first attempts, None standing for a good answer; past its end every answer is good.

    Raises ControlError for more than 100 attempts. ``name`` tells a reader what the script is for.
    """

    toxics: tuple[Toxic | None, ...]
    name: str = ""
    _source: str = field(default="", repr=False, compare=False)

    def __post_init__(self) -> None:
        if len(self.toxics) > _MOST_ATTEMPTS:
            raise ControlError(f"toxics: no more than {_MOST_ATTEMPTS} attempts can be told in advance")

    def __str__(self) -> str:
        return "; ".join("good" if toxic is None else str(toxic) for toxic in (*self.toxics, None))

    @classmethod
    def parse(cls, given: Any, name: str = "") -> Script:
        """Read a list of toxics as they stand in JSON; raises ControlError naming the field that is wrong."""
        if not isinstance(given, list):
            raise ControlError("toxics: must be a list of toxics, with null for a good answer")
        return cls(tuple(None if each is None else Toxic.parse(each) for each in given), name)

    @classmethod
    def drawn(cls, seed: int, case_id: str) -> Script:
        """Draw a script that depends on nothing but seed and case, on every machine alike."""
        pick = _Dice(seed, case_id)
        toxics: list[Toxic | None] = []
        for _ in range(1 + pick(_MOST_DRAWN)):
            kind, ranges = _CHOICES[pick(len(_CHOICES))]
            toxics.append(Toxic(kind, {name: values[pick(len(values))] for name, values in ranges.items()}))
        return cls(tuple(toxics), case_id, f"{_DRAWN}.{seed}.{quote(case_id, safe='')}")

    def token(self) -> str:
        """Return the text that ``from_token`` makes this script of: one word that a shell takes as it is."""
        if self._source:
            return self._source
        content = json.dumps([self.name, self.described()], ensure_ascii=False, separators=(",", ":")).encode()
        return f"{_SPELLED}.{base64.urlsafe_b64encode(zlib.compress(content, 9)).decode('ascii').rstrip('=')}"

    @classmethod
    def from_token(cls, token: str) -> Script:
        """Read a token; raises ControlError for text that is none."""
        kind, _, rest = token.partition(".")
        if len(token) > _LONGEST_TOKEN or kind not in (_SPELLED, _DRAWN):
            raise ControlError("token: is no token of a script")
        if kind == _DRAWN:
            seed, _, case_id = rest.partition(".")
            if not seed.removeprefix("-").isdecimal() or len(seed) > 40:
                raise ControlError("token: holds no seed")
            return cls.drawn(int(seed), unquote(case_id))
        name, toxics = _unpacked(rest)
        return cls.parse(toxics, name)

    def described(self) -> list[dict[str, Any] | None]:
        """Return the toxics as ``parse`` reads them."""
        return [None if toxic is None else _plain(toxic) for toxic in self.toxics]


class _Dice:
    """Small numbers from a hash: the library's generator makes no promise across its versions for choices."""

    def __init__(self, seed: int, case_id: str) -> None:
        self._name = f"{seed}|{case_id}|"
        self._rolled = 0

    def __call__(self, sides: int) -> int:
        digest = hashlib.blake2b(f"{self._name}{self._rolled}".encode(), digest_size=8).digest()
        self._rolled += 1
        return int.from_bytes(digest, "big") % sides


class _Playing:
    """A script on an order, with the number of attempts seen at each operation it is meant for."""

    __slots__ = ("attempts", "script")

    def __init__(self, script: Script) -> None:
        self.script = script
        self.attempts: dict[str, int] = {}


class Scripts:
    """The scripts in force, by order; setting one is safe from any thread, taking from it is the door's alone."""

    __slots__ = ("_by_order",)

    def __init__(self) -> None:
        self._by_order: dict[str, dict[str | None, _Playing]] = {}

    def put(self, order_id: str, script: Script, operation: str | None = None) -> None:
        """Have a script played on an order, for one operation or for each; the one before it is forgotten."""
        if not order_id or not isinstance(order_id, str):
            raise ControlError("order_id: must be the id of an order")
        known = self._by_order.pop(order_id, {})
        # Replaced and not changed: the door may be reading.
        self._by_order[order_id] = {**known, operation: _Playing(script)}
        while len(self._by_order) > _MOST_SCRIPTS:
            self._by_order.pop(next(iter(self._by_order)), None)

    def clear(self) -> None:
        """Forget all scripts."""
        self._by_order.clear()

    def __bool__(self) -> bool:
        return bool(self._by_order)

    def __contains__(self, order_id: object) -> bool:
        return order_id in self._by_order

    def take(self, order_id: str, operation: str, admits: Callable[[Toxic], bool]) -> tuple[Toxic | None, int]:
        """Count an attempt and return what happens to it, with its number from 1; 0 for one that does not count.

        A toxic that ``admits`` turns away waits for the next attempt.
        """
        by_operation = self._by_order.get(order_id, {})
        playing = by_operation.get(operation) or by_operation.get(None)
        if playing is None:
            return None, 0
        number = playing.attempts.get(operation, 0)
        toxics = playing.script.toxics
        toxic = toxics[number] if number < len(toxics) else None
        if toxic is not None and not admits(toxic):
            return None, 0
        playing.attempts[operation] = number + 1
        return toxic, number + 1


def _plain(toxic: Toxic) -> dict[str, Any]:
    return {name: dict(value) if isinstance(value, Mapping) else value for name, value in toxic.described().items()}


def _unpacked(text: str) -> tuple[str, Any]:
    try:
        packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        unpacker = zlib.decompressobj()
        content = unpacker.decompress(packed, _LARGEST_TEXT)
        if unpacker.unconsumed_tail or not unpacker.eof:
            raise ControlError("token: is cut short or too long")
        value = json.loads(content)
    except (binascii.Error, zlib.error, ValueError, RecursionError):
        raise ControlError("token: is no token of a script") from None
    if not isinstance(value, list) or len(value) != 2 or not isinstance(value[0], str):
        raise ControlError("token: holds no script")
    return value[0], value[1]
