"""The double on sockets: one port for the API, one for the control interface, one that stands for another origin."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Protocol, Self

from conformance.exceptions import UsageError
from conformance.exchange import Headers, Request, Response
from conformance.simulator.certificate import CERTIFICATES, Certificates
from conformance.simulator.control import Control
from conformance.simulator.door import Door
from conformance.simulator.script import Script, Scripts
from conformance.simulator.service import Simulator
from conformance.simulator.tampering import Tampering
from conformance.simulator.wire import WireLog, WireRequest

__all__ = ["ServerThread", "Service", "SocketServer", "WireRequest", "run_server"]

_STRAYED = b"nothing is served here; what arrives is only noted\n"


class Service(Protocol):
    """Whatever answers requests by a plain call: the simulator, a replay of cassettes, a control interface."""

    def handle(self, request: Request) -> Response:
        """Answer one request."""
        ...


# How often to ask whether there is time to look for garbage, in seconds, and when there is: when so few objects came
# about since the last time that hardly anybody calls, and so many in all that looking is worth while.
_LOOK_EVERY = 1.0
_FEW_OBJECTS = 100
_MANY_OBJECTS = 1_000


class SocketServer:
    """A service on two ports of one host, within a running event loop; port 0 takes any that is free.

    ``control`` answers on the second port; a simulator brings its own. A simulator also plays ``scripts``, has a
    ``wire`` log, and a third port that stands for another origin, where ``stray`` requests are noted; ``front``
    answers in its place at the API, and may raise SpoiltError. With ``tls`` the API is served over TLS, on one more
    port for each of the other ``CERTIFICATES``.
    """

    def __init__(
        self,
        service: Service,
        host: str = "127.0.0.1",
        port: int = 0,
        control_port: int = 0,
        *,
        control: Service | None = None,
        front: Service | None = None,
        tls: bool = False,
    ) -> None:
        self.scripts = Scripts()
        self.wire: WireLog | None = None
        self.stray: WireLog | None = None
        self.certificates = Certificates(host) if tls else None
        self._host = host
        self._tampering: Tampering | None = None
        answering = front or service
        handler = _secured(answering) if tls else answering.handle
        if isinstance(service, Simulator):
            self.wire = WireLog(service.contract.operations)
            self.stray = WireLog(service.contract.operations)
            self._tampering = Tampering(service)
            control = control or Control(service, self.scripts, self.wire)
        elif control is None:
            raise TypeError("only a simulator brings its own control interface")
        names = CERTIFICATES if self.certificates is not None else ("",)
        self._api = {
            name: Door(
                handler,
                log=self.wire,
                scripts=self.scripts if self._tampering is not None else None,
                tampering=self._tampering,
                context=None if self.certificates is None else self.certificates.context(name),
            )
            for name in names
        }
        self._control = Door(control.handle)
        self._other = None if self.stray is None else Door(_strayed, log=self.stray)
        ports = [port] + [0] * (len(self._api) - 1)
        self._doors = [*zip(self._api.values(), ports, strict=True), (self._control, control_port)]
        if self._other is not None:
            self._doors.append((self._other, 0))

    @property
    def base_url(self) -> str:
        """Where the API answers, without a slash at the end."""
        return self._url(next(iter(self._api.values())))

    @property
    def control_url(self) -> str:
        """Where the control interface answers, without a slash at the end."""
        return self._url(self._control)

    @property
    def other_origin_url(self) -> str:
        """Where only is noted what arrives; empty where there is no such place."""
        return "" if self._other is None else self._url(self._other)

    def url_with(self, certificate: str) -> str:
        """Return where the API answers with one of ``CERTIFICATES``; raises UsageError for a server without TLS."""
        if certificate not in self._api:
            raise UsageError(f"this server has no certificate {certificate!r}")
        return self._url(self._api[certificate])

    async def start(self) -> None:
        """Listen on all ports; raises UsageError with none left open."""
        try:
            for door, port in self._doors:
                await door.open(self._host, port)
        except UsageError:
            await self.stop()
            raise
        if self._tampering is not None:
            self._tampering.other_origin = self.other_origin_url

    async def stop(self) -> None:
        """Close all ports and every connection."""
        for door, _ in self._doors:
            await door.close()

    def _url(self, door: Door) -> str:
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{'https' if door.secure else 'http'}://{host}:{door.port}"


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
            with _signals(stop), _collecting_when_quiet(asyncio.get_running_loop()):
                ready(server.base_url, server.control_url)
                await stop.wait()
        finally:
            await server.stop()

    with asyncio.Runner(loop_factory=_loop_factory()) as runner, contextlib.suppress(KeyboardInterrupt):
        runner.run(serve())


class ServerThread:
    """A simulator on sockets for the length of a ``with`` block, served from a thread of its own.

    ``front`` answers in its place at the API: a mock, say, that asks the simulator as long as no test forbids.
    """

    def __init__(
        self,
        simulator: Simulator,
        host: str = "127.0.0.1",
        port: int = 0,
        control_port: int = 0,
        *,
        front: Service | None = None,
        tls: bool = False,
    ) -> None:
        self.simulator = simulator
        self.base_url = ""
        self.control_url = ""
        self.other_origin_url = ""
        self._server = SocketServer(simulator, host, port, control_port, front=front, tls=tls)
        self._thread = threading.Thread(target=self._run, name="klarna-simulator", daemon=True)
        self._started = threading.Event()
        self._failure: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None

    def script(self, order_id: str, script: Script, operation: str | None = None) -> None:
        """Have faults happen to the next attempts at one operation on an order, or at each of its operations."""
        self._server.scripts.put(order_id, script, operation)

    def wire(self, order_id: str | None = None, since: int = 0) -> tuple[WireRequest, ...]:
        """Return what arrived at the API, in order: all, or of one order, with numbers above ``since``."""
        return () if self._server.wire is None else self._server.wire.requests(order_id, since)

    @property
    def stray(self) -> tuple[WireRequest, ...]:
        """What arrived at the other origin."""
        return () if self._server.stray is None else self._server.stray.requests()

    @property
    def certificate_authority_pem(self) -> str:
        """The authority that a caller is to trust; empty without TLS."""
        return "" if self._server.certificates is None else self._server.certificates.authority_pem

    def url_with(self, certificate: str) -> str:
        """Return where the API answers with one of ``CERTIFICATES``; raises UsageError for a server without TLS."""
        return self._server.url_with(certificate)

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
        self.other_origin_url = self._server.other_origin_url
        self._started.set()
        try:
            await self._stop.wait()
        finally:
            await self._server.stop()


def _secured(service: Service) -> Callable[[Request], Response]:
    """Answer over TLS: a service that sees no connection takes every host of one's own machine for a plain one."""

    def handle(request: Request) -> Response:
        response = service.handle(request)
        location = response.headers.get("Location")
        if location is None or not location.startswith("http://"):
            return response
        secure = "https://" + location.removeprefix("http://")
        pairs = [(name, secure if value == location else value) for name, value in response.headers]
        return Response(response.status, Headers(pairs), response.body)

    return handle


def _strayed(_request: Request) -> Response:
    length = ("Content-Length", str(len(_STRAYED)))
    return Response(404, Headers((("Content-Type", "text/plain; charset=utf-8"), length)), _STRAYED)


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
def _collecting_when_quiet(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """Look for garbage while nobody calls, and look at nothing twice.

    The process only serves, nearly all that it holds stays, and looking through it all was a quarter of the work of
    a capture. What is dropped for good goes by itself; cycles wait until there is time.
    """
    was_enabled = gc.isenabled()
    timer: asyncio.TimerHandle | None = None
    made = 0

    def look() -> None:
        nonlocal timer, made
        if made > _MANY_OBJECTS and gc.get_count()[0] - made < _FEW_OBJECTS:
            gc.collect()
            gc.freeze()
        made = gc.get_count()[0]
        timer = loop.call_later(_LOOK_EVERY, look)

    gc.collect()
    gc.freeze()
    gc.disable()
    look()
    try:
        yield
    finally:
        if timer is not None:
            timer.cancel()
        if was_enabled:
            gc.enable()
        gc.unfreeze()
