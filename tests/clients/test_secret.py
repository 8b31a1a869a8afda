from __future__ import annotations

import base64

import pytest

from conformance.clients.secret import authorization, forms_of, masked


def test_every_form_of_a_password_is_known() -> None:
    forms = forms_of("user", "p@ss wörd/1")
    pair = "user:p@ss wörd/1"
    for given_away in (
        "p@ss wörd/1",
        "p%40ss%20w%C3%B6rd%2F1",
        "p%40ss+w%C3%B6rd%2F1",
        base64.b64encode(pair.encode()).decode(),
        base64.b64encode(pair.encode("latin-1")).decode(),
    ):
        assert given_away in forms


def test_a_password_beyond_latin_1_has_fewer_forms() -> None:
    assert len(forms_of("user", "日本語-password")) == 3


def test_short_words_are_no_secrets() -> None:
    assert "abc" not in forms_of("user", "abc")


def test_the_header_is_basic_in_utf_8() -> None:
    assert authorization("å", "ö") == "Basic " + base64.b64encode("å:ö".encode()).decode()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("the secret-word was", "the *** was"),
        ("Authorization: Basic dXNlcjpwYXNz", "Authorization: Basic ***"),
        ("bearer abc.def", "bearer abc.def"),
        ("BASIC dXNlcjpwYXNz!", "BASIC ***!"),
        ("nothing here", "nothing here"),
    ],
)
def test_secrets_are_blotted_out(text: str, shown: str) -> None:
    assert masked(text, {"secret-word", ""}) == shown
