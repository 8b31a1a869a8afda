"""The server that a client under test is driven against: orders made to measure, faults by script, and what it saw."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

from conformance.clients.evidence import Sent
from conformance.clients.respx_server import RespxServer
from conformance.clients.scenario import ClientCase
from conformance.clients.secret import authorization
from conformance.contract.contract import Contract
from conformance.exchange import Headers, Request
from conformance.simulator.merchant import DEFAULT_MERCHANTS, Merchant
from conformance.simulator.script import Script
from conformance.simulator.service import Simulator
from conformance.simulator.socket_door import ServerThread
from conformance.simulator.toxic import Toxic
from conformance.simulator.wire import WireRequest

__all__ = ["Double", "Movement"]

Movement = tuple[str, int, str]
"""Kind, amount in minor units, and the id of what was made (empty for none)."""

_UUID = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


class Double:
    """One simulator for the length of a ``with`` block, shared by all cases of a run.

    It is on loopback, or, ``mocked``, where httpx sends its requests in this process.
    """

    def __init__(
        self, contract: Contract, *, seed: int, merchants: Iterable[Merchant] = (), mocked: bool = False
    ) -> None:
        self.contract = contract
        self.merchants = (*DEFAULT_MERCHANTS, *merchants)
        self.simulator = Simulator(contract, seed=seed, merchants=self.merchants)
        self._stack = ExitStack()
        self._mock = RespxServer(self.simulator) if mocked else None
        self._server: ServerThread | RespxServer | None = None
        self._over_tls: ServerThread | None = None
        self._lock = threading.Lock()
        self._read: dict[int, int] = {}
        self._by_id: dict[str, list[WireRequest]] = {}

    def __enter__(self) -> Self:
        if self._mock is None:
            self._server = self._stack.enter_context(ServerThread(self.simulator))
        else:
            self._server = self._stack.enter_context(self._mock)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def server(self) -> ServerThread | RespxServer:
        """The server; there is one only inside of the ``with`` block."""
        if self._server is None:
            raise RuntimeError("the double is closed")
        return self._server

    def base_url(self, certificate: str = "") -> str:
        """Where the client is to call; with a ``certificate``, one of those that the simulator can show over TLS."""
        if not certificate:
            return self.server.base_url
        return self._secure().url_with(certificate)

    def authority_pem(self) -> str:
        """Return the authority behind all certificates but that of an unknown one."""
        return self._secure().certificate_authority_pem

    @property
    def other_origin_url(self) -> str:
        """Another origin, that only keeps what arrives."""
        return self.server.other_origin_url

    def lacks(self, case: ClientCase) -> str:
        """Say why a case cannot be put to a client here; empty when it can."""
        return "" if self._mock is None else self._mock.lacks(case)

    def doubt(self, order_id: str) -> str:
        """Say why what happened on an order proves nothing; empty when it does."""
        return "" if self._mock is None else self._mock.doubt(order_id)

    def waited_s(self, order_id: str) -> float:
        """Return for how many seconds of no real time a client has waited for answers about an order."""
        return 0.0 if self._mock is None else self._mock.waited_s(order_id)

    def create_order(self, fields: Mapping[str, Any]) -> str:
        """Make an order and return its id."""
        return self.simulator.create_order(fields)

    def script(self, order_id: str, operation: str, attempts: Sequence[Mapping[str, Any] | None], name: str) -> str:
        """Say what happens to each attempt at an operation on an order; returns the token that repeats it."""
        toxics = tuple(None if given is None else _toxic(given) for given in attempts)
        script = Script(toxics, name=name)
        self.server.script(order_id, script, operation)
        return script.token()

    def sent(self, ids: Iterable[str]) -> tuple[Sent, ...]:
        """Return every request whose request line names one of the ids, in the order of arrival."""
        with self._lock:
            self._take_in(self.server)
            if self._over_tls is not None:
                self._take_in(self._over_tls)
            found = {id(request): request for name in ids for request in self._by_id.get(name, ())}
            ordered = sorted(found.values(), key=lambda request: request.at_s)
            return tuple(self._as_sent(request) for request in ordered)

    def stray(self, ids: Iterable[str]) -> tuple[Sent, ...]:
        """Return what arrived at the other origin and names one of the ids."""
        wanted = {name.encode() for name in ids}
        return tuple(
            self._as_sent(request)
            for request in self.server.stray
            if wanted.intersection(_UUID.findall(_line(request)))
        )

    def movements(self, order_id: str) -> tuple[Movement, ...]:
        """Return what stands in the ledger of an order."""
        entries = self.simulator.ledger(order_id)["entries"]
        return tuple((entry["kind"], entry["amount"], entry["id"] or "") for entry in entries)

    def answer(self, operation: str, ids: Mapping[str, str], username: str, password: str) -> Any:
        """Return the body that a read is answered with now, None when it is refused."""
        described = self.contract.operations[operation]
        path = described.path
        for name, value in ids.items():
            path = path.replace(f"{{{name}}}", value)
        request = Request(described.method, path, Headers([("Authorization", authorization(username, password))]))
        response = self.simulator.handle(request)
        return json.loads(response.body) if response.status == 200 else None

    # --- inside -----------------------------------------------------------------------------------------------------

    def _secure(self) -> ServerThread:
        with self._lock:
            if self._over_tls is None:
                self._over_tls = self._stack.enter_context(ServerThread(self.simulator, tls=True))
            return self._over_tls

    def _take_in(self, server: ServerThread | RespxServer) -> None:
        seen = self._read.get(id(server), 0)
        for request in server.wire():
            if request.number <= seen:
                continue
            self._read[id(server)] = request.number
            for name in set(_UUID.findall(_line(request))):
                self._by_id.setdefault(name.decode("ascii"), []).append(request)

    def _as_sent(self, request: WireRequest) -> Sent:
        words = _line(request).split(b" ")
        target = b" ".join(words[1:-1] if len(words) > 2 else words[1:]).decode("latin-1")
        method = words[0].decode("latin-1")
        route = self.contract.operations.route(method, target)
        operation = route.operation.id if route is not None and route.operation is not None else ""
        return Sent(
            method=method,
            target=target,
            headers=request.request.headers if request.request is not None else Headers(),
            body=request.body,
            operation=operation,
            ids=route.ids if route is not None and operation else {},
            connection=request.connection,
            number_on_connection=request.number_on_connection,
            at_s=request.at_s,
            response=request.response,
            toxic=request.toxic or "",
            after=request.trailing,
        )


def _line(request: WireRequest) -> bytes:
    return request.raw.lstrip(b"\r\n").partition(b"\r\n")[0].partition(b"\n")[0]


def _toxic(given: Mapping[str, Any]) -> Toxic:
    ((kind, parameters),) = given.items()
    return Toxic(kind, dict(parameters or {}))
