from __future__ import annotations

import base64
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from conformance import cli

CHECKOUT = Path(__file__).parent.parent.parent
LINE = re.compile(r"API (http://\S+) control (http://\S+) username (\S+)\n")
Serve = Callable[..., tuple[subprocess.Popen[str], str, str, str]]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start the command and wait for its line; whatever still runs afterwards is ended."""
    running: list[subprocess.Popen[str]] = []

    def start(*options: str, **environment: str) -> tuple[subprocess.Popen[str], str, str, str]:
        variables = {name: value for name, value in os.environ.items() if not name.startswith("KLARNA_")}
        process = subprocess.Popen(
            [sys.executable, "-m", "conformance", "serve", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=CHECKOUT,
            env=variables | environment,
        )
        running.append(process)
        assert process.stdout is not None
        found = LINE.fullmatch(process.stdout.readline())
        assert found is not None
        return process, found[1], found[2], found[3]

    yield start
    for process in running:
        process.kill()
        process.communicate()


def call(url: str, method: str, path: str, body: Any = None, user: str = "", password: str = "") -> tuple[int, Any]:
    parts = urlsplit(url)
    assert parts.hostname is not None
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=10)
    token = base64.b64encode(f"{user}:{password}".encode()).decode()
    headers = {"Authorization": f"Basic {token}", "Content-Type": "application/json"}
    connection.request(method, path, None if body is None else json.dumps(body), headers)
    response = connection.getresponse()
    raw = response.read()
    connection.close()
    return response.status, json.loads(raw) if raw else None


def read_order(base_url: str, control_url: str, user: str, password: str) -> int:
    _, made = call(control_url, "POST", "/orders", {"order_amount": 1000})
    status, _ = call(base_url, "GET", f"/ordermanagement/v1/orders/{made['order_id']}", None, user, password)
    return status


def test_it_serves_orders_until_it_is_told_to_end(serve: Serve) -> None:
    process, base_url, control_url, user = serve()
    assert user == "K100001_conformance"
    assert read_order(base_url, control_url, user, "conformance-secret") == 200
    assert read_order(base_url, control_url, user, "wrong") == 401
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err) == (0, "", "")


def test_an_interrupt_ends_it_quietly(serve: Serve) -> None:
    process, *_ = serve("--behaviour", "observed", "--real-time", "--rate-limit", "100")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err) == (0, "", "")


def test_the_environment_replaces_the_first_merchant(serve: Serve) -> None:
    process, base_url, control_url, user = serve(KLARNA_USERNAME="K9", KLARNA_PASSWORD="own-secret")
    assert user == "K9"
    assert read_order(base_url, control_url, "K9", "own-secret") == 200
    assert read_order(base_url, control_url, "K100001_conformance", "conformance-secret") == 401
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=10)
    assert "own-secret" not in out + err


def test_options_reach_the_simulator(serve: Serve) -> None:
    _, base_url, control_url, user = serve("--behaviour", "observed", "--rate-limit", "1", "--seed", "5")
    _, health = call(control_url, "GET", "/health")
    assert health["behaviour"] == "observed"
    statuses = {read_order(base_url, control_url, user, "conformance-secret") for _ in range(3)}
    assert statuses == {200, 429}


def test_a_seed_decides_the_ids(serve: Serve) -> None:
    def first_id(*options: str) -> str:
        _, _, control_url, _ = serve(*options)
        return str(call(control_url, "POST", "/orders", {})[1]["order_id"])

    assert first_id("--seed", "5") == first_id("--seed", "5") != first_id("--seed", "6")


def test_a_port_in_use_is_one_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KLARNA_USERNAME", raising=False)
    monkeypatch.delenv("KLARNA_PASSWORD", raising=False)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert cli.run(["serve", "--port", str(port)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert str(port) in captured.err
    assert captured.err.count("\n") == 1


def test_half_an_environment_is_one_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KLARNA_USERNAME", "K9")
    monkeypatch.delenv("KLARNA_PASSWORD", raising=False)
    assert cli.run(["serve"]) == 2
    assert "set both or neither" in capsys.readouterr().err
