"""Judges a client by what its own tests make it send: orders with reserved ids choose what goes wrong."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import conformance
from conformance.clients.call import Call, Unsupported
from conformance.clients.evidence import Accusation, CallEvidence, Sent, Witness
from conformance.clients.request_checks import request_accusations
from conformance.clients.retry_checks import ledger_accusations, retry_accusations
from conformance.clients.scenario import ClientCase, Step, client_cases
from conformance.clients.secret import masked
from conformance.clients.story import story
from conformance.clients.template import UnknownNameError, fill
from conformance.contract.contract import Contract
from conformance.contract.operation import Operation
from conformance.exchange import Headers
from conformance.simulator.control_error import UnknownOrderError
from conformance.simulator.script import Script
from conformance.simulator.socket_door import ServerThread
from conformance.simulator.toxic import Toxic
from conformance.simulator.wire import WireRequest
from conformance.verdict import CaseResult, Reported, RunResult, Severity, Verdict

__all__ = ["Reserved", "Watch"]

_NAMESPACE = uuid.UUID("0f8e6f52-8c8e-5d0b-9d1c-3d6b0b8a7e21")
_COLUMNS = ("order_id", "operation", "case", "level", "what the server does", "what is judged")
_MOVES = {
    "captureOrder": "capture",
    "refundOrder": "refund",
    "releaseRemainingAuthorization": "release",
    "cancelOrder": "cancel",
}
_LEVEL = "core"
_MOST_MISTAKES = 3
_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Reserved:
    """An order that stands for one case: one call of the case's operation on it is what the case asks."""

    order_id: str
    case: ClientCase
    scripts: Mapping[str, Script]

    @property
    def row(self) -> tuple[str, ...]:
        """Tell it in the columns of the table that a tester reads."""
        does = ", then ".join(f"{operation}: {script}" for operation, script in self.scripts.items())
        warm = "read the order first; " if any(step.warm for step in self.case.steps) else ""
        case = self.case
        return self.order_id, case.operation, case.id, case.level, f"{warm}{does}", case.title


class Watch:
    """Looks at what arrives at a server; ``seed`` decides the reserved ids, the same for everybody who uses it."""

    def __init__(self, server: ServerThread, contract: Contract, *, seed: int = 0) -> None:
        self._server = server
        self._contract = contract
        self._seed = seed
        self._reserved: dict[str, Reserved] = {}

    def reserve(self) -> tuple[Reserved, ...]:
        """Make an order for every case that needs nothing from a client but one call on it."""
        seen: set[str] = set()
        for case in client_cases(self._contract):
            reserved = self._prepared(case, seen)
            if reserved is not None:
                self._reserved[reserved.order_id] = reserved
        return tuple(self._reserved.values())

    def table(self) -> str:
        """Return the reserved orders as tab-separated text with a line of titles."""
        rows = [_COLUMNS, *(reserved.row for reserved in self._reserved.values())]
        return "".join("\t".join(" ".join(cell.split()) for cell in row) + "\n" for row in rows)

    def result(self) -> RunResult:
        """Judge what the wire and the ledger show by now; what a user saw is unknown here and not judged."""
        requests = self._server.wire()
        by_order: dict[str, list[WireRequest]] = {}
        for request in requests:
            by_order.setdefault(request.order_id, []).append(request)
        cases = [case for order_id, sent in by_order.items() for case in self._judged(order_id, sent)]
        forgotten = requests[0].number - 1 if requests else 0
        unused = len(self._reserved.keys() - by_order.keys())
        return RunResult(
            suite={"name": "klarna-conformance", "version": conformance.__version__, "contract": self._contract.digest},
            target={"kind": "client", "name": "whoever called", "base_url": self._server.base_url},
            seed=self._seed,
            cases=tuple(cases),
            notes=(
                (
                    f"{len(requests)} requests are judged and {forgotten} were too long ago; "
                    f"{unused} of {len(self._reserved)} reserved orders were not used"
                ),
                "requests for one operation on one order are taken for one call until one of them succeeds",
            ),
        )

    # --- orders ---------------------------------------------------------------------------------------------------

    def _prepared(self, case: ClientCase, seen: set[str]) -> Reserved | None:
        steps = case.steps
        if case.tls or any(step.also or step.spares or step.credentials or step.path for step in steps):
            return None
        if not any(step.script for step in steps):
            return None
        order_id = str(uuid.uuid5(_NAMESPACE, f"{self._seed}/{case.id}"))
        try:
            scripts = self._scripts(case, order_id)
        except UnknownNameError:
            # It needs what is only known while a case is played, such as the time of day.
            return None
        # Whether a key comes along is the client's choice here, so cases that differ in nothing else are one.
        told = {operation: script.described() for operation, script in scripts.items()}
        warm = any(step.warm for step in steps)
        mark = json.dumps([case.operation, case.order, told, warm], sort_keys=True).replace(order_id, "")
        if mark in seen:
            return None
        seen.add(mark)
        self._server.simulator.create_order({**case.order, "order_id": order_id})
        for operation, script in scripts.items():
            self._server.script(order_id, script, operation)
        return Reserved(order_id, case, scripts)

    def _scripts(self, case: ClientCase, order_id: str) -> dict[str, Script]:
        known = {
            "order": order_id,
            "other_origin": self._server.other_origin_url,
            "correlation": str(uuid.uuid5(_NAMESPACE, case.scenario)),
        }
        toxics: dict[str, list[Toxic | None]] = {}
        for step in case.steps:
            if step.warm:
                toxics.setdefault("getOrder", []).append(None)
            toxics.setdefault(step.operation, []).extend(_toxic(fill(given, known)) for given in step.script or (None,))
        return {operation: Script(tuple(given), case.id) for operation, given in toxics.items() if any(given)}

    # --- verdicts -------------------------------------------------------------------------------------------------

    def _judged(self, order_id: str, requests: Sequence[WireRequest]) -> Iterator[CaseResult]:
        reserved = self._reserved.get(order_id)
        stray = [sent for sent in requests if not sent.operation]
        if stray:
            findings = [self._nowhere(sent) for sent in stray if not sent.toxic]
            yield _result(f"serve/{order_id or 'no-order'}/no-operation", _LEVEL, findings, len(stray))
        by_operation: dict[str, list[WireRequest]] = {}
        for sent in requests:
            if sent.operation:
                by_operation.setdefault(sent.operation, []).append(sent)
        for operation, of_operation in by_operation.items():
            own = reserved is not None and reserved.case.operation == operation
            name = reserved.case.id if reserved is not None and own else f"serve/{order_id}/{operation}"
            findings = list(self._findings(self._contract.operations[operation], of_operation, reserved))
            level = reserved.case.level if reserved is not None else _LEVEL
            yield _result(name, level, findings, len(of_operation))

    def _findings(
        self, operation: Operation, requests: Sequence[WireRequest], reserved: Reserved | None
    ) -> Iterator[Reported]:
        step = next(
            (step for step in (reserved.case.steps if reserved else ()) if step.operation == operation.id),
            Step(operation.id, moves=_MOVES.get(operation.id, "")),
        )
        calls = list(_calls([self._as_sent(sent) for sent in requests], ends_at_refusals=reserved is None))
        moved = self._moved(requests[0].order_id, step.moves)
        for sent in calls:
            evidence = self._evidence(operation, step, sent, moved if len(calls) == 1 else ())
            accusations = [
                *request_accusations(evidence, self._contract),
                *self._against_description(operation, evidence),
                *retry_accusations(evidence, self._contract),
                *ledger_accusations(evidence),
            ]
            yield from self._reported(accusations, evidence)
        if len(calls) > 1 and len(moved) > len(calls):
            text = f"{len(calls)} calls, {len(moved)} entries of kind {step.moves}"
            evidence = self._evidence(operation, step, calls[-1], moved)
            yield from self._reported([Accusation("KOM-847", Witness.LEDGER, text)], evidence)

    def _evidence(
        self, operation: Operation, step: Step, sent: tuple[Sent, ...], moved: tuple[tuple[str, int, str], ...]
    ) -> CallEvidence:
        first = next((each for each in sent if "Authorization" in each.headers), sent[0])
        credentials = self._server.simulator.credentials
        merchant = credentials.identify(first.headers.get("Authorization")) or credentials.merchants[0]
        call = Call(
            id=operation.id,
            session="",
            base_url=self._server.base_url,
            username=merchant.username,
            password=merchant.password,
            operation=operation.id,
            path=first.ids,
            body=_parsed(first.body),
            idempotency_key=first.key,
        )
        stray = [self._as_sent(each) for each in self._server.stray if each.order_id == first.ids.get("order_id")]
        return CallEvidence(call, step, Unsupported(), sent, moved=moved, stray=tuple(stray))

    def _against_description(self, operation: Operation, evidence: CallEvidence) -> Iterator[Accusation]:
        body = evidence.call.body
        if operation.body is None or body is None:
            return
        errors = self._contract.operations.validator(operation.body).iter_errors(body)
        for error, _ in zip(errors, range(_MOST_MISTAKES), strict=False):
            place = "/".join(str(part) for part in error.instance_path) or "the body"
            yield Accusation("KOM-801", Witness.WIRE, f"{place} is against the description: {error.message[:_SHOWN]}")

    def _reported(self, accusations: Iterable[Accusation], evidence: CallEvidence) -> Iterator[Reported]:
        secrets = {evidence.call.password}
        # The first and the last line tell of the user, who is unknown here.
        lines = [*list(story(evidence))[1:-1]]
        if evidence.moved:
            lines.append("the ledger holds " + ", ".join(f"{kind} {amount}" for kind, amount, _ in evidence.moved))
        last = evidence.last
        for accusation in accusations:
            code = self._contract.findings[accusation.code]
            yield Reported(
                code=code.code,
                severity=self._contract.requirements[code.requirement].keyword,
                message=masked(f"{accusation.witness}: {accusation.message}", secrets),
                operation=evidence.call.operation,
                status=None if last is None else last.status,
                error_code=evidence.told.error_code,
                requirement=code.requirement,
                story=tuple(masked(line, secrets) for line in (*lines, f"costs: {code.costs}")),
            )

    def _nowhere(self, sent: WireRequest) -> Reported:
        """Report a request that no operation of the API answers."""
        code = self._contract.findings["KOM-801"]
        line = sent.raw.lstrip(b"\r\n").partition(b"\n")[0].decode("latin-1").strip()[:_SHOWN]
        what = "is no HTTP request" if sent.request is None else "leads to no operation of the API"
        return Reported(
            code=code.code,
            severity=self._contract.requirements[code.requirement].keyword,
            message=masked(f"{Witness.WIRE}: {line!r} {what}", ()),
            status=sent.status_sent,
            requirement=code.requirement,
        )

    def _moved(self, order_id: str, kind: str) -> tuple[tuple[str, int, str], ...]:
        """Return the movements of a kind that requests made; what an order began with came of none."""
        if not kind:
            return ()
        try:
            entries = self._server.simulator.ledger(order_id)["entries"]
        except UnknownOrderError:
            return ()
        return tuple(
            (entry["kind"], entry["amount"], entry["id"] or "")
            for entry in entries
            if entry["kind"] == kind and entry["request"]
        )

    def _as_sent(self, sent: WireRequest) -> Sent:
        request = sent.request
        route = None if request is None else self._contract.operations.route(request.method, request.target)
        return Sent(
            method="" if request is None else request.method,
            target="" if request is None else request.target,
            headers=Headers() if request is None else request.headers,
            body=sent.body,
            operation=sent.operation,
            ids={} if route is None else route.ids,
            connection=sent.connection,
            number_on_connection=sent.number_on_connection,
            at_s=sent.at_s,
            response=sent.response,
            toxic=sent.toxic,
            after=sent.trailing,
        )


def _calls(requests: Sequence[Sent], *, ends_at_refusals: bool) -> Iterator[tuple[Sent, ...]]:
    """Part the requests for one operation on one order into calls: a call goes on until it was answered well."""
    under_way: list[Sent] = []
    for sent in requests:
        under_way.append(sent)
        status = sent.status or 0
        refused = ends_at_refusals and 400 <= status < 500 and status != 401
        if sent.succeeded or (refused and not sent.toxic):
            yield tuple(under_way)
            under_way = []
    if under_way:
        yield tuple(under_way)


def _result(name: str, level: str, findings: Sequence[Reported], exchanges: int) -> CaseResult:
    verdict = Verdict.PASSED
    if findings:
        failed = any(finding.severity is Severity.MUST for finding in findings)
        verdict = Verdict.FAILED if failed else Verdict.WARNING
    requirements = tuple(dict.fromkeys(finding.requirement for finding in findings))
    return CaseResult(name, verdict, level, requirements, tuple(findings), exchanges=exchanges)


def _parsed(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _toxic(given: Mapping[str, object] | None) -> Toxic | None:
    if given is None:
        return None
    ((kind, parameters),) = given.items()
    return Toxic(kind, dict(parameters) if isinstance(parameters, Mapping) else {})
