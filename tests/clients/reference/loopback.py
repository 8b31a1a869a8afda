"""A server on this machine that says exactly what it is told to, byte for byte, and keeps what it was sent."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self


@dataclass
class Received:
    head: bytes
    body: bytes
    connection: int

    @property
    def line(self) -> str:
        return self.head.split(b"\r\n", 1)[0].decode("latin-1")

    def header(self, name: str) -> str | None:
        for line in self.head.split(b"\r\n")[1:]:
            field_name, _, value = line.partition(b":")
            if field_name.decode("latin-1").lower() == name.lower():
                return value.strip().decode("latin-1")
        return None


@dataclass
class Reply:
    """Bytes to send, in pieces; ``closes`` ends the connection afterwards, ``pause_s`` waits before each piece."""

    pieces: tuple[bytes, ...] = ()
    closes: bool = False
    pause_s: float = 0.0


def reply(
    status: int,
    body: bytes = b"",
    headers: Iterable[tuple[str, str]] = (),
    *,
    closes: bool = False,
    length: int | None = None,
) -> Reply:
    lines = [f"HTTP/1.1 {status} Whatever"]
    lines += [f"{name}: {value}" for name, value in headers]
    if status != 204:
        lines.append(f"Content-Length: {len(body) if length is None else length}")
    return Reply(("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body,), closes)


GONE = Reply(closes=True)


@dataclass
class Loopback:
    """Answers with ``script``, one entry a request, and with its last entry for ever after."""

    script: list[Reply] = field(default_factory=list)
    context: ssl.SSLContext | None = None
    received: list[Received] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._stop = threading.Event()
        self._connections = 0
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    @property
    def base_url(self) -> str:
        scheme = "https" if self.context else "http"
        return f"{scheme}://127.0.0.1:{self._listener.getsockname()[1]}"

    def _accept(self) -> None:
        while not self._stop.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._connections += 1
            threading.Thread(target=self._serve, args=(connection, self._connections), daemon=True).start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        with contextlib.suppress(OSError), connection:
            connection.settimeout(5)
            secured = self.context.wrap_socket(connection, server_side=True) if self.context else connection
            with secured, secured.makefile("rb") as stream:
                while True:
                    head = b""
                    while not head.endswith(b"\r\n\r\n"):
                        line = stream.readline(65536)
                        if not line:
                            return
                        head += line
                    request = Received(head[:-4], b"", number)
                    request.body = stream.read(int(request.header("Content-Length") or 0))
                    if request.header("Transfer-Encoding") == "chunked":
                        while size := int(stream.readline().split(b";")[0], 16):
                            request.body += stream.read(size)
                            stream.readline()
                        stream.readline()
                    position = len(self.received)
                    self.received.append(request)
                    said = self.script[min(position, len(self.script) - 1)]
                    for piece in said.pieces:
                        time.sleep(said.pause_s)
                        secured.sendall(piece)
                    if said.closes:
                        return
