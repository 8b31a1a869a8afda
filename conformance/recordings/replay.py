"""Answers from cassettes, behind the same call as the simulator, so that each of its doors replays recordings too."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, urlsplit

from conformance.contract.contract import Contract
from conformance.contract.operations import BASE_PATH
from conformance.exceptions import RecordingError
from conformance.exchange import Headers, Request, Response
from conformance.recordings.difference import Difference, differences
from conformance.recordings.policy import POLICY_VERSION
from conformance.recordings.reader import find_sources, read_recording
from conformance.recordings.recording import NotARecordingError, Recording
from conformance.recordings.redaction import MARK, Redactor, redactor_for
from conformance.recordings.text_redaction import HOME
from conformance.simulator.location import origin

__all__ = ["NOT_RECORDED", "CassetteControl", "CassetteService", "Key", "key_of", "load_cassettes"]

NOT_RECORDED = 599
"""The status of an answer that explains what was not recorded; no service uses it."""

Key: TypeAlias = tuple[str, str, str, str]
"""Method, path from ``/ordermanagement`` on, query in a fixed order, and body (JSON in one spelling)."""


@dataclass(frozen=True, slots=True)
class Played:
    """One recorded interaction, ready to be played. ``cassette`` is its name, ``index`` counts from 1."""

    cassette: str
    index: int
    key: Key
    request: Request
    response: Response

    def described(self) -> dict[str, Any]:
        """Lay it out for people: which request it was, and where it stands."""
        return {"cassette": self.cassette, "index": self.index, "method": self.key[0], "path": self.key[1]}


@dataclass(slots=True)
class _Track:
    """The interactions of one key in recorded order, and how many of them are played."""

    plays: list[Played] = field(default_factory=list)
    done: int = 0


def load_cassettes(paths: Iterable[Path]) -> list[tuple[str, Recording]]:
    """Read every cassette that the paths name or contain, with the name by which a replay knows it.

    Raises RecordingError for a file that cannot be read, and when there is no cassette at all.
    """
    found: list[tuple[str, Recording]] = []
    for source in find_sources(paths):
        try:
            recording = read_recording(source.path)
        except NotARecordingError:
            if source.named:
                raise
            continue
        found.append((source.label[: len(source.label) - len(source.path.suffix)], recording))
    if not found:
        raise RecordingError("nothing to replay: no cassette was found")
    return found


def key_of(request: Request) -> Key:
    """Return what two requests have to share to be the same; credentials and other headers are not part of it."""
    parts = urlsplit(request.target if "://" in request.target else f"x://x{request.target}")
    path = parts.path
    base = path.find(BASE_PATH)
    query = ""
    if parts.query:
        query = "&".join(f"{name}={value}" for name, value in sorted(parse_qsl(parts.query, keep_blank_values=True)))
    return request.method.upper(), path[base:] if base > 0 else path, query, _normal(request.body)


def _normal(body: bytes) -> str:
    if not body:
        return ""
    try:
        return json.dumps(json.loads(body), sort_keys=True, separators=(",", ":"))
    except (ValueError, RecursionError):
        return body.decode("latin-1")


class CassetteService:
    """A service that knows nothing but its cassettes. It never asks anybody else: what is not recorded is explained.

    ``handle`` may be called from any thread. A request whose path begins with the name of a cassette
    (``/captureOrder/fresh/valid/ordermanagement/v1/…``) is answered from that one; any other from all of them, in the
    order of their names. A request that was recorded more than once is answered in recorded order.
    """

    def __init__(
        self, cassettes: Iterable[tuple[str, Recording]], contract: Contract, redactor: Redactor | None = None
    ) -> None:
        self._redactor = redactor or redactor_for(contract)
        self._operations = contract.operations
        self._lock = threading.Lock()
        self._scopes: dict[str, dict[Key, _Track]] = {"": {}}
        self._played: set[tuple[str, int]] = set()
        self._order: list[Played] = []
        self.notes: tuple[str, ...] = tuple(self._add_all(cassettes))

    def _add_all(self, cassettes: Iterable[tuple[str, Recording]]) -> Iterator[str]:
        everything = self._scopes[""]
        for name, recording in sorted(cassettes, key=lambda each: each[0]):
            own = self._scopes.setdefault(name, {})
            header = recording.header
            if header is not None and (header.redaction, header.salt) != (POLICY_VERSION, self._redactor.fingerprint):
                yield f"{name} was redacted with another salt or policy: requests with personal data will not match"
            if header is not None and not header.intact:
                yield f"{name} was edited after it was recorded"
            for interaction in recording.interactions:
                answer = interaction.exchange.response
                if answer is None:
                    yield f"{name}#{interaction.index} holds no answer and cannot be played"
                    continue
                request = interaction.exchange.request
                play = Played(name, interaction.index, key_of(request), request, answer)
                self._order.append(play)
                for scope in (everything, own):
                    scope.setdefault(play.key, _Track()).plays.append(play)

    # --- the service --------------------------------------------------------------------------------------------

    def handle(self, request: Request) -> Response:
        """Answer one request from the recordings, or say with status 599 what they hold instead."""
        name = self._scope_of(request.target)
        scope = self._scopes[name]
        key = key_of(request)
        with self._lock:
            track = scope.get(key)
            play = self._next(track)
            if play is None:
                redacted = self._redactor.request(
                    Request(request.method, request.target, request.headers.without(MARK), request.body)
                )
                other = scope.get(key_of(redacted))
                play = self._next(other)
                if play is None:
                    return self._explained(redacted, scope, other or track, name)
        return _for_caller(play.response, request)

    def reset(self) -> None:
        """Rewind every cassette."""
        with self._lock:
            self._played.clear()
            for scope in self._scopes.values():
                for track in scope.values():
                    track.done = 0

    def unplayed(self) -> list[dict[str, Any]]:
        """Tell which interactions nobody has asked for yet, in the order of the cassettes."""
        with self._lock:
            return [play.described() for play in self._order if (play.cassette, play.index) not in self._played]

    def unused(self) -> list[str]:
        """Name the cassettes of which nothing was played."""
        with self._lock:
            used = {cassette for cassette, _ in self._played}
            return sorted({play.cassette for play in self._order} - used)

    @property
    def cassettes(self) -> list[str]:
        """The names of the cassettes, in order."""
        return [name for name in self._scopes if name]

    def _next(self, track: _Track | None) -> Played | None:
        # A cassette may have been played under its own name already, so what is done is asked of each interaction.
        while track is not None and track.done < len(track.plays):
            play = track.plays[track.done]
            track.done += 1
            if (play.cassette, play.index) not in self._played:
                self._played.add((play.cassette, play.index))
                return play
        return None

    def _scope_of(self, target: str) -> str:
        path = urlsplit(target).path if "://" in target else target.partition("?")[0]
        base = path.find(BASE_PATH)
        name = path[:base].strip("/") if base > 0 else ""
        return name if name in self._scopes else ""

    # --- explanations -------------------------------------------------------------------------------------------

    def _explained(self, request: Request, scope: dict[Key, _Track], spent: _Track | None, name: str) -> Response:
        """Say what differs from the nearest request that was recorded; everything shown is redacted."""
        where = f"in {name}" if name else "in any cassette"
        asked = f"{request.method} {key_of(request)[1]}"
        content: dict[str, Any]
        if spent is not None:
            times = len(spent.plays)
            content = {
                "explanation": f"{asked} was recorded {times} times {where}, and all of them are played"
                if times > 1
                else f"{asked} was recorded once {where}, and that is played",
                "nearest": spent.plays[-1].described(),
                "differences": [],
            }
        else:
            nearest, found = self._nearest(request, scope)
            if nearest is None:
                content = {"explanation": f"{asked}: nothing is recorded {where}", "nearest": None, "differences": []}
            else:
                told = "; ".join(each.told() for each in found)
                content = {
                    "explanation": f"{asked} was not recorded {where}; nearest is interaction {nearest.index} of "
                    f"{nearest.cassette}: {told}",
                    "nearest": nearest.described(),
                    "differences": [each.described() for each in found],
                }
        body = json.dumps(content, indent=1).encode()
        return Response(
            NOT_RECORDED, Headers((("Content-Type", "application/json"), ("Content-Length", str(len(body))))), body
        )

    def _nearest(self, request: Request, scope: dict[Key, _Track]) -> tuple[Played | None, list[Difference]]:
        best: tuple[int, Played | None, list[Difference]] = (1 << 30, None, [])
        operation = self._operation(request)
        for track in scope.values():
            play = track.plays[0]
            found = differences(play.request, request)
            distance = len(found) + (0 if self._operation(play.request) == operation else 1_000)
            if distance < best[0]:
                best = (distance, play, found)
        return best[1], best[2]

    def _operation(self, request: Request) -> str:
        route = self._operations.route(request.method, request.target)
        return route.operation.id if route is not None and route.operation is not None else ""


class CassetteControl:
    """What a driver in any language asks of a replay: how it is, what is left to play, and to begin again."""

    def __init__(self, service: CassetteService) -> None:
        self._service = service

    def handle(self, request: Request) -> Response:
        """Answer ``GET /health``, ``GET /cassettes``, ``GET /unplayed`` and ``POST /reset``."""
        path = request.target.partition("?")[0].strip("/")
        match request.method, path:
            case "GET", "health":
                return _answer(200, {"status": "ok", "cassettes": len(self._service.cassettes)})
            case "GET", "cassettes":
                return _answer(200, self._service.cassettes)
            case "GET", "unplayed":
                return _answer(200, self._service.unplayed())
            case "POST", "reset":
                self._service.reset()
                return Response(204)
            case _:
                return _answer(404, {"error": "there are GET /health, /cassettes and /unplayed, and POST /reset"})


def _answer(status: int, value: object) -> Response:
    body = json.dumps(value).encode()
    return Response(status, Headers((("Content-Type", "application/json"), ("Content-Length", str(len(body))))), body)


def _for_caller(response: Response, request: Request) -> Response:
    """Have Location lead back to where the caller asked: a client that follows it must not leave the machine."""
    location = response.headers.get("Location")
    if location is None or not location.startswith(HOME):
        return response
    here = origin(request) + location[len(HOME) :]
    return Response(
        response.status,
        Headers((name, here if name.lower() == "location" else value) for name, value in response.headers),
        response.body,
    )
