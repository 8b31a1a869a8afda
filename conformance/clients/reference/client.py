"""The client that waits and the client that is awaited: the same decisions around two ways of sending."""

from __future__ import annotations

import asyncio
import os
import random
import ssl
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import cache
from types import TracebackType
from typing import Any, Self

from conformance.clients.reference.answer import Answer, Body, Lost, read_answer
from conformance.clients.reference.backend import httpx
from conformance.clients.reference.call import (
    Call,
    WireRequest,
    build_request,
    encode_credentials,
    host_is_loopback,
    trimmed_base_url,
)
from conformance.clients.reference.operations import Operations
from conformance.clients.reference.retry import REPEATED_STATUSES, RetryPolicy, asked_wait_s
from conformance.exchange import Headers

__all__ = ["AsyncClient", "Client", "Decisions", "connect", "connect_async"]

# An order with a thousand lines and as many captures fits many times over.
_LONGEST_ANSWER = 16 * 1024 * 1024
_STANDARD_POLICY = RetryPolicy()


class Decisions:
    """All that a client decides, apart from how it sends; each decision is a method that a variant may replace."""

    def __init__(
        self, base_url: str, policy: RetryPolicy, clock: Callable[[], float], chance: Callable[[], float]
    ) -> None:
        self._base_url = trimmed_base_url(base_url)
        self._policy = policy
        self._clock = clock
        self._chance = chance

    def __repr__(self) -> str:
        # No field but the address: the others lead to credentials.
        return f"{type(self).__name__}({self._base_url!r})"

    def _build(self, call: Call) -> WireRequest:
        """Return the request for a call."""
        return build_request(call)

    def _wait_s(self, request: WireRequest, outcome: Answer | Lost, attempt: int) -> float | None:
        """Return how long to wait before the request is sent again, or None when it is not."""
        if not request.is_repeatable:
            return None
        if isinstance(outcome, Lost):
            return None if outcome.is_final else self._policy.wait_s(attempt, None, self._chance())
        if outcome.status in REPEATED_STATUSES:
            asked_s = asked_wait_s(outcome.status, outcome.headers, datetime.fromtimestamp(self._clock(), UTC))
            return self._policy.wait_s(attempt, asked_s, self._chance())
        if outcome.is_success and outcome.cut and request.method == "GET":
            return self._policy.wait_s(attempt, None, self._chance())
        return None

    def _read(self, call: Call, outcome: Answer | Lost) -> Any:
        """Return the result of a call, or raise its error."""
        return read_answer(call, outcome)


class Client(Decisions, Operations[dict[str, Any], list[Any], dict[str, str], None]):
    """A client that waits for each answer; one of them may serve many threads."""

    def __init__(
        self,
        http: httpx.Client,
        base_url: str,
        *,
        timeout_s: float,
        policy: RetryPolicy = _STANDARD_POLICY,
        longest_answer: int = _LONGEST_ANSWER,
        sleep: Callable[[float], object] = time.sleep,
        clock: Callable[[], float] = time.time,
        chance: Callable[[], float] = random.random,
    ) -> None:
        super().__init__(base_url, policy, clock, chance)
        self._http = http
        self._timeout_s = timeout_s
        self._longest_answer = longest_answer
        self._sleep = sleep

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _perform(self, call: Call) -> Any:
        request = self._build(call)
        attempt = 1
        while True:
            outcome = self._send(request)
            wait_s = self._wait_s(request, outcome, attempt)
            if wait_s is None:
                return self._read(call, outcome)
            self._sleep(wait_s)
            attempt += 1

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


class AsyncClient(
    Decisions,
    Operations[Awaitable[dict[str, Any]], Awaitable[list[Any]], Awaitable[dict[str, str]], Awaitable[None]],
):
    """A client to be awaited, for asyncio; with another ``sleep`` for trio too."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        base_url: str,
        *,
        timeout_s: float,
        policy: RetryPolicy = _STANDARD_POLICY,
        longest_answer: int = _LONGEST_ANSWER,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        clock: Callable[[], float] = time.time,
        chance: Callable[[], float] = random.random,
    ) -> None:
        super().__init__(base_url, policy, clock, chance)
        self._http = http
        self._timeout_s = timeout_s
        self._longest_answer = longest_answer
        self._sleep = sleep

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _perform(self, call: Call) -> Any:
        request = self._build(call)
        attempt = 1
        while True:
            outcome = await self._send(request)
            wait_s = self._wait_s(request, outcome, attempt)
            if wait_s is None:
                return self._read(call, outcome)
            await self._sleep(wait_s)
            attempt += 1

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
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Lost("the server's certificate is not trusted", is_final=True)
        cause = cause.__cause__ or cause.__context__
    return Lost(f"no answer came ({type(trouble).__name__})")
