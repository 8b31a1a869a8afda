"""Talks to a server byte by byte, and through the standard library, so that both views of a fault can be compared."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from conformance.simulator.merchant import DEFAULT_MERCHANTS
from conformance.simulator.script import Script
from conformance.simulator.socket_door import ServerThread
from conformance.simulator.toxic import Toxic
from conformance.simulator.wire import WireRequest
from tests.simulator.caller import BASE, authorization

__all__ = [
    "AUTHORIZATION",
    "JSON_HEADERS",
    "LAST",
    "SHORT",
    "RawCaller",
    "address",
    "capture_bytes",
    "drained",
    "get",
    "post",
    "read_bytes",
    "until",
]

AUTHORIZATION = authorization(DEFAULT_MERCHANTS[0])
JSON_HEADERS = {"Authorization": AUTHORIZATION, "Content-Type": "application/json"}
LAST = "Connection: close"
SHORT: Mapping[str, Mapping[str, Any]] = {
    "latency": {"ms": 20},
    "late_reply": {"ms": 20},
    "timeout": {"ms": 30},
    "drip": {"bytes": 50, "ms": 1},
    "huge_body": {"bytes": 1_000_000},
    "gzip_bomb": {"bytes": 1_000_000},
}
_HOST = "127.0.0.1:1"


def address(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    return parts.hostname, parts.port


def capture_bytes(order_id: str, amount: int = 100, *extra: str, credentials: bool = True) -> bytes:
    body = json.dumps({"captured_amount": amount}).encode()
    lines = [f"POST {BASE}/{order_id}/captures HTTP/1.1", f"Host: {_HOST}", "Content-Type: application/json"]
    lines += [f"Content-Length: {len(body)}", *extra]
    if credentials:
        lines.append(f"Authorization: {AUTHORIZATION}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def post(
    connection: http.client.HTTPConnection, order_id: str, amount: int = 100
) -> tuple[int, bytes, http.client.HTTPMessage]:
    connection.request("POST", f"{BASE}/{order_id}/captures", json.dumps({"captured_amount": amount}), JSON_HEADERS)
    response = connection.getresponse()
    return response.status, response.read(), response.headers


def get(connection: http.client.HTTPConnection, order_id: str) -> tuple[int, bytes, http.client.HTTPMessage]:
    connection.request("GET", f"{BASE}/{order_id}", headers=JSON_HEADERS)
    response = connection.getresponse()
    return response.status, response.read(), response.headers


def read_bytes(order_id: str, *extra: str) -> bytes:
    lines = [f"GET {BASE}/{order_id} HTTP/1.1", f"Host: {_HOST}", f"Authorization: {AUTHORIZATION}", *extra]
    return "\r\n".join([*lines, "", ""]).encode()


class RawCaller:
    """One merchant at one server."""

    def __init__(self, server: ServerThread) -> None:
        self.server = server

    def order(self, *toxics: Toxic | None, operation: str | None = None, **fields: Any) -> str:
        """Make an order on which these faults happen."""
        order_id = self.server.simulator.create_order(fields)
        if toxics:
            self.server.script(order_id, Script(toxics), operation)
        return order_id

    def line(self) -> socket.socket:
        return socket.create_connection(address(self.server.base_url), timeout=10)

    def ask(self, sent: bytes) -> tuple[bytes, str]:
        """Send bytes on a connection of their own and return all that comes, with how it ended."""
        with self.line() as line:
            line.sendall(sent)
            return drained(line)

    def http(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(*address(self.server.base_url), timeout=10)

    def captured(self, order_id: str) -> int:
        """Return how often money was captured."""
        return sum(entry["kind"] == "capture" for entry in self.server.simulator.ledger(order_id)["entries"])

    def only(self, order_id: str) -> WireRequest:
        (request,) = self.server.wire(order_id)
        return request


def drained(line: socket.socket) -> tuple[bytes, str]:
    received = bytearray()
    try:
        while data := line.recv(65_536):
            received += data
    except ConnectionResetError:
        return bytes(received), "reset"
    return bytes(received), "closed"


def until(condition: Any) -> None:
    """Wait for what another thread is about to do."""
    end = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < end, "it never came to pass"
        time.sleep(0.002)
