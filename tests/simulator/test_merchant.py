from __future__ import annotations

import base64

import pytest

from conformance.simulator.control_error import ControlError
from conformance.simulator.merchant import DEFAULT_MERCHANTS, Credentials, Merchant
from tests.simulator.caller import authorization

FIRST, SECOND = DEFAULT_MERCHANTS


def basic(pair: bytes) -> str:
    return "Basic " + base64.b64encode(pair).decode()


@pytest.fixture
def credentials() -> Credentials:
    return Credentials(DEFAULT_MERCHANTS)


def test_merchants_are_recognised(credentials: Credentials) -> None:
    assert credentials.identify(authorization(FIRST)) is FIRST
    assert credentials.identify(authorization(SECOND)) is SECOND
    assert credentials.identify(authorization(FIRST).replace("Basic ", "bAsIc  ")) is FIRST


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Basic",
        "Basic ",
        "Basic !!!",
        "Basic " + "A" * 10_000,
        basic(b"K100001_conformance"),
        basic(b"K100001_conformance:wrong"),
        basic(b"K100001_conformance:"),
        basic(b"nobody:conformance-secret"),
        basic(b"\xff\xfe:x"),
        authorization(FIRST).replace("Basic", "Bearer"),
    ],
)
def test_others_are_not(credentials: Credentials, header: str | None) -> None:
    assert credentials.identify(header) is None


def test_a_password_may_hold_a_colon_and_any_letter() -> None:
    merchant = Merchant("user", "pass:wörd:✓", "M1")
    assert Credentials([merchant]).identify(authorization(merchant)) is merchant


def test_merchants_are_named_by_username_or_id(credentials: Credentials) -> None:
    assert credentials.named("K100002_conformance") is SECOND
    assert credentials.named("K100002") is SECOND
    assert credentials.named("K1") is None


def test_the_username_can_be_shown_and_the_password_cannot(credentials: Credentials) -> None:
    assert credentials.username(authorization(FIRST)) == FIRST.username
    assert credentials.username("Basic !") == ""
    assert FIRST.password not in repr(FIRST)


@pytest.mark.parametrize(
    ("merchants", "reason"),
    [
        ([], "at least one"),
        ([Merchant("a:b", "x", "M")], "colon"),
        ([FIRST, Merchant(FIRST.username, "x", "M")], "twice"),
    ],
)
def test_merchants_that_cannot_be_told_apart_are_refused(merchants: list[Merchant], reason: str) -> None:
    with pytest.raises(ControlError, match=reason):
        Credentials(merchants)
