from __future__ import annotations

import os
from pathlib import Path

import pytest

from conformance import cli
from conformance.commands.credentials import read_credentials
from conformance.commands.sandbox import CUSTOMER_TOKEN, SandboxUse, gently, server_url
from conformance.exceptions import UsageError
from conformance.suites.run import ServerOptions

REMOTE = "https://api.playground.klarna.com"
LOCAL = "http://127.0.0.1:8080"


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("KLARNA_USERNAME", "KLARNA_PASSWORD", CUSTOMER_TOKEN):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("command", ["test-server", "record --to x"])
def test_a_plan_for_a_sandbox_needs_no_credentials(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = [*command.split(), "--target", "playground-na", "--case", "getOrder/*", "--dry-run", "--order-id", "one"]
    assert cli.run(words) == 0
    assert "with 0 new and 1 given orders" in capsys.readouterr().out
    assert not Path("x").exists()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--target", "playground-eu"], "set KLARNA_USERNAME and KLARNA_PASSWORD"),
        (["--target", "playground-eu", "--base-url", REMOTE], "give one of them"),
        (["--target", "playground"], "--target is neither playground-eu"),
        (["--base-url", "https://api.klarna.com"], "live service"),
        (["--base-url", REMOTE, "--username", "a", "--password", "b"], "for loopback targets"),
        (["--budget", "5"], "--budget needs --target or --base-url"),
        (["--resume", "x"], "--resume needs --target or --base-url"),
        (["--target", "playground-eu", "--rate", "50"], "not in the range 1<=x<=49"),
        (
            ["--base-url", LOCAL, "--control-url", LOCAL, "--username", "a", "--password", "b", "--order-hook", "x"],
            "leave out --order-hook",
        ),
        (
            ["--base-url", LOCAL, "--control-url", LOCAL, "--username", "a", "--password", "b", "--budget", "7"],
            "without a control interface",
        ),
    ],
)
def test_what_cannot_be_done_is_one_line(arguments: list[str], reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["test-server", *arguments]) == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert reason in said


def test_a_server_of_ones_own_is_asked_as_before() -> None:
    assert gently(ServerOptions(base_url=LOCAL), SandboxUse()).sandbox is None
    assert gently(ServerOptions(), SandboxUse()).sandbox is None


def test_a_shared_server_is_asked_gently(monkeypatch: pytest.MonkeyPatch) -> None:
    remote = gently(ServerOptions(base_url="https://klarna.example"), SandboxUse()).sandbox
    assert remote is not None
    assert (remote.currency, remote.customer_token, remote.rate) == ("", "", 40.0)
    monkeypatch.setenv(CUSTOMER_TOKEN, "secret-token")
    named = gently(ServerOptions(base_url=REMOTE), SandboxUse(rate=7), "playground-na").sandbox
    assert named is not None
    assert (named.name, named.currency, named.rate) == ("playground-na", "USD", 7.0)
    assert named.customer_token == "secret-token"
    assert "secret-token" not in repr(named)
    hooked = gently(ServerOptions(base_url=LOCAL), SandboxUse(order_hook="make"), "").sandbox
    assert hooked is not None
    assert (hooked.order_hook, hooked.customer_token) == ("make", "")


def test_names_and_addresses_are_understood() -> None:
    assert server_url("playground-eu") == REMOTE
    assert server_url(LOCAL) == LOCAL


def credentials(tmp_path: Path, content: bytes, mode: int = 0o600) -> Path:
    file = tmp_path / "credentials"
    file.write_bytes(content)
    file.chmod(mode)
    return file


@pytest.mark.parametrize(
    "content",
    [
        b"K1\np\xc3\xa4ss=word\n",
        b"# mine\n\nK1\n\n  p\xc3\xa4ss=word  \n",
        "KLARNA_USERNAME=K1\nKLARNA_PASSWORD=päss=word\n".encode(),
        "export KLARNA_PASSWORD='päss=word'\nexport KLARNA_USERNAME=\"K1\"\nOTHER=x\n".encode(),
    ],
)
def test_credentials_are_read_from_a_file(tmp_path: Path, content: bytes) -> None:
    assert read_credentials(REMOTE, None, None, credentials(tmp_path, content)) == ("K1", "päss=word")


@pytest.mark.parametrize(
    "content", [b"", b"one", b"a\nb\nc", b"KLARNA_USERNAME=\nKLARNA_PASSWORD=x", b"\xff\xfe\n\xff"]
)
def test_a_file_without_credentials_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(UsageError, match="holds neither two lines nor") as caught:
        read_credentials(REMOTE, None, None, credentials(tmp_path, content))
    assert "=x" not in str(caught.value)


@pytest.mark.skipif(os.name != "posix", reason="others can read is said in other ways elsewhere")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_a_file_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(UsageError, match="others can read these credentials"):
        read_credentials(REMOTE, None, None, credentials(tmp_path, b"K1\nsecret\n", mode))


def test_a_file_takes_the_place_of_flags(tmp_path: Path) -> None:
    file = credentials(tmp_path, b"K1\nsecret\n")
    with pytest.raises(UsageError, match="takes the place of"):
        read_credentials(LOCAL, "a", "b", file)
    with pytest.raises(UsageError, match="No such file"):
        read_credentials(LOCAL, None, None, tmp_path / "none")
