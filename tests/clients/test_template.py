from __future__ import annotations

from typing import Any

import pytest

from conformance.clients.template import UnknownNameError, fill

KNOWN = {"a": 7, "b": {"c": [1], "d-e": "x"}, "empty": None}


@pytest.mark.parametrize(
    ("template", "filled"),
    [
        ("{a}", 7),
        ("{empty}", None),
        ("{b.c}", [1]),
        ("{b.d-e}!", "x!"),
        ("{a}{a}", "77"),
        ("no {Name} here, {} neither", "no {Name} here, {} neither"),
        ('{"a":"{a}"}', '{"a":"7"}'),
        ({"{a}": ["{a}", {"k": "{b.c}"}], 3: True}, {7: [7, {"k": [1]}], 3: True}),
        (("{a}", None, 1.5), [7, None, 1.5]),
        ("{later}-{a}", "{later}-7"),
        ("{later.x}", "{later.x}"),
    ],
)
def test_placeholders_are_filled(template: Any, filled: Any) -> None:
    assert fill(template, KNOWN, frozenset({"later"})) == filled


@pytest.mark.parametrize("template", ["{nobody}", "{b.x}", "{a.x}", ["{b.c.d}"]])
def test_an_unknown_name_is_a_mistake(template: Any) -> None:
    with pytest.raises(UnknownNameError):
        fill(template, KNOWN)
