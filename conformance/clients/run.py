"""A run of the client suite: cases selected, played side by side, and summed up in one value."""

from __future__ import annotations

import asyncio
import difflib
import fnmatch
import shlex
import tempfile
import time
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import conformance
from conformance.clients.adapter import Adapter, AdapterError
from conformance.clients.call import Hello
from conformance.clients.double import Double
from conformance.clients.known_failing import KnownFailures
from conformance.clients.patience import GRACE_S, Patience
from conformance.clients.play import Player, full_password
from conformance.clients.process_adapter import ProcessAdapter
from conformance.clients.python_adapter import PythonAdapter, load_object
from conformance.clients.scenario import ClientCase, client_cases
from conformance.contract.contract import Contract, load_contract
from conformance.exceptions import UsageError
from conformance.simulator.merchant import Merchant
from conformance.verdict import CaseResult, RunResult, Verdict

__all__ = ["REFERENCE", "ClientOptions", "Listener", "adapter_for", "run_client_suite", "select_client_cases"]

REFERENCE = "conformance.clients.reference:connect"

# Cases in which a correct client may wait take places of their own, so that the quick ones need not.
_WAITING_PLACES = 40
_QUICK_PLACES = 8
# An adapter that fails this often in a row, or for this long, will not recover.
_MOST_FAILURES = 20
_LONGEST_FAILING_S = 100.0
# How often a case is begun anew since another one made the adapter unusable, and where its attempts then start.
_MOST_DISTURBED = 3
_DISTURBED = 100


class Listener(Protocol):
    """What is told while a run goes on."""

    def started(self, total: int) -> None:
        """Learn how many cases will run."""
        ...

    def finished(self, result: CaseResult) -> None:
        """Learn what a case came to."""
        ...


@dataclass(frozen=True, slots=True)
class ClientOptions:
    """Which client to judge and how much of it.

    ``adapter`` is a command that speaks the protocol, ``python`` names MODULE:OBJECT; with neither the bundled
    reference client is judged. ``client`` is a Python client that is at hand already, as ``python`` would load it.
    ``cases`` are globs over case ids and ``levels`` names of levels, everything when empty. ``known_failing`` is a
    file. ``patience_s`` is how long an adapter may be silent beyond the time limits of its calls, ``grace_s`` how long
    a client may be, while no request of its call arrives. ``mocked`` has httpx hand over its requests in this process,
    in place of a socket.
    """

    adapter: Sequence[str] | None = None
    python: str | None = None
    client: Any = None
    cases: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()
    seed: int = 0
    known_failing: Path | None = None
    patience_s: float = 30.0
    grace_s: float = GRACE_S
    mocked: bool = False

    @property
    def again(self) -> str:
        """The command that judges the same client again."""
        if self.adapter is not None:
            return f"klarna-conformance test-client --adapter {shlex.quote(shlex.join(self.adapter))}"
        via = " --via respx" if self.mocked else ""
        return f"klarna-conformance test-client --python {shlex.quote(self.python or REFERENCE)}{via}"


def select_client_cases(
    cases: Sequence[ClientCase], globs: Sequence[str] = (), levels: Sequence[str] = ()
) -> tuple[ClientCase, ...]:
    """Pick the cases whose id a glob matches, in their own order; raises UsageError for a glob that matches none."""
    for glob in globs:
        if not any(fnmatch.fnmatchcase(case.id, glob) for case in cases):
            near = difflib.get_close_matches(glob, [case.id for case in cases], n=1, cutoff=0.4)
            raise UsageError(f"no case matches {glob!r}" + (f"; did you mean {near[0]}?" if near else ""))
    known = {case.level for case in cases}
    for level in levels:
        if level not in known:
            raise UsageError(f"no level {level!r}; there are {', '.join(sorted(known))}")
    return tuple(
        case
        for case in cases
        if (not globs or any(fnmatch.fnmatchcase(case.id, glob) for glob in globs))
        and (not levels or case.level in levels)
    )


def adapter_for(options: ClientOptions, contract: Contract, authorities: Path | None = None) -> Adapter:
    """Make the adapter that the options name; raises UsageError when they contradict each other.

    ``authorities`` is a file of certificates that the client is to trust where it can be told so.
    """
    if sum(given is not None for given in (options.adapter, options.python, options.client)) > 1:
        raise UsageError("--adapter and --python name one client each; give one of them")
    if options.adapter is not None:
        if options.mocked:
            raise UsageError("--via respx is for clients in this process; an adapter needs a socket")
        return ProcessAdapter(options.adapter, patience_s=options.patience_s, authorities=authorities)
    name = options.python or REFERENCE
    made = load_object(name) if options.client is None else options.client
    label = "" if options.client is not None else name
    return PythonAdapter(made, contract.operations, name=label, patience_s=options.patience_s, authorities=authorities)


def run_client_suite(
    options: ClientOptions, listener: Listener | None = None, contract: Contract | None = None
) -> RunResult:
    """Judge a client and return everything that was found.

    Raises UsageError for options that cannot be met and AdapterError for an adapter that does not even say hello;
    one that fails later leaves the cases at hand in error.
    """
    chosen = contract or load_contract()
    every = client_cases(chosen)
    cases = select_client_cases(every, options.cases, options.levels)
    known = KnownFailures() if options.known_failing is None else KnownFailures.load(options.known_failing)
    with (
        tempfile.TemporaryDirectory() as directory,
        Double(chosen, seed=options.seed, merchants=_merchants(cases), mocked=options.mocked) as double,
        asyncio.Runner() as runner,
    ):
        authorities = None
        if any(case.needs_trust for case in cases) and not options.mocked:
            authorities = Path(directory) / "authorities.pem"
            authorities.write_text(double.authority_pem(), "ascii")
        adapter = adapter_for(options, chosen, authorities)
        if listener is not None:
            listener.started(len(cases))
        hello, results = runner.run(_judged(adapter, double, chosen, cases, options, listener))
        if options.mocked and not double.server.wire():
            raise UsageError("--via respx: no request of this client came through httpx; judge it over a socket")
    return RunResult(
        suite={"name": "klarna-conformance", "version": conformance.__version__, "contract": chosen.digest},
        target=_target(hello, options),
        seed=options.seed,
        cases=known.applied([results[case.id] for case in cases], [case.id for case in every]),
    )


async def _judged(
    adapter: Adapter,
    double: Double,
    contract: Contract,
    cases: Sequence[ClientCase],
    options: ClientOptions,
    listener: Listener | None,
) -> tuple[Hello, Mapping[str, CaseResult]]:
    try:
        hello = await adapter.start()
        patience = Patience(adapter, options.grace_s)
        player = Player(double, patience, hello, contract, options.seed, options.again)
        schedule = _Schedule(player, listener)
        await schedule.play(cases)
        return hello, schedule.results
    finally:
        await adapter.close()


class _Schedule:
    """Decides which case is played when, and what becomes of cases whose adapter failed."""

    def __init__(self, player: Player, listener: Listener | None) -> None:
        self.results: dict[str, CaseResult] = {}
        self._player = player
        self._listener = listener
        self._suspects: list[ClientCase] = []
        self._disturbed: Counter[str] = Counter()

    async def play(self, cases: Iterable[ClientCase]) -> None:
        """Play every case; each gets a verdict."""
        waiting: deque[ClientCase] = deque()
        quick: deque[ClientCase] = deque()
        for case in cases:
            (waiting if case.waits else quick).append(case)
        places = self._player.hello.concurrency or _WAITING_PLACES + _QUICK_PLACES
        slow_places = max(1, min(_WAITING_PLACES, places - min(_QUICK_PLACES, places // 2)))
        lanes = [self._lane(f"waiting-{number}", (waiting, quick)) for number in range(slow_places)]
        lanes += [self._lane(f"quick-{number}", (quick, waiting)) for number in range(places - slow_places)]
        await asyncio.gather(*lanes)
        await self._examine()

    async def _lane(self, name: str, queues: tuple[deque[ClientCase], ...]) -> None:
        """Play cases one after the other on one client object, first of its own kind, then of the other."""
        while (queue := next((queue for queue in queues if queue), None)) is not None:
            case = queue.popleft()
            try:
                # Attempts are numbered apart, so that no answer to one before can be taken for this one's.
                attempt = _DISTURBED * self._disturbed[case.id]
                self._note(await self._player.play(case, name, attempt))
            except AdapterError as error:
                if error.innocent and self._disturbed[case.id] < _MOST_DISTURBED:
                    self._disturbed[case.id] += 1
                    queue.append(case)
                elif error.alone:
                    self._note(_error(case, str(error)))
                else:
                    self._suspects.append(case)
            except Exception as bug:  # noqa: BLE001 - a fault of ours must end one case, not the run
                self._note(_error(case, f"the suite itself failed: {type(bug).__name__}: {bug}"))

    async def _examine(self) -> None:
        """Play the cases that were under way when the adapter failed once more, each alone, to find the culprits."""
        failures, failing_s = 0, 0.0
        last = ""
        for number, case in enumerate(self._suspects):
            if failures >= _MOST_FAILURES or failing_s >= _LONGEST_FAILING_S:
                self._note(
                    _error(case, f"not tried: the adapter failed {failures} times in a row, the last time: {last}")
                )
                continue
            begun = time.monotonic()
            try:
                self._note(await self._player.play(case, f"alone-{number}", attempt=1))
                failures = 0
            except AdapterError as error:
                failures, failing_s, last = failures + 1, failing_s + time.monotonic() - begun, str(error)
                self._note(_error(case, last))

    def _note(self, result: CaseResult) -> None:
        self.results[result.id] = result
        if self._listener is not None:
            self._listener.finished(result)


def _error(case: ClientCase, why: str) -> CaseResult:
    return CaseResult(case.id, Verdict.ERROR, case.level, (case.requirement,), why=why)


def _merchants(cases: Iterable[ClientCase]) -> Iterable[Merchant]:
    pairs = {
        step.credentials["username"]: full_password(step.credentials)
        for case in cases
        for step in case.steps
        if step.credentials
    }
    return [Merchant(username, password, username.partition("_")[0]) for username, password in pairs.items()]


def _target(hello: Hello, options: ClientOptions) -> dict[str, str]:
    target = {"kind": "client", "name": hello.name, "version": hello.version, "language": hello.language}
    target["adapter" if options.adapter is not None else "python"] = (
        shlex.join(options.adapter) if options.adapter is not None else options.python or REFERENCE
    )
    return target
