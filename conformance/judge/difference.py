"""Where two values part: a message shows what differs, and not the much that is alike before it."""

from __future__ import annotations

from typing import Any

from conformance.judge.echo import Among, MayShow, shows
from conformance.judge.observation import shown

__all__ = ["told_apart"]

# Texts that are longer than this are shown from shortly before the first sign that differs.
_LONG = 40
_BEFORE = 12


def told_apart(name: str, expected: Any, observed: Any) -> str:
    """Say what a field is and what it was expected to be, at the first place where the two differ."""
    path, wanted, got = _parting(name, expected, observed)
    if isinstance(wanted, str) and isinstance(got, str):
        alike = next((at for at, pair in enumerate(zip(wanted, got, strict=False)) if pair[0] != pair[1]), None)
        start = min(len(wanted), len(got)) if alike is None else alike
        if max(len(wanted), len(got)) > _LONG and start > _BEFORE:
            path, cut = f"{path} from its sign {start + 1} on", start - _BEFORE
            wanted, got = f"…{wanted[cut:]}", f"…{got[cut:]}"
    return f"{path} is {shown(got)}, expected was {shown(wanted)}"


def _parting(path: str, expected: Any, observed: Any) -> tuple[str, Any, Any]:
    wanted = expected.value if isinstance(expected, MayShow | Among) else expected
    pairs: list[tuple[Any, Any, Any]] = []
    if isinstance(wanted, dict) and isinstance(observed, dict):
        pairs = [(name, value, observed.get(name)) for name, value in wanted.items()]
    elif isinstance(wanted, list) and isinstance(observed, list) and len(wanted) == len(observed):
        pairs = [(place, *both) for place, both in enumerate(zip(wanted, observed, strict=True))]
    for part, left, right in pairs:
        if not shows(left, right):
            return _parting(f"{path}/{part}", left, right)
    return path, wanted, observed
