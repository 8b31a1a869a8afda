from __future__ import annotations

import re
from uuid import UUID

import pytest

from conformance.simulator.identity import Identities, is_uuid


def test_ids_follow_from_what_they_are_for() -> None:
    ids = Identities(7)
    first = ids.uuid("capture", 1, "order")
    assert first == Identities(7).uuid("capture", 1, "order")
    others = {
        Identities(8).uuid("capture", 1, "order"),
        ids.uuid("capture", 2, "order"),
        ids.uuid("refund", 1, "order"),
        ids.uuid("capture", 1, "other"),
        ids.uuid("capture", 1),
    }
    assert len(others) == 5
    assert first not in others


def test_ids_are_version_four() -> None:
    for number in range(200):
        parsed = UUID(Identities(0).uuid("x", number))
        assert parsed.version == 4
        assert parsed.variant == "specified in RFC 4122"


def test_references_are_eight_capitals_and_digits() -> None:
    references = {Identities(0).reference(f"order-{number}") for number in range(200)}
    assert len(references) == 200
    assert all(re.fullmatch(r"[0-9A-Z]{8}", reference) for reference in references)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("eab63d8c-e5d9-393e-bf8e-9dcd968d1332", True),
        ("EAB63D8C-E5D9-393E-BF8E-9DCD968D1332", True),
        ("eab63d8ce5d9393ebf8e9dcd968d1332", False),
        ("eab63d8c-e5d9-393e-bf8e-9dcd968d133", False),
        ("eab63d8c-e5d9-393e-bf8e-9dcd968d1332\n", False),
        ("{eab63d8c-e5d9-393e-bf8e-9dcd968d1332}", False),
        ("éab63d8c-e5d9-393e-bf8e-9dcd968d1332", False),
        ("", False),
    ],
)
def test_the_shape_of_a_uuid(text: str, expected: bool) -> None:
    assert is_uuid(text) is expected
