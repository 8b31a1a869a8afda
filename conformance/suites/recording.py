"""Plays the cases of a run and keeps what was said in cassettes, one for each case, redacted before it is written."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from conformance.contract.contract import Contract
from conformance.contract.error_table import Party
from conformance.exceptions import RecordingError, UsageError
from conformance.exchange import Exchange, Request
from conformance.recordings.cassette import LIFETIME, SIMULATOR, Header, cassette_text, redacted
from conformance.recordings.policy import POLICY_VERSION
from conformance.recordings.pseudonym import PUBLIC_SALT
from conformance.recordings.reader import parse_recording, read_recording
from conformance.recordings.redaction import Redactor, redactor_for
from conformance.recordings.replay import key_of
from conformance.recordings.writer import cassette_path, write_cassette
from conformance.simulator.clock import Clock
from conformance.simulator.service import Simulator
from conformance.suites.case import Case
from conformance.suites.control import ControlPort
from conformance.suites.run import CaseOutcome, Listener, ServerOptions, ServerRun
from conformance.suites.target import Credentials, EmbeddedTarget, Target
from conformance.verdict import CaseResult, Verdict

__all__ = ["RecordMode", "RecordOptions", "Recorded", "record"]

_KEPT_DOMAINS = (".klarna.com", ".kustom.co")
# Characters beyond which a cassette is no part of a smallest set: one that is about size alone would outweigh the rest.
_SMALL = 40_000
_UNRECORDED = frozenset({Verdict.NOT_MEASURED, Verdict.ERROR})


class RecordMode(StrEnum):
    """When a cassette is written, in the words of pytest-recording; an episode is a whole case here.

    ``none`` writes nothing and says what is missing. ``once`` writes what is not there yet. ``new_episodes`` also
    replaces a cassette that lacks a request which its case makes now; two recordings are never mixed in one file.
    ``all`` replaces what the cases bring. ``rewrite`` also removes the cassettes of cases that exist no more.
    """

    NONE = "none"
    ONCE = "once"
    NEW_EPISODES = "new_episodes"
    ALL = "all"
    REWRITE = "rewrite"


@dataclass(frozen=True, slots=True)
class RecordOptions:
    """What to record, how, and where to.

    ``smallest`` keeps the fewest cassettes that still hold every operation's success and every refusal that a
    request can bring about. ``salt`` decides the pseudonyms.
    """

    server: ServerOptions
    directory: Path
    mode: RecordMode = RecordMode.ONCE
    smallest: bool = False
    salt: str = field(default=PUBLIC_SALT, repr=False)


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of the cases: cassettes written, left as they were, removed, and cases without one, with reasons.

    ``notes`` say what else is worth knowing of the run.
    """

    results: tuple[CaseResult, ...]
    written: tuple[Path, ...] = ()
    kept: tuple[Path, ...] = ()
    removed: tuple[Path, ...] = ()
    unrecorded: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()


class _Tapped:
    """A target that keeps what passes through it."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self.exchanges: list[Exchange] = []
        self.kind: str = target.kind
        self.prefix: str = target.prefix
        self.base_url: str = target.base_url
        self.credentials: Credentials = target.credentials
        self.other: Credentials | None = target.other
        self.control: ControlPort | None = target.control
        self.salt: str = target.salt
        self.waits: bool = target.waits

    def send(self, request: Request) -> Exchange:
        exchange = self._target.send(request)
        self.exchanges.append(exchange)
        return exchange

    def send_together(self, requests: Sequence[Request]) -> list[Exchange]:
        exchanges = self._target.send_together(requests)
        self.exchanges += exchanges
        return exchanges

    def close(self) -> None:
        self._target.close()


@dataclass(frozen=True, slots=True)
class _Take:
    """One case as it was played, ready to be written."""

    case: Case
    outcome: CaseOutcome
    text: str
    trouble: str
    cells: frozenset[object]


class _RecordedRun(ServerRun):
    """A run whose every word is kept.

    Each case gets a simulator of its own seed, so that no two cassettes speak of the same order.
    """

    def __init__(self, options: RecordOptions, contract: Contract | None = None) -> None:
        super().__init__(options.server, contract)
        self._record = options
        self._tap: _Tapped | None = None
        self._simulator: Simulator | None = None
        connected = self._targets

        def tapped(case_id: str) -> Target:
            if options.server.base_url is None:
                self._simulator = Simulator(
                    self.contract,
                    seed=_seed(options.server.seed, case_id),
                    behaviour=options.server.behaviour,
                    clock=Clock(),
                )
                self._tap = _Tapped(EmbeddedTarget(self._simulator))
            else:
                self._tap = _Tapped(connected(case_id))
            return self._tap

        self._targets = tapped

    def take(self, case: Case) -> _Take:
        """Play one case and make its cassette."""
        outcome = self.play(case)
        if outcome.result.verdict in _UNRECORDED:
            return _Take(case, outcome, "", outcome.result.why, frozenset())
        if self._tap is None:
            return _Take(case, outcome, "", "the case exchanged nothing", frozenset())
        redactor = self._redactor(self._tap)
        try:
            text = cassette_text(
                self._header(case, redactor), [redacted(exchange, redactor) for exchange in self._tap.exchanges]
            )
        except RecordingError as error:
            return _Take(case, outcome, "", str(error), frozenset())
        return _Take(case, outcome, text, "", _cells(outcome, self.contract))

    def _redactor(self, target: _Tapped) -> Redactor:
        known = [target.credentials] + ([target.other] if target.other else [])
        secrets = [
            secret for each in known for secret in (each.username, each.password, f"{each.username}:{each.password}")
        ]
        return redactor_for(self.contract, self._record.salt, secrets=secrets)

    def _header(self, case: Case, redactor: Redactor) -> Header:
        if self._simulator is not None:
            moment, expires = self._simulator.clock.now, None
            against = f"{SIMULATOR} ({self.options.behaviour} behaviour, seed {self.options.seed})"
        else:
            moment = datetime.now(UTC)
            expires = (moment + LIFETIME).date()
            host = (urlsplit(self.options.base_url or "").hostname or "").lower()
            # Only Klarna's own hosts are named: a private one may say who was asked.
            against = host if host.endswith(_KEPT_DOMAINS) else "a private server"
        return Header(
            case=case.id,
            contract=self.contract.digest,
            recorded_at=moment,
            recorded_against=against,
            redaction=POLICY_VERSION,
            salt=redactor.fingerprint,
            expires=expires,
        )


def record(options: RecordOptions, listener: Listener | None = None) -> Recorded:
    """Play the cases and write their cassettes.

    Raises UsageError and TargetError as a run does, and RecordingError when a cassette cannot be written; the
    cassettes that were complete by then stay.
    """
    if options.smallest and options.mode in (RecordMode.NONE, RecordMode.ONCE, RecordMode.NEW_EPISODES):
        raise UsageError("the smallest set can only be recorded as a whole: use the record mode all or rewrite")
    results: list[CaseResult] = []
    written: list[Path] = []
    kept: list[Path] = []
    unrecorded: list[tuple[str, str]] = []
    takes: list[_Take] = []
    wanted: dict[Path, str] = {}
    with _RecordedRun(options) as run:
        cases = run.cases()
        if listener is not None:
            listener.started(len(cases))
        for case in cases:
            path = cassette_path(options.directory, case.id)
            wanted[path] = case.id
            if _stays(path, options.mode):
                kept.append(path)
                continue
            if options.mode is RecordMode.NONE:
                unrecorded.append((case.id, f"there is no {path}"))
                continue
            take = run.take(case)
            results.append(take.outcome.result)
            if listener is not None:
                listener.finished(take.outcome.result)
            if take.trouble:
                unrecorded.append((case.id, take.trouble))
            elif options.smallest:
                if len(take.text) <= _SMALL:
                    takes.append(take)
            elif options.mode is RecordMode.NEW_EPISODES and _holds(path, take.text):
                kept.append(path)
            else:
                write_cassette(path, take.text)
                written.append(path)
        notes = run.finish()
        if options.smallest:
            chosen = _smallest(takes)
            wanted = {cassette_path(options.directory, take.case.id): take.case.id for take in chosen}
            for take in chosen:
                path = cassette_path(options.directory, take.case.id)
                write_cassette(path, take.text)
                written.append(path)
    removed = tuple(_remove_others(options.directory, wanted)) if options.mode is RecordMode.REWRITE else ()
    return Recorded(tuple(results), tuple(written), tuple(kept), removed, tuple(unrecorded), notes)


def _seed(seed: int, case_id: str) -> int:
    digest = hashlib.blake2b(f"{seed}|{case_id}".encode("utf-8", "surrogatepass"), digest_size=6).digest()
    return int.from_bytes(digest, "big")


def _stays(path: Path, mode: RecordMode) -> bool:
    return mode in (RecordMode.NONE, RecordMode.ONCE) and path.is_file()


def _holds(path: Path, text: str) -> bool:
    """Tell whether the cassette that is there has every request of the new one."""
    if not path.is_file():
        return False
    old = {key_of(each.exchange.request) for each in read_recording(path).interactions}
    new = {key_of(each.exchange.request) for each in parse_recording(text.encode(), path).interactions}
    return new <= old


def _cells(outcome: CaseOutcome, contract: Contract) -> frozenset[object]:
    """Name what a case shows: successes of operations, and the rows of the error table that a request can provoke.

    A case in which a failure of the service was ordered shows nothing here.
    """
    if any(status >= 500 or status == 429 for _, status, _ in outcome.errors):
        return frozenset()
    cells: set[object] = set(outcome.successes)
    for operation, status, code in outcome.errors:
        rows = [row for row in contract.errors.at(operation, status, code) if row.provoked_by is Party.CLIENT]
        if rows:
            cells.add(frozenset(row.id for row in rows))
    return frozenset(cells)


def _smallest(takes: Sequence[_Take]) -> list[_Take]:
    """Choose takes that together show everything, at each step the one that adds most, and of these the shortest."""
    missing: set[object] = set().union(*(take.cells for take in takes))
    chosen: list[_Take] = []
    while missing:
        best = min(takes, key=lambda take: (-len(take.cells & missing), len(take.text), take.case.id))
        chosen.append(best)
        missing -= best.cells
    return sorted(chosen, key=lambda take: take.case.id)


def _remove_others(directory: Path, wanted: Mapping[Path, str]) -> Iterable[Path]:
    """Remove our own cassettes that no case of this run stands for; files of other makers are left alone."""
    for path in sorted(directory.rglob("*.yaml")):
        if path in wanted:
            continue
        try:
            header = read_recording(path).header
        except RecordingError:
            continue
        if header is not None:
            path.unlink()
            yield path
