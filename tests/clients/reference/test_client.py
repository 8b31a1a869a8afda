from __future__ import annotations

import asyncio
import gzip
import inspect
import json
import ssl
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme

from conformance.clients.reference import (
    AsyncClient,
    Client,
    InvalidRequestError,
    KlarnaError,
    NotAllowedError,
    RetryPolicy,
    TransportError,
    UnavailableError,
    UnreadableAnswerError,
    connect,
    connect_async,
)
from conformance.clients.reference.call import OPERATIONS, Call, WireRequest
from conformance.clients.reference.operations import Operations
from tests.clients.reference.loopback import GONE, Loopback, Reply, reply

ROOT = Path(__file__).parents[3]
DONE = reply(204)
MADE = reply(201, headers=[("capture-id", "c-1")])
BUSY = reply(503, b'{"error_code":"TEMPORARILY_UNAVAILABLE"}')
USER, PASSWORD = "K1_user", "pässwörd-secret"
BODY = {"captured_amount": 0}
METHODS = {
    name: method for name, method in vars(Operations).items() if inspect.isfunction(method) and not name.startswith("_")
}

Connected = Callable[..., Any]


class Sync:
    """Both clients behind one face, so that every test below runs for each."""

    def __init__(self, server: Loopback, **options: Any) -> None:
        self.waits: list[float] = []
        self.options: dict[str, Any] = {"timeout_s": 1.0, "chance": lambda: 1.0} | options
        self.server = server

    def do(self, method: str, *arguments: Any, **keywords: Any) -> Any:
        with connect(self.server.base_url, USER, PASSWORD, sleep=self.waits.append, **self.options) as client:
            return getattr(client, method)(*arguments, **keywords)


class Async(Sync):
    def do(self, method: str, *arguments: Any, **keywords: Any) -> Any:
        async def sleep(seconds: float) -> None:
            self.waits.append(seconds)

        async def run() -> Any:
            async with connect_async(self.server.base_url, USER, PASSWORD, sleep=sleep, **self.options) as client:
                awaited: Awaitable[Any] = getattr(client, method)(*arguments, **keywords)
                return await awaited

        return asyncio.run(run())


both = pytest.mark.parametrize("face", [Sync, Async])


def test_every_operation_is_a_method() -> None:
    assert len(METHODS) == len(OPERATIONS) == 18


@pytest.mark.parametrize("name", METHODS)
def test_each_method_sends_its_operation(name: str) -> None:
    parameters = list(inspect.signature(METHODS[name]).parameters)[1:]
    arguments = [
        BODY if parameter == "body" else parameter for parameter in parameters if parameter != "idempotency_key"
    ]
    listed = name == "get_captures"
    answer = reply(200, b"[]" if listed else b"{}", [("Capture-Id", "c"), ("Refund-Id", "r")])
    with Loopback([answer]) as server:
        Sync(server).do(name, *arguments)
    (request,) = server.received
    ids = {"order_id": "order_id", "capture_id": "capture_id", "refund_id": "refund_id"}
    lines = {f"{each.method} {each.path.format(**ids)} HTTP/1.1": each for each in OPERATIONS.values()}
    operation = lines[request.line]
    assert request.body == (json.dumps(BODY, separators=(",", ":")).encode() if operation.has_body else b"")
    assert request.header("Authorization") == "Basic SzFfdXNlcjpww6Rzc3fDtnJkLXNlY3JldA=="
    assert (request.header("Klarna-Idempotency-Key") is None) == (operation.method == "GET")


@both
def test_ids_arrive_encoded(face: type[Sync]) -> None:
    with Loopback([DONE]) as server:
        face(server).do("cancel_order", "../a b/%s%2Fä?#")
    assert (
        server.received[0].line == "POST /ordermanagement/v1/orders/..%2Fa%20b%2F%25s%252F%C3%A4%3F%23/cancel HTTP/1.1"
    )


@both
@pytest.mark.parametrize("trouble", [BUSY, GONE, reply(500), reply(429), reply(502, b"<html>")])
def test_a_write_is_repeated_with_the_same_key(face: type[Sync], trouble: Reply) -> None:
    with Loopback([trouble, trouble, MADE]) as server:
        client = face(server, policy=RetryPolicy(first_wait_s=1.0))
        assert client.do("capture_order", "o", BODY) == {"capture_id": "c-1"}
    assert len({request.header("Klarna-Idempotency-Key") for request in server.received}) == 1
    assert len({request.head + request.body for request in server.received}) == 1
    assert len(server.received) == 3
    assert client.waits == [1.0, 2.0]


@both
def test_attempts_are_bounded(face: type[Sync]) -> None:
    with Loopback([BUSY]) as server, pytest.raises(UnavailableError) as caught:
        face(server).do("get_order", "o")
    assert len(server.received) == 3
    assert caught.value.error_code == "TEMPORARILY_UNAVAILABLE"


@both
@pytest.mark.parametrize("status", [302, 400, 401, 403, 404, 409, 413, 422])
def test_a_refusal_is_not_repeated(face: type[Sync], status: int) -> None:
    with (
        Loopback([reply(status, headers=[("Location", "/elsewhere")])]) as server,
        pytest.raises(KlarnaError) as caught,
    ):
        face(server).do("get_order", "o")
    assert caught.value.status == status
    assert len(server.received) == 1


@both
def test_the_wait_that_the_server_asks_for_is_kept(face: type[Sync]) -> None:
    with Loopback([reply(429, headers=[("Retry-After", "7")]), DONE]) as server:
        client = face(server, policy=RetryPolicy(first_wait_s=1.0))
        client.do("cancel_order", "o")
    assert client.waits == [8.0]


def test_a_date_is_measured_by_the_clock() -> None:
    with Loopback([reply(429, headers=[("Retry-After", "Thu, 01 Jan 1970 00:00:20 GMT")]), DONE]) as server:
        client = Sync(server, policy=RetryPolicy(first_wait_s=1.0), clock=lambda: 10.0)
        client.do("cancel_order", "o")
    assert client.waits == [11.0]


@both
def test_a_read_that_breaks_off_is_repeated(face: type[Sync]) -> None:
    with Loopback([reply(200, b'{"a"', length=100, closes=True), reply(200, b'{"a":1}')]) as server:
        assert face(server).do("get_order", "o") == {"a": 1}


@both
def test_a_write_whose_body_breaks_off_is_done(face: type[Sync]) -> None:
    with Loopback([reply(201, b"x", [("Capture-Id", "c")], length=100, closes=True)]) as server:
        assert face(server).do("capture_order", "o", BODY) == {"capture_id": "c"}
    assert len(server.received) == 1


@both
def test_a_huge_answer_is_not_read(face: type[Sync]) -> None:
    with (
        Loopback([reply(200, b'{"a":"' + b"x" * 100_000 + b'"}')]) as server,
        pytest.raises(TransportError, match="longer"),
    ):
        face(server, longest_answer=1000, policy=RetryPolicy(attempts=1)).do("get_order", "o")


@both
def test_an_answer_that_drips_is_given_up(face: type[Sync]) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
    drip = Reply((head, *[b" "] * 50), pause_s=0.02)
    with Loopback([drip]) as server, pytest.raises(TransportError):
        face(server, timeout_s=0.1, policy=RetryPolicy(attempts=1)).do("get_order", "o")


@both
def test_silence_is_given_up(face: type[Sync]) -> None:
    silent = Reply((b"HTTP/1.1 204 No Content\r\n\r\n",), pause_s=0.3)
    with Loopback([silent]) as server, pytest.raises(TransportError) as caught:
        face(server, timeout_s=0.05, policy=RetryPolicy(attempts=1)).do("cancel_order", "o")
    assert caught.value.carried_out is None


@both
def test_a_redirect_is_not_followed(face: type[Sync]) -> None:
    with Loopback([DONE]) as other, Loopback() as server:
        server.script.append(reply(307, headers=[("Location", other.base_url + "/x")]))
        with pytest.raises(UnreadableAnswerError):
            face(server).do("cancel_order", "o")
    assert other.received == []


@both
def test_a_connection_that_died_between_two_calls_harms_nothing(face: type[Sync]) -> None:
    with Loopback([reply(204, closes=True), DONE]) as server:
        face(server).do("cancel_order", "o")
        face(server).do("cancel_order", "o")
    assert len(server.received) == 2


def test_one_client_keeps_its_connection() -> None:
    with Loopback([DONE]) as server, connect(server.base_url, USER, PASSWORD) as client:
        client.cancel_order("o")
        client.acknowledge_order("o")
    assert [request.connection for request in server.received] == [1, 1]


def test_errors_and_representations_hold_no_credentials() -> None:
    with Loopback([reply(403, b"{}")]) as server, connect(server.base_url, USER, PASSWORD) as client:
        with pytest.raises(NotAllowedError) as caught:
            client.cancel_order("o")
        shown = f"{client!r} {caught.value} {caught.value!r} {vars(caught.value)} {vars(client)}"
        assert server.base_url in repr(client)
    for secret in (PASSWORD, "SzFfdXNlcjpww6Rzc3fDtnJkLXNlY3JldA"):
        assert secret not in shown


def test_nothing_is_sent_when_the_request_cannot_be_built() -> None:
    with Loopback([DONE]) as server, connect(server.base_url, USER, PASSWORD) as client:
        with pytest.raises(InvalidRequestError):
            client.capture_order("o", {"captured_amount": 10.5})
        with pytest.raises(InvalidRequestError):
            client.get_order("..")
    assert server.received == []


@both
def test_an_answer_that_never_travelled_is_taken_as_it_is(face: type[Sync]) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=gzip.compress(b'{"a":1}'), headers={"Content-Encoding": "gzip"})

    with Loopback() as server:
        assert face(server, transport=httpx.MockTransport(answer)).do("get_order", "o") == {"a": 1}


def test_other_transports_take_the_place_of_the_network() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(204)

    client = connect("https://api.klarna.com", USER, PASSWORD, transport=httpx.MockTransport(answer))
    client.cancel_order("a%b")
    assert [request.url.raw_path for request in seen] == [b"/ordermanagement/v1/orders/a%25b/cancel"]
    assert isinstance(client, Client)
    assert issubclass(AsyncClient, Operations)


def test_a_certificate_must_be_trusted(tmp_path: Path) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    pem = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(pem)
    with Loopback([DONE], context) as server:
        with pytest.raises(TransportError, match="not trusted") as caught:
            Sync(server).do("cancel_order", "o")
        assert caught.value.carried_out is False
        assert server.received == []
        Sync(server, verify=pem).do("cancel_order", "o")
        assert len(server.received) == 1


def test_the_successor_of_httpx_serves_as_well() -> None:
    # Another process, because this one has imported httpx already.
    script = """
import sys
sys.modules["httpx"] = None
from conformance.clients.reference import connect
with connect(sys.argv[1], "user", "secret") as client:
    print(client.capture_order("o", {"captured_amount": 0}))
"""
    with Loopback([BUSY, MADE]) as server:
        command = [sys.executable, "-c", script, server.base_url]
        said = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT, timeout=20).stdout
    assert said == "{'capture_id': 'c-1'}\n"
    assert len(server.received) == 2


def test_a_variant_that_sends_no_key_repeats_no_write() -> None:
    class Keyless(Client):
        def _build(self, call: Call) -> WireRequest:
            request = super()._build(call)
            return replace(request, headers={"Accept": "application/json"})

    with Loopback([BUSY]) as server:
        client = connect(server.base_url, USER, PASSWORD, variant=Keyless)
        with client, pytest.raises(UnavailableError):
            client.cancel_order("o")
    assert len(server.received) == 1
