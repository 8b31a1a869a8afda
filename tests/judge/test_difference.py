from __future__ import annotations

from typing import Any

import pytest

from conformance.judge.difference import told_apart
from conformance.judge.echo import Among, MayShow

LONG = "Neue Schönhauser Straße 2, Hinterhaus, dritter Stock, links"


@pytest.mark.parametrize(
    ("expected", "observed", "told"),
    [
        (1, 2, "field is 2, expected was 1"),
        ({"a": 1, "b": 2}, {"a": 1, "b": 3}, "field/b is 3, expected was 2"),
        ({"a": {"b": 1}}, {"a": {}}, "field/a/b is null, expected was 1"),
        ([{"a": 1}, {"a": 2}], [{"a": 1}, {"a": 1}], "field/1/a is 1, expected was 2"),
        ([1, 2], [1], "field is [1], expected was [1, 2]"),
        ({"a": MayShow("x")}, {"a": "y"}, 'field/a is "y", expected was "x"'),
        (Among(([1], [2, 1])), [3], "field/0 is 3, expected was 1"),
        ("short", "shorn", 'field is "shorn", expected was "short"'),
        (
            LONG,
            LONG.replace("links", "rechts"),
            'field from its sign 55 on is "\\u2026tter Stock, rechts", expected was "\\u2026tter Stock, links"',
        ),
        (
            LONG,
            LONG[:50],
            'field from its sign 51 on is "\\u2026 dritter Sto", expected was "\\u2026 dritter Stock, links"',
        ),
    ],
)
def test_the_difference_is_shown_and_not_what_is_alike(expected: Any, observed: Any, told: str) -> None:
    assert told_apart("field", expected, observed) == told
