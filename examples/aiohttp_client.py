"""The reference client over aiohttp: the same decisions, and what it takes to keep aiohttp from adding its own.

Judge it with ``klarna-conformance test-client --python examples.aiohttp_client:connect``.
"""

from __future__ import annotations

import os
import ssl
import time
from typing import Any

import aiohttp
from yarl import URL

from conformance.clients.reference.answer import Answer, Body, Lost
from conformance.clients.reference.call import WireRequest, encode_credentials
from conformance.clients.reference.decisions import AwaitedClient
from conformance.exchange import Headers

__all__ = ["AiohttpClient", "connect"]


class AiohttpClient(AwaitedClient):
    """A client to be awaited. Its session begins with the first call, because aiohttp wants a running loop."""

    def __init__(self, authorization: str, trust: ssl.SSLContext, base_url: str, **options: Any) -> None:
        super().__init__(base_url, **options)
        self._authorization = authorization
        self._trust = trust
        self._opened: aiohttp.ClientSession | None = None

    async def aclose(self) -> None:
        """Close the connections."""
        if self._opened is not None:
            await self._opened.close()

    def _session(self) -> aiohttp.ClientSession:
        if self._opened is None:
            self._opened = aiohttp.ClientSession(
                headers={"Authorization": self._authorization},
                connector=aiohttp.TCPConnector(ssl=self._trust),
                timeout=aiohttp.ClientTimeout(total=self._timeout_s),
                # Decompressed by us, within a limit; and a shop has no use for cookies.
                auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._opened

    async def _send(self, request: WireRequest) -> Answer | Lost:
        body = Body(self._longest_answer, time.monotonic() + self._timeout_s)
        try:
            async with self._session().request(
                request.method,
                # As it is: an id that was encoded once must not be encoded again, nor decoded.
                URL(self._base_url + request.target, encoded=True),
                headers=dict(request.headers),
                data=request.body,
                skip_auto_headers=("Content-Type",),
                allow_redirects=False,
            ) as response:
                try:
                    async for piece in response.content.iter_any():
                        if not body.take(piece, time.monotonic()):
                            break
                except (aiohttp.ClientError, TimeoutError, OSError) as trouble:
                    body.cut = type(trouble).__name__
                return body.answer(response.status, Headers(response.headers.items()))
        except aiohttp.ClientConnectorCertificateError:
            return Lost("the server's certificate is not trusted", is_final=True)
        except (aiohttp.ClientError, TimeoutError, OSError) as trouble:
            return Lost(f"no answer came ({type(trouble).__name__})")


def connect(
    base_url: str,
    username: str,
    password: str,
    *,
    timeout_s: float = 10.0,
    verify: str | os.PathLike[str] | None = None,
    **options: Any,
) -> AiohttpClient:
    """Return a client for one merchant; ``verify`` names a file of authorities to trust instead of the usual ones."""
    trust = ssl.create_default_context(cafile=verify)
    return AiohttpClient(encode_credentials(username, password), trust, base_url, timeout_s=timeout_s, **options)
