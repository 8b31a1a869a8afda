"""Other origins and certificates: what strays is noted, and who is not to be trusted is not."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import ssl
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from conformance.exceptions import UsageError
from conformance.exchange import Request, Response
from conformance.simulator.certificate import CERTIFICATES, Certificates
from conformance.simulator.door import Door
from conformance.simulator.service import Simulator
from conformance.simulator.socket_door import ServerThread, SocketServer
from conformance.simulator.tampering import Tampering
from conformance.simulator.toxic import SpoiltError, Toxic
from conformance.simulator.wire import Closed
from tests.simulator.caller import BASE
from tests.simulator.raw_caller import (
    JSON_HEADERS,
    LAST,
    SHORT,
    RawCaller,
    address,
    get,
    post,
    read_bytes,
    until,
)


def test_what_strays_is_noted(raw: RawCaller) -> None:
    order_id = raw.order(Toxic("redirect"))
    connection = raw.http()
    _, _, headers = get(connection, order_id)
    connection.close()
    assert headers["Location"] == f"{raw.server.other_origin_url}{BASE}/{order_id}"
    stray = http.client.HTTPConnection(*address(raw.server.other_origin_url), timeout=10)
    stray.request("GET", f"{BASE}/{order_id}", headers=JSON_HEADERS)
    assert stray.getresponse().status == 404
    stray.close()
    (kept,) = [each for each in raw.server.stray if each.request and order_id in each.request.target]
    assert kept.had_credentials
    assert len(raw.server.wire(order_id)) == 1


@pytest.fixture(scope="module")
def secure(contract: Any) -> Iterator[RawCaller]:
    with ServerThread(Simulator(contract), tls=True) as server:
        yield RawCaller(server)


def secured(raw: RawCaller, certificate: str = "trusted") -> http.client.HTTPSConnection:
    context = ssl.create_default_context(cadata=raw.server.certificate_authority_pem)
    return http.client.HTTPSConnection(*address(raw.server.url_with(certificate)), timeout=10, context=context)


def test_a_certificate_of_the_given_authority_is_trusted(secure: RawCaller) -> None:
    assert secure.server.base_url == secure.server.url_with("trusted")
    assert secure.server.base_url.startswith("https://")
    order_id = secure.order()
    connection = secured(secure)
    status, _, headers = post(connection, order_id)
    connection.close()
    assert status == 201
    assert headers["Location"].startswith(f"{secure.server.base_url}{BASE}/{order_id}/captures/")
    assert secure.only(order_id).had_credentials


@pytest.mark.parametrize("certificate", [name for name in CERTIFICATES if name != "trusted"])
def test_no_other_certificate_is(secure: RawCaller, certificate: str) -> None:
    order_id = secure.order()
    connection = secured(secure, certificate)
    with pytest.raises(ssl.SSLCertVerificationError):
        get(connection, order_id)
    assert secure.server.wire(order_id) == ()
    # Whoever does not look gets in, and is noted.
    careless = ssl._create_unverified_context()  # noqa: S323 - the mistake that is to be noticed
    connection = http.client.HTTPSConnection(*address(secure.server.url_with(certificate)), context=careless)
    assert get(connection, order_id)[0] == 200
    connection.close()
    assert len(secure.server.wire(order_id)) == 1


def test_connections_have_one_numbering_over_all_certificates(secure: RawCaller) -> None:
    order_id = secure.order()
    for certificate in ("trusted", "trusted"):
        connection = secured(secure, certificate)
        get(connection, order_id)
        connection.close()
    first, second = secure.server.wire(order_id)
    assert first.connection != second.connection


@pytest.mark.parametrize(
    "kind", ["latency", "close_after", "reset_after", "cut_body", "drip", "huge_body", "close_next"]
)
def test_faults_strike_over_tls(secure: RawCaller, kind: str) -> None:
    order_id = secure.order(Toxic(kind, SHORT.get(kind, {})))
    connection = secured(secure)
    with contextlib.suppress(OSError, http.client.HTTPException):
        get(connection, order_id)
    connection.close()
    until(lambda: secure.only(order_id).closed_how)
    assert secure.only(order_id).toxic == kind


def test_a_plain_caller_at_a_secure_door_is_let_go(secure: RawCaller) -> None:
    assert secure.ask(read_bytes(secure.order()))[0].startswith((b"", b"\x15"))
    assert secure.server.wire()[-1:] == secure.server.wire()[-1:]
    connection = secured(secure)
    assert get(connection, secure.order())[0] == 200
    connection.close()


def test_a_server_without_tls_has_no_certificates(raw: RawCaller) -> None:
    assert raw.server.certificate_authority_pem == ""
    with pytest.raises(UsageError, match="expired"):
        raw.server.url_with("expired")


def test_tls_needs_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "trustme", None)
    with pytest.raises(UsageError, match="clients"):
        Certificates("127.0.0.1")


def test_only_a_simulator_has_scripts_and_a_log() -> None:
    class Replay:
        def handle(self, _request: Request) -> Response:
            return Response(204)

    with pytest.raises(TypeError):
        SocketServer(Replay())
    server = SocketServer(Replay(), control=Replay())
    assert (server.wire, server.stray, server.other_origin_url) == (None, None, "")


@pytest.mark.parametrize("worked", [False, True])
def test_who_answers_in_its_place_may_spoil_the_connection(simulator: Simulator, worked: bool) -> None:
    class Front:
        def handle(self, request: Request) -> Response:
            if "spoilt" in request.target:
                raise SpoiltError(Toxic("close_before"), worked=worked)
            return simulator.handle(request)

    with ServerThread(simulator, front=Front()) as server:
        raw = RawCaller(server)
        assert raw.ask(read_bytes(raw.order(), LAST))[0].startswith(b"HTTP/1.1 200 ")
        assert raw.ask(read_bytes("spoilt"))[0] == b""
        (noted,) = server.wire("spoilt")
    assert (noted.toxic, noted.worked, noted.closed_how) == ("close_before", worked, Closed.BY_SERVER)
    assert noted.unanswered


def test_a_door_without_a_log_can_be_spoilt_too(simulator: Simulator) -> None:
    def spoil(_request: Request) -> Response:
        raise SpoiltError(Toxic("challenge"))

    async def ask() -> bytes:
        spoilt = Door(spoil, tampering=Tampering(simulator))
        await spoilt.open("127.0.0.1", 0)
        reader, writer = await asyncio.open_connection("127.0.0.1", spoilt.port)
        writer.write(read_bytes("any", LAST))
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        await spoilt.close()
        return answer

    assert asyncio.run(ask()).startswith(b"HTTP/1.1 401 ")
