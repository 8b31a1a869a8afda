"""A run of the server suite: cases selected, played one by one, and summed up in one value."""

from __future__ import annotations

import difflib
import fnmatch
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol, Self

import conformance
from conformance.contract.contract import Contract, load_contract
from conformance.exceptions import TargetError, UsageError
from conformance.suites.case import Case, level_of, requirements_of
from conformance.suites.conversation import Conversation
from conformance.suites.coverage import Coverage
from conformance.suites.example_memory import ExampleMemory
from conformance.suites.health import Health
from conformance.suites.journal import CaseOutcome, Journal
from conformance.suites.matrix import matrix_cases
from conformance.suites.order_source import HookSource, OrderSource, TokenSource
from conformance.suites.pace import Pace
from conformance.suites.preparation import STATES, OrderPool, keeps_state
from conformance.suites.sandbox import PROBES, TIDYING, Sandbox, SandboxTarget
from conformance.suites.shard import Shard
from conformance.suites.stops import NotMeasuredError, TargetGoneError
from conformance.suites.target import Credentials, TargetFactory, UrlTarget, embedded_targets, on_loopback, reach
from conformance.suites.tidying import tidy
from conformance.verdict import CaseResult, Reported, RunResult, Severity, Verdict

__all__ = ["PROFILES", "CaseOutcome", "Listener", "ServerOptions", "ServerRun", "run_server_suite", "select_cases"]

PROFILES = ("quick", "default", "deep")
_NO_LEDGER = "the control interface shows no ledger: what orders report was not held against what was booked"
_INTERRUPTED = "interrupted"
_AFTER_FAILURE = "the run was to end at its first failure"


class Listener(Protocol):
    """What is told while a run goes on."""

    def started(self, total: int) -> None:
        """Learn how many cases will run."""
        ...

    def finished(self, result: CaseResult) -> None:
        """Learn what a case came to."""
        ...


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """What to judge and how much of it.

    Without ``base_url`` the embedded simulator is judged. ``order_ids`` are existing orders for a target without a
    control interface; each is used up by cases that change it. ``cases`` are globs over case ids, all of them when
    empty. ``behaviour`` is the embedded simulator's, ``fault`` the fault of the zoo that it has, empty for none.
    ``examples`` is the address of a memory of failing examples, empty for none.
    ``shard`` is the part of the cases that is played here, None for all. ``ca_file`` holds authorities to trust, in
    PEM. ``sandbox`` says how a target that others share is used, None for one that is the user's own. With
    ``fail_fast`` nothing is sent after the first case that fails.
    """

    base_url: str | None = None
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    control_url: str | None = None
    order_ids: tuple[str, ...] = ()
    seed: int = 0
    profile: str = "default"
    cases: tuple[str, ...] = ()
    behaviour: str = "documented"
    fault: str = ""
    shard: Shard | None = None
    examples: str = field(default="", repr=False)
    ca_file: Path | None = None
    sandbox: Sandbox | None = None
    fail_fast: bool = False


def select_cases(cases: Sequence[Case], globs: Sequence[str]) -> tuple[Case, ...]:
    """Pick the cases whose id a glob matches, in their own order; raises UsageError for a glob that matches none."""
    if not globs:
        return tuple(cases)
    for glob in globs:
        if not any(fnmatch.fnmatchcase(case.id, glob) for case in cases):
            near = difflib.get_close_matches(glob, [case.id for case in cases], n=1, cutoff=0.4)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise UsageError(f"no case matches {glob!r}{hint}")
    return tuple(case for case in cases if any(fnmatch.fnmatchcase(case.id, glob) for glob in globs))


class ServerRun:
    """One target and everything that the cases of a run share; a context manager that gives the target back.

    ``targets`` puts servers of the caller's own in place of the embedded simulator.
    """

    def __init__(
        self, options: ServerOptions, contract: Contract | None = None, targets: TargetFactory | None = None
    ) -> None:
        if options.profile not in PROFILES:
            raise UsageError(f"no profile {options.profile!r}; there are {', '.join(PROFILES)}")
        self.options = options
        self.contract = contract or load_contract()
        self.health = Health()
        self.pool = OrderPool(options.order_ids)
        self._numbers: Mapping[str, int] = {}
        if options.examples and options.profile == "quick":
            raise UsageError("a memory of examples is for profiles that generate some: use --profile default or deep")
        self._memory = ExampleMemory.at(options.examples, self.contract) if options.examples else None
        self._server: UrlTarget | None = None
        self._shared: SandboxTarget | None = None
        self.journal = self._opened()
        self._targets = targets or self._connected()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._memory is not None:
            self._memory.close()
        if self._server is not None:
            self._server.close()

    @property
    def has_control(self) -> bool:
        """Whether orders can be made to measure."""
        return self._server is None or self._server.control is not None

    @property
    def target(self) -> dict[str, str]:
        """Describe the target for the reports."""
        if self._server is None:
            described = {"kind": "simulator", "behaviour": self.options.behaviour}
            return {**described, "fault": self.options.fault} if self.options.fault else described
        return {"kind": "url", "base_url": self._server.base_url}

    def cases(self) -> tuple[Case, ...]:
        """Return the cases of the profile, those that leave an order as it is first where orders are scarce."""
        cases = list(matrix_cases(self.contract, self.options.profile))
        if self.options.profile != "quick":
            from conformance.suites.schemathesis_driver import schemathesis_cases  # noqa: PLC0415 - heavy
            from conformance.suites.state_machine import walk_cases  # noqa: PLC0415 - heavy

            cases.extend(walk_cases(self.options.profile, self._memory))
            cases.extend(schemathesis_cases(self.contract, self.options.profile, self._memory))
        if not self.has_control:
            cases.sort(key=self._cost)
        self._numbers = {case.id: number for number, case in enumerate(cases, 1)}
        selected = select_cases(cases, self.options.cases)
        plan = self.options.sandbox.plan if self.options.sandbox is not None else ()
        if plan:
            places = {case_id: place for place, case_id in enumerate(plan)}
            selected = tuple(sorted(selected, key=lambda case: places.get(case.id, len(plan))))
        shard = self.options.shard
        return selected if shard is None else tuple(case for case in selected if shard.holds(case.id))

    def number(self, case: Case) -> int:
        """Return the place of a case among all that the profile has, from 1."""
        return self._numbers[case.id]

    def play(self, case: Case) -> CaseOutcome:
        """Play one case, or take it from the journal; whatever goes wrong becomes its verdict."""
        if self.journal is None:
            return self._played(case)
        known = self.journal.outcomes.get(case.id)
        if known is None:
            known = self._played(case)
            self.journal.note_case(known)
        return known

    def finish(self) -> tuple[str, ...]:
        """Leave the orders that this run made as light as they can be left, and say what was done and what was not."""
        if self._shared is None or not self.pool.made:
            control = None if self._server is None else self._server.control
            return () if control is None or control.shows_ledger else (_NO_LEDGER,)
        done = tidy(
            self._shared.send_tidying, self._shared.credentials.authorization, self.pool.made, self._shared.prefix
        )
        told = ", ".join(f"{number} {what}" for what, number in done.items()) or "nothing was left to do"
        return (f"tidied {len(self.pool.made)} orders: {told}",)

    def _played(self, case: Case) -> CaseOutcome:
        begun = time.perf_counter()
        conversation = Conversation(
            self.contract, self._targets(case.id), case.id, self.options.seed, self.pool, self.health
        )
        why = ""
        verdict: Verdict | None = None
        try:
            self.health.check()
            case.play(conversation)
            conversation.audit()
        except NotMeasuredError as reason:
            why, verdict = str(reason), Verdict.NOT_MEASURED
        except (TargetGoneError, TargetError) as reason:
            why, verdict = str(reason), Verdict.ERROR
        except Exception as bug:  # noqa: BLE001 - a fault of ours must end one case, not the run
            why, verdict = f"the suite itself failed: {type(bug).__name__}: {bug}", Verdict.ERROR
        conversation.give_back()
        return CaseOutcome(
            _result(case, conversation, verdict, why, time.perf_counter() - begun, self.contract),
            frozenset(conversation.cells),
            frozenset(conversation.successes),
        )

    def _cost(self, case: Case) -> tuple[bool, int, bool]:
        """Where orders are scarce: first what leaves an order in its state, then what is reached in few steps."""
        moves = case.consumes and not (case.operation and keeps_state(self.contract, case.operation))
        state = STATES.get(case.state)
        return moves, len(state.steps) if state else 0, case.operation == "cancelOrder"

    def _connected(self) -> TargetFactory:
        options = self.options
        if options.base_url is None:
            if options.behaviour not in ("documented", "observed"):
                raise UsageError(f"no behaviour {options.behaviour!r}; there are documented, observed")
            return embedded_targets(self.contract, seed=options.seed, behaviour=options.behaviour, fault=options.fault)
        if not options.username or not options.password:
            raise UsageError("a server needs credentials: set KLARNA_USERNAME and KLARNA_PASSWORD")
        credentials = Credentials(options.username, options.password)
        server = reach(options.base_url, credentials, control_url=options.control_url or "", ca_file=options.ca_file)
        self._server = server
        if options.sandbox is None or server.control is not None:
            return lambda _: server
        shared = self._sharing(server, options.sandbox)
        return lambda _: shared

    def _opened(self) -> Journal | None:
        options = self.options
        if options.sandbox is None or options.sandbox.resume is None:
            return None
        run = {
            "contract": self.contract.digest,
            "profile": options.profile,
            "seed": str(options.seed),
            "target": options.base_url or "simulator",
        }
        return Journal(options.sandbox.resume, run)

    def _sharing(self, server: UrlTarget, sandbox: Sandbox) -> SandboxTarget:
        """Put pace, budget and a source of orders before a server that is not the user's own."""
        pace = Pace(rate=sandbox.rate)
        if on_loopback(server.base_url):
            # Nobody's service is spared by waiting for a stand-in.
            pace.pause = 0.1
        server.repeats = False
        shared = self._shared = SandboxTarget(server, pace, sandbox.budget, sent=PROBES)
        source: OrderSource | None = None
        if sandbox.customer_token:
            source = TokenSource(
                sandbox.customer_token,
                shared.send,
                server.credentials.authorization,
                server.prefix,
                sandbox.currency,
            )
        elif sandbox.order_hook:
            source = HookSource(sandbox.order_hook, sandbox.currency)
        made = self.journal.orders if self.journal is not None else []
        self.pool = OrderPool(
            (*self.options.order_ids, *made),
            source,
            made=made,
            note_made=self.journal.note_order if self.journal is not None else None,
        )
        self.pool.stage = shared
        shared.reserved = lambda: TIDYING * len(self.pool.made)
        return shared


def run_server_suite(
    options: ServerOptions, listener: Listener | None = None, targets: TargetFactory | None = None
) -> RunResult:
    """Judge a server and return everything that was found; ``targets`` as for a ServerRun.

    Raises UsageError for options that cannot be met and TargetError when the target is out of reach or refuses the
    credentials; a target that stops answering later leaves the remaining cases in error.
    """
    with ServerRun(options, targets=targets) as run:
        cases = run.cases()
        coverage = Coverage(
            run.contract,
            behaviour=options.behaviour if options.base_url is None else "",
            control=run.has_control,
            complete=not options.cases,
            sharded=options.shard is not None,
        )
        if listener is not None:
            listener.started(len(cases))
        results: list[CaseResult] = []
        left, why = Verdict.NOT_MEASURED, _AFTER_FAILURE
        for case in cases:
            if options.fail_fast and results and results[-1].verdict is Verdict.FAILED:
                break
            try:
                outcome = run.play(case)
            except KeyboardInterrupt:
                # What was found so far is worth a report.
                left, why = Verdict.ERROR, _INTERRUPTED
                break
            result = replace(outcome.result, number=run.number(case))
            results.append(result)
            coverage.note(outcome.errors, outcome.successes)
            if result.verdict is Verdict.NOT_MEASURED:
                coverage.unmeasured.setdefault(case.operation, []).append(result.why)
            if listener is not None:
                listener.finished(result)
        for case in cases[len(results) :]:
            results.append(_left_out(case, run, left, why))
            coverage.unmeasured.setdefault(case.operation, []).append(why)
        return RunResult(
            suite={
                "name": "klarna-conformance",
                "version": conformance.__version__,
                "contract": run.contract.digest,
                "profile": options.profile,
                **({"cases": " ".join(options.cases)} if options.cases else {}),
                **({"examples": "shared"} if options.examples else {}),
                **({"shard": str(options.shard)} if options.shard else {}),
            },
            target=run.target,
            seed=options.seed,
            cases=tuple(results),
            operations=coverage.operations(),
            errors=coverage.cells(),
            notes=run.finish(),
        )


def _result(
    case: Case, conversation: Conversation, verdict: Verdict | None, why: str, duration: float, contract: Contract
) -> CaseResult:
    findings = tuple(conversation.findings)
    if verdict is not Verdict.ERROR and findings:
        # What was found before a case came to its end stands.
        worst = _worst(findings)
        verdict = worst if verdict is None or worst is Verdict.FAILED else verdict
    if verdict is None and not conversation.exchanges:
        verdict, why = Verdict.ERROR, "the case exchanged nothing"
    return CaseResult(
        id=case.id,
        verdict=verdict or Verdict.PASSED,
        level=level_of(case.codes, contract).value,
        requirements=requirements_of(case.codes, contract),
        findings=findings,
        duration_s=duration,
        exchanges=len(conversation.exchanges),
        why=why,
    )


def _left_out(case: Case, run: ServerRun, verdict: Verdict, why: str) -> CaseResult:
    return CaseResult(
        id=case.id,
        verdict=verdict,
        level=level_of(case.codes, run.contract).value,
        requirements=requirements_of(case.codes, run.contract),
        why=why,
        number=run.number(case),
    )


def _worst(findings: Sequence[Reported]) -> Verdict:
    unexplained = [finding for finding in findings if not finding.known]
    if any(finding.severity is Severity.MUST for finding in unexplained):
        return Verdict.FAILED
    return Verdict.WARNING if unexplained else Verdict.KNOWN
