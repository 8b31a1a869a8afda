"""Turns a toxic and a proper answer into what travels, what waits and how it ends; a door carries it out."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable, Iterator, Mapping
from enum import Enum, auto
from typing import ClassVar, NamedTuple
from urllib.parse import urlsplit

from conformance.exchange import Headers, Request, Response
from conformance.simulator.answers import Answers
from conformance.simulator.identity import Identities
from conformance.simulator.padding import gzip_bomb, parted
from conformance.simulator.provocation import Fault
from conformance.simulator.response_writer import response_bytes
from conformance.simulator.service import Simulator
from conformance.simulator.stream_event import Framed
from conformance.simulator.toxic import Toxic

__all__ = ["Ending", "Move", "Send", "Tampering", "Wait"]

_PIECE = 64 * 1024
# Long enough for what was sent to be read before a reset takes it away.
_BEFORE_RESET_S = 0.02
_BODYLESS = frozenset({204, 304})
_FRAMED_BY = ("Content-Length", "Transfer-Encoding")
_JSON = ("Content-Type", "application/json")
_PAGE = (
    "<html>\r\n<head><title>{status}</title></head>\r\n<body>\r\n<center><h1>{status}</h1></center>\r\n<hr>"
    "<center>gateway</center>\r\n</body>\r\n</html>\r\n"
)
_STAND_IN = b'{"note":"an answer without a body was given one"}'
_FIELD_NAMES = re.compile(rb"(?m)^[^:\r\n]+(?=:)")


class Wait(NamedTuple):
    """Nothing happens for so many seconds."""

    seconds: float


class Send(NamedTuple):
    """Bytes leave; ``response`` is the answer that begins with them, None for more of the same."""

    data: bytes
    response: Response | None = None


class Ending(Enum):
    """How a connection is treated after an answer, or in place of one."""

    CLOSE = auto()
    RESET = auto()


Move = Wait | Send | Ending
_Work = Callable[[], Response]
_Act = Callable[["Tampering", Toxic, Framed, _Work], Iterator[Move]]


class Tampering:
    """Knows for each kind of toxic what becomes of an exchange. ``other_origin`` tells where redirects lead."""

    __slots__ = ("_answered", "_answers", "_identities", "_simulator", "other_origin")

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._answers = Answers(simulator.clock, simulator.behaviour)
        self._identities = Identities(0)
        self._answered = 0
        self.other_origin = ""

    def moves(self, toxic: Toxic, framed: Framed, work: _Work) -> Iterator[Move]:
        """Return what happens, step by step; ``work`` is called at its proper time, or never.

        Moves that end without an ``Ending`` leave the connection as the caller asked for it.
        """
        return self._ACTS[toxic.kind](self, toxic, framed, work)

    def operation(self, request: Request) -> str:
        """Return the id of the operation that a request asks for, empty for none."""
        route = self._simulator.contract.operations.route(request.method, request.target)
        return "" if route is None or route.operation is None else route.operation.id

    # --- time -------------------------------------------------------------------------------------------------------

    def _latency(self, toxic: Toxic, framed: Framed, work: _Work) -> Iterator[Move]:
        yield Wait(toxic["ms"] / 1000)
        yield _whole(work(), framed)

    def _late_reply(self, toxic: Toxic, framed: Framed, work: _Work) -> Iterator[Move]:
        response = work()
        yield Wait(toxic["ms"] / 1000)
        yield _whole(response, framed)

    def _timeout(self, toxic: Toxic, _framed: Framed, _work: _Work) -> Iterator[Move]:
        yield Wait(toxic["ms"] / 1000)
        yield Ending.CLOSE

    def _drip(self, toxic: Toxic, framed: Framed, work: _Work) -> Iterator[Move]:
        response = work()
        data = response_bytes(response, framed)
        size: int = toxic["bytes"]
        yield Send(data[:size], response)
        for start in range(size, len(data), size):
            yield Wait(toxic["ms"] / 1000)
            yield Send(data[start : start + size])

    # --- the connection ---------------------------------------------------------------------------------------------

    def _close_before(self, _toxic: Toxic, _framed: Framed, _work: _Work) -> Iterator[Move]:
        yield Ending.CLOSE

    def _reset_before(self, _toxic: Toxic, _framed: Framed, _work: _Work) -> Iterator[Move]:
        yield Ending.RESET

    def _close_after(self, _toxic: Toxic, _framed: Framed, work: _Work) -> Iterator[Move]:
        work()
        yield Ending.CLOSE

    def _reset_after(self, _toxic: Toxic, _framed: Framed, work: _Work) -> Iterator[Move]:
        work()
        yield Ending.RESET

    def _close_next(self, toxic: Toxic, framed: Framed, work: _Work) -> Iterator[Move]:
        yield _whole(work(), framed)
        if toxic["ms"]:
            yield Wait(toxic["ms"] / 1000)
        yield Ending.CLOSE

    # --- broken messages --------------------------------------------------------------------------------------------

    def _cut_head(self, toxic: Toxic, framed: Framed, work: _Work) -> Iterator[Move]:
        response = work()
        lines = response_bytes(response, framed).split(b"\r\n", 3)[:3]
        # In the second field: the caller knows that an answer has begun, and nothing yet of what was made.
        lines[2] = lines[2][: len(lines[2]) // 2]
        yield Send(b"\r\n".join(lines), response)
        yield from _torn(toxic)

    def _cut_body(self, toxic: Toxic, framed: Framed, work: _Work) -> Iterator[Move]:
        response = _with_body(work())
        head, gap, rest = response_bytes(response, framed).partition(b"\r\n\r\n")
        yield Send(head + gap + rest[: len(rest) // 2], response)
        yield from _torn(toxic)

    def _wrong_length(self, toxic: Toxic, framed: Framed, work: _Work) -> Iterator[Move]:
        response = _with_body(work())
        told = str(max(0, len(response.body) + toxic["by"]))
        yield _whole(_framed_by(response, ("Content-Length", told)), framed)
        yield Ending.CLOSE

    def _malformed_chunk(self, _toxic: Toxic, framed: Framed, work: _Work) -> Iterator[Move]:
        response = _framed_by(_with_body(work()), ("Transfer-Encoding", "chunked"))
        head, gap, _ = response_bytes(response, framed._replace(chunks=True)).partition(b"\r\n\r\n")
        half = len(response.body) // 2
        chunks = b"%x\r\n%b\r\nno size\r\n%b\r\n0\r\n\r\n" % (half, response.body[:half], response.body[half:])
        yield Send(head + gap + chunks, response)
        yield Ending.CLOSE

    # --- other bodies -----------------------------------------------------------------------------------------------

    def _invalid_json(self, _toxic: Toxic, framed: Framed, work: _Work) -> Iterator[Move]:
        response = _with_body(work())
        yield _whole(_with(response, response.body[: len(response.body) * 2 // 3]), framed)

    def _html_body(self, toxic: Toxic, framed: Framed, work: _Work) -> Iterator[Move]:
        if toxic["carried_out"]:
            work()
        body = b"" if toxic["status"] in _BODYLESS else _PAGE.format(status=toxic["status"]).encode()
        yield _whole(self._from_gateway(toxic["status"], "text/html; charset=utf-8", body), framed)

    def _empty_body(self, toxic: Toxic, framed: Framed, work: _Work) -> Iterator[Move]:
        if toxic["carried_out"]:
            work()
        yield _whole(self._from_gateway(toxic["status"], "", b""), framed)

    def _huge_body(self, toxic: Toxic, framed: Framed, work: _Work) -> Iterator[Move]:
        response = _with_body(work())
        begin, end = parted(response.body)
        missing: int = toxic["bytes"]
        told = str(len(begin) + missing + len(end))
        head = response_bytes(_framed_by(_with(response, b""), ("Content-Length", told)), framed)
        yield Send(head + begin, response)
        piece = b"x" * _PIECE
        while missing:
            yield Send(piece if missing >= _PIECE else piece[:missing])
            missing -= min(missing, _PIECE)
        yield Send(end)

    def _gzip_bomb(self, toxic: Toxic, framed: Framed, work: _Work) -> Iterator[Move]:
        response = _with_body(work())
        yield _whole(_compressed(response, gzip_bomb(toxic["bytes"], response.body)), framed)

    def _gzip(self, _toxic: Toxic, framed: Framed, work: _Work) -> Iterator[Move]:
        response = work()
        if response.body:
            response = _compressed(response, gzip.compress(response.body, mtime=0))
        yield _whole(response, framed)

    # --- other heads ------------------------------------------------------------------------------------------------

    def _redirect(self, toxic: Toxic, framed: Framed, _work: _Work) -> Iterator[Move]:
        address = urlsplit(framed.request.target)
        same = address.path + (f"?{address.query}" if address.query else "")
        location = toxic["location"] or f"{self.other_origin}{same if same.startswith('/') else '/'}"
        yield _whole(self._from_gateway(toxic["status"], "", b"", (("Location", location),)), framed)

    def _lower_case_headers(self, _toxic: Toxic, framed: Framed, work: _Work) -> Iterator[Move]:
        response = work()
        head, gap, rest = response_bytes(response, framed).partition(b"\r\n\r\n")
        line, end, fields = head.partition(b"\r\n")
        fields = _FIELD_NAMES.sub(lambda found: found[0].lower(), fields)
        yield Send(line + end + fields + gap + rest, response)

    def _relative_location(self, _toxic: Toxic, framed: Framed, work: _Work) -> Iterator[Move]:
        response = work()
        pairs = [(name, urlsplit(value).path if name == "Location" else value) for name, value in response.headers]
        yield _whole(Response(response.status, Headers(pairs), response.body), framed)

    def _no_location(self, _toxic: Toxic, framed: Framed, work: _Work) -> Iterator[Move]:
        yield _whole(_without(work(), "Location"), framed)

    def _no_id_header(self, _toxic: Toxic, framed: Framed, work: _Work) -> Iterator[Move]:
        yield _whole(_without(work(), "Capture-Id", "Refund-Id"), framed)

    def _other_success(self, toxic: Toxic, framed: Framed, work: _Work) -> Iterator[Move]:
        response = work()
        if 200 <= response.status < 300:
            status = toxic["status"]
            body = b"" if status in _BODYLESS else response.body
            headers = response.headers if body else response.headers.without(*_FRAMED_BY)
            response = Response(status, headers, body)
        yield _whole(response, framed)

    def _challenge(self, _toxic: Toxic, framed: Framed, _work: _Work) -> Iterator[Move]:
        row = self._simulator.contract.errors.row("unauthorized")
        yield _whole(self._answers.unauthorized(row, self._correlation()), framed)

    def _answer(self, toxic: Toxic, framed: Framed, work: _Work) -> Iterator[Move]:
        if toxic["carried_out"]:
            work()
        yield _whole(self._forced(toxic, framed.request), framed)

    # --- answers of its own -----------------------------------------------------------------------------------------

    def _forced(self, toxic: Toxic, request: Request) -> Response:
        headers: Mapping[str, str] = toxic["headers"]
        chosen = {name.lower(): value for name, value in headers.items()}
        correlation = chosen.get("klarna-correlation-id") or self._correlation()
        if toxic["body"] is None and toxic["status"] not in _BODYLESS:
            fault = self._worded(toxic, request)
            response = self._answers.error(fault.status, fault.error_code, fault.error_messages, correlation)
        else:
            body = b"" if toxic["status"] in _BODYLESS else (toxic["body"] or "").encode("utf-8", "replace")
            response = self._answers.application(toxic["status"], body, correlation, ("Content-Type", toxic["media"]))
            if not toxic["media"]:
                response = _without(response, "Content-Type")
        kept = response.headers.without(*headers)
        return Response(response.status, Headers((*kept, *headers.items())), response.body)

    def _worded(self, toxic: Toxic, request: Request) -> Fault:
        """Complete code and messages from the error table, as for a fault that the service is told of."""
        contract = self._simulator.contract
        operation = self.operation(request) or None
        told = {name: toxic[name] for name in ("error_code", "error_messages") if toxic[name] is not None}
        return Fault({"operation": operation, "status": toxic["status"], **told}, contract.operations, contract.errors)

    def _from_gateway(self, status: int, media: str, body: bytes, extra: tuple[tuple[str, str], ...] = ()) -> Response:
        """Answer as something in front of the service does, which knows of no correlation id."""
        typed = (("Content-Type", media),) if media and status not in _BODYLESS else ()
        date = ("Date", self._simulator.clock.http_date())
        return Response(status, Headers((date, *typed, ("Server", "openresty"), *extra)), body)

    def _correlation(self) -> str:
        self._answered += 1
        return self._identities.uuid("forced answer", self._answered)

    _ACTS: ClassVar[Mapping[str, _Act]] = {
        "latency": _latency,
        "late_reply": _late_reply,
        "timeout": _timeout,
        "close_before": _close_before,
        "reset_before": _reset_before,
        "close_after": _close_after,
        "reset_after": _reset_after,
        "cut_head": _cut_head,
        "cut_body": _cut_body,
        "wrong_length": _wrong_length,
        "malformed_chunk": _malformed_chunk,
        "invalid_json": _invalid_json,
        "html_body": _html_body,
        "empty_body": _empty_body,
        "drip": _drip,
        "huge_body": _huge_body,
        "gzip_bomb": _gzip_bomb,
        "gzip": _gzip,
        "redirect": _redirect,
        "close_next": _close_next,
        "lower_case_headers": _lower_case_headers,
        "relative_location": _relative_location,
        "no_location": _no_location,
        "no_id_header": _no_id_header,
        "other_success": _other_success,
        "challenge": _challenge,
        "answer": _answer,
    }


def _whole(response: Response, framed: Framed) -> Send:
    return Send(response_bytes(response, framed), response)


def _torn(toxic: Toxic) -> Iterator[Move]:
    if toxic["reset"]:
        yield Wait(_BEFORE_RESET_S)
        yield Ending.RESET
    else:
        yield Ending.CLOSE


def _without(response: Response, *names: str) -> Response:
    return Response(response.status, response.headers.without(*names), response.body)


def _with(response: Response, body: bytes) -> Response:
    return Response(response.status, response.headers.without(*_FRAMED_BY), body)


def _framed_by(response: Response, field: tuple[str, str]) -> Response:
    kept = response.headers.without(*_FRAMED_BY)
    return Response(response.status, Headers((*kept, field)), response.body)


def _with_body(response: Response) -> Response:
    """Give an answer that has no body a small one, since what breaks a body needs one; 204 then becomes 200."""
    if response.body:
        return response
    kept = response.headers.without(*_FRAMED_BY, "Content-Type")
    status = 200 if response.status in _BODYLESS else response.status
    return Response(status, Headers((*kept, _JSON)), _STAND_IN)


def _compressed(response: Response, body: bytes) -> Response:
    kept = response.headers.without(*_FRAMED_BY)
    return Response(response.status, Headers((*kept, ("Content-Encoding", "gzip"))), body)
