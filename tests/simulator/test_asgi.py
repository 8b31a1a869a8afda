from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import MutableMapping
from typing import Any

import httpx
import pytest

from conformance.simulator.asgi import app
from conformance.simulator.demo import AUTHORIZED_ORDER_ID
from conformance.simulator.merchant import DEFAULT_MERCHANTS
from conformance.simulator.service import Simulator
from tests.simulator.caller import BASE

FIRST = DEFAULT_MERCHANTS[0]
Message = MutableMapping[str, Any]


def call(simulator: Simulator, scope: Message, *messages: Message) -> list[Message]:
    sent: list[Message] = []
    waiting = list(messages)

    async def receive() -> Message:
        return waiting.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    async def run() -> None:
        await app(simulator)(scope, receive, send)

    asyncio.run(run())
    return sent


def http_scope(path: str, **fields: Any) -> Message:
    return {"type": "http", "method": "GET", "path": path, "headers": [], **fields}


def test_an_http_client_can_use_it(simulator: Simulator) -> None:
    async def talk() -> list[httpx.Response]:
        transport = httpx.ASGITransport(app=app(simulator))
        async with httpx.AsyncClient(transport=transport, base_url="http://double") as client:
            auth = (FIRST.username, FIRST.password)
            path = f"{BASE}/{AUTHORIZED_ORDER_ID}"
            return [
                await client.post(f"{path}/captures", json={"captured_amount": 5}, auth=auth),
                await client.get(path, auth=auth),
                await client.post(f"{path}/acknowledge", auth=auth),
            ]

    made, read, done = asyncio.run(talk())
    assert made.status_code == 201
    assert made.headers["location"].startswith(f"http://double{BASE}/{AUTHORIZED_ORDER_ID}/captures/")
    assert read.json()["captured_amount"] == 5
    assert (done.status_code, done.content) == (204, b"")


def test_a_body_may_come_in_pieces_and_paths_stay_raw(simulator: Simulator) -> None:
    sent = call(
        simulator,
        http_scope("/a/b", raw_path=b"/a%2Fb", query_string=b"c=d", method="POST"),
        {"type": "http.request", "body": b"he", "more_body": True},
        {"type": "http.request", "more_body": True},
        {"type": "http.request", "body": b"llo"},
    )
    request = simulator.exchanges[-1].request
    assert (request.target, request.body) == ("/a%2Fb?c=d", b"hello")
    assert sent[0]["status"] == 401
    names = [name for name, _ in sent[0]["headers"]]
    assert all(name == name.lower() for name in names)
    assert b"date" not in names
    assert json.loads(sent[1]["body"])["error_code"] == "UNAUTHORIZED"


def test_a_path_without_raw_form_is_quoted_again(simulator: Simulator) -> None:
    call(simulator, http_scope("/ü {}"), {"type": "http.request"})
    assert simulator.exchanges[-1].request.target == "/%C3%BC%20%7B%7D"


def test_endless_bodies_are_not_kept(simulator: Simulator) -> None:
    piece = {"type": "http.request", "body": b"x" * 1_500_000, "more_body": True}
    call(simulator, http_scope("/"), piece, piece, piece, {"type": "http.request"})
    assert len(simulator.exchanges[-1].request.body) == 2 * 1024 * 1024


def test_a_caller_who_leaves_is_not_answered(simulator: Simulator) -> None:
    assert call(simulator, http_scope("/"), {"type": "http.disconnect"}) == []
    assert simulator.exchanges == ()


def test_nobody_waits_for_a_body_that_was_not_announced(simulator: Simulator) -> None:
    sent = call(simulator, http_scope("/", http_version="1.1"))
    assert sent[0]["status"] == 401
    announced = http_scope("/", http_version="1.1", headers=[(b"Content-Length", b"2")])
    call(simulator, announced, {"type": "http.request", "body": b"{}"})
    assert simulator.exchanges[-1].request.body == b"{}"
    call(simulator, http_scope("/", http_version="2"), {"type": "http.request", "body": b"[]"})
    assert simulator.exchanges[-1].request.body == b"[]"


def test_callers_with_the_same_fields_are_still_told_apart_from_others(simulator: Simulator) -> None:
    application = app(simulator)
    pair = base64.b64encode(f"{FIRST.username}:{FIRST.password}".encode())
    answers = []

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        answers.append(message)

    async def talk() -> None:
        for headers in ([(b"authorization", b"Basic " + pair)], [], [], [(b"authorization", b"Basic " + pair)]):
            await application(http_scope(f"{BASE}/{AUTHORIZED_ORDER_ID}", headers=headers), receive, send)

    asyncio.run(talk())
    assert [message["status"] for message in answers if "status" in message] == [200, 401, 401, 200]


def test_lifespan_events_are_confirmed(simulator: Simulator) -> None:
    sent = call(simulator, {"type": "lifespan"}, {"type": "lifespan.startup"}, {"type": "lifespan.shutdown"})
    assert [message["type"] for message in sent] == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


def test_nothing_else_is_spoken(simulator: Simulator) -> None:
    with pytest.raises(NotImplementedError, match="websocket"):
        call(simulator, {"type": "websocket"})
