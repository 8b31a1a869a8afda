"""Whatever a client sends, nothing of it breaks the door."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import sys
import threading
from collections.abc import Mapping
from typing import Any

import pytest

from conformance.simulator.script import Script
from conformance.simulator.service import Simulator
from conformance.simulator.socket_door import ServerThread
from conformance.simulator.toxic import TOXICS, Toxic
from tests.simulator.raw_caller import (
    LAST,
    SHORT,
    RawCaller,
    capture_bytes,
    get,
    read_bytes,
    until,
)

VARIANTS = 2_000


def variant(dice: random.Random, order_id: str) -> bytes:
    """Return bytes between noise and a proper request with something wrong in it."""
    if dice.random() < 0.25:
        return dice.randbytes(dice.randrange(1, 400))
    good = [capture_bytes(order_id), read_bytes(order_id), capture_bytes(order_id, 1, "Expect: 100-continue")]
    data = bytearray(b"".join(dice.choice(good) for _ in range(dice.randrange(1, 4))))
    for _ in range(dice.randrange(0, 6)):
        place = dice.randrange(len(data))
        match dice.randrange(5):
            case 0:
                data[place] = dice.randrange(256)
            case 1:
                del data[place : place + dice.randrange(1, 30)]
            case 2:
                data[place:place] = dice.randbytes(dice.randrange(1, 20))
            case 3:
                data[place:place] = dice.choice(
                    [b"\r\n", b"\n", b" ", b":", b"{}", b"\x00", b"Transfer-Encoding: chunked\r\n"]
                )
            case _:
                data[place:place] = data[max(0, place - 40) : place]
        if not data:
            data = bytearray(b" ")
    return bytes(data)


@pytest.mark.parametrize("loops", ["installed", "usual"])
def test_nothing_that_is_sent_breaks_the_door(
    simulator: Simulator, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, loops: str
) -> None:
    if loops == "usual":
        monkeypatch.setitem(sys.modules, "uvloop", None)
    failures: list[Mapping[str, Any]] = []
    with ServerThread(simulator) as server:
        assert server._loop is not None
        noted = threading.Event()

        def note() -> None:
            asyncio.get_running_loop().set_exception_handler(lambda _loop, context: failures.append(context))
            noted.set()

        server._loop.call_soon_threadsafe(note)
        assert noted.wait(5)
        raw = RawCaller(server)
        order_id = raw.order(order_amount=200_000_000)
        neighbour = raw.http()
        dice = random.Random(4)  # noqa: S311 - the same noise in every run
        for number in range(VARIANTS):
            if number % 10 == 0:
                kind = dice.choice(sorted(set(TOXICS) - {"huge_body", "gzip_bomb"}))
                server.script(order_id, Script((Toxic(kind, SHORT.get(kind, {})),) * 3))
            with raw.line() as line, contextlib.suppress(OSError):
                sent = variant(dice, order_id)
                cut = dice.randrange(len(sent) + 1)
                line.sendall(sent[:cut])
                line.sendall(sent[cut:])
                if number % 4 == 0:
                    line.settimeout(0.005)
                    line.recv(1_000)
            if number % 100 == 0:
                other = raw.order()
                assert get(neighbour, other)[0] == 200
        neighbour.close()
        other = raw.order()
        assert raw.ask(read_bytes(other, LAST))[0].startswith(b"HTTP/1.1 200 OK")
        until(lambda: all(each.closed_how or each.status_sent for each in server.wire()))
        assert len(server.wire()) > VARIANTS / 2
        assert all(each.connection and each.number_on_connection for each in server.wire())
    assert failures == []
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []
