"""How fast a cassette of 200 interactions is replayed: by vcrpy, and by each door of the suite, in one run.

    python benchmarks/replay.py

Exit status 1 when a door is less than ten times as fast as vcrpy with the same client.
"""

from __future__ import annotations

import http.client
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import vcr  # type: ignore[import-untyped]  # vcrpy has no types

from conformance.contract.contract import load_contract
from conformance.exchange import Exchange, Headers, Request
from conformance.recordings.cassette import Header, cassette_text, redacted
from conformance.recordings.policy import POLICY_VERSION
from conformance.recordings.redaction import redactor_for
from conformance.recordings.replay import CassetteControl, CassetteService, load_cassettes
from conformance.recordings.writer import write_cassette
from conformance.simulator.service import Simulator
from conformance.simulator.socket_door import run_server
from conformance.suites.target import EmbeddedTarget

INTERACTIONS = 200
HOME = "https://api.playground.klarna.com"
WANTED = 10


def requests() -> list[Request]:
    """Reads of 100 orders and a capture of each."""
    simulator = Simulator(load_contract())
    credentials = EmbeddedTarget(simulator).credentials.authorization
    found: list[Request] = []
    for number in range(INTERACTIONS // 2):
        order = f"/ordermanagement/v1/orders/{number:08x}-8c8e-4d3f-8e4b-5a2f3c7d9ea1"
        headers = [("Authorization", credentials), ("Accept", "application/json")]
        found.append(Request("GET", order, Headers(headers)))
        # Nothing personal, so that vcrpy can match what is recorded without redacting it first.
        body = b'{"captured_amount":%d}' % (100 + number)
        headers.append(("Content-Type", "application/json"))
        found.append(Request("POST", f"{order}/captures", Headers(headers), body))
    return found


def record(path: Path) -> list[Request]:
    """Write the cassette and return its requests as a client sends them."""
    contract = load_contract()
    simulator = Simulator(contract)
    asked = requests()
    for request in asked[::2]:
        simulator.create_order({"order_id": request.target.rpartition("/")[2], "order_amount": 10_000})
    redactor = redactor_for(contract)
    exchanges = [redacted(Exchange(request, simulator.handle(request)), redactor) for request in asked]
    header = Header(
        "benchmark", contract.digest, datetime.now(UTC), "simulator", POLICY_VERSION, redactor.fingerprint, None
    )
    write_cassette(path, cassette_text(header, exchanges))
    return asked


def rate(play: Callable[[], None], rounds: int) -> float:
    """Requests a second, the best of three."""
    best = 0.0
    for _ in range(3):
        begun = time.perf_counter()
        for _ in range(rounds):
            play()
        best = max(best, rounds * INTERACTIONS / (time.perf_counter() - begun))
    return best


def without_empty_body(request: Any) -> Any:
    """No body is recorded as none, and httpx sends an empty one."""
    request.body = request.body or None
    return request


def through(client: httpx.Client, asked: list[Request]) -> None:
    for request in asked:
        answer = client.request(request.method, request.target, content=request.body, headers=dict(request.headers))
        if answer.status_code not in (200, 201):
            raise SystemExit(f"{request.method} {request.target} was answered {answer.status_code}: {answer.text}")


def main() -> int:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "benchmark.yaml")
        asked = record(path)
        service = CassetteService(load_cassettes([path]), load_contract())

        def vcrpy() -> None:
            settings = {"match_on": ["method", "path", "query", "body"], "before_record_request": without_empty_body}
            with (
                vcr.use_cassette(str(path), record_mode="none", **settings),
                httpx.Client(base_url=HOME) as client,
            ):
                through(client, asked)

        def plain() -> None:
            service.reset()
            for request in asked:
                service.handle(request)

        def answer(request: httpx.Request) -> httpx.Response:
            found = service.handle(
                Request(
                    request.method,
                    request.url.raw_path.decode(),
                    Headers(request.headers.multi_items()),
                    request.content,
                )
            )
            return httpx.Response(found.status, headers=list(found.headers.items), content=found.body)

        def transport() -> None:
            service.reset()
            with httpx.Client(base_url=HOME, transport=httpx.MockTransport(answer)) as client:
                through(client, asked)

        ready = threading.Event()
        urls: list[str] = []

        def told(base_url: str, _control_url: str) -> None:
            urls.append(base_url)
            ready.set()

        arguments = (service, "127.0.0.1", 0, 0, told)
        threading.Thread(
            target=run_server, args=arguments, kwargs={"control": CassetteControl(service)}, daemon=True
        ).start()
        ready.wait()
        parts = urlsplit(urls[0])

        def sockets() -> None:
            service.reset()
            connection = http.client.HTTPConnection(parts.hostname or "", parts.port)
            for request in asked:
                connection.request(request.method, request.target, request.body, dict(request.headers))
                connection.getresponse().read()
            connection.close()

        slow = rate(vcrpy, 1)
        rows = {
            "plain call": rate(plain, 10),
            "httpx, in process": rate(transport, 2),
            "http.client, over a socket": rate(sockets, 2),
        }
    print(f"{'vcrpy, httpx':<28}{slow:>10.0f} requests/s")
    for name, found in rows.items():
        print(f"{name:<28}{found:>10.0f} requests/s  {found / slow:.1f} times vcrpy")
    return 0 if min(rows.values()) >= WANTED * slow else 1


if __name__ == "__main__":
    sys.exit(main())
