"""Servers to put load on: the double and a constant answer, behind each door, one worker in a process of its own.

    python -m benchmarks.serving DOOR CONTENT PORT

``DOOR`` is one of DOORS, ``CONTENT`` ``simulator`` or ``constant``. The constant answer is, byte for byte, what the
double answers to the load's request, given without looking at the request beyond its method.
"""

from __future__ import annotations

import base64
import importlib.util
import sys
from typing import Any

from benchmarks.load import Load
from conformance.contract.contract import load_contract
from conformance.exchange import Headers, Request, Response
from conformance.simulator.asgi import Application, app
from conformance.simulator.merchant import DEFAULT_MERCHANTS
from conformance.simulator.service import Simulator
from conformance.simulator.socket_door import run_server

HOST = "127.0.0.1"
DOORS = ("socket", "granian", "uvicorn")
CONTENTS = ("constant", "simulator")
ORDERS = 1_000
BASE = "/ordermanagement/v1/orders"


def order_id(number: int) -> str:
    """Name the order with this number in every server that is measured."""
    return f"00000000-0000-4000-8000-{number:012d}"


def loads() -> tuple[Load, Load]:
    """Return what is measured: reading one order, and capturing a little on many orders in turn."""
    merchant = DEFAULT_MERCHANTS[0]
    pair = base64.b64encode(f"{merchant.username}:{merchant.password}".encode()).decode("ascii")
    headers = {"Authorization": f"Basic {pair}", "Accept": "application/json"}
    body = (
        b'{"captured_amount": 1, "description": "A part of the order", "order_lines": [{"name": "Blue socks", '
        b'"quantity": 1, "reference": "75001", "tax_rate": 0, "total_amount": 1, "total_tax_amount": 0, '
        b'"type": "physical", "unit_price": 1}], "shipping_info": [{"shipping_company": "DHL", '
        b'"shipping_method": "Home", "tracking_number": "63456415674545679874"}]}'
    )
    paths = tuple(f"{BASE}/{order_id(number)}" for number in range(ORDERS))
    return (
        Load("GET order", "GET", paths[:1], headers),
        Load(
            "POST capture",
            "POST",
            tuple(f"{path}/captures" for path in paths),
            headers | {"Content-Type": "application/json"},
            body,
        ),
    )


def simulator() -> Simulator:
    """Return the double with the orders that the loads ask for."""
    double = Simulator(load_contract(), seed=1)
    for number in range(ORDERS):
        double.create_order({"order_id": order_id(number), "order_amount": 200_000_000})
    return double


def constant_answers() -> dict[str, Response]:
    """Return what the double answers to each load, by method."""
    double = simulator()
    return {
        load.method: double.handle(Request(load.method, load.targets[0], Headers(load.headers), load.body))
        for load in loads()
    }


def simulator_app() -> Application:
    """Return the double as an ASGI application."""
    return app(simulator())


def constant_app() -> Application:
    """Return the constant answer as an ASGI application; nothing is made for a request."""
    told: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {}
    for method, answer in constant_answers().items():
        headers = [(name.lower().encode(), value.encode()) for name, value in answer.headers]
        kept = [pair for pair in headers if pair[0] not in (b"date", b"transfer-encoding")]
        start = {"type": "http.response.start", "status": answer.status, "headers": kept}
        told[method] = start, {"type": "http.response.body", "body": answer.body}

    async def application(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            while True:
                phase = (await receive())["type"].rpartition(".")[2]
                await send({"type": f"lifespan.{phase}.complete"})
                if phase == "shutdown":
                    return
        start, body = told[scope["method"]]
        await send(start)
        await send(body)

    return application


def command(door: str, content: str, port: int) -> list[str]:
    """Return the command that serves a content behind a door."""
    python = [sys.executable, "-m"]
    factory = f"benchmarks.serving:{content}_app"
    if door == "granian":
        options = ["--interface", "asgi", "--workers", "1", "--no-ws", "--no-access-log", "--log-level", "error"]
        return [*python, "granian", "--factory", *options, "--host", HOST, "--port", str(port), factory]
    if door == "uvicorn":
        options = ["--workers", "1", "--no-access-log", "--log-level", "error"]
        return [*python, "uvicorn", "--factory", *options, "--host", HOST, "--port", str(port), factory]
    return [*python, "benchmarks.serving", door, content, str(port)]


def missing(door: str) -> str:
    """Say why a door cannot be measured; empty when it can."""
    if door != "socket" and importlib.util.find_spec(door) is None:
        return f"{door} is not installed"
    return ""


def event_loop() -> str:
    """Name the event loop that the doors take."""
    return "uvloop" if importlib.util.find_spec("uvloop") else "asyncio"


class _Constant(Simulator):
    """The constant answer behind a plain call; the door takes it for the double, and does for it all that it does."""

    def __init__(self) -> None:
        super().__init__(load_contract())
        self._constant = constant_answers()

    def handle(self, request: Request) -> Response:
        return self._constant[request.method]


def main() -> None:
    """Serve behind the socket door until the process is asked to end."""
    _, _, content, port = sys.argv
    service = simulator() if content == "simulator" else _Constant()
    run_server(service, HOST, int(port), 0, lambda *_: None)


if __name__ == "__main__":
    main()
