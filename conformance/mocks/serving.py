"""The mock on a socket, for clients whose library cannot be patched: the same mock, the same assertions."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable

from conformance.exchange import Request
from conformance.mocks.klarna_mock import KlarnaMock, simulator_for
from conformance.mocks.rule import Mishap
from conformance.simulator.framing import Continue, Framed, Refused, RequestReader, response_bytes
from conformance.simulator.service import Simulator

__all__ = ["serve_mock"]

_PIECE = 64 * 1024
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_UNREADABLE = b"HTTP/1.1 %d Refused\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

# Seconds until a connection that says nothing is let go; a caller that waits in vain gives up earlier.
_PATIENCE = 60.0

# Lingering for zero seconds makes the kernel reset the connection instead of closing it.
_RESET = struct.pack("ii", 1, 0)


def serve_mock(
    *,
    simulator: Simulator | None = None,
    behaviour: str | None = None,
    credentials: tuple[str, str] | None = None,
    strict: bool = True,
    check_unused: bool = True,
) -> KlarnaMock:
    """Serve the whole contract on a free port of loopback, so that any client in any language can be tested.

    ``base_url`` of the mock says where. The arguments are those of ``mount``. A request that reaches no operation is
    answered with a refusal and fails the test when the ``with`` block ends.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    base_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    try:
        mock = KlarnaMock(
            simulator_for(simulator, behaviour, credentials), base_url, strict=strict, check_unused=check_unused
        )
    except BaseException:
        listener.close()
        raise
    return mock.mounted_by(_SocketDoor(mock, listener).close)


class _SocketDoor:
    """One listening socket, a thread for it and one for each caller."""

    def __init__(self, mock: KlarnaMock, listener: socket.socket) -> None:
        self._mock = mock
        self._listener = listener
        self._lock = threading.Lock()
        self._callers: set[socket.socket] = set()
        self._closed = False
        self._threads: list[threading.Thread] = []
        self._start(self._accept)

    def close(self) -> None:
        """Stop listening, let go of every caller and wait until all is quiet."""
        with self._lock:
            self._closed = True
            callers = list(self._callers)
        # A thread that waits in accept() is woken by a shutdown, and by nothing else on every system.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        with contextlib.suppress(OSError):
            socket.create_connection(self._listener.getsockname(), timeout=1).close()
        self._listener.close()
        for caller in callers:
            with contextlib.suppress(OSError):
                caller.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()

    def _start(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, name="klarna-mock", daemon=True)
        self._threads = [*(other for other in self._threads if other.is_alive()), thread]
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                caller, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                if self._closed:
                    caller.close()
                    return
                self._callers.add(caller)
            self._start(self._serve, caller)

    def _serve(self, caller: socket.socket) -> None:
        try:
            caller.settimeout(_PATIENCE)
            caller.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with contextlib.suppress(OSError):
                self._converse(caller)
        finally:
            with self._lock:
                self._callers.discard(caller)
            caller.close()

    def _converse(self, caller: socket.socket) -> None:
        reader = RequestReader()
        while data := caller.recv(_PIECE):
            for event in reader.feed(data):
                if isinstance(event, Continue):
                    caller.sendall(_CONTINUE)
                elif isinstance(event, Refused):
                    caller.sendall(_UNREADABLE % event.status)
                    return
                elif not self._answer(caller, event):
                    return

    def _answer(self, caller: socket.socket, framed: Framed) -> bool:
        """Answer one request and tell whether the connection stays."""
        answer = self._mock.answer_anyway(_without_origin(framed.request))
        if not isinstance(answer, Mishap):
            caller.sendall(response_bytes(answer, framed))
            return framed.keep_alive
        if answer is Mishap.TIMES_OUT:
            # Whatever the caller still sends is not answered, until it or the test gives up.
            while caller.recv(_PIECE):
                pass
        elif answer is Mishap.RESETS:
            caller.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        return False


def _without_origin(request: Request) -> Request:
    """Return the request as if it had been made to an origin: clients behind a proxy send the whole URL."""
    scheme, mark, rest = request.target.partition("://")
    if not mark or "/" in scheme:
        return request
    return Request(request.method, f"/{rest.partition('/')[2]}", request.headers, request.body)
