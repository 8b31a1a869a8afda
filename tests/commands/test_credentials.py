from __future__ import annotations

import pytest

from conformance.commands.credentials import from_environment, is_loopback, read_credentials
from conformance.exceptions import UsageError

REMOTE = "https://api.playground.klarna.com"
LOCAL = "http://127.0.0.1:8080"


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KLARNA_USERNAME", raising=False)
    monkeypatch.delenv("KLARNA_PASSWORD", raising=False)


@pytest.fixture
def set_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KLARNA_USERNAME", "K1")
    monkeypatch.setenv("KLARNA_PASSWORD", "env-secret")


@pytest.mark.parametrize(
    ("url", "local"),
    [
        (LOCAL, True),
        ("http://127.8.9.1", True),
        ("http://localhost:1", True),
        ("http://LOCALHOST.:1/base", True),
        ("http://shop.localhost", True),
        ("http://[::1]:8080", True),
        (REMOTE, False),
        ("http://10.0.0.1", False),
        ("http://localhost.example.com", False),
        ("http://127.0.0.1.example.com", False),
        ("http://127.0.0.1@example.com", False),
        ("http://0.0.0.0", False),
        ("http://[", False),
        ("", False),
    ],
)
def test_loopback_is_told_by_the_host_alone(url: str, local: bool) -> None:
    assert is_loopback(url) is local


@pytest.mark.usefixtures("set_up")
def test_the_environment_serves_every_target() -> None:
    assert read_credentials(REMOTE, None, None) == ("K1", "env-secret")
    assert read_credentials(LOCAL, None, None) == ("K1", "env-secret")


@pytest.mark.usefixtures("set_up")
def test_flags_come_first_on_loopback() -> None:
    assert read_credentials(LOCAL, "K2", "flag-secret") == ("K2", "flag-secret")


@pytest.mark.usefixtures("set_up")
@pytest.mark.parametrize(("username", "password"), [("K2", "flag-secret"), ("K2", None), (None, "flag-secret")])
def test_flags_are_refused_for_a_remote_target_without_being_repeated(
    username: str | None, password: str | None
) -> None:
    with pytest.raises(UsageError, match="loopback targets") as caught:
        read_credentials(REMOTE, username, password)
    assert "flag-secret" not in str(caught.value)


@pytest.mark.parametrize(("username", "password"), [("K2", None), (None, "s"), ("", "s"), ("K2", "")])
def test_half_a_pair_of_flags_is_refused(username: str | None, password: str | None) -> None:
    with pytest.raises(UsageError, match="belong together"):
        read_credentials(LOCAL, username, password)


def test_no_credentials_at_all() -> None:
    assert from_environment() is None
    with pytest.raises(UsageError, match="set KLARNA_USERNAME and KLARNA_PASSWORD"):
        read_credentials(LOCAL, None, None)


@pytest.mark.parametrize(("name", "value"), [("KLARNA_USERNAME", "K1"), ("KLARNA_PASSWORD", "env-secret")])
def test_half_an_environment_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(UsageError, match="set both or neither") as caught:
        from_environment()
    assert value not in str(caught.value)
