"""What a case says to a target: requests in order, each answer judged, each write read back."""

from __future__ import annotations

import json
import os
import random
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from typing import Any, Protocol
from urllib.parse import quote

from conformance.contract.contract import Contract
from conformance.exchange import Exchange, Headers, Request, Response
from conformance.judge.finding import Finding
from conformance.judge.judge import Judge
from conformance.judge.observation import unroutable
from conformance.recordings.discreet import DiscreetJudge
from conformance.recordings.pseudonym import PUBLIC_SALT, SALT_VARIABLE
from conformance.recordings.redaction import Redactor, redactor_for
from conformance.suites.curl import curls, story
from conformance.suites.health import Health
from conformance.suites.ledger_audit import discrepancies
from conformance.suites.prepared_order import PreparedOrder
from conformance.suites.reply import Expected, Reply
from conformance.suites.retry import ATTEMPTS, may_pass, passing, pause
from conformance.suites.stops import NotMeasuredError
from conformance.suites.target import Credentials, Target, on_loopback
from conformance.suites.target_clock import TargetClock
from conformance.suites.told_control import ControlStep, ToldControl, interleaved
from conformance.verdict import Reported, Severity

__all__ = ["Conversation", "Key", "encoded"]

REFUSED_AS_INVALID = frozenset({400, 406, 413, 415, 422})
INJECTED = "X-Injected"
# Findings of one case beyond this number say nothing new.
MOST_FINDINGS = 50


class Key(Enum):
    """Which idempotency key a write carries: one of its own, or none."""

    FRESH = "fresh"
    NONE = "none"


class GivenOrders(Protocol):
    """The orders that exist already on a target that cannot make any."""

    @property
    def given(self) -> tuple[str, ...]:
        """Their ids, empty where a control interface makes orders."""
        ...

    def take(self, conversation: Conversation, state: Any) -> PreparedOrder:
        """Find an order that is in a prepared state, or can be brought there."""
        ...

    def note(self, order_id: str, document: Any) -> None:
        """Keep what a read showed of an order."""
        ...

    def forget(self, order_ids: Iterable[str]) -> None:
        """Read these orders again before they serve for anything."""
        ...


@dataclass(slots=True)
class Conversation:
    """One case in progress: target, judge, and everything said so far.

    ``exchanges`` holds outlines: requests whole, answers without headers and body. ``chapter`` is where the story of
    the present order begins among them. ``control`` is None where orders cannot be made to measure; ``steps`` are what
    was asked of it.
    """

    contract: Contract
    target: Target
    case_id: str
    seed: int
    pool: GivenOrders
    health: Health = field(default_factory=Health)
    exchanges: list[Exchange] = field(default_factory=list)
    chapter: int = 0
    steps: list[ControlStep] = field(default_factory=list)
    control: ToldControl | None = field(init=False)
    findings: list[Reported] = field(default_factory=list)
    cells: set[tuple[str, int, str]] = field(default_factory=set)
    successes: set[tuple[str, int]] = field(default_factory=set)
    last_reads: dict[str, Reply] = field(default_factory=dict)
    touched: set[str] = field(default_factory=set)
    judge: Judge | DiscreetJudge = field(init=False)
    redactor: Redactor | None = field(init=False)
    _clock: TargetClock = field(init=False)
    random: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.redactor = None if on_loopback(self.target.base_url) else _redactor(self.contract, self.target)
        if self.redactor is None:
            self.judge = Judge(self.contract, credentials_visible=True)
        else:
            # The orders of a real service belong to people, and reports go round.
            self.judge = DiscreetJudge(self.contract, self.redactor)
        given = self.target.control
        self.control = None if given is None else ToldControl(given, self.steps.append, self.exchanges.__len__)
        self._clock = TargetClock(given)
        # Ids that repeat with the seed, no secrets.
        self.random = random.Random(f"{self.seed}:{self.case_id}:{self.target.salt}")  # noqa: S311 - see above

    def new_id(self) -> str:
        """Make a UUID that belongs to nobody; it repeats with the seed where the target starts from nothing."""
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def path(self, operation: str, ids: Mapping[str, str]) -> str:
        """Write the request target of an operation; ids are percent-encoded."""
        path = self.contract.operations[operation].path
        for name, value in ids.items():
            path = path.replace("{" + name + "}", _quoted(value))
        return self.target.prefix + path

    def call(
        self,
        operation: str,
        ids: Mapping[str, str],
        body: Any = None,
        *,
        raw: bytes | None = None,
        key: Key | str = Key.FRESH,
        media: str | None = "application/json",
        credentials: Credentials | None = None,
        authorization: str | None = None,
        method: str = "",
        target: str = "",
        extra: Sequence[tuple[str, str]] = (),
        provoked: bool = False,
        expected: Expected | None = None,
    ) -> Reply:
        """Send one request of an operation, judge the answer, and return it.

        ``body`` is sent as JSON, ``raw`` as it stands. ``authorization`` replaces the header value; an empty text
        leaves it out. ``method`` and ``target`` replace the operation's own, ``extra`` are further headers.
        ``provoked`` says that a failure was ordered, so that it is neither repeated nor held against the target.
        """
        if authorization is None:
            authorization = (credentials or self.target.credentials).authorization
        request = self.request(
            operation,
            ids,
            body,
            raw=raw,
            key=key,
            media=media,
            authorization=authorization,
            method=method,
            target=target,
            extra=extra,
        )
        reply = self.send(request, provoked=provoked)
        if expected is not None:
            self._compare(reply, operation, expected)
        return reply

    def request(
        self,
        operation: str,
        ids: Mapping[str, str],
        body: Any = None,
        *,
        raw: bytes | None = None,
        key: Key | str = Key.FRESH,
        media: str | None = "application/json",
        authorization: str | None = None,
        method: str = "",
        target: str = "",
        extra: Sequence[tuple[str, str]] = (),
    ) -> Request:
        """Write a request without sending it; the arguments are those of ``call``."""
        described = self.contract.operations[operation]
        payload = raw if raw is not None else b"" if body is None else encoded(body)
        if authorization is None:
            authorization = self.target.credentials.authorization
        headers = [("Authorization", authorization)] if authorization else []
        headers.append(("Accept", "application/json"))
        if (payload or described.body is not None) and media is not None:
            headers.append(("Content-Type", media))
        if described.writes and key is not Key.NONE:
            headers.append(("Klarna-Idempotency-Key", self.new_id() if key is Key.FRESH else str(key)))
        headers.extend(extra)
        return Request(method or described.method, target or self.path(operation, ids), Headers(headers), payload)

    def together(self, requests: Sequence[Request], rank: Callable[[Exchange], int] | None = None) -> list[Reply]:
        """Send requests at the same moment and judge the answers in an order that can have been theirs.

        Whoever won went first, so successes are judged first; ``rank`` knows better where reads are among them.
        """
        self.health.check()
        exchanges = self.target.send_together(requests)
        return [self._heard(exchange) for exchange in sorted(exchanges, key=rank or _rank)]

    def report(self, code: str, message: str, reply: Reply | None = None, operation: str = "") -> None:
        """Add a finding of the case itself, unless the judge has already said the same of this exchange."""
        if reply is not None and any(finding.code == code for finding in reply.judgement.findings):
            return
        requirement = self.contract.requirements[self.contract.findings[code].requirement]
        cell = reply.judgement.cell if reply is not None else None
        self._keep(
            Finding(
                code,
                requirement.keyword,
                requirement.id,
                message if self.redactor is None else self.redactor.message(message),
                operation or (cell[0] if cell else ""),
                (reply.status or None) if reply is not None else None,
                cell[2] if cell else "",
            )
        )

    def send(self, request: Request, *, provoked: bool = False) -> Reply:
        """Send a request as the retry policy allows: again after 5xx, 409 or 429, if it reads or carries a key."""
        # Orders that were made for this may move twice: the judge follows what is done, and nobody pays.
        own = self.control is not None
        repeatable = own or request.method == "GET" or "klarna-idempotency-key" in request.headers
        reply = self._once(request)
        attempt = 1
        while not provoked and repeatable and attempt < ATTEMPTS and may_pass(reply.status):
            if self.target.waits:
                time.sleep(pause(reply.exchange.response, attempt))
            attempt += 1
            # Whatever it was in conflict with has had its time by now: nobody else knows of these orders.
            self.judge.undisturbed = attempt == ATTEMPTS
            reply = self._once(request)
            self.judge.undisturbed = False
        if provoked:
            return reply
        if reply.status == 429:
            raise NotMeasuredError("the target kept refusing for its rate limit (429)")
        if passing(reply.status) and attempt == 1:
            raise NotMeasuredError(f"answered {reply.status}, and without a key it must not be asked again")
        if passing(reply.status):
            self.report("KOM-206", f"answered {reply.status} {attempt} times", reply)
        return reply

    def _once(self, request: Request) -> Reply:
        self.health.check()
        return self._heard(self.target.send(request))

    def _heard(self, exchange: Exchange) -> Reply:
        """Judge an exchange and keep what it showed."""
        self.exchanges.append(_outline(exchange))
        self._tell_time(exchange)
        judgement = self.judge.feed(exchange)
        for finding in judgement.findings:
            self._keep(finding)
        if judgement.cell is not None:
            operation, status, _ = judgement.cell
            if status < 400:
                self.successes.add((operation, status))
            else:
                self.cells.add(judgement.cell)
        self.health.note(exchange)
        reply = Reply(exchange, judgement)
        if reply.header(INJECTED):
            self.report(
                "KOM-706", f"the answer has the header {INJECTED} that a text or id of ours tried to add", reply
            )
        self._remember(reply)
        return reply

    def _tell_time(self, exchange: Exchange) -> None:
        """Tell the judge what time it is for the target."""
        if exchange.response is not None:
            now = self._clock.read(exchange.response.headers.get("Date"))
            if now is not None:
                self.judge.clock_is(now)

    def _remember(self, reply: Reply) -> None:
        """Keep the last read of each order, as long as no write came after it."""
        operation, order_id = reply.judgement.operation, reply.judgement.order_id
        if operation is None:
            return
        if operation.writes:
            self.last_reads.pop(order_id, None)
            self.touched.add(order_id)
        elif operation.id == "getOrder" and reply.ok and not _is_of_no_order(reply):
            self.last_reads[order_id] = reply

    def give_back(self) -> None:
        """Tell the pool what the orders of this case have come to."""
        if not self.pool.given:
            return
        self.pool.forget(self.touched)
        for order_id, reply in self.last_reads.items():
            self.pool.note(order_id, reply.json())

    def audit(self) -> None:
        """Hold the last read of each order against the ledger, where the target shows one."""
        control = self.control
        for order_id, reply in self.last_reads.items():
            order = reply.json()
            if control is None or not control.shows_ledger or not isinstance(order, dict):
                continue
            try:
                ledger = control.ledger(order_id)
            except NotMeasuredError:
                # The run says once that there is none.
                return
            for message in discrepancies(order, ledger):
                self.report("KOM-316", message, reply)

    def _compare(self, reply: Reply, operation: str, expected: Expected) -> None:
        if reply.status == 0 or passing(reply.status):
            return
        code = reply.judgement.cell[2] if reply.judgement.cell else ""
        answered = f"{reply.status} {code}".strip()
        if reply.ok:
            if not expected.success:
                self.report(expected.code, f"{expected.why}, yet it was answered with {answered}", reply, operation)
            return
        if 400 <= reply.status < 500 and self._leads_nowhere(reply):
            return
        rows = [self.contract.errors.row(row) for row in expected.rows]
        if any(row.accepts(reply.status, code) for row in rows):
            return
        if any(row.status == reply.status and (not code or not row.truth.binds) for row in rows):
            # What a refusal says is the judge's affair; of some only the status is known.
            return
        if expected.success:
            decided = self.contract.errors.row("invalid-address")
            if reply.status not in REFUSED_AS_INVALID or (
                operation in decided.operations and decided.accepts(reply.status, code)
            ):
                # Whether an address exists is the service's own judgement.
                return
            self.report(expected.code, f"{expected.why}, yet it was refused with {answered}", reply, operation)
        elif any(row.truth.binds for row in rows) or not 400 <= reply.status < 500:
            wanted = " or ".join(dict.fromkeys(row.told for row in rows))
            self.report(expected.code, f"{expected.why}: {wanted} was due, not {answered}", reply, operation)

    def _leads_nowhere(self, reply: Reply) -> bool:
        """Whether a server may take the path for one that no operation has, and refuse it in a way of its own."""
        request = reply.exchange.request
        route = self.contract.operations.route(request.method, request.target)
        return route is None or route.operation is None or unroutable(route.ids)

    def _keep(self, finding: Finding) -> None:
        if len(self.findings) >= MOST_FINDINGS:
            return
        told = interleaved(self.exchanges, self.steps, self.chapter)
        self.findings.append(
            Reported(
                code=finding.code,
                severity=Severity(finding.severity),
                message=finding.message,
                operation=finding.operation,
                status=finding.status,
                error_code=finding.error_code,
                requirement=finding.requirement,
                known=finding.known,
                curl=curls(told, self.target.base_url, self.target.credentials.authorization, self.redactor),
                story=story(told, self.redactor),
            )
        )


# The requests of a case are about few ids.
@lru_cache(maxsize=64)
def _quoted(value: str) -> str:
    return quote(value, safe="")


def _redactor(contract: Contract, target: Target) -> Redactor:
    known = [each for each in (target.credentials, target.other) if each is not None]
    secrets = [secret for each in known for secret in (each.username, each.password)]
    return redactor_for(contract, os.environ.get(SALT_VARIABLE) or PUBLIC_SALT, secrets=secrets)


def _outline(exchange: Exchange) -> Exchange:
    """An exchange as a story needs it, so that large answers are not kept."""
    response = exchange.response
    return Exchange(exchange.request, None if response is None else _bare(response.status), exchange.failure)


@lru_cache(maxsize=64)
def _bare(status: int) -> Response:
    return Response(status)


def _is_of_no_order(reply: Reply) -> bool:
    """Whether the read was answered although its id names no order, so that no ledger is kept under it."""
    return any(finding.code == "KOM-209" for finding in reply.judgement.findings)


def _rank(exchange: Exchange) -> int:
    return exchange.response.status if exchange.response is not None else 999


_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def encoded(body: Any) -> bytes:
    """Write a body as compact JSON in UTF-8."""
    return _ENCODER.encode(body).encode("utf-8", "surrogatepass")
