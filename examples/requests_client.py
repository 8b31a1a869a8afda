"""The reference client over requests: the same decisions, and what it takes to keep requests from adding its own.

Judge it with ``klarna-conformance test-client --python examples.requests_client:connect``.
"""

from __future__ import annotations

import os
import time
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3.exceptions import HTTPError

from conformance.clients.reference.answer import Answer, Body, Lost
from conformance.clients.reference.call import WireRequest, encode_credentials, host_is_loopback
from conformance.clients.reference.decisions import WaitingClient
from conformance.exchange import Headers

__all__ = ["RequestsClient", "connect"]

_PIECE = 64 * 1024


class _Basic(AuthBase):
    """Sets Authorization itself: as a pair, requests would write it in Latin-1, and prefer a netrc file to a header."""

    def __init__(self, authorization: str) -> None:
        self._authorization = authorization

    def __call__(self, prepared: requests.PreparedRequest) -> requests.PreparedRequest:
        prepared.headers["Authorization"] = self._authorization
        return prepared


class RequestsClient(WaitingClient):
    """A client that waits for each answer; one for each thread, as with any session of requests."""

    def __init__(self, session: requests.Session, base_url: str, **options: Any) -> None:
        super().__init__(base_url, **options)
        self._session = session

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def _send(self, request: WireRequest) -> Answer | Lost:
        deadline = time.monotonic() + self._timeout_s
        body = Body(self._longest_answer, deadline)
        try:
            with self._session.request(
                request.method,
                self._base_url + request.target,
                headers=dict(request.headers),
                data=request.body,
                timeout=self._timeout_s,
                # A redirect is an answer like any other: followed, it would turn a POST into a GET.
                allow_redirects=False,
                stream=True,
            ) as response:
                try:
                    # Not decompressed here, where nothing limits what comes out.
                    for piece in response.raw.stream(_PIECE, decode_content=False):
                        if not body.take(piece, time.monotonic()):
                            break
                except (HTTPError, OSError) as trouble:
                    body.cut = type(trouble).__name__
                return body.answer(response.status_code, Headers(response.raw.headers.items()))
        except requests.exceptions.SSLError:
            return Lost("the server's certificate is not trusted", is_final=True)
        except (requests.RequestException, HTTPError, OSError) as trouble:
            return Lost(f"no answer came ({type(trouble).__name__})")


def connect(
    base_url: str,
    username: str,
    password: str,
    *,
    timeout_s: float = 10.0,
    verify: str | os.PathLike[str] | None = None,
    **options: Any,
) -> RequestsClient:
    """Return a client for one merchant; ``verify`` names a file of authorities to trust instead of the usual ones."""
    session = requests.Session()
    session.auth = _Basic(encode_credentials(username, password))
    session.trust_env = not host_is_loopback(base_url)
    if verify is not None:
        session.verify = os.fspath(verify)
    for scheme in ("http://", "https://"):
        # The client decides on retries, and it alone knows the key.
        session.mount(scheme, HTTPAdapter(max_retries=0))
    return RequestsClient(session, base_url, timeout_s=timeout_s, **options)
