"""HTTP/1.1 over a socket with every resource bounded, so that no server can hang, flood or crash the suite."""

from __future__ import annotations

import http.client
import io
import select
import socket
import ssl
import time
import zlib
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from conformance.exceptions import UsageError
from conformance.exchange import Exchange, Headers, Request, Response

__all__ = ["IN_CHUNKS", "LOST", "UNANSWERED", "Limits", "Wire"]

IN_CHUNKS = (("Transfer-Encoding", "chunked"),)
"""What a request carries whose body is to be sent in pieces."""

UNANSWERED = "no answer"
"""How the failure of a request begins whose answer did not come within the limits."""
LOST = "connection closed without an answer"

PIECE = 64 * 1024
_MOST_INTERIM = 20


@dataclass(frozen=True, slots=True)
class Limits:
    """How long and how much the suite is willing to wait for and to read, in seconds and bytes.

    ``connect_s`` bounds the connection set-up, ``read_s`` each silence, ``total_s`` the whole exchange however
    slowly the answer drips, ``body_bytes`` the body before and after content decoding.
    """

    connect_s: float = 10.0
    read_s: float = 20.0
    total_s: float = 40.0
    body_bytes: int = 16 * 1024 * 1024


class _DeadlineReader(io.RawIOBase):
    """A socket as a raw stream whose every read is bounded by the silence limit and by what is left of the total."""

    def __init__(self, sock: socket.socket, limits: Limits, ends: float) -> None:
        self._sock = sock
        self._limits = limits
        self._ends = ends

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self._ends - time.monotonic()
        if left <= 0:
            raise TimeoutError(f"the answer took longer than {self._limits.total_s:g} s")
        self._sock.settimeout(min(self._limits.read_s, left))
        try:
            return self._sock.recv_into(buffer)
        except TimeoutError as error:
            if left < self._limits.read_s:
                raise TimeoutError(f"the answer took longer than {self._limits.total_s:g} s") from error
            raise TimeoutError(f"silent for {self._limits.read_s:g} s") from error


class _BoundedSocket:
    """The part of a socket that http.client uses to read an answer, with a deadline."""

    def __init__(self, sock: socket.socket, limits: Limits, ends: float) -> None:
        self._sock = sock
        self._limits = limits
        self._ends = ends

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_DeadlineReader(self._sock, self._limits, self._ends), PIECE)


class Wire:
    """One kept-alive connection to one server; every way of failing comes back as an exchange, never as an exception.

    A request is sent again on a fresh connection only when a kept-alive one turned out to be dead before a byte of
    the answer arrived, and only when repeating cannot do harm: a GET, or a request with an idempotency key.
    """

    def __init__(self, base_url: str, limits: Limits | None = None, ca_file: Path | None = None) -> None:
        parts = urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UsageError(f"not an http or https address: {_shown(base_url)}")
        if parts.username is not None or parts.query or parts.fragment:
            raise UsageError("a base URL carries no credentials, query or fragment")
        try:
            port = parts.port
        except ValueError as error:
            raise UsageError(f"not a port: {_shown(base_url)}") from error
        self.limits = limits or Limits()
        self.prefix = parts.path.rstrip("/")
        self.host = parts.hostname
        self.port = port or (443 if parts.scheme == "https" else 80)
        default = (parts.scheme, self.port) in (("http", 80), ("https", 443))
        name = f"[{self.host}]" if ":" in self.host else self.host
        self._authority = name if default else f"{name}:{self.port}"
        self.base_url = f"{parts.scheme}://{self._authority}{self.prefix}"
        self._context = _trusting(ca_file) if parts.scheme == "https" else None
        self._sock: socket.socket | None = None

    def close(self) -> None:
        """Close the kept-alive connection."""
        if self._sock is not None:
            self._sock.close()
            self._sock = None

    def send(self, request: Request, *, repeatable: bool = False) -> Exchange:
        """Send a request and read its answer, within the limits."""
        ends = time.monotonic() + self.limits.total_s
        if self._sock is not None and _stirs(self._sock):
            # An idle connection with something to read has been closed by the server, or holds rubbish.
            self.close()
        reused = self._sock is not None
        exchange, untouched = self._attempt(request, ends)
        if reused and untouched and repeatable:
            exchange, _ = self._attempt(request, ends)
        return exchange

    def _attempt(self, request: Request, ends: float) -> tuple[Exchange, bool]:
        """Return the exchange, and whether the connection died before a byte of the answer came."""
        if self._sock is None:
            try:
                self._sock = self._connect()
            except ssl.SSLError as error:
                return Exchange(request, failure=f"no TLS connection: {error.reason or 'handshake failed'}"), False
            except OSError as error:
                return Exchange(request, failure=f"no connection: {_reason(error)}"), False
        sock = self._sock
        broken = False
        try:
            sock.settimeout(max(0.001, min(self.limits.read_s, ends - time.monotonic())))
            sock.sendall(self._head(request) + _framed(request))
        except (BrokenPipeError, ConnectionResetError):
            # A server may answer (413, say) and close while the body is still on its way: read before giving up.
            broken = True
        except OSError as error:
            self.close()
            return Exchange(request, failure=f"the request could not be sent: {_reason(error)}"), False
        response = http.client.HTTPResponse(_BoundedSocket(sock, self.limits, ends), method=request.method)  # type: ignore[arg-type]  # only makefile() is used
        try:
            _read_head(response)
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
            self.close()
            return Exchange(request, failure=LOST), True
        except TimeoutError as error:
            self.close()
            return Exchange(request, failure=f"{UNANSWERED}: {error}"), False
        except (http.client.HTTPException, OSError, ValueError) as error:
            self.close()
            return Exchange(request, failure=f"the answer is not HTTP: {type(error).__name__}"), False
        body, cut = self._body(response)
        headers = Headers(response.headers.raw_items())
        if cut or response.will_close or broken or response.version != 11:
            self.close()
        return Exchange(request, Response(response.status, headers, body, cut)), False

    def _connect(self) -> socket.socket:
        sock = socket.create_connection((self.host, self.port), timeout=self.limits.connect_s)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._context is None:
            return sock
        try:
            return self._context.wrap_socket(sock, server_hostname=self.host)
        except BaseException:
            sock.close()
            raise

    def _head(self, request: Request) -> bytes:
        lines = [f"{request.method} {request.target} HTTP/1.1"]
        if "host" not in request.headers:
            lines.append(f"Host: {self._authority}")
        lines.extend(f"{name}: {value}" for name, value in request.headers)
        framed = "content-length" in request.headers or "transfer-encoding" in request.headers
        if not framed and (request.body or request.method in ("POST", "PATCH", "PUT")):
            lines.append(f"Content-Length: {len(request.body)}")
        return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace")

    def _body(self, response: http.client.HTTPResponse) -> tuple[bytes, str]:
        """Return the body after content decoding, and in words why it is incomplete."""
        limit = self.limits.body_bytes
        pieces: list[bytes] = []
        received = 0
        cut = ""
        announced = response.length
        try:
            while received <= limit:
                piece = response.read(min(PIECE, limit + 1 - received))
                if not piece:
                    break
                pieces.append(piece)
                received += len(piece)
        except TimeoutError as error:
            cut = str(error)
        except (http.client.HTTPException, OSError, ValueError) as error:
            cut = f"the body ended early: {type(error).__name__}"
        if received > limit:
            cut = f"the body is longer than {limit} bytes"
        elif not cut and announced is not None and received < announced:
            cut = f"the body ended after {received} of {announced} bytes"
        body = b"".join(pieces)[:limit]
        encoding = (response.headers.get("Content-Encoding") or "").strip().lower()
        if encoding in ("gzip", "x-gzip", "deflate") and body:
            body, undecoded = _decoded(body, limit)
            cut = cut or undecoded
        return body, cut


def _framed(request: Request) -> bytes:
    """Write the body as its headers announce it; in chunks, it is cut in two."""
    if request.headers.get("Transfer-Encoding") != "chunked":
        return request.body
    half = (len(request.body) + 1) // 2
    pieces = [piece for piece in (request.body[:half], request.body[half:]) if piece]
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def _read_head(response: http.client.HTTPResponse) -> None:
    """Read up to the head of the answer proper: what comes before it is for callers who want it."""
    for _ in range(_MOST_INTERIM):
        response.begin()
        if not 100 <= response.status < 200 or response.status == HTTPStatus.SWITCHING_PROTOCOLS:
            return
        # Without a head it begins anew.
        response.headers = None  # type: ignore[assignment]  # as it was when it was made
    raise http.client.HTTPException("too many interim answers")


def _trusting(ca_file: Path | None) -> ssl.SSLContext:
    """Trust the authorities of the system and those in the file; raises UsageError for a file that holds none."""
    context = ssl.create_default_context()
    if ca_file is not None:
        try:
            context.load_verify_locations(cafile=ca_file)
        except OSError as error:
            # ssl's own errors are OSErrors whose text speaks of the library.
            reason = "holds no certificate in PEM" if isinstance(error, ssl.SSLError) else error.strerror
            raise UsageError(f"{ca_file}: {reason}") from None
    return context


def _decoded(body: bytes, limit: int) -> tuple[bytes, str]:
    decoder = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
    try:
        plain = decoder.decompress(body, limit)
    except zlib.error:
        return body, "the body cannot be decompressed"
    if decoder.unconsumed_tail:
        return plain, f"the decompressed body is longer than {limit} bytes"
    return plain, "" if decoder.eof else "the compressed body ended early"


def _stirs(sock: socket.socket) -> bool:
    """Tell whether an idle connection has something to read: its end, or bytes that belong to no request."""
    try:
        readable, _, _ = select.select([sock], [], [], 0)
    except (OSError, ValueError):
        return True
    return bool(readable)


def _reason(error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return "timed out"
    if isinstance(error, socket.gaierror):
        return "the host name is not known"
    return (error.strerror or type(error).__name__).lower()


def _shown(base_url: str) -> str:
    """The address without what may be credentials."""
    return base_url.rpartition("@")[2][:200]
