from __future__ import annotations

import asyncio
import contextlib
import gc
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from conformance.exceptions import UsageError
from conformance.exchange import Response
from conformance.simulator import connection, door, socket_door
from conformance.simulator.demo import AUTHORIZED_ORDER_ID, PART_CAPTURED_ORDER_ID
from conformance.simulator.merchant import DEFAULT_MERCHANTS
from conformance.simulator.service import Simulator
from conformance.simulator.socket_door import ServerThread, run_server
from tests.simulator.caller import BASE, authorization

AUTHORIZATION = authorization(DEFAULT_MERCHANTS[0])
GET = f"GET {BASE}/{AUTHORIZED_ORDER_ID} HTTP/1.1\r\nHost: here\r\nAuthorization: {AUTHORIZATION}\r\n\r\n".encode()
LAST = GET.replace(b"Host: here", b"Host: here\r\nConnection: close")


@pytest.fixture
def server(simulator: Simulator) -> Iterator[ServerThread]:
    with ServerThread(simulator) as running:
        yield running


def address(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or 0


def connect(url: str) -> socket.socket:
    return socket.create_connection(address(url), timeout=10)


def converse(url: str, *pieces: bytes) -> bytes:
    """Send bytes and return all that comes until the other side closes."""
    with connect(url) as line:
        for piece in pieces:
            line.sendall(piece)
        return drained(line)


def drained(line: socket.socket) -> bytes:
    """Return all that comes until the other side lets go, politely or not."""
    received = b""
    with contextlib.suppress(ConnectionResetError):
        while data := line.recv(65_536):
            received += data
    return received


def test_the_api_answers_on_a_kept_connection(server: ServerThread) -> None:
    connection = http.client.HTTPConnection(*address(server.base_url), timeout=10)
    headers = {"Authorization": AUTHORIZATION, "Content-Type": "application/json"}
    path = f"{BASE}/{AUTHORIZED_ORDER_ID}"
    connection.request("POST", f"{path}/captures", b'{"captured_amount":50}', headers)
    made = connection.getresponse()
    assert (made.status, made.read()) == (201, b"")
    assert (made.headers["Location"] or "").startswith(f"{server.base_url}{path}/captures/")
    connection.request("GET", path, headers=headers)
    read = connection.getresponse()
    assert json.loads(read.read())["captured_amount"] == 50
    connection.request("POST", f"{path}/acknowledge", headers=headers)
    assert connection.getresponse().read() == b""
    connection.request("HEAD", path, headers=headers)
    head = connection.getresponse()
    assert (head.status, head.read(), head.headers["Allow"]) == (405, b"", "GET")
    connection.close()


def test_the_control_interface_answers_on_a_port_of_its_own(server: ServerThread) -> None:
    connection = http.client.HTTPConnection(*address(server.control_url), timeout=10)
    connection.request("POST", "/orders", b'{"amount":500}')
    made = connection.getresponse()
    assert made.status == 201
    order = json.loads(made.read())["order_id"]
    connection.request("GET", f"/ledger/{order}")
    assert json.loads(connection.getresponse().read())["authorised"] == 500
    connection.close()
    assert server.control_url != server.base_url


def test_the_request_line_is_kept_as_it_was_sent(server: ServerThread) -> None:
    target = f"//prefix{BASE}/a%2Fb?c=%20"
    converse(server.base_url, LAST.replace(f"{BASE}/{AUTHORIZED_ORDER_ID}".encode(), target.encode()))
    assert server.simulator.exchanges[-1].request.target == target


def test_pipelined_requests_are_answered_in_order(server: ServerThread) -> None:
    order = f"{BASE}/{PART_CAPTURED_ORDER_ID}".encode()
    second = GET.replace(f"{BASE}/{AUTHORIZED_ORDER_ID}".encode(), order)
    received = converse(server.base_url, GET + second + LAST)
    places = [received.index(f'"order_id":"{each}"'.encode()) for each in (AUTHORIZED_ORDER_ID, PART_CAPTURED_ORDER_ID)]
    assert received.count(b"HTTP/1.1 200 OK") == 3
    assert places == sorted(places)


def test_a_caller_who_stops_sending_still_gets_the_answer(server: ServerThread) -> None:
    with connect(server.base_url) as line:
        line.sendall(GET)
        line.shutdown(socket.SHUT_WR)
        received = drained(line)
    assert received.endswith(b"0\r\n\r\n")


def test_a_caller_who_does_not_read_stops_us_and_loses_nothing(server: ServerThread) -> None:
    order = server.simulator.create_order({"order_amount": 100_000, "captures": [1] * 200})
    request = GET.replace(AUTHORIZED_ORDER_ID.encode(), order.encode())
    count = 300
    with connect(server.base_url) as line:
        sender = threading.Thread(
            target=line.sendall, args=(request * (count - 1) + request.replace(b"here", b"here\r\nConnection: close"),)
        )
        sender.start()
        time.sleep(0.2)
        handled = len(server.simulator.exchanges)
        received = 0
        answers = 0
        tail = b""
        while data := line.recv(1 << 20):
            received += len(data)
            answers += (tail + data).count(b"HTTP/1.1 200 OK")
            tail = data[-14:]
        sender.join()
    assert handled < count
    assert answers == count
    assert received > count * 100_000


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", 431),
        (b"POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n" + b"x" * 300_000, 413),
    ],
)
def test_what_cannot_be_read_is_refused_and_closed(server: ServerThread, sent: bytes, status: int) -> None:
    received = converse(server.base_url, sent)
    assert received.startswith(b"HTTP/1.1 %d " % status)
    assert b"Connection: close" in received
    assert server.simulator.exchanges == ()


def test_an_answer_goes_out_before_a_refusal(server: ServerThread) -> None:
    received = converse(server.base_url, GET + b"(POST) / HTTP/1.1\r\n\r\n")
    assert received.index(b"HTTP/1.1 200 OK") < received.index(b"HTTP/1.1 400 Bad Request")


def test_leave_to_send_a_body_is_given(server: ServerThread) -> None:
    head = LAST.replace(b"GET", b"POST").replace(b" HTTP/1.1", b"/captures HTTP/1.1", 1)[:-2]
    head += b"Content-Type: application/json\r\nContent-Length: 21\r\nExpect: 100-continue\r\n\r\n"
    with connect(server.base_url) as line:
        line.sendall(head)
        assert line.recv(1_000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        line.sendall(b'{"captured_amount":1}')
        assert line.recv(1_000).startswith(b"HTTP/1.1 201 Created")


def test_old_callers_are_answered_without_chunks(server: ServerThread) -> None:
    received = converse(server.base_url, GET.replace(b"HTTP/1.1", b"HTTP/1.0"))
    head, _, body = received.partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}".encode() in head
    assert json.loads(body)["order_id"] == AUTHORIZED_ORDER_ID


def test_slow_and_idle_callers_are_let_go(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch, server: ServerThread
) -> None:
    monkeypatch.setattr(door, "_SWEEP_EVERY", 0.01)
    monkeypatch.setattr(connection, "_REQUEST_TIME", 0.05)
    monkeypatch.setattr(connection, "_IDLE_TIME", 0.1)
    with ServerThread(simulator) as impatient:
        for sent in (b"", b"GET / HT", b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n1"):
            with connect(impatient.base_url) as line:
                line.sendall(sent)
                assert drained(line) == b""


def test_there_is_an_end_to_connections(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "_MOST_CONNECTIONS", 1)
    with ServerThread(simulator) as small:
        first = http.client.HTTPConnection(*address(small.base_url), timeout=10)
        for _ in range(2):
            first.request("GET", "/")
            assert first.getresponse().read()
            with connect(small.base_url) as second, contextlib.suppress(ConnectionResetError):
                assert second.recv(100) == b""
        first.close()


def test_connections_are_closed_at_the_end(simulator: Simulator) -> None:
    with ServerThread(simulator) as server:
        line = connect(server.base_url)
        line.sendall(GET)
        assert line.recv(15) == b"HTTP/1.1 200 OK"
    with line:
        assert drained(line).endswith(b"0\r\n\r\n")


def test_a_port_in_use_is_one_clear_line(simulator: Simulator, server: ServerThread) -> None:
    _, port = address(server.base_url)
    with pytest.raises(UsageError, match=rf"cannot listen on 127\.0\.0\.1:{port}: address already in use"):
        ServerThread(simulator, port=port).__enter__()
    with pytest.raises(UsageError, match="cannot listen"):
        ServerThread(simulator, control_port=port).__enter__()
    with pytest.raises(UsageError, match="cannot listen"):
        run_server(simulator, "127.0.0.1", port, 0, lambda *_: pytest.fail("must not be ready"))


def test_a_host_of_two_colons_is_written_in_brackets(simulator: Simulator) -> None:
    if not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    try:
        with ServerThread(simulator, host="::1") as server:
            assert server.base_url.startswith("http://[::1]:")
            assert b"200 OK" in converse(server.base_url, LAST)
    except UsageError:
        pytest.skip("this machine has no IPv6 loopback")


class Ring:
    def __init__(self) -> None:
        self.itself = self


def test_garbage_waits_until_nobody_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket_door, "_LOOK_EVERY", 0.01)

    async def watched() -> None:
        with socket_door._collecting_when_quiet(asyncio.get_running_loop()):
            assert not gc.isenabled()
            gone = asyncio.Event()
            ring = weakref.ref(Ring(), lambda _: gone.set())
            kept = [[each] for each in range(5_000)]
            assert ring() is not None
            await gone.wait()
            # What is frozen is looked at no more.
            assert {id(each) for each in gc.get_objects()}.isdisjoint(map(id, kept))

    asyncio.run(asyncio.wait_for(watched(), 20))
    assert gc.isenabled()
    assert gc.get_freeze_count() == 0


def test_a_server_ends_with_its_loop_when_it_is_in_no_main_thread(simulator: Simulator) -> None:
    ready = threading.Event()
    urls: list[str] = []
    loops: list[asyncio.AbstractEventLoop] = []

    def told(base_url: str, control_url: str) -> None:
        urls.extend((base_url, control_url))
        loops.append(asyncio.get_running_loop())
        ready.set()

    def serve() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            run_server(simulator, "127.0.0.1", 0, 0, told)

    worker = threading.Thread(target=serve)
    worker.start()
    assert ready.wait(10)
    assert b"200 OK" in converse(urls[0], LAST)
    for task in asyncio.all_tasks(loops[0]):
        loops[0].call_soon_threadsafe(task.cancel)
    worker.join(10)
    assert not worker.is_alive()


SERVE = """
import sys
from conformance.contract.contract import load_contract
from conformance.simulator.service import Simulator
from conformance.simulator.socket_door import run_server
run_server(Simulator(load_contract()), "127.0.0.1", 0, 0, lambda *urls: print(*urls, flush=True))
print("ended", flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_a_server_cleanly(number: signal.Signals) -> None:
    root = Path(__file__).resolve().parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", SERVE],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        base_url = process.stdout.readline().split()[0]
        with connect(base_url) as idle:
            idle.sendall(GET)
            assert idle.recv(15) == b"HTTP/1.1 200 OK"
            process.send_signal(number)
            output, errors = process.communicate(timeout=10)
    assert (process.returncode, output, errors) == (0, "ended\n", "")


@pytest.mark.parametrize("turns", range(5))
def test_who_comes_in_as_a_door_closes_is_let_go(turns: int) -> None:
    async def closing() -> socket.socket:
        entrance = door.Door(lambda _request: Response(204))
        await entrance.open("127.0.0.1", 0)
        caller = socket.create_connection(("127.0.0.1", entrance.port), timeout=5)
        for _ in range(turns):
            await asyncio.sleep(0)
        await entrance.close()
        return caller

    with asyncio.run(closing()) as caller:
        received = b""
        with contextlib.suppress(ConnectionError):
            received = caller.recv(1)
        assert received == b""
    gc.collect()
