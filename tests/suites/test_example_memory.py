"""What one machine found, another tries first; tested against a real Redis where one is installed."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis, RedisError

from conformance import cli
from conformance.contract.contract import load_contract
from conformance.exceptions import UsageError
from conformance.suites import schemathesis_driver, state_machine
from conformance.suites.example_memory import ExampleMemory, ExampleMemoryError
from conformance.suites.run import ServerOptions, ServerRun
from conformance.verdict import Verdict

PASSWORD = "examples-secret"
# Found by a walk, and only after a while.
FAULT = "capture-above-by-one"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def answers(caller: Redis) -> bool:
    try:
        return bool(caller.ping())
    except RedisError:
        return False


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
            while not answers(caller):
                assert process.poll() is None
                assert time.monotonic() < until
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
        return {key.decode("latin-1"): int(caller.scard(key)) for key in caller.scan_iter()}


def played(url: str, case_id: str, fault: str, seed: int, profile: str = "default") -> tuple[Verdict, int]:
    options = ServerOptions(profile=profile, cases=(case_id,), fault=fault, seed=seed, examples=url)
    with ServerRun(options) as run:
        (case,) = run.cases()
        result = run.play(case).result
    return result.verdict, result.exchanges


@pytest.fixture
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave no time to search, so that only the memory can know."""
    monkeypatch.setitem(state_machine._SIZES, "default", state_machine._Size(2, 1, 25))


def remember(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patient:
        patient.setitem(state_machine._SIZES, "default", state_machine._Size(2, 50, 25))
        patient.setattr(state_machine, "_MOST_SHRINKS", 5)
        assert played(url, "orders/walk/1", FAULT, 1)[0] is Verdict.FAILED


@pytest.mark.usefixtures("brief")
def test_a_walk_tries_first_what_another_found(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    remember(url, monkeypatch)
    shelves = stored(url)
    assert shelves
    assert all(name.startswith("klarna-conformance:") and ":orders/walk:" in name for name in shelves)
    # Another machine with another walk and another seed.
    assert played("", "orders/walk/2", FAULT, 2)[0] is Verdict.PASSED
    assert played(url, "orders/walk/2", FAULT, 2)[0] is Verdict.FAILED


def test_what_was_mended_is_forgotten(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    remember(url, monkeypatch)
    monkeypatch.setitem(state_machine._SIZES, "default", state_machine._Size(2, 10, 25))
    assert played(url, "orders/walk/2", "", 1)[0] is Verdict.PASSED
    assert not {name: size for name, size in stored(url).items() if not name.endswith(".secondary")}


def test_fuzzing_remembers_too(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schemathesis_driver, "FUZZED", 20)
    verdict, first = played(url, "captureOrder/schemathesis/fuzzing", "capture-answers-200", 1, "deep")
    assert verdict is Verdict.FAILED
    assert [name for name in stored(url) if ":captureOrder/fuzzing:" in name]
    verdict, later = played(url, "captureOrder/schemathesis/fuzzing", "capture-answers-200", 9, "deep")
    assert verdict is Verdict.FAILED
    assert later <= first


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
        with pytest.raises(
            ExampleMemoryError, match=r"127\.0\.0\.1:[0-9]+ does not answer: AuthenticationError"
        ) as caught:
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
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(UsageError, match=r"klarna-conformance\[redis\]"):
        ExampleMemory.at("redis://127.0.0.1", load_contract())
