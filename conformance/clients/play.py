"""Plays one case: prepares its order, makes its calls, and lets three witnesses speak."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

from conformance.clients.adapter import AdapterError
from conformance.clients.call import (
    Call,
    CouldNotTry,
    Hello,
    NeverReturned,
    Outcome,
    Oversized,
    Raised,
    Returned,
    Unsupported,
)
from conformance.clients.double import Double
from conformance.clients.evidence import ENDLESS, Accusation, CallEvidence, Sent
from conformance.clients.outcome_checks import outcome_accusations
from conformance.clients.patience import GaveUpError, Patience
from conformance.clients.request_checks import request_accusations
from conformance.clients.retry_checks import ledger_accusations, retry_accusations
from conformance.clients.scenario import ClientCase, Step
from conformance.clients.secret import masked
from conformance.clients.story import story
from conformance.clients.template import UnknownNameError, fill
from conformance.contract.contract import Contract
from conformance.simulator.merchant import DEFAULT_MERCHANTS
from conformance.verdict import CaseResult, Reported, Severity, Verdict

__all__ = ["Player", "credentials_of", "full_password"]

_NAMESPACE = uuid.UUID("6f1f6a3c-6a0b-5d3c-9d57-2f6f1f8f0c11")
_READ = "getOrder"
_MOST_TRIES = 3


class NotMeasuredError(Exception):
    """The case cannot be put to this client; the text is the reason."""


def full_password(credentials: Mapping[str, Any]) -> str:
    """Return the password of a pair, lengthened until user name, colon and password have ``pad_to`` bytes."""
    password: str = credentials["password"]
    missing = credentials.get("pad_to", 0) - len(f"{credentials['username']}:{password}".encode())
    return password + "0123456789abcdef" * (missing // 16) + "x" * (missing % 16) if missing > 0 else password


def credentials_of(step: Step) -> tuple[str, str]:
    """Return user name and password of a call."""
    if step.credentials:
        return step.credentials["username"], full_password(step.credentials)
    return DEFAULT_MERCHANTS[0].username, DEFAULT_MERCHANTS[0].password


@dataclass(frozen=True, slots=True)
class Player:
    """Everything that the cases of a run share. ``again`` is the command that plays one case, less its id."""

    double: Double
    patience: Patience
    hello: Hello
    contract: Contract
    seed: int
    again: str = ""

    async def play(self, case: ClientCase, session: str, attempt: int = 0) -> CaseResult:
        """Play a case; raises AdapterError when the adapter fails. ``attempt`` tells a replay from the first."""
        begun = time.perf_counter()
        for more in range(_MOST_TRIES):
            try:
                self._refuse_without(case)
                findings, exchanges, lost = await self._played(case, session, attempt + more * _MOST_TRIES)
                why = ""
            except (NotMeasuredError, GaveUpError) as reason:
                findings, exchanges, lost, why = [], 0, False, str(reason)
            # A pool that clients share may hand out a connection that another case has left dead.
            if not lost:
                break
        return CaseResult(
            id=case.id,
            verdict=_verdict(findings, why),
            level=case.level,
            requirements=tuple(dict.fromkeys((case.requirement, *(finding.requirement for finding in findings)))),
            findings=tuple(findings),
            duration_s=time.perf_counter() - begun,
            exchanges=exchanges,
            why=why,
        )

    async def _played(self, case: ClientCase, session: str, attempt: int) -> tuple[list[Reported], int, bool]:
        """Play a case once; returns findings, the number of requests, and whether one that was called for got lost."""
        findings: list[Reported] = []
        exchanges = 0
        lost = False
        game = _Game(self, case, f"{case.id}#{attempt}" if case.own_session else session, attempt)
        async for evidence in game.calls():
            exchanges += len(evidence.sent)
            refused = evidence.step.may_refuse or isinstance(evidence.outcome, Returned | NeverReturned)
            lost = lost or not (evidence.sent or refused)
            findings.extend(self._reported(evidence, case, game.token))
        # Refusing to send is the right answer to some questions; then the refusal is the exchange.
        return findings, exchanges if exchanges or findings else 1, lost

    def plain_call(self, case: ClientCase) -> Call:
        """Return the call of a case, on an order of its own and with nothing in its way."""
        step = replace(case.steps[0], script=(), path={}, key=None)
        return _Game(self, replace(case, steps=(step,)), f"plain {case.id}", 0).plain(step)

    def _refuse_without(self, case: ClientCase) -> None:
        if case.operation not in self.hello.operations:
            raise NotMeasuredError(f"the client has no {case.operation}")
        if case.has_key and not self.hello.has("idempotency_key"):
            raise NotMeasuredError("the client takes no idempotency key")
        lacking = self.double.lacks(case)
        if lacking:
            raise NotMeasuredError(f"not without a socket: {lacking}")

    def _reported(self, evidence: CallEvidence, case: ClientCase, token: str) -> Iterator[Reported]:
        accusations: list[Accusation] = [
            *request_accusations(evidence, self.contract),
            *retry_accusations(evidence, self.contract),
            *ledger_accusations(evidence),
            *outcome_accusations(evidence),
        ]
        if not accusations:
            return
        secrets = {evidence.call.password}
        lines = tuple(masked(line, secrets) for line in story(evidence))
        last = evidence.last
        for accusation in accusations:
            code = self.contract.findings[accusation.code]
            yield Reported(
                code=code.code,
                severity=self.contract.requirements[code.requirement].keyword,
                message=masked(f"{accusation.witness}: {accusation.message}", secrets),
                operation=evidence.call.operation,
                status=None if last is None else last.status,
                error_code=evidence.told.error_code,
                requirement=code.requirement,
                curl=self._command(case, token),
                story=(*lines, f"costs: {code.costs}"),
            )

    def _command(self, case: ClientCase, token: str) -> str:
        lines = [f"{self.again} --case '{case.id}' --seed {self.seed}"]
        if token:
            lines.append(f"# what the server did: {token}")
        return "\n".join(lines)


class _Game:
    """One playing of one case, with an order of its own."""

    def __init__(self, player: Player, case: ClientCase, session: str, attempt: int) -> None:
        self.token = ""
        self._player = player
        self._double = player.double
        self._case = case
        self._session = player.patience.session(session)
        self._attempt = attempt
        self._value: Any = None
        self._order = ""
        self._other = ""

    async def calls(self) -> AsyncIterator[CallEvidence]:
        """Yield the evidence of one call after the other."""
        self._prepare()
        if self._case.needs_trust:
            await self._trusting()
        for number, step in enumerate(self._case.steps):
            if step.operation not in self._player.hello.operations:
                if number == 0 or step.operation == self._case.operation:
                    raise NotMeasuredError(f"the client has no {step.operation}")
                continue
            if step.warm:
                await self._warm(number, step)
            evidence = await self._called(number, step)
            if isinstance(evidence.outcome, Unsupported):
                if number and step.operation != self._case.operation:
                    return
                raise NotMeasuredError(f"the client has no {step.operation}")
            if isinstance(evidence.outcome, CouldNotTry):
                raise NotMeasuredError(f"could not try: {evidence.outcome.why}")
            yield evidence
            if isinstance(evidence.outcome, NeverReturned):
                # What came after it would be another client.
                return
            self._value = evidence.outcome.value if isinstance(evidence.outcome, Returned) else None

    def plain(self, step: Step) -> Call:
        """Make an order and return a call on it that nobody judges."""
        self._prepare()
        known = self._known(0)
        return self._call("p", step, fill(step.body, known), self._path(step, known))

    def _path(self, step: Step, known: Mapping[str, Any]) -> dict[str, str]:
        return {
            name: fill(step.path.get(name, f"{{{name.removesuffix('_id')}}}"), known)
            for name in self._player.contract.operations[step.operation].parameters
        }

    def _prepare(self) -> None:
        username, _ = credentials_of(self._case.steps[0])
        fields = {**self._case.order, "merchant": username}
        self._order = self._double.create_order(fields)
        if any(step.spares for step in self._case.steps):
            self._other = self._double.create_order(fields)

    async def _trusting(self) -> None:
        """Make sure that a refusal is one of this certificate, and not of the authority behind it."""
        step = self._case.steps[0]
        if step.operation in self._player.hello.operations:
            call = self._player.plain_call(replace(self._case, certificate="trusted"))
            outcome = await self._outcome(replace(call, id=f"t{call.id}", session=f"{call.session} trusted"), ())
            if isinstance(outcome, Raised):
                raise NotMeasuredError(
                    f"the client does not trust the authority that it is given: {outcome.text[:200]}"
                )

    async def _warm(self, number: int, step: Step) -> None:
        """Leave a kept-alive connection behind, by a read that is not judged."""
        if _READ in self._player.hello.operations:
            await self._outcome(self._call(f"w{number}", Step(_READ, credentials=step.credentials), None, {}), ())

    async def _called(self, number: int, step: Step) -> CallEvidence:
        known = self._known(number)
        try:
            path = self._path(step, known)
            body = fill(step.body, known)
            key = fill(step.key, known)
            script = [fill(given, known) for given in step.script]
        except UnknownNameError as error:
            name = error.args[0].partition(".")[2] or error.args[0]
            raise NotMeasuredError(f"the client returned no {name}") from None
        call = self._call(str(number), step, body, path, key)
        expected = self._expected(step, call)
        if step.also and isinstance(expected, dict):
            script = [
                {"answer": {"status": 200, "media": "application/json", "body": json.dumps(expected | dict(step.also))}}
            ]
            expected = {name: value for name, value in expected.items() if name not in step.also}
        if script:
            self.token = self._double.script(self._order, step.operation, script, self._case.id)
        ids = {self._order, self._other} - {""}
        before = len(self._double.movements(self._order))
        before_other = len(self._double.movements(self._other)) if self._other else 0
        waited_s = self._double.waited_s(self._order)
        begun = time.monotonic()
        outcome = await self._outcome(call, step.script)
        elapsed_s = time.monotonic() - begun + self._double.waited_s(self._order) - waited_s
        doubt = self._double.doubt(self._order)
        if doubt:
            raise NotMeasuredError(doubt)
        sent = tuple(one for one in self._double.sent(ids) if one.at_s >= begun)
        if isinstance(outcome, Oversized) and not any(one.toxic in ENDLESS for one in sent):
            raise AdapterError(f"the adapter wrote a line of {outcome.size} bytes for an answer of ordinary size")
        return CallEvidence(
            call=call,
            step=step,
            outcome=outcome,
            sent=sent,
            moved=self._double.movements(self._order)[before:],
            moved_other=self._double.movements(self._other)[before_other:] if self._other else (),
            expected_value=expected,
            stray=self._double.stray(ids) if "redirect" in self._case.id else (),
            elapsed_s=elapsed_s,
            asked_s=_asked_s(sent, step.operation),
            tls=self._case.tls,
        )

    async def _outcome(self, call: Call, script: Iterable[Any]) -> Outcome:
        begun = time.monotonic()
        ids = {self._order, self._other} - {""}
        delay_s = sum(_delay_ms(toxic) for toxic in script if toxic) / 1000
        return await self._player.patience.outcome(
            call,
            lambda: [one.at_s for one in self._double.sent(ids) if one.at_s >= begun],
            lambda: self._player.plain_call(self._case),
            delay_s,
        )

    def _call(self, number: str, step: Step, body: Any, path: Mapping[str, str], key: str | None = None) -> Call:
        username, password = credentials_of(step)
        return Call(
            id=f"{self._case.id}#{self._attempt}.{number}",
            session=self._session,
            base_url=self._double.base_url(self._case.certificate),
            username=username,
            password=password,
            operation=step.operation,
            path=path or {"order_id": self._order},
            body=body,
            idempotency_key=key,
            timeout_s=step.timeout_s,
        )

    def _known(self, number: int) -> dict[str, Any]:
        made = {kind: made_id for kind, _, made_id in self._double.movements(self._order) if made_id}
        name = f"{self._player.seed}/{self._case.id}/{self._attempt}/{number}"
        known = {
            "order": self._order,
            "other_order": self._other,
            "new_key": str(uuid.uuid5(_NAMESPACE, name)),
            "correlation": str(uuid.uuid5(_NAMESPACE, f"{name}/correlation")),
            "other_origin": self._double.other_origin_url,
            # Dates have whole seconds: rounded up, so that at least one second is asked for.
            "soon": format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True),
            **made,
        }
        return known | {"value": self._value} if isinstance(self._value, Mapping) else known

    def _expected(self, step: Step, call: Call) -> Any:
        operation = self._player.contract.operations[step.operation]
        if operation.writes or any(step.path):
            return None
        return self._double.answer(step.operation, call.path, call.username, call.password)


def _delay_ms(toxic: Mapping[str, Any]) -> int:
    """Say how long the server takes for an answer before, and beside, what the client does."""
    return sum(parameters.get("ms", 0) for parameters in toxic.values() if isinstance(parameters, Mapping))


def _asked_s(sent: tuple[Sent, ...], operation: str) -> float:
    """Say for how many seconds the first answer asked to be left alone, counted from the arrival of its request."""
    first = next((one for one in sent if one.operation == operation), None)
    if first is None or first.response is None or first.response.status < 400:
        return 0.0
    headers = first.response.headers
    given = headers.get("Retry-After") or (headers.get("X-Ratelimit-Reset") if first.status == 429 else None) or "0"
    if given.isdecimal():
        return float(given)
    arrived = time.time() - (time.monotonic() - first.at_s)
    return parsedate_to_datetime(given).timestamp() - arrived


def _verdict(findings: list[Reported], why: str) -> Verdict:
    if any(finding.severity is Severity.MUST for finding in findings):
        return Verdict.FAILED
    if findings:
        return Verdict.WARNING
    return Verdict.NOT_MEASURED if why else Verdict.PASSED
