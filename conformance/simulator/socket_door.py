"""The double on sockets: one port for the API, one for the control interface."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Protocol, Self, cast

from conformance.exceptions import UsageError
from conformance.exchange import Headers, Request, Response
from conformance.simulator.control import Control
from conformance.simulator.framing import Continue, Event, Framed, Refused, RequestReader, response_bytes
from conformance.simulator.service import Simulator

__all__ = ["ServerThread", "Service", "SocketServer", "run_server"]

Handler = Callable[[Request], Response]


class Service(Protocol):
    """Whatever answers requests by a plain call: the simulator, a replay of cassettes, a control interface."""

    def handle(self, request: Request) -> Response:
        """Answer one request."""
        ...


_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

# Answers to pipelined requests are written together up to this size, so that a caller who does not read stops us.
_WRITE_TOGETHER = 64 * 1024
_MOST_CONNECTIONS = 2_000

# Seconds: for a request to arrive once begun, between two requests, and for the rest of a refused request.
_REQUEST_TIME = 20.0
_IDLE_TIME = 120.0
_LINGER_TIME = 1.0
_SWEEP_EVERY = 1.0

_GARBAGE = (20_000, 20, 20)


class _Connection(asyncio.Protocol):
    """One caller: bytes in, requests handled in order, answers out."""

    __slots__ = ("_door", "_ended", "_handler", "_lingering", "_paused", "_reader", "_transport", "_waiting", "since")

    _transport: asyncio.Transport

    def __init__(self, door: _Door) -> None:
        self._door = door
        self._handler = door.handler
        self._reader = RequestReader()
        self._waiting: list[Event] = []
        self._paused = False
        self._ended = False
        self._lingering = False
        self.since = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self.since = self._door.time()
        self._door.connections.add(self)
        if len(self._door.connections) > _MOST_CONNECTIONS:
            self._transport.abort()

    def connection_lost(self, _exc: Exception | None) -> None:
        self._door.connections.discard(self)
        self._waiting.clear()

    def data_received(self, data: bytes) -> None:
        if self._lingering:
            return
        fresh = self._reader.idle
        events = self._reader.feed(data)
        if fresh or events:
            self.since = self._door.time()
        if self._waiting:
            self._waiting += events
        else:
            self._waiting = events
        if not self._paused:
            self._work()

    def eof_received(self) -> bool:
        # A caller that shuts down its sending side may still wait for answers; one with none to wait for is done.
        self._ended = True
        return bool(self._waiting)

    def pause_writing(self) -> None:
        self._paused = True
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        self._paused = False
        self._work()
        if not self._paused and not self._lingering:
            self._transport.resume_reading()

    def _work(self) -> None:
        """Answer what waits until the caller has to read first."""
        events = self._waiting
        out: list[bytes] = []
        size = done = 0
        last = False
        for event in events:
            done += 1
            if isinstance(event, Framed):
                piece = response_bytes(self._handler(event.request), event)
                last = not event.keep_alive
            elif isinstance(event, Continue):
                piece = _CONTINUE
            else:
                piece = _refusal(event)
                last = True
            out.append(piece)
            size += len(piece)
            if size >= _WRITE_TOGETHER:
                self._transport.write(b"".join(out))
                out.clear()
                size = 0
                if self._paused:
                    break
        self._waiting = events[done:]
        if out:
            self._transport.write(out[0] if len(out) == 1 else b"".join(out))
        if last and not self._waiting:
            self._finish(events[-1])
        elif self._ended and not self._waiting:
            self._transport.close()

    def _finish(self, event: Event) -> None:
        if not isinstance(event, Refused):
            self._transport.close()
            return
        # Closing with bytes unread would reset the connection and could take the answer with it.
        self._lingering = True
        self.since = self._door.time()
        if self._transport.can_write_eof():
            self._transport.write_eof()

    def overdue(self, now: float) -> bool:
        """Tell whether the caller has kept the connection without using it for too long."""
        limit = _IDLE_TIME if self._reader.idle or self._paused else _REQUEST_TIME
        if self._lingering:
            limit = _LINGER_TIME
        return now - self.since > limit

    def abort(self) -> None:
        """Drop the connection."""
        self._transport.abort()

    def close(self) -> None:
        """Close the connection once what was written has gone out."""
        self._transport.close()


class _Door:
    """One listening port with the callers on it."""

    __slots__ = ("_server", "_sweep", "_time_of", "connections", "handler", "port")

    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.connections: set[_Connection] = set()
        self.port = 0
        self._server: asyncio.Server | None = None
        self._sweep: asyncio.TimerHandle | None = None

    def time(self) -> float:
        """Return the event loop's time."""
        return self._time_of()

    async def open(self, host: str, port: int) -> None:
        """Listen; raises UsageError when that is not possible."""
        loop = asyncio.get_running_loop()
        self._time_of = loop.time
        try:
            self._server = await loop.create_server(lambda: _Connection(self), host, port, backlog=512)
        except (OSError, OverflowError) as error:
            why = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
            raise UsageError(f"cannot listen on {host}:{port}: {why.lower()}") from None
        self.port = self._server.sockets[0].getsockname()[1]
        self._sweep_later(loop)

    async def close(self) -> None:
        """Stop listening and let go of everybody."""
        if self._sweep is not None:
            self._sweep.cancel()
        if self._server is None:
            return
        self._server.close()
        for connection in list(self.connections):
            connection.close()
        # One turn of the loop lets what was written go out.
        await asyncio.sleep(0)
        for connection in list(self.connections):
            connection.abort()
        await asyncio.sleep(0)

    def _sweep_later(self, loop: asyncio.AbstractEventLoop) -> None:
        self._sweep = loop.call_later(_SWEEP_EVERY, self._swept, loop)

    def _swept(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for connection in [each for each in self.connections if each.overdue(now)]:
            connection.abort()
        self._sweep_later(loop)


class SocketServer:
    """A service on two ports of one host, within a running event loop; port 0 takes any that is free.

    ``control`` answers on the second port; a simulator brings its own.
    """

    def __init__(
        self,
        service: Service,
        host: str = "127.0.0.1",
        port: int = 0,
        control_port: int = 0,
        *,
        control: Service | None = None,
    ) -> None:
        if control is None:
            if not isinstance(service, Simulator):
                raise TypeError("only a simulator brings its own control interface")
            control = Control(service)
        self._host = host
        self._ports = (port, control_port)
        self._api = _Door(service.handle)
        self._control = _Door(control.handle)

    @property
    def base_url(self) -> str:
        """Where the API answers, without a slash at the end."""
        return self._url(self._api)

    @property
    def control_url(self) -> str:
        """Where the control interface answers, without a slash at the end."""
        return self._url(self._control)

    async def start(self) -> None:
        """Listen on both ports; raises UsageError with neither left open."""
        try:
            await self._api.open(self._host, self._ports[0])
            await self._control.open(self._host, self._ports[1])
        except UsageError:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Close both ports and every connection."""
        await self._api.close()
        await self._control.close()

    def _url(self, door: _Door) -> str:
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{door.port}"


def run_server(
    service: Service,
    host: str,
    port: int,
    control_port: int,
    ready: Callable[[str, str], None],
    *,
    control: Service | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM; ``ready`` gets the URL of the API and that of the control interface.

    ``control`` answers on the second port; a simulator brings its own.

    Raises UsageError when a port cannot be listened on.
    """

    async def serve() -> None:
        stop = asyncio.Event()
        server = SocketServer(service, host, port, control_port, control=control)
        await server.start()
        try:
            with _signals(stop):
                ready(server.base_url, server.control_url)
                await stop.wait()
        finally:
            await server.stop()

    with (
        _less_collecting(),
        asyncio.Runner(loop_factory=_loop_factory()) as runner,
        contextlib.suppress(KeyboardInterrupt),
    ):
        runner.run(serve())


class ServerThread:
    """A simulator on sockets for the length of a ``with`` block, served from a thread of its own."""

    def __init__(self, simulator: Simulator, host: str = "127.0.0.1", port: int = 0, control_port: int = 0) -> None:
        self.simulator = simulator
        self.base_url = ""
        self.control_url = ""
        self._server = SocketServer(simulator, host, port, control_port)
        self._thread = threading.Thread(target=self._run, name="klarna-simulator", daemon=True)
        self._started = threading.Event()
        self._failure: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        self._started.wait()
        if self._failure is not None:
            self._thread.join()
            raise self._failure
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._loop is not None and self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        try:
            await self._server.start()
        except UsageError as error:
            self._failure = error
            self._started.set()
            return
        self.base_url = self._server.base_url
        self.control_url = self._server.control_url
        self._started.set()
        try:
            await self._stop.wait()
        finally:
            await self._server.stop()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return the factory of the faster event loop where it is installed, None for the usual one."""
    try:
        module: Any = importlib.import_module("uvloop")
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = module.new_event_loop
    return factory


@contextlib.contextmanager
def _signals(stop: asyncio.Event) -> Iterator[None]:
    """Let the two signals that ask a process to end set the event; where that is not possible, they do as usual."""
    loop = asyncio.get_running_loop()
    heard = []
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError, ValueError, RuntimeError):
            loop.add_signal_handler(number, stop.set)
            heard.append(number)
    try:
        yield
    finally:
        for number in heard:
            loop.remove_signal_handler(number)


@contextlib.contextmanager
def _less_collecting() -> Iterator[None]:
    """Collect garbage more rarely: the process only serves, and nearly all that it holds stays."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GARBAGE)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def _refusal(refused: Refused) -> bytes:
    body = refused.reason.encode() + b"\n"
    headers = Headers((("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))))
    return response_bytes(Response(refused.status, headers, body), _UNREADABLE)


# Stands for the request behind a refusal, of which nothing is known but that no other follows.
_UNREADABLE = Framed(Request("", ""), keep_alive=False, chunks=False)
