from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from conformance.clients.call import Call, CouldNotTry, Outcome, Raised, Returned, Unsupported
from conformance.clients.process_adapter import ProcessAdapter
from conformance.clients.run import ClientOptions, run_client_suite
from conformance.verdict import Verdict
from tests.clients.reference.loopback import Loopback, reply

ADAPTERS = Path(__file__).parents[2] / "examples" / "adapters"
ORDER = b'{"order_id":"o","order_amount":0,"x":"\xc3\xa9"}'
REFUSED = reply(403, b'{"error_code":"NOT_ALLOWED","error_messages":["no"],"correlation_id":"k"}')


def command(*words: str) -> list[str]:
    """Return a command, or say clearly that nothing can be tested without its program."""
    if shutil.which(words[0]) is None:
        pytest.skip(f"not run: {words[0]} is not installed here")
    return list(words)


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install both packages beside copies of their adapters, unless they are installed in place."""
    command("node")
    if all((ADAPTERS / name / "node_modules").is_dir() for name in ("node-crystallize", "node-klarna")):
        return ADAPTERS
    npm = command("npm")
    copy = Path(shutil.copytree(ADAPTERS, tmp_path_factory.mktemp("adapters"), dirs_exist_ok=True))
    for name in ("node-crystallize", "node-klarna"):
        done = subprocess.run(
            [*npm, "install", "--silent"],
            cwd=copy / name,
            capture_output=True,
            timeout=120,
            check=False,
        )
        if done.returncode:
            pytest.skip(f"not run: npm could not install the package of {name}")
    return copy


def played(words: Sequence[str], server: Loopback, *calls: dict[str, Any]) -> list[Outcome]:
    """Make calls one after the other through an adapter."""

    async def run() -> list[Outcome]:
        adapter = ProcessAdapter(list(words), patience_s=10.0)
        hello = await adapter.start()
        assert hello.name
        try:
            return [await adapter.call(made(server, number, **call)) for number, call in enumerate(calls)]
        finally:
            await adapter.close()

    return asyncio.run(run())


def made(server: Loopback, number: int, operation: str, **fields: Any) -> Call:
    given: dict[str, Any] = {"path": {"order_id": "o"}, "session": "s", "timeout_s": 2.0}
    given |= {"base_url": server.base_url, "username": "K1_user", "password": "pässwörd"}
    return Call(id=str(number), operation=operation, **given | fields)


skeletons = pytest.mark.parametrize("words", [("node", "skeleton.mjs"), ("php", "skeleton.php"), ("sh", "skeleton.sh")])


@skeletons
def test_a_skeleton_is_short(words: tuple[str, str]) -> None:
    assert len((ADAPTERS / words[1]).read_text("utf-8").splitlines()) <= 60


@skeletons
def test_a_skeleton_works_as_it_stands(words: tuple[str, str]) -> None:
    program, file = words
    if program == "sh":
        command("jq")
        command("curl")
    script = [
        reply(200, ORDER),
        REFUSED,
        reply(502, b"<html>", [("Klarna-Correlation-Id", "h")]),
        reply(200, b"<html>"),
    ]
    with Loopback(script) as server:
        read, refused, page, garbage, foreign = played(
            command(program, str(ADAPTERS / file)),
            server,
            {"operation": "getOrder", "path": {"order_id": "a b/%s?ä"}},
            {"operation": "getOrder"},
            {"operation": "getOrder"},
            {"operation": "getOrder"},
            {"operation": "cancelOrder"},
        )
    assert read == Returned({"order_id": "o", "order_amount": 0, "x": "é"})
    assert isinstance(refused, Raised)
    assert (refused.status, refused.error_code, refused.error_messages) == (403, "NOT_ALLOWED", ("no",))
    assert refused.correlation_id == "k"
    assert isinstance(page, Raised)
    assert (page.status, page.error_code) == (502, None)
    assert isinstance(garbage, Raised)
    assert foreign == Unsupported()
    assert server.received[0].line.startswith("GET /ordermanagement/v1/orders/a%20b%2F%25s%3F%C3%A4 ")
    assert server.received[0].header("Authorization") == "Basic SzFfdXNlcjpww6Rzc3fDtnJk"


def test_the_crystallize_client_is_what_its_notes_say(packages: Path) -> None:
    words = command("node", str(packages / "node-crystallize" / "adapter.mjs"))
    capture = {"operation": "captureOrder", "body": {"captured_amount": 0}}
    with Loopback([reply(201, headers=[("Capture-Id", "c-1")]), REFUSED, reply(403), reply(200, ORDER)]) as server:
        made, refused, silent, read, keyed, foreign = played(
            words,
            server,
            capture,
            capture,
            capture,
            {"operation": "getOrder", "path": {"order_id": "a/b"}},
            capture | {"idempotency_key": "k"},
            {"operation": "getCaptures"},
        )
    # The id of the capture is lost, and a refusal without a body looks like a success.
    assert made == Returned("")
    assert isinstance(refused, Raised)
    assert (refused.status, refused.error_code, refused.correlation_id) == (403, "NOT_ALLOWED", "k")
    assert silent == Returned(None)
    assert read == Returned({"order_id": "o", "order_amount": 0, "x": "é"})
    assert isinstance(keyed, CouldNotTry)
    assert foreign == Unsupported()
    assert server.received[3].line == "GET /ordermanagement/v1/orders/a/b HTTP/1.1"


def test_the_klarna_node_client_is_what_its_notes_say(packages: Path) -> None:
    words = command("node", str(packages / "node-klarna" / "adapter.mjs"))
    capture = {"operation": "captureOrder", "body": {"captured_amount": 0}}
    with Loopback([reply(201, headers=[("Capture-Id", "c-1")]), REFUSED, reply(403), reply(204)]) as server:
        made, refused, silent, acknowledged = played(
            words, server, capture, capture, capture, {"operation": "acknowledgeOrder", "path": {"order_id": "a/b"}}
        )
    assert isinstance(made, Returned)
    assert not made.value
    assert isinstance(refused, Raised)
    assert (refused.status, refused.error_code, refused.correlation_id) == (403, "NOT_ALLOWED", "k")
    assert isinstance(silent, Raised)
    assert silent.status == 403
    assert isinstance(acknowledged, Returned)
    assert server.received[0].body == b'{"captured_amount":0}'
    assert server.received[3].line == "POST /ordermanagement/v1/orders/a/b/acknowledge HTTP/1.1"


# Enough to meet every defect that the notes name and that ends within a moment.
CASES = (
    "request/acknowledgeOrder",
    "request/captureOrder",
    "ids/acknowledgeOrder/slash",
    "errors/captureOrder/403-CAPTURE_NOT_ALLOWED/*",
    "results/captureOrder/only-*",
    "security/traversal/captureOrder",
    "retry/captureOrder-without-key/lost-reply*",
)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("node-crystallize", {"KOM-802", "KOM-810", "KOM-821", "KOM-824", "KOM-825", "KOM-831", "KOM-875"}),
        ("node-klarna", {"KOM-802", "KOM-824", "KOM-825", "KOM-875"}),
    ],
)
def test_the_verdict_is_what_a_reading_of_the_source_confirms(name: str, expected: set[str], packages: Path) -> None:
    words = command("node", str(packages / name / "adapter.mjs"))
    results = run_client_suite(ClientOptions(adapter=words, cases=CASES)).cases
    assert {finding.code for result in results for finding in result.findings} == expected
    assert Verdict.ERROR not in {result.verdict for result in results}
    # Neither repeats anything by itself, and neither is blamed for it.
    assert [result.verdict for result in results if "lost-reply" in result.id].count(Verdict.FAILED) == 0


def test_a_skeleton_is_judged_and_blamed_for_nothing() -> None:
    words = command("node", str(ADAPTERS / "skeleton.mjs"))
    cases = ("request/getOrder", "ids/getOrder/*", "errors/getOrder/404*", "retry/getOrder/*", "exact/read/*")
    results = run_client_suite(ClientOptions(adapter=words, cases=cases)).cases
    assert {result.verdict for result in results} == {Verdict.PASSED}


@pytest.mark.parametrize("module", ["requests_client", "aiohttp_client"])
def test_a_python_example_is_judged_and_blamed_for_nothing(module: str) -> None:
    cases = ("request/*", "ids/*", "credentials/*", "results/*", "errors/refundOrder/*", "exact/*", "security/*")
    results = run_client_suite(ClientOptions(python=f"examples.{module}:connect", cases=cases)).cases
    assert {result.id: result.verdict for result in results if result.verdict is not Verdict.PASSED} == {}
