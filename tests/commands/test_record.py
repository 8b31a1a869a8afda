from __future__ import annotations

import errno
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from conformance import cli
from conformance.contract.files import cassette_directory
from conformance.recordings.reader import read_recording

CHECKOUT = Path(__file__).parent.parent.parent
CASE = "captureOrder/fresh/valid"
LINE = re.compile(r"API (http://\S+) control (http://\S+) cassettes (\d+)\n")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("KLARNA_USERNAME", "KLARNA_PASSWORD", "KLARNA_REDACTION_SALT"):
        monkeypatch.delenv(name, raising=False)


def test_the_simulator_is_recorded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["record", "--case", CASE, "--to", str(tmp_path)]) == 0
    assert "1 cassettes written" in capsys.readouterr().out
    assert cli.run(["record", "--case", CASE, "--to", str(tmp_path)]) == 0
    assert "0 cassettes written" in (said := capsys.readouterr().out)
    assert "1 kept" in said
    assert cli.run(["check", str(tmp_path)]) == 0


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--target", "https://api.klarna.com"], "live service"),
        (["--target", "https://api-na.kustom.co"], "live service"),
        (["--target", "playground"], "nor an http or https address"),
        (["--target", "http://[::1"], "nor an http or https address"),
        (["--target", "https://api.playground.klarna.com"], "no credentials"),
        (["--case", "nothing/*"], "no case matches"),
        (["--smallest"], "record mode all or rewrite"),
        (["--record-mode", "none", "--case", CASE], "1 cases were not recorded"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], reason: str
) -> None:
    assert cli.run(["record", "--to", str(tmp_path), *arguments]) == 2
    said = capsys.readouterr().err
    assert reason in said
    assert said.count("\n") == 1
    assert not list(tmp_path.rglob("*.yaml"))


def test_people_need_a_salt_of_ones_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KLARNA_USERNAME", "K1_x")
    monkeypatch.setenv("KLARNA_PASSWORD", "very-secret")
    assert cli.run(["record", "--to", str(tmp_path), "--target", "https://api.playground.klarna.com"]) == 2
    said = capsys.readouterr()
    assert "KLARNA_REDACTION_SALT" in said.err
    assert "very-secret" not in said.out + said.err


def test_a_full_disk_is_one_line_and_keeps_what_was_complete(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.fsync
    calls = 0

    def full(handle: Any) -> None:
        nonlocal calls
        calls += 1
        if calls > 4:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(handle)

    monkeypatch.setattr(os, "fsync", full)
    assert cli.run(["record", "--case", "getOrder/*/valid", "--to", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert "no space left on device: the cassette was not written" in said
    assert said.count("\n") == 1
    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(left) == 2
    for path in left:
        header = read_recording(path).header
        assert header is not None
        assert header.intact


@pytest.fixture
def replay() -> Iterator[tuple[str, str]]:
    with subprocess.Popen(
        [sys.executable, "-m", "conformance", "serve", "--cassettes", str(cassette_directory())],
        stdout=subprocess.PIPE,
        text=True,
        cwd=CHECKOUT,
    ) as process:
        assert process.stdout is not None
        found = LINE.fullmatch(process.stdout.readline())
        assert found is not None
        yield found[1], found[2]
        process.terminate()


def test_any_client_replays_what_ships(replay: tuple[str, str]) -> None:
    """Every interaction of every shipped cassette is played, in order, over a socket."""
    base_url, control_url = replay
    directory = cassette_directory()
    with httpx.Client(timeout=20) as client:
        for path in sorted(directory.rglob("*.yaml")):
            name = path.relative_to(directory).with_suffix("").as_posix()
            for interaction in read_recording(path).interactions:
                asked, answered = interaction.exchange.request, interaction.exchange.response
                assert answered is not None
                target = f"{base_url}/{name}{asked.target[asked.target.index('/ordermanagement/') :]}"
                media = asked.headers.get("Content-Type")
                found = client.request(
                    asked.method, target, content=asked.body, headers={"Content-Type": media} if media else {}
                )
                assert (found.status_code, found.content) == (answered.status, answered.body), f"{name}: {found.text}"
        assert client.get(f"{control_url}/unplayed").json() == []
        lost = client.get(f"{base_url}/ordermanagement/v1/orders/0a5c1f0e-7b7d-4c2e-9d3a-4f1e2b6c8d90")
        assert lost.status_code == 599
        assert lost.json()["differences"]


def test_a_corrupt_cassette_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "torn.yaml").write_text("interactions:\n- request: [")
    assert cli.run(["serve", "--cassettes", str(tmp_path)]) == 2
    assert "torn.yaml:3: is no valid YAML" in (said := capsys.readouterr().err)
    assert said.count("\n") == 1
