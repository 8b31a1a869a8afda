"""Whether a postal code can belong to its country, the one thing about an address that can be told offline."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

__all__ = ["is_plausible"]

_FORMATS: Mapping[str, re.Pattern[str]] = {
    country: re.compile(pattern, re.ASCII | re.IGNORECASE)
    for countries, pattern in (
        ("AT AU BE CH DK HU LU NO NZ", r"\d{4}"),
        ("DE ES FI FR IT", r"\d{5}"),
        ("CZ GR SE SK", r"\d{3} ?\d{2}"),
        ("NL", r"\d{4} ?[A-Z]{2}"),
        ("PL", r"\d{2}-?\d{3}"),
        ("PT", r"\d{4}-?\d{3}"),
        ("RO", r"\d{6}"),
        ("US", r"\d{5}(-?\d{4})?"),
        ("CA", r"[A-Z]\d[A-Z] ?\d[A-Z]\d"),
        ("GB", r"[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}"),
        ("IE", r"[A-Z]\d[\dW] ?[A-Z\d]{4}"),
    )
    for country in countries.split()
}


def is_plausible(address: Mapping[str, Any], home: str) -> bool:
    """Tell whether an address may be right; ``home`` is the country of an address that names none."""
    postal_code = address.get("postal_code", "")
    expected = _FORMATS.get((address.get("country") or home).upper())
    return not postal_code or expected is None or expected.fullmatch(postal_code.strip()) is not None
