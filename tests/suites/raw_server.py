"""A server that answers with bytes exactly as told, for everything that a well-behaved one never does."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

Talk = Callable[[socket.socket, bytes], bool]
"""Answers one request on a connection; returns whether to wait for another."""


class RawServer:
    """Listens on loopback and lets a function talk; ``requests`` holds what arrived, ``connections`` counts."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._open: list[socket.socket] = []
        self.requests: list[bytes] = []
        self.connections = 0
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            connection.close()
        self._thread.join(5)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            threading.Thread(target=self._talk_on, args=(connection,), daemon=True).start()

    def _talk_on(self, connection: socket.socket) -> None:
        try:
            while (request := _read(connection)) and self._noted(request):
                if not self._talk(connection, request):
                    break
        except OSError:
            pass
        finally:
            connection.close()

    def _noted(self, request: bytes) -> bool:
        self.requests.append(request)
        return True


def _read(connection: socket.socket) -> bytes:
    received = b""
    while b"\r\n\r\n" not in received:
        piece = connection.recv(65536)
        if not piece:
            return b""
        received += piece
    head, _, body = received.partition(b"\r\n\r\n")
    length = next(
        (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
    )
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def saying(*pieces: bytes, again: bool = False) -> Talk:
    """Send the pieces and close, or wait for another request."""

    def talk(connection: socket.socket, request: bytes) -> bool:
        for piece in pieces:
            connection.sendall(piece)
        return again

    return talk
