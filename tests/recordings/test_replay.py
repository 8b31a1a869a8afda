from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from conformance.contract.contract import Contract
from conformance.exceptions import RecordingError
from conformance.exchange import Exchange, Request, Response
from conformance.recordings.redaction import redactor_for
from conformance.recordings.replay import NOT_RECORDED, CassetteControl, CassetteService, key_of, load_cassettes
from conformance.simulator.asgi import app
from conformance.simulator.demo import AUTHORIZED_ORDER_ID, CAPTURED_ORDER_ID
from conformance.simulator.socket_door import SocketServer
from tests.recordings.sample import CAPTURE, ORDER, asked, cassette, conversation

Write = Callable[..., Path]


@pytest.fixture
def service(write: Write, contract: Contract) -> CassetteService:
    write(cassette(), "captureOrder/valid.yaml")
    return CassetteService(load_cassettes([write("", "x.txt").parent]), contract)


def told(response: Response) -> dict[str, Any]:
    assert response.status == NOT_RECORDED
    found = json.loads(response.body)
    assert isinstance(found, dict)
    return found


def test_a_client_gets_what_was_recorded_in_its_order(service: CassetteService) -> None:
    before = service.handle(asked("GET", ORDER))
    made = service.handle(asked("POST", f"{ORDER}/captures", CAPTURE))
    after = service.handle(asked("GET", ORDER))
    assert [json.loads(each.body)["captured_amount"] for each in (before, after)] == [0, 4_000]
    assert made.status == 201
    assert service.unplayed() == []
    assert service.unused() == []


def test_the_order_of_members_and_the_credentials_do_not_matter(service: CassetteService) -> None:
    body = dict(reversed(CAPTURE.items()))
    assert service.handle(Request("post", f"{ORDER}/captures", body=json.dumps(body, indent=3).encode())).status == 201


def test_a_client_may_send_what_the_cassette_shows(service: CassetteService, contract: Contract) -> None:
    shown = redactor_for(contract).body(json.dumps(CAPTURE).encode())
    assert shown != json.dumps(CAPTURE).encode()
    assert service.handle(Request("POST", f"/any/prefix{ORDER}/captures", body=shown)).status == 201


def test_one_call_too_many_is_explained(service: CassetteService) -> None:
    assert service.handle(asked("POST", f"{ORDER}/captures", CAPTURE)).status == 201
    content = told(service.handle(asked("POST", f"{ORDER}/captures", CAPTURE)))
    assert "recorded once" in content["explanation"]
    assert content["nearest"]["index"] == 2
    for _ in range(2):
        service.handle(asked("GET", ORDER))
    assert "recorded 2 times" in told(service.handle(asked("GET", ORDER)))["explanation"]
    service.reset()
    assert service.handle(asked("GET", ORDER)).status == 200


def test_a_difference_is_explained_field_by_field(service: CassetteService) -> None:
    sent = {"captured_amount": 4_001, "description": "For Zoë", "shipping_delay": 1}
    content = told(service.handle(asked("POST", f"{ORDER}/captures", sent)))
    assert content["differences"] == [
        {"field": "body.captured_amount", "recorded": "4000", "sent": "4001"},
        {"field": "body.shipping_delay", "recorded": "(absent)", "sent": "1"},
    ]
    assert "body.captured_amount was 4000, sent 4001" in content["explanation"]
    assert content["nearest"] == {
        "cassette": "captureOrder/valid",
        "index": 2,
        "method": "POST",
        "path": f"{ORDER}/captures",
    }


def test_another_order_is_explained_by_its_id(service: CassetteService) -> None:
    content = told(service.handle(asked("GET", ORDER.replace(AUTHORIZED_ORDER_ID, CAPTURED_ORDER_ID))))
    assert content["differences"] == [
        {"field": "path segment 4", "recorded": AUTHORIZED_ORDER_ID, "sent": CAPTURED_ORDER_ID}
    ]
    assert "nearest is interaction 1" in content["explanation"]


def test_an_explanation_gives_nobody_away(service: CassetteService) -> None:
    body = {"captured_amount": 4_000, "description": "For Anastasia, anastasia@secret.example"}
    answer = service.handle(asked("POST", f"{ORDER}/captures?email=anastasia@secret.example", body))
    assert b"nastasia" not in answer.body
    assert b"secret" not in answer.body
    assert told(answer)["differences"]


def test_nothing_recorded_is_said(contract: Contract) -> None:
    content = told(CassetteService([], contract).handle(asked("GET", ORDER)))
    assert content["nearest"] is None
    assert "nothing is recorded" in content["explanation"]


def test_a_cassette_can_be_asked_by_name(write: Write, contract: Contract) -> None:
    exchanges = conversation()
    write(cassette(exchanges[:1]), "a.yaml")
    path = write(cassette(exchanges[2:]), "b/c.yaml")
    service = CassetteService(load_cassettes([path.parent.parent]), contract)
    assert service.cassettes == ["a", "b/c"]
    late = service.handle(asked("GET", f"/b/c{ORDER}"))
    assert json.loads(late.body)["captured_amount"] == 4_000
    assert service.unused() == ["a"]
    assert "in b/c" in told(service.handle(asked("GET", f"http://127.0.0.1:1/b/c{ORDER}")))["explanation"]
    # What was played under its name is not played again.
    assert json.loads(service.handle(asked("GET", ORDER)).body)["captured_amount"] == 0
    assert told(service.handle(asked("GET", ORDER)))


def test_location_leads_back_to_the_caller(service: CassetteService) -> None:
    sent = asked("POST", f"{ORDER}/captures", CAPTURE)
    request = Request(sent.method, f"http://127.0.0.1:8080{sent.target}", sent.headers, sent.body)
    assert (service.handle(request).headers.get("Location") or "").startswith(f"http://127.0.0.1:8080{ORDER}/captures/")


def test_what_cannot_be_played_is_noted(write: Write, contract: Contract) -> None:
    write(cassette(salt="00000000").replace("code: 201", "code: 200"), "edited.yaml")
    path = write(
        {"interactions": [{"request": {"method": "GET", "uri": f"http://h{ORDER}", "body": None, "headers": {}}}]},
        "foreign.json",
    )
    write("no: recording", "other.yaml")
    service = CassetteService(load_cassettes([path.parent]), contract)
    assert [note.split(" ", 1)[0] for note in service.notes] == ["edited", "edited", "foreign#1"]


def test_a_cassette_of_another_maker_is_played_too(write: Write, contract: Contract) -> None:
    path = write(
        {
            "interactions": [
                {
                    "request": {"method": "GET", "uri": f"http://h{ORDER}?b=2&a=1", "body": None, "headers": {}},
                    "response": {"status": {"code": 200, "message": "OK"}, "headers": {}, "body": {"string": "{}"}},
                }
            ]
        },
        "foreign.json",
    )
    service = CassetteService(load_cassettes([path]), contract)
    assert service.handle(asked("GET", f"{ORDER}?a=1&b=2")).body == b"{}"


def test_no_cassette_is_trouble(write: Write, tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="no cassette was found"):
        load_cassettes([tmp_path])
    with pytest.raises(RecordingError, match="is no recording"):
        load_cassettes([write("a: 1")])
    with pytest.raises(RecordingError, match=r"broken\.yaml:\d+: is no valid YAML"):
        load_cassettes([write(cassette()[:900] + "\n  - [", "broken.yaml")])


def test_keys_look_past_spelling_only() -> None:
    def key(body: bytes) -> Any:
        return key_of(Request("POST", ORDER, body=body))

    assert key(b'{"a":1,"b":[2]}') == key(b'{ "b":[2], "a":1 }')
    assert key(b'{"a":1}') != key(b'{"a":1.0}') != key(b'{"a":"1"}')
    assert key(b"") != key(b"{}")
    assert key(b"\xff") != key(b"\xfe")
    assert key(b"[" * 100_000) == key(b"[" * 100_000)


def test_a_thousand_requests_are_not_searched(
    write: Write, contract: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lookup costs the same however many interactions there are: none of the others is looked at."""
    simulated = conversation()[0]
    many = []
    for number in range(1_000):
        target = ORDER.replace(AUTHORIZED_ORDER_ID, f"{number:08x}-8c8e-4d3f-8e4b-5a2f3c7d9ea1")
        many.append(Exchange(asked("GET", target), simulated.response))
    service = CassetteService(load_cassettes([write(cassette(many))]), contract)
    looked_at = 0

    def counted(request: Request) -> Any:
        nonlocal looked_at
        looked_at += 1
        return key_of(request)

    monkeypatch.setattr("conformance.recordings.replay.key_of", counted)
    for exchange in reversed(many):
        assert service.handle(exchange.request).status == 200
    assert looked_at == 1_000


def control(service: CassetteService, method: str, path: str) -> tuple[int, Any]:
    answer = CassetteControl(service).handle(Request(method, path))
    return answer.status, json.loads(answer.body) if answer.body else None


def test_the_control_port_tells_and_rewinds(service: CassetteService) -> None:
    assert control(service, "GET", "/health") == (200, {"status": "ok", "cassettes": 1})
    assert control(service, "GET", "/cassettes") == (200, ["captureOrder/valid"])
    service.handle(asked("GET", ORDER))
    assert [each["index"] for each in control(service, "GET", "/unplayed")[1]] == [2, 3]
    assert control(service, "POST", "/reset") == (204, None)
    assert len(control(service, "GET", "/unplayed?x=1")[1]) == 3
    assert control(service, "DELETE", "/reset")[0] == 404


def test_every_door_replays(service: CassetteService) -> None:
    async def through_both() -> tuple[int, int]:
        transport = httpx.ASGITransport(app=app(service))
        async with httpx.AsyncClient(transport=transport, base_url="http://replay") as client:
            first = await client.get(ORDER)
        server = SocketServer(service, control=CassetteControl(service))
        await server.start()
        try:
            async with httpx.AsyncClient(base_url=server.base_url) as client:
                second = await client.post(f"{ORDER}/captures", json=CAPTURE)
                assert second.headers["location"].startswith(server.base_url)
        finally:
            await server.stop()
        return first.status_code, second.status_code

    assert asyncio.run(through_both()) == (200, 201)


def test_a_service_without_control_has_no_door(service: CassetteService) -> None:
    with pytest.raises(TypeError, match="control interface"):
        SocketServer(service)


def test_it_asks_nobody(service: CassetteService, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a replay asked the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert service.handle(asked("GET", ORDER)).status == 200
    assert service.handle(asked("GET", "/elsewhere")).status == NOT_RECORDED
