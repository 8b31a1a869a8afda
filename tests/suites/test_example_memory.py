"""What one machine found, another tries first; tested against a real Redis where one is installed."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from conformance import cli
from conformance.contract.contract import load_contract
from conformance.exceptions import UsageError
from conformance.suites.example_memory import ExampleMemory, ExampleMemoryError
from conformance.suites.run import ServerOptions, ServerRun
from conformance.verdict import Verdict

PASSWORD = "examples-secret"
# A fault that a random history finds at once, and one that a generated body does.
WALK, FUZZ = "orders/walk/1", "captureOrder/schemathesis/fuzzing"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed; Debian's package of that name has it")
    port = free_port()
    place: Path = tmp_path_factory.mktemp("redis")
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(place)]
    process = subprocess.Popen(
        [program, *options, "--requirepass", PASSWORD], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        until = time.monotonic() + 10
        with Redis(port=port, password=PASSWORD) as caller:
            while True:
                try:
                    caller.ping()
                    break
                except ConnectionError:
                    raise
                except Exception:
                    if time.monotonic() > until or process.poll() is not None:
                        raise
                    time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture
def url(server: int) -> str:
    with Redis(port=server, password=PASSWORD) as caller:
        caller.flushall()
    return f"redis://:{PASSWORD}@127.0.0.1:{server}/0"


def stored(url: str) -> dict[str, int]:
    with Redis.from_url(url) as caller:
        found = {key.decode("latin-1"): caller.scard(key) for key in caller.keys()}
    return {name: int(size) for name, size in found.items()}  # type: ignore[arg-type]  # a plain call answers at once


def played(url: str, case_id: str, fault: str, seed: int, profile: str = "default") -> tuple[Verdict, int]:
    options = ServerOptions(profile=profile, cases=(case_id,), fault=fault, seed=seed, examples=url)
    with ServerRun(options) as run:
        (case,) = run.cases()
        result = run.play(case).result
    return result.verdict, result.exchanges


def test_a_walk_tries_first_what_another_found(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert played(url, WALK, "cancel-keeps-remaining", 1)[0] is Verdict.FAILED
    shelves = stored(url)
    assert shelves
    assert all(name.startswith("klarna-conformance:") and ":orders/walk:" in name for name in shelves)
    # Another machine, another walk, another seed, and no time to search: only the memory can know.
    from conformance.suites import state_machine

    monkeypatch.setitem(state_machine._SIZES, "default", state_machine._Size(2, 1, 25))
    assert played("", "orders/walk/2", "cancel-keeps-remaining", 2)[0] is Verdict.PASSED
    assert played(url, "orders/walk/2", "cancel-keeps-remaining", 2)[0] is Verdict.FAILED


def test_a_right_server_leaves_nothing_behind_and_clears_what_is_mended(url: str) -> None:
    assert played(url, WALK, "cancel-keeps-remaining", 1)[0] is Verdict.FAILED
    assert stored(url)
    assert played(url, WALK, "", 1)[0] is Verdict.PASSED
    assert not {name: size for name, size in stored(url).items() if not name.endswith(".secondary")}


def test_fuzzing_remembers_too(url: str) -> None:
    verdict, exchanges = played(url, FUZZ, "capture-answers-200", 1, "deep")
    assert verdict is Verdict.FAILED
    assert any(f":{FUZZ}:" in name for name in stored(url))
    assert played(url, FUZZ, "capture-answers-200", 9, "deep") < (Verdict.FAILED, exchanges + 1)


def test_a_store_that_goes_away_is_an_error_of_the_case_and_tells_no_secret(url: str) -> None:
    memory = ExampleMemory.at(url, load_contract())
    shelf = memory.shelf("orders/walk")
    shelf.save(b"key", b"value")
    assert list(shelf.fetch(b"key")) == [b"value"]
    shelf.delete(b"key", b"value")
    assert list(shelf.fetch(b"key")) == []
    with Redis.from_url(url) as caller:
        caller.config_set("requirepass", "another")
    memory.close()
    try:
        with pytest.raises(ExampleMemoryError, match="127.0.0.1:[0-9]+ does not answer: AuthenticationError") as caught:
            shelf.save(b"key", b"value")
        assert PASSWORD not in str(caught.value)
    finally:
        with Redis.from_url(url.replace(PASSWORD, "another")) as caller:
            caller.config_set("requirepass", PASSWORD)


@pytest.mark.parametrize("address", ["", "localhost", "http://127.0.0.1:1", "redis://", "redis://h:x", "redis://[h/0"])
def test_an_address_that_leads_nowhere_is_refused(address: str) -> None:
    with pytest.raises(UsageError, match="reads redis://host:port/number"):
        ExampleMemory.at(address, load_contract())


def test_nobody_there_is_one_line_without_the_password(capsys: pytest.CaptureFixture[str]) -> None:
    address = f"redis://user:{PASSWORD}@127.0.0.1:{free_port()}/0"
    assert cli.run(["test-server", "--examples", address]) == 2
    error = capsys.readouterr().err
    assert "no memory of examples at 127.0.0.1:" in error
    assert error.count("\n") == 1
    assert PASSWORD not in error


def test_the_quick_profile_generates_nothing_to_remember() -> None:
    with pytest.raises(UsageError, match="use --profile default or deep"):
        ServerRun(ServerOptions(profile="quick", examples="redis://127.0.0.1"))


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "redis", None)
    with pytest.raises(UsageError, match=r"klarna-conformance\[redis\]"):
        ExampleMemory.at("redis://127.0.0.1", load_contract())
