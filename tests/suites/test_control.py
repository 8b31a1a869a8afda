"""A control interface is asked for what it offers, and what it lacks is not measured."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from conformance.contract.contract import load_contract
from conformance.exceptions import TargetError
from conformance.exchange import Headers, Request, Response
from conformance.simulator.control import Control
from conformance.simulator.request_reader import RequestReader
from conformance.simulator.response_writer import response_bytes
from conformance.simulator.script import Scripts
from conformance.simulator.service import Simulator
from conformance.simulator.socket_door import ServerThread
from conformance.simulator.stream_event import Framed
from conformance.simulator.wire import WireLog
from conformance.suites.control import HttpControl
from conformance.suites.run import ServerOptions, run_server_suite
from conformance.suites.stops import NotMeasuredError, TargetGoneError
from conformance.suites.target import Credentials, EmbeddedTarget, reach
from conformance.suites.wire import Limits
from conformance.verdict import Verdict
from tests.suites.raw_server import RawServer, saying

USERNAME, PASSWORD = "K100001_conformance", "conformance-secret"


@pytest.fixture
def server() -> Iterator[ServerThread]:
    with ServerThread(Simulator(load_contract())) as running:
        yield running


def at(url: str, control_url: str, *globs: str) -> ServerOptions:
    return ServerOptions(
        base_url=url, username=USERNAME, password=PASSWORD, profile="quick", cases=globs, control_url=control_url
    )


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]", "made an order without an order_id"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{", "something that is not JSON"),
        (b"HTTP/1.1 500 No\r\nContent-Length: 4\r\n\r\noops", "with 500: oops"),
        (b"", "cannot be reached"),
    ],
)
def test_a_control_interface_that_is_none(answer: bytes, complaint: str) -> None:
    with RawServer(saying(answer)) as raw:
        control = HttpControl(raw.url, Limits(read_s=1, total_s=1))
        with pytest.raises(TargetError, match=complaint):
            control.create_order(order_amount=1)
        control.close()


def saying_that(status: bytes, body: bytes) -> bytes:
    return b"HTTP/1.1 %b\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body)


@pytest.mark.parametrize("status", [b"400 Bad Request", b"422 Unprocessable Entity"])
def test_an_order_that_cannot_be_made_to_measure_is_not_measured(status: bytes) -> None:
    with RawServer(saying(saying_that(status, b"no such status"))) as raw:
        control = HttpControl(raw.url)
        with pytest.raises(NotMeasuredError, match="no such status"):
            control.create_order(status="EXPIRED")
        control.close()


@pytest.mark.parametrize("now", [b"1764236515", b'"yesterday"', b'"2026-01-15T09:00:00"'])
def test_a_time_that_cannot_be_read_is_named(now: bytes) -> None:
    with RawServer(saying(saying_that(b"200 OK", b'{"now": %b}' % now))) as raw:
        control = HttpControl(raw.url)
        with pytest.raises(TargetError, match="has to be ISO 8601 with a zone"):
            control.now()
        control.close()


def test_the_control_interface_over_http(server: ServerThread) -> None:
    control = HttpControl(server.control_url)
    assert {merchant["username"] for merchant in control.merchants()} >= {USERNAME}
    order_id = control.create_order(order_amount=500)
    control.advance(3_600)
    control.provoke({"operation": "getOrder", "status": 503})
    control.clear()
    target = reach(server.base_url, Credentials(USERNAME, PASSWORD), control_url=server.control_url)
    assert target.other is not None
    assert control.ledger(order_id)["authorised"] == 500
    control.reset()
    with pytest.raises(TargetError):
        control.ledger(order_id)
    target.close()
    control.close()


def test_the_embedded_control_interface() -> None:
    target = EmbeddedTarget(Simulator(load_contract()))
    control = target.control
    assert control is not None
    order_id = control.create_order(order_amount=500)
    assert {merchant["username"] for merchant in control.merchants()} >= {USERNAME}
    control.advance(60)
    control.provoke({"status": 503})
    control.clear()
    assert control.ledger(order_id)["captured"] == 0
    control.reset()
    control.close()
    target.close()


class Bare:
    """The control interface of a simulator with some of its paths missing."""

    def __init__(self, control: Control, *missing: str) -> None:
        self._control = control
        self._missing = missing

    def handle(self, request: Request) -> Response:
        if request.target.startswith(self._missing):
            return Response(404, Headers([("Content-Length", "0")]))
        return self._control.handle(request)


def beside(simulator: Simulator, *missing: str) -> Iterator[str]:
    """Serve such an interface on a port of its own."""
    control = Bare(Control(simulator, Scripts(), WireLog(simulator.contract.operations)), *missing)

    def talk(connection: socket.socket, request: bytes) -> bool:
        reader = RequestReader()
        (event,) = reader.feed(request)
        assert isinstance(event, Framed)
        connection.sendall(response_bytes(control.handle(event.request), event))
        return True

    with RawServer(talk) as raw:
        yield raw.url


@pytest.mark.parametrize(
    ("missing", "glob", "why"),
    [
        ("/merchants", "getOrder/other_merchant/valid", "the target has no second merchant"),
        ("/faults", "getOrder/fresh/server-faults", "the control interface does not offer POST /faults"),
        ("/clock", "captureOrder/lapsing/before-its-end", "the control interface does not show the target's clock"),
        ("/clock", "captureOrder/fresh/repeated-key-later", "the control interface does not offer POST /clock"),
    ],
)
def test_what_a_control_interface_lacks_is_not_measured(
    server: ServerThread, missing: str, glob: str, why: str
) -> None:
    for url in beside(server.simulator, missing):
        result = run_server_suite(at(server.base_url, url, glob, "getOrder/fresh/valid"))
        verdicts = {case.id: (case.verdict, case.why) for case in result.cases}
        assert verdicts[glob] == (Verdict.NOT_MEASURED, why)
        assert verdicts["getOrder/fresh/valid"][0] is Verdict.PASSED


def test_a_ledger_that_is_missing_is_told_once(server: ServerThread) -> None:
    for url in beside(server.simulator, "/ledger"):
        result = run_server_suite(at(server.base_url, url, "getOrder/*/valid"))
        assert {case.verdict for case in result.cases} == {Verdict.PASSED}
        assert result.notes == (
            "the control interface shows no ledger: what orders report was not held against what was booked",
        )


def test_what_is_never_answered_is_not_asked_for_ever() -> None:
    def silent(_caller: socket.socket, _request: bytes) -> bool:
        given_up.wait(5)
        return False

    given_up = threading.Event()
    with RawServer(silent) as control:
        asked = HttpControl(control.url, Limits(connect_s=1, read_s=0.02, total_s=0.05))
        for _ in range(5):
            with pytest.raises(TargetError, match="cannot be reached"):
                asked.create_order()
        with pytest.raises(TargetGoneError, match="gave no answer 5 times"):
            asked.ledger("any")
        assert len(control.requests) == 5
        given_up.set()
