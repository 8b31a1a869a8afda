"""Load for a server: wrk where it is installed, else a small client of our own, slower than some servers."""

from __future__ import annotations

import json
import re
import selectors
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

CONNECTIONS = 16
_HOST = "127.0.0.1"
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})")
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Load:
    """One kind of request; each goes to the next of the ``targets``, with the same headers and body."""

    name: str
    method: str
    targets: tuple[str, ...]
    headers: Mapping[str, str]
    body: bytes = field(default=b"", repr=False)


def client() -> str:
    """Name what puts the load on."""
    return "wrk" if shutil.which("wrk") else "the benchmark's own client"


def drive(port: int, load: Load, seconds: float) -> float:
    """Put load on a loopback port and return the answers per second; raises RuntimeError for any answer but 2xx."""
    return _wrk(port, load, seconds) if shutil.which("wrk") else _own(port, load, seconds)


def _wrk(port: int, load: Load, seconds: float) -> float:
    with tempfile.TemporaryDirectory() as directory:
        script = Path(directory) / "load.lua"
        script.write_text(_lua(load), encoding="utf-8")
        command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds:.0f}s", "-s", str(script), f"http://{_HOST}:{port}/"]
        told = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 30, check=True).stdout
    trouble = re.search(r"Non-2xx.*|Socket errors.*", told)
    if trouble is not None:
        raise RuntimeError(f"{load.name}: {trouble[0]}")
    found = re.search(r"Requests/sec: *([\d.]+)", told)
    if found is None:
        raise RuntimeError(f"wrk said nothing: {told[-300:]}")
    return float(found[1])


def _lua(load: Load) -> str:
    def text(value: str) -> str:
        return json.dumps(value)

    headers = "".join(f"wrk.headers[{text(name)}] = {text(value)}\n" for name, value in load.headers.items())
    body = f"wrk.body = {text(load.body.decode('ascii'))}\n" if load.body else ""
    # The requests are written once, before the clock runs.
    return (
        f"wrk.method = {text(load.method)}\n{headers}{body}"
        f"local targets = {{{', '.join(text(target) for target in load.targets)}}}\n"
        "local requests, at = {}, 0\n"
        "init = function(args) for i, target in ipairs(targets) do "
        "requests[i] = wrk.format(nil, target) end end\n"
        "request = function() at = at % #requests + 1; return requests[at] end\n"
    )


def _own(port: int, load: Load, seconds: float) -> float:
    """Keep a request under way on every connection, from one thread."""
    head = "".join(f"{name}: {value}\r\n" for name, value in load.headers.items())
    if load.body:
        head += f"Content-Length: {len(load.body)}\r\n"
    requests = [
        f"{load.method} {target} HTTP/1.1\r\nHost: {_HOST}:{port}\r\n{head}\r\n".encode() + load.body
        for target in load.targets
    ]
    answered = 0
    with selectors.DefaultSelector() as selector:
        buffers: dict[socket.socket, bytes] = {}
        for _ in range(CONNECTIONS):
            caller = socket.create_connection((_HOST, port), timeout=10)
            caller.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            selector.register(caller, selectors.EVENT_READ)
            buffers[caller] = b""
        try:
            for number, caller in enumerate(buffers):
                caller.sendall(requests[number % len(requests)])
            begun = time.perf_counter()
            while time.perf_counter() - begun < seconds:
                for key, _ in selector.select(1.0):
                    caller = key.fileobj  # type: ignore[assignment]  # sockets are all that was registered
                    data = caller.recv(65_536)
                    if not data:
                        raise RuntimeError(f"{load.name}: the server closed a connection")
                    buffers[caller] += data
                    if _complete(buffers[caller], load.name):
                        buffers[caller] = b""
                        answered += 1
                        caller.sendall(requests[answered % len(requests)])
            return answered / (time.perf_counter() - begun)
        finally:
            for caller in buffers:
                caller.close()


def _complete(answer: bytes, name: str) -> bool:
    head, blank, body = answer.partition(b"\r\n\r\n")
    if not blank:
        return False
    status = _STATUS.match(head)
    if status is None or status[1][:1] != b"2":
        raise RuntimeError(f"{name}: the server answered {head[:60]!r}")
    length = _LENGTH.search(head)
    if length is not None:
        return len(body) >= int(length[1])
    return status[1] == b"204" or body.endswith(b"0\r\n\r\n")
