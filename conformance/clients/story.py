"""Tells what happened in one call, line by line, so that a report can be understood without a recording."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.clients.call import CouldNotTry, NeverReturned, Oversized, Raised, Returned
from conformance.clients.evidence import CallEvidence, Ended, Sent
from conformance.simulator.toxic import TOXICS

__all__ = ["story"]

_SHOWN = 160
_MOST_REQUESTS = 3


def story(evidence: CallEvidence) -> Iterator[str]:
    """Yield few lines: what the caller wanted, what was sent and told, what the ledger holds, what the user saw."""
    call = evidence.call
    key = f", key {call.idempotency_key!r}" if call.idempotency_key else ""
    body = f" {_short(call.body)}" if call.body is not None else ""
    yield f"the user called {call.operation} {dict(call.path)}{body}{key}, time limit {call.timeout_s:g} s"
    begun = evidence.sent[0].at_s if evidence.sent else 0.0
    for number, sent in enumerate(evidence.sent[:_MOST_REQUESTS], 1):
        yield f"{number}. at {sent.at_s - begun:.2f} s {_request(sent)}, {_connection(sent)}: {_answer(sent)}"
    if len(evidence.sent) > _MOST_REQUESTS:
        yield f"and {len(evidence.sent) - _MOST_REQUESTS} more requests"
    if not evidence.sent:
        yield "nothing was sent"
    moved = ", ".join(f"{kind} {amount}" for kind, amount, _ in evidence.moved)
    yield f"the ledger got {moved or 'nothing'}; the user saw {_outcome(evidence)}"


def _request(sent: Sent) -> str:
    key = f" with key {sent.key!r}" if sent.key is not None else ""
    return f"{sent.method} {sent.target[:_SHOWN]}{key}"


def _connection(sent: Sent) -> str:
    return "kept-alive connection" if sent.number_on_connection > 1 else "new connection"


def _answer(sent: Sent) -> str:
    if sent.ended is not Ended.ANSWERED:
        works = TOXICS[sent.toxic].works == "yes"
        return f"{sent.ended}, the work {'done' if works else 'not done'}"
    fault = f" ({sent.toxic.replace('_', ' ')})" if sent.toxic not in ("", "answer") else ""
    return f"answered {sent.status}{fault}"


def _outcome(evidence: CallEvidence) -> str:
    outcome = evidence.outcome
    after = f", after {evidence.elapsed_s:.2f} s"
    if isinstance(outcome, Returned):
        return f"success: {_short(outcome.value)}{after}"
    if isinstance(outcome, Raised):
        text = " ".join(outcome.text.split())
        said = f"{outcome.kind}: {text}" if text else outcome.kind
        return f"failure: {said[:_SHOWN]} (status {outcome.status}, code {outcome.error_code}){after}"
    if isinstance(outcome, NeverReturned):
        return f"nothing: the call had not come back after {outcome.waited_s:.0f} s"
    if isinstance(outcome, Oversized):
        return f"a result of {outcome.size} bytes{after}"
    return f"nothing: {outcome.why}" if isinstance(outcome, CouldNotTry) else "that there is no such operation"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
