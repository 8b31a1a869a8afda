"""Writes answers: the recorded header sets in their recorded order, and error bodies in their recorded form."""

from __future__ import annotations

from collections.abc import Iterable

from conformance.contract.error_table import ErrorRow
from conformance.exchange import Headers, Response
from conformance.simulator.behaviour import Behaviour
from conformance.simulator.clock import Clock
from conformance.simulator.shape import encode

__all__ = ["Answers"]

Pairs = tuple[tuple[str, str], ...]

_SERVER = ("Server", "openresty")
_JSON = ("Content-Type", "application/json")
_CHUNKED = ("Transfer-Encoding", "chunked")
_EMPTY = ("Content-Length", "0")
_HTML_PAGE = ("Content-Type", "text/html;charset=utf-8")
_VARY = ("Vary", "Accept-Encoding")
_VARY_ORIGIN = ("Vary", "Origin,Access-Control-Request-Method,Access-Control-Request-Headers")
_SECURITY: Pairs = (
    ("X-Content-Type-Options", "nosniff"),
    ("X-Xss-Protection", "1; mode=block"),
    ("Cache-Control", "no-cache, no-store, max-age=0, must-revalidate"),
    ("Pragma", "no-cache"),
    ("Expires", "0"),
    ("X-Frame-Options", "DENY"),
)
_STRICT_TRANSPORT = ("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
_VALIDATED = ("Klarna-Order-Validation", "Valid")
_CHALLENGE = ("WWW-Authenticate", 'Basic realm="order management", charset="UTF-8"')
_GATEWAY_CHALLENGE = ("WWW-Authenticate", 'Basic realm="order management"')

_BAD_REQUEST_PAGE = (
    b'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>400 Bad Request</title>'
    b"<style>body{font:14px sans-serif;margin:2em}h1{font-size:20px}</style></head>"
    b"<body><h1>400 Bad Request</h1><p>The path holds a character that is not allowed there.</p></body></html>"
)
_UNAUTHORIZED_PAGE = (
    b"<html>\r\n<head><title>401 Unauthorized</title></head>\r\n"
    b"<body>\r\n<h1>401 Unauthorized</h1>\r\n<hr>\r\n</body>\r\n</html>\r\n"
)


class Answers:
    """Makes response values; ``correlation`` is the id under which a request would be found in the service's logs."""

    __slots__ = ("_behaviour", "_clock")

    def __init__(self, clock: Clock, behaviour: Behaviour) -> None:
        self._clock = clock
        self._behaviour = behaviour

    def found(self, body: bytes, correlation: str) -> Response:
        """Answer a read."""
        return Response(
            200,
            Headers(
                (
                    ("Date", self._clock.http_date()),
                    _JSON,
                    _CHUNKED,
                    _SERVER,
                    _VARY,
                    *_SECURITY,
                    ("Klarna-Correlation-Id", correlation),
                    _STRICT_TRANSPORT,
                )
            ),
            body,
        )

    def created(
        self, header: str, made: str, location: str, transaction: str, validated: bool, correlation: str
    ) -> Response:
        """Answer a capture or refund; ``header`` names the field that carries its id."""
        ids = (
            (("Transaction-Id", transaction), (header, made))
            if header == "Capture-Id"
            else ((header, made), ("Transaction-Id", transaction))
        )
        return Response(
            201,
            Headers(
                (
                    ("Date", self._clock.http_date()),
                    _EMPTY,
                    _SERVER,
                    ("Location", location),
                    *ids,
                    *((_VALIDATED,) if validated else ()),
                    *_SECURITY,
                    ("Klarna-Correlation-Id", correlation),
                    _STRICT_TRANSPORT,
                )
            ),
        )

    def done(self, transaction: str, correlation: str) -> Response:
        """Answer a write that makes nothing new."""
        return Response(
            204,
            Headers(
                (
                    ("Date", self._clock.http_date()),
                    _SERVER,
                    ("Transaction-Id", transaction),
                    *_SECURITY,
                    ("Klarna-Correlation-Id", correlation),
                    _STRICT_TRANSPORT,
                )
            ),
        )

    def refused(self, row: ErrorRow, messages: Iterable[str], correlation: str, extra: Pairs = ()) -> Response:
        """Answer with a row of the error table."""
        return self.error(row.status, row.code, messages, correlation, extra)

    def error(self, status: int, code: str, messages: Iterable[str], correlation: str, extra: Pairs = ()) -> Response:
        """Answer with an error of any status and code."""
        body = encode({"error_code": code, "error_messages": list(messages), "correlation_id": correlation})
        return self.application(status, body, correlation, _JSON, extra)

    def application(
        self, status: int, body: bytes, correlation: str, content_type: tuple[str, str], extra: Pairs = ()
    ) -> Response:
        """Answer with any status and body from behind the gateway."""
        framing = () if status in (204, 304) else (content_type, ("Content-Length", str(len(body))))
        return Response(
            status,
            Headers(
                (
                    ("Date", self._clock.http_date()),
                    *framing,
                    _SERVER,
                    *_SECURITY,
                    ("Klarna-Correlation-Id", correlation),
                    _STRICT_TRANSPORT,
                    *extra,
                )
            ),
            body,
        )

    def unauthorized(self, row: ErrorRow, correlation: str) -> Response:
        """Answer a request without valid credentials; on record the gateway does so, in HTML and without an id."""
        if not self._behaviour.refuses_in_html:
            return self.refused(row, (), correlation, (_CHALLENGE,))
        pairs = (
            ("Date", self._clock.http_date()),
            ("Content-Type", "text/html"),
            ("Content-Length", str(len(_UNAUTHORIZED_PAGE))),
            _SERVER,
            _GATEWAY_CHALLENGE,
        )
        return Response(401, Headers(pairs), _UNAUTHORIZED_PAGE)

    def illegal_characters(self, correlation: str) -> Response:
        """Answer a path that the application server refuses before the application sees it."""
        pairs = (
            ("Date", self._clock.http_date()),
            _HTML_PAGE,
            ("Content-Length", str(len(_BAD_REQUEST_PAGE))),
            _SERVER,
            ("Content-Language", "en"),
            ("Klarna-Correlation-Id", correlation),
            _STRICT_TRANSPORT,
        )
        return Response(400, Headers(pairs), _BAD_REQUEST_PAGE)

    def unmapped(self, path: str, correlation: str) -> Response:
        """Answer a path that no operation has, in the form of the framework behind the service."""
        body = encode(
            {
                "timestamp": self._clock.stamp(),
                "status": 404,
                "error": "Not Found",
                "message": "No message available",
                "path": path,
            }
        )
        pairs = (
            ("Date", self._clock.http_date()),
            _JSON,
            _CHUNKED,
            _SERVER,
            _VARY,
            _VARY_ORIGIN,
            *_SECURITY,
            ("Klarna-Correlation-Id", correlation),
            _STRICT_TRANSPORT,
        )
        return Response(404, Headers(pairs), body)
