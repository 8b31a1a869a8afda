"""Clients whose transport betrays them: it sends again on its own, or breaks the framing of the connection."""

from __future__ import annotations

import http.client
import threading
from dataclasses import replace
from typing import Any

from conformance.clients.broken.mutation import Broken, broken
from conformance.clients.broken.retries import Keyless
from conformance.clients.reference.answer import Answer, Lost
from conformance.clients.reference.backend import httpx
from conformance.clients.reference.call import Call, WireRequest
from conformance.clients.reference.client import Client

__all__: list[str] = []


class _OwnTransport(httpx.BaseTransport):
    """Speaks HTTP on one kept-alive connection, and lets a subclass speak it badly."""

    resends_when_fresh = False
    resends_when_reused = False
    body_after_get: bytes | None = None

    def __init__(self) -> None:
        self._connection: http.client.HTTPConnection | None = None
        self._turn = threading.Lock()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and read its answer, whole."""
        with self._turn:
            reused = self._connection is not None
            try:
                return self._exchange(request)
            except ConnectionError:
                self._drop()
                if not (self.resends_when_reused if reused else self.resends_when_fresh):
                    raise httpx.RemoteProtocolError("disconnected", request=request) from None
            except (OSError, http.client.HTTPException) as trouble:
                self._drop()
                raise httpx.ReadError(type(trouble).__name__, request=request) from None
            try:
                return self._exchange(request)
            except (OSError, http.client.HTTPException):
                self._drop()
                raise httpx.ReadError("disconnected again", request=request) from None

    def _exchange(self, request: httpx.Request) -> httpx.Response:
        timeout_s = request.extensions.get("timeout", {}).get("read")
        if self._connection is None:
            kind = http.client.HTTPSConnection if request.url.scheme == "https" else http.client.HTTPConnection
            self._connection = kind(request.url.host, request.url.port, timeout=timeout_s)
        self._connection.putrequest(
            request.method, request.url.raw_path.decode("ascii"), skip_host=True, skip_accept_encoding=True
        )
        for name, value in request.headers.raw:
            self._head(self._connection, name, value)
        body = self.body_after_get if request.method == "GET" else None
        self._connection.endheaders(body or request.read() or None)
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.will_close:
            self._drop()
        return httpx.Response(answer.status, headers=answer.getheaders(), content=content, request=request)

    def _head(self, connection: http.client.HTTPConnection, name: bytes, value: bytes) -> None:
        connection.putheader(name, value)

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def close(self) -> None:
        """Close the connection."""
        with self._turn:
            self._drop()


class _ResendsAlways(_OwnTransport):
    resends_when_fresh = True
    resends_when_reused = True


class _ResendsWhenReused(_OwnTransport):
    resends_when_reused = True


class _WritesHeadersRaw(_OwnTransport):
    def _head(self, connection: http.client.HTTPConnection, name: bytes, value: bytes) -> None:
        connection._output(name + b": " + value)  # type: ignore[attr-defined]  # noqa: SLF001 - the public way refuses line breaks


class _WritesAfterGet(_OwnTransport):
    body_after_get = b"{}"


@broken(
    "transport",
    "retry/captureOrder-without-key/lost-reply",
    "A capture is booked twice, and the shop is told of one success.",
)
class SilentResend(Keyless):
    """Has a transport that sends a POST again when its answer was lost, without a word and without a key."""

    @classmethod
    def open(cls, base_url: str, username: str, password: str, **options: Any) -> Client:
        """Return a client on its own transport."""
        return super().open(base_url, username, password, **{"transport": _ResendsAlways()} | options)


@broken(
    "transport",
    "retry/captureOrder-without-key/lost-reply-kept",
    "A capture is booked twice, but only on a connection used before.",
)
class SilentResendWhenReused(Keyless):
    """Has a transport that sends a POST again when a connection that was kept open ends without an answer."""

    @classmethod
    def open(cls, base_url: str, username: str, password: str, **options: Any) -> Client:
        """Return a client on its own transport."""
        return super().open(base_url, username, password, **{"transport": _ResendsWhenReused()} | options)


@broken("transport", "request/getOrder", "The next call on the connection is garbage, and fails for no visible reason.")
class BodyAfterGet(Broken):
    """Writes a body after a GET without saying so."""

    @classmethod
    def open(cls, base_url: str, username: str, password: str, **options: Any) -> Client:
        """Return a client on its own transport."""
        return super().open(base_url, username, password, **{"transport": _WritesAfterGet()} | options)


@broken("transport", "slow/getOrder/never", "One server that never answers holds the shop's worker for ever.")
class NoTimeLimit(Broken):
    """Waits for an answer without a limit."""

    def _send(self, request: WireRequest) -> Answer | Lost:
        self._http.timeout = httpx.Timeout(None)
        return super()._send(request)


@broken("security", "security/injection/captureOrder", "Whoever chooses a key adds headers, or requests, of their own.")
class KeyUnchecked(Broken):
    """Writes the caller's key into the head as it is, line breaks and all."""

    @classmethod
    def open(cls, base_url: str, username: str, password: str, **options: Any) -> Client:
        """Return a client on its own transport."""
        return super().open(base_url, username, password, **{"transport": _WritesHeadersRaw()} | options)

    def _build(self, call: Call) -> WireRequest:
        request = super()._build(replace(call, idempotency_key=None))
        if call.idempotency_key is None or request.method == "GET":
            return request
        return replace(request, headers={**request.headers, "Klarna-Idempotency-Key": call.idempotency_key})


@broken("transport", "connection/captureOrder/died-idle", "Goods are shipped for a capture that nobody received.")
class WrittenIsDone(Keyless):
    """Takes a request for done once it is written."""

    @classmethod
    def open(cls, base_url: str, username: str, password: str, **options: Any) -> Client:
        """Return a client on its own transport."""
        return super().open(base_url, username, password, **{"transport": _OwnTransport()} | options)

    def _read(self, call: Call, outcome: Answer | Lost) -> Any:
        return {} if isinstance(outcome, Lost) else super()._read(call, outcome)
