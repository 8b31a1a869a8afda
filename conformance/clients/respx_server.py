"""The simulator where httpx sends its requests: the same faults, as far as there are any without a socket."""

from __future__ import annotations

import importlib
import threading
import time
from collections import defaultdict
from collections.abc import Mapping
from types import MappingProxyType, TracebackType
from typing import Any, Self

from conformance.clients.scenario import ClientCase
from conformance.exceptions import UsageError
from conformance.exchange import Headers, Request, Response
from conformance.simulator.script import Script, Scripts
from conformance.simulator.service import Simulator
from conformance.simulator.stream_event import Framed
from conformance.simulator.tampering import Ending, Send, Tampering, Wait
from conformance.simulator.toxic import Toxic
from conformance.simulator.wire import WireLog, WireRequest, named_order

__all__ = ["WIRE_ONLY", "RespxServer"]

WIRE_ONLY: Mapping[str, str] = MappingProxyType(
    {
        "cut_head": "an answer that breaks off needs a wire",
        "cut_body": "an answer that breaks off needs a wire",
        "wrong_length": "a length that is not kept needs a wire",
        "malformed_chunk": "broken chunks need a wire",
        "drip": "an answer in pieces needs a wire",
        "huge_body": "a mocked answer is whole before the client has read any of it",
        "gzip_bomb": "a mocked answer is whole before the client has read any of it",
        "close_next": "a connection that dies needs a wire",
    }
)
"""Toxics that no mock can express, each with the reason."""

# Should a client escape the mock, nobody listens on these ports of loopback.
_BASE_URL = "http://127.0.0.1:9"
_OTHER_URL = "http://127.0.0.1:13"
_MOCKERS = {"httpcore": "httpx", "httpcore2": "httpx2"}
_KEPT_WAITING = frozenset({"timeout", "late_reply"})


class RespxServer:
    """Stands in for a server on a socket, for the length of a ``with`` block, in this process and for httpx only."""

    base_url = _BASE_URL
    other_origin_url = _OTHER_URL
    certificate_authority_pem = ""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._scripts = Scripts()
        self._tampering = Tampering(simulator)
        self._tampering.other_origin = _OTHER_URL
        self._wire = WireLog(simulator.contract.operations)
        self._stray = WireLog(simulator.contract.operations)
        self._lock = threading.Lock()
        self._waited_s: defaultdict[str, float] = defaultdict(float)
        self._unlimited: set[str] = set()
        self._routers: list[Any] = []

    def __enter__(self) -> Self:
        try:
            import respx  # noqa: PLC0415 - an extra
            from respx.mocks import Mocker  # noqa: PLC0415 - an extra
        except ImportError:
            raise UsageError("--via respx needs the extra: pip install 'klarna-conformance[mocks]'") from None
        for name, library in _MOCKERS.items():
            if name in Mocker.registry:
                self._mount(respx, name, importlib.import_module(library))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for router in self._routers:
            router.stop(quiet=True)

    def script(self, order_id: str, script: Script, operation: str | None = None) -> None:
        """Have faults happen to the next attempts at one operation on an order, or at each of its operations."""
        self._scripts.put(order_id, script, operation)

    def wire(self, order_id: str | None = None, since: int = 0) -> tuple[WireRequest, ...]:
        """Return what was sent, in order: all, or of one order, with numbers above ``since``."""
        return self._wire.requests(order_id, since)

    @property
    def stray(self) -> tuple[WireRequest, ...]:
        """What was sent to the other origin."""
        return self._stray.requests()

    def waited_s(self, order_id: str) -> float:
        """Return for how many seconds clients would have waited for answers about an order."""
        return self._waited_s[order_id]

    def lacks(self, case: ClientCase) -> str:
        """Say why a case cannot be put to a client without a wire; empty when it can."""
        if case.certificate:
            return "a certificate needs a wire"
        for step in case.steps:
            if step.warm:
                return "a kept-alive connection needs a wire"
            if "\n" in (step.key or ""):
                return "what the HTTP stack refuses to write shows on a wire only"
            for toxic in step.script:
                for kind in toxic or ():
                    if kind in WIRE_ONLY:
                        return WIRE_ONLY[kind]
        return ""

    def doubt(self, order_id: str) -> str:
        """Say why what happened on an order proves nothing; empty when it does."""
        if order_id in self._unlimited:
            return "the client gives httpx no time limit; whether it has one of its own shows on a wire only"
        return ""

    # --- inside -----------------------------------------------------------------------------------------------------

    def _mount(self, respx: Any, using: str, library: Any) -> None:
        router = respx.MockRouter(assert_all_called=False, assert_all_mocked=False, using=using)
        router.route().mock(side_effect=lambda request: self._respond(request, library))
        router.start()
        self._routers.append(router)

    def _respond(self, request: Any, library: Any) -> Any:
        origin = f"{request.url.scheme}://{request.url.host}:{request.url.port}"
        asked = _asked(request)
        # Clients call from many threads, and the simulator serves one caller at a time.
        with self._lock:
            if origin == _OTHER_URL:
                self._stray.add(_record(asked, self._stray))
                return _answer(Response(404), library)
            if origin != _BASE_URL:
                raise library.ConnectError(f"{origin} is not mocked")
            record = _record(asked, self._wire)
            record.at_s += self._waited_s[named_order(asked.target)]
            self._wire.add(record)
            limit_s = (request.extensions.get("timeout") or {}).get("read")
            return self._played(asked, record, limit_s, library)

    def _played(self, asked: Request, record: WireRequest, limit_s: float | None, library: Any) -> Any:
        order_id = named_order(asked.target)
        toxic = self._toxic(asked, record, order_id)
        if toxic is None:
            record.response = self._simulator.handle(asked)
            record.status_sent = record.response.status
            return _answer(record.response, library)

        def work() -> Response:
            record.worked = True
            return self._simulator.handle(asked)

        for move in self._tampering.moves(toxic, Framed(asked, keep_alive=True, chunks=True), work):
            if isinstance(move, Wait):
                self._wait(move.seconds, toxic, limit_s, order_id, library)
            elif isinstance(move, Send) and move.response is not None:
                record.response = move.response
                record.status_sent = move.response.status
                return _answer(move.response, library)
            elif move is Ending.RESET:
                raise library.ReadError("the connection was reset (mocked)")
        raise library.RemoteProtocolError("Server disconnected without sending a response. (mocked)")

    def _toxic(self, asked: Request, record: WireRequest, order_id: str) -> Toxic | None:
        operation = self._tampering.operation(asked)
        if not operation or order_id not in self._scripts:
            return None
        bare = "Authorization" not in asked.headers
        toxic, number = self._scripts.take(order_id, operation, lambda each: not bare or each.kind == "challenge")
        record.scripted = True
        record.order_id, record.operation, record.attempt = order_id, operation, number
        record.toxic = "" if toxic is None else toxic.kind
        return toxic

    def _wait(self, seconds: float, toxic: Toxic, limit_s: float | None, order_id: str, library: Any) -> None:
        """Let time pass in name only; raises what httpx raises when the client's patience ends before."""
        if limit_s is None and toxic.kind in _KEPT_WAITING:
            self._unlimited.add(order_id)
        gives_up = limit_s is not None and limit_s < seconds
        self._waited_s[order_id] += limit_s if limit_s is not None and gives_up else seconds
        if gives_up:
            raise library.ReadTimeout("the read operation timed out (mocked)")


def _asked(request: Any) -> Request:
    headers = Headers((name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw)
    return Request(request.method, request.url.raw_path.decode("ascii"), headers, request.read())


def _record(asked: Request, log: WireLog) -> WireRequest:
    lines = [f"{asked.method} {asked.target} HTTP/1.1", *(f"{name}: {value}" for name, value in asked.headers), "", ""]
    framing = "content-length" if "Content-Length" in asked.headers else "none"
    if "Transfer-Encoding" in asked.headers:
        framing = "chunked"
    raw = "\r\n".join(lines).encode("latin-1")
    return WireRequest(raw, asked.body, log.connection(), 1, time.monotonic(), asked, b"", framing)


def _answer(response: Response, library: Any) -> Any:
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in response.headers]
    return library.Response(response.status, headers=headers, content=response.body)
