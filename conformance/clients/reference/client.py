"""The client over httpx, one that waits and one to be awaited: all that is left to say is how to send."""

from __future__ import annotations

import os
import ssl
import time
from functools import cache
from typing import Any

from conformance.clients.reference.answer import Answer, Body, Lost
from conformance.clients.reference.backend import httpx
from conformance.clients.reference.call import WireRequest, encode_credentials, host_is_loopback, trimmed_base_url
from conformance.clients.reference.decisions import AwaitedClient, WaitingClient
from conformance.exchange import Headers

__all__ = ["AsyncClient", "Client", "connect", "connect_async"]


class Client(WaitingClient):
    """A client that waits for each answer; one of them may serve many threads.

    ``options`` are those of ``Decisions`` and ``WaitingClient``.
    """

    def __init__(self, http: httpx.Client, base_url: str, **options: Any) -> None:
        super().__init__(base_url, **options)
        self._http = http

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _send(self, request: WireRequest) -> Answer | Lost:
        body = Body(self._longest_answer, time.monotonic() + self._timeout_s)
        try:
            with self._http.stream(**_arguments(self._base_url, request)) as response:
                if response.is_stream_consumed:
                    return _mocked(response)
                try:
                    for chunk in response.iter_raw():
                        if not body.take(chunk, time.monotonic()):
                            break
                except httpx.TransportError as trouble:
                    body.cut = type(trouble).__name__
                return body.answer(response.status_code, Headers(response.headers.multi_items()))
        except httpx.TransportError as trouble:
            return _lost(trouble)


class AsyncClient(AwaitedClient):
    """A client to be awaited; ``options`` are those of ``Decisions`` and ``AwaitedClient``."""

    def __init__(self, http: httpx.AsyncClient, base_url: str, **options: Any) -> None:
        super().__init__(base_url, **options)
        self._http = http

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _send(self, request: WireRequest) -> Answer | Lost:
        body = Body(self._longest_answer, time.monotonic() + self._timeout_s)
        try:
            async with self._http.stream(**_arguments(self._base_url, request)) as response:
                if response.is_stream_consumed:
                    return _mocked(response)
                try:
                    async for chunk in response.aiter_raw():
                        if not body.take(chunk, time.monotonic()):
                            break
                except httpx.TransportError as trouble:
                    body.cut = type(trouble).__name__
                return body.answer(response.status_code, Headers(response.headers.multi_items()))
        except httpx.TransportError as trouble:
            return _lost(trouble)


def connect(
    base_url: str,
    username: str,
    password: str,
    *,
    timeout_s: float = 10.0,
    verify: ssl.SSLContext | str | os.PathLike[str] | None = None,
    transport: httpx.BaseTransport | None = None,
    variant: type[Client] = Client,
    **options: Any,
) -> Client:
    """Return a client for one merchant, so that settings of the HTTP library which risk credentials stay in one place.

    ``timeout_s`` bounds each wait within an attempt and each body, in seconds. ``verify`` names a file of authorities
    to trust instead of the system's, or is a context; there is no way to trust nobody's word. ``options`` are those
    of the class.

    Raises:
        InvalidRequestError: the address or the credentials cannot be used.
    """
    settings = _settings(base_url, username, password, timeout_s, verify)
    return variant(httpx.Client(**settings, transport=transport), base_url, timeout_s=timeout_s, **options)


def connect_async(
    base_url: str,
    username: str,
    password: str,
    *,
    timeout_s: float = 10.0,
    verify: ssl.SSLContext | str | os.PathLike[str] | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
    **options: Any,
) -> AsyncClient:
    """Return a client to be awaited; the arguments are those of ``connect``."""
    settings = _settings(base_url, username, password, timeout_s, verify)
    return AsyncClient(httpx.AsyncClient(**settings, transport=transport), base_url, timeout_s=timeout_s, **options)


def _settings(
    base_url: str,
    username: str,
    password: str,
    timeout_s: float,
    verify: ssl.SSLContext | str | os.PathLike[str] | None,
) -> dict[str, Any]:
    authorization = encode_credentials(username, password)
    loopback = host_is_loopback(trimmed_base_url(base_url))
    return {
        # Sent at once rather than when challenged, and to no other address: a redirect is an answer like any other.
        "headers": {"Authorization": authorization},
        "follow_redirects": False,
        "timeout": timeout_s,
        "trust_env": not loopback,
        "verify": verify if isinstance(verify, ssl.SSLContext) else _trust(os.fspath(verify) if verify else None),
    }


@cache
def _trust(authorities: str | None) -> ssl.SSLContext:
    # Reading the authorities takes longer than many calls, and the context may be shared.
    return ssl.create_default_context(cafile=authorities)


def _arguments(base_url: str, request: WireRequest) -> dict[str, Any]:
    return {
        "method": request.method,
        "url": base_url + request.target,
        "headers": dict(request.headers),
        "content": request.body,
    }


def _mocked(response: httpx.Response) -> Answer:
    # An answer that never travelled is whole, and already decompressed, before anyone reads it.
    headers = Headers(response.headers.multi_items()).without("Content-Encoding")
    return Answer(response.status_code, headers, response.content)


def _lost(trouble: httpx.TransportError) -> Lost:
    # The text of the exception may name a proxy with its credentials, so its class speaks for it.
    cause: BaseException | None = trouble
    # Mocks are known to make exceptions each other's cause.
    seen: set[int] = set()
    while cause is not None and id(cause) not in seen:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Lost("the server's certificate is not trusted", is_final=True)
        seen.add(id(cause))
        cause = cause.__cause__ or cause.__context__
    return Lost(f"no answer came ({type(trouble).__name__})")
