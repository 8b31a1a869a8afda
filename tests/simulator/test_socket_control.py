"""Scripts and the wire by way of the control port, as callers in other languages use them."""

from __future__ import annotations

import http.client
import json
from typing import Any

import pytest

from conformance.simulator.script import Script
from conformance.simulator.service import Simulator
from conformance.simulator.socket_door import ServerThread
from conformance.simulator.toxic import TOXICS, Toxic
from conformance.simulator.wire import Closed
from tests.simulator.raw_caller import (
    LAST,
    RawCaller,
    address,
    capture_bytes,
    read_bytes,
)


def control(raw: RawCaller, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    connection = http.client.HTTPConnection(*address(raw.server.control_url), timeout=10)
    connection.request(method, path, None if body is None else json.dumps(body))
    response = connection.getresponse()
    content = response.read()
    connection.close()
    return response.status, json.loads(content) if content else None


def test_other_languages_play_scripts_and_read_the_wire(raw: RawCaller) -> None:
    order_id = raw.order()
    toxics = [{"kind": "close_after"}, None, {"kind": "answer", "status": 500}]
    status, told = control(
        raw, "POST", "/scripts", {"order_id": order_id, "operation": "captureOrder", "toxics": toxics}
    )
    assert status == 201
    assert Script.from_token(told["token"]).described() == toxics
    raw.ask(capture_bytes(order_id, 100, LAST))
    status, seen = control(raw, "GET", f"/wire/{order_id}")
    assert status == 200
    (request,) = seen
    assert (request["toxic"], request["attempt"], request["closed_how"]) == ("close_after", 1, Closed.BY_SERVER)
    assert "\r\nAuthorization: K100001_conformance\r\n" in request["head"]
    assert json.loads(request["body"]) == {"captured_amount": 100}
    again = {"order_id": order_id, "token": told["token"]}
    assert control(raw, "POST", "/scripts", again) == (201, told)
    assert control(raw, "DELETE", "/scripts") == (204, None)
    assert raw.ask(capture_bytes(order_id, 100, LAST))[0].startswith(b"HTTP/1.1 201")


def test_the_catalogue_is_told(raw: RawCaller) -> None:
    status, kinds = control(raw, "GET", "/toxics")
    assert status == 200
    assert [kind["kind"] for kind in kinds] == list(TOXICS)
    assert kinds[0]["parameters"]["ms"]["default"] == 100


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"toxics": []}, "order_id: "),
        ({"order_id": 7, "toxics": []}, "order_id: "),
        ({"order_id": "x", "operation": "cancel", "toxics": []}, "operation: "),
        ({"order_id": "x", "operation": [], "toxics": []}, "operation: "),
        ({"order_id": "x"}, "either toxics or the token"),
        ({"order_id": "x", "toxics": [], "token": "t1."}, "either toxics or the token"),
        ({"order_id": "x", "token": 7}, "either toxics or the token"),
        ({"order_id": "x", "token": "t1."}, "token: "),
        ({"order_id": "x", "toxics": {}}, "toxics: "),
        ({"order_id": "x", "toxics": ["latency"]}, "a toxic is an object"),
    ],
)
def test_wrong_scripts_are_refused(raw: RawCaller, body: Any, words: str) -> None:
    status, told = control(raw, "POST", "/scripts", body)
    assert status == 400
    assert told["error"].startswith(words)


def test_a_reset_forgets_scripts_and_wire(simulator: Simulator) -> None:
    with ServerThread(simulator) as server:
        raw = RawCaller(server)
        order_id = raw.order(None, Toxic("close_before"))
        raw.ask(read_bytes(order_id, LAST))
        assert control(raw, "POST", "/reset") == (204, None)
        assert control(raw, "GET", f"/wire/{order_id}") == (200, [])
        assert server.wire() == ()
        assert raw.ask(read_bytes(order_id, LAST))[0]
