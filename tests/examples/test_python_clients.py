from __future__ import annotations

import asyncio
import gzip
import inspect
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trustme

from conformance.clients.reference import (
    KlarnaError,
    MissingIdError,
    NotAllowedError,
    RetryPolicy,
    TransportError,
    UnavailableError,
    UnreadableAnswerError,
)
from examples import aiohttp_client, requests_client
from tests.clients.reference.loopback import GONE, Loopback, Reply, reply

DONE = reply(204)
MADE = reply(201, headers=[("capture-id", "c-1")])
BODY = {"captured_amount": 0}

Connect = Callable[..., Any]


@pytest.fixture(params=[requests_client.connect, aiohttp_client.connect], ids=["requests", "aiohttp"])
def connect(request: pytest.FixtureRequest) -> Connect:
    made: Connect = request.param
    return made


def do(connect: Connect, server: Loopback, method: str, *arguments: Any, **options: Any) -> Any:
    """Make one call with a client of its own, which does not really wait before it repeats."""

    async def run() -> Any:
        async def no_wait(_: float) -> None:
            return None

        is_async = connect is aiohttp_client.connect
        sleep: Any = no_wait if is_async else lambda _: None
        client = connect(server.base_url, "K1_user", "pässwörd-secret", **{"timeout_s": 1.0, "sleep": sleep} | options)
        try:
            done = getattr(client, method)(*arguments)
            return await done if inspect.isawaitable(done) else done
        finally:
            closed = client.aclose() if is_async else client.close()
            if closed is not None:
                await closed

    return asyncio.run(run())


def test_a_call_goes_out_as_the_reference_client_sends_it(connect: Connect) -> None:
    with Loopback([MADE]) as server:
        assert do(connect, server, "capture_order", "../a b/%s%2Fä?#", BODY) == {"capture_id": "c-1"}
    (request,) = server.received
    assert request.line == "POST /ordermanagement/v1/orders/..%2Fa%20b%2F%25s%252F%C3%A4%3F%23/captures HTTP/1.1"
    assert request.header("Authorization") == "Basic SzFfdXNlcjpww6Rzc3fDtnJkLXNlY3JldA=="
    assert request.header("Content-Type") == "application/json"
    assert request.header("Klarna-Idempotency-Key")
    assert request.body == b'{"captured_amount":0}'


def test_a_write_without_a_body_has_none(connect: Connect) -> None:
    with Loopback([DONE]) as server:
        do(connect, server, "cancel_order", "o")
    (request,) = server.received
    assert (request.body, request.header("Content-Type"), request.header("Content-Length")) == (b"", None, "0")


@pytest.mark.parametrize("trouble", [reply(503), GONE, reply(429)])
def test_a_write_is_repeated_with_the_same_key(connect: Connect, trouble: Reply) -> None:
    with Loopback([trouble, trouble, MADE]) as server:
        assert do(connect, server, "capture_order", "o", BODY) == {"capture_id": "c-1"}
    assert len(server.received) == 3
    assert len({request.header("Klarna-Idempotency-Key") for request in server.received}) == 1


def test_attempts_are_bounded(connect: Connect) -> None:
    with Loopback([reply(500)]) as server, pytest.raises(UnavailableError):
        do(connect, server, "get_order", "o")
    assert len(server.received) == 3


@pytest.mark.parametrize("status", [302, 401, 403, 404, 409, 422])
def test_a_refusal_is_neither_repeated_nor_followed(connect: Connect, status: int) -> None:
    headers = [("Location", "/elsewhere"), ("WWW-Authenticate", 'Basic realm="x"')]
    with Loopback([reply(status, b"<html>", headers)]) as server, pytest.raises(KlarnaError) as caught:
        do(connect, server, "get_order", "o")
    assert caught.value.status == status
    assert len(server.received) == 1
    assert "secret" not in str(caught.value)


def test_what_an_error_tells_reaches_the_user(connect: Connect) -> None:
    body = b'{"error_code":"NOT_ALLOWED","error_messages":["no"],"correlation_id":"k"}'
    with Loopback([reply(403, body)]) as server, pytest.raises(NotAllowedError) as caught:
        do(connect, server, "cancel_order", "o")
    error = caught.value
    assert (error.error_code, error.error_messages, error.correlation_id) == ("NOT_ALLOWED", ("no",), "k")


def test_a_missing_id_is_told_from_a_failed_capture(connect: Connect) -> None:
    with Loopback([reply(201)]) as server, pytest.raises(MissingIdError):
        do(connect, server, "capture_order", "o", BODY)
    assert len(server.received) == 1


def test_compressed_answers_are_read_within_a_limit(connect: Connect) -> None:
    packed = [("Content-Encoding", "gzip")]
    bomb = gzip.compress(b'{"a":"' + b"x" * 1_000_000 + b'"}')
    with Loopback([reply(200, gzip.compress(b'{"a":1}'), packed)]) as server:
        assert do(connect, server, "get_order", "o") == {"a": 1}
    with Loopback([reply(200, bomb, packed)]) as server, pytest.raises(TransportError):
        do(connect, server, "get_order", "o", longest_answer=10_000, policy=RetryPolicy(attempts=1))


def test_half_an_answer_is_none(connect: Connect) -> None:
    with Loopback([reply(200, b'{"a"', length=100, closes=True), reply(200, b'{"a":1}')]) as server:
        assert do(connect, server, "get_order", "o") == {"a": 1}
    with Loopback([reply(200, b"<html>")]) as server, pytest.raises(UnreadableAnswerError):
        do(connect, server, "get_order", "o")


def test_silence_is_given_up(connect: Connect) -> None:
    silent = Reply((b"HTTP/1.1 204 No Content\r\n\r\n",), pause_s=0.4)
    with Loopback([silent]) as server, pytest.raises(TransportError):
        do(connect, server, "cancel_order", "o", timeout_s=0.1, policy=RetryPolicy(attempts=1))


def test_an_answer_that_drips_is_given_up(connect: Connect) -> None:
    drip = Reply((b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", *[b" "] * 50), pause_s=0.02)
    with Loopback([drip]) as server, pytest.raises(TransportError):
        do(connect, server, "get_order", "o", timeout_s=0.2, policy=RetryPolicy(attempts=1))


def test_a_certificate_must_be_trusted(connect: Connect, tmp_path: Path) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    pem = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(pem)
    with Loopback([DONE], context) as server:
        with pytest.raises(TransportError, match="not trusted"):
            do(connect, server, "cancel_order", "o")
        assert server.received == []
        do(connect, server, "cancel_order", "o", verify=pem)
        assert len(server.received) == 1
