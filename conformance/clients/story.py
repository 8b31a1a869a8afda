"""Tells what happened in one call, line by line, so that a report can be understood without a recording."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.clients.call import CouldNotTry, Raised, Returned
from conformance.clients.evidence import CallEvidence, Ended, Sent

__all__ = ["story"]

_SHOWN = 160
_MOST_REQUESTS = 6


def story(evidence: CallEvidence) -> Iterator[str]:
    """Yield the lines: what the caller wanted, what was sent and told, what the ledger holds, what the user saw."""
    call = evidence.call
    key = f" with key {call.idempotency_key!r}" if call.idempotency_key else ""
    body = f" {_short(call.body)}" if call.body is not None else ""
    yield f"called: {call.operation} {dict(call.path)}{body}{key}, time limit {call.timeout_s:g} s"
    begun = evidence.sent[0].at_s if evidence.sent else 0.0
    for number, sent in enumerate(evidence.sent[:_MOST_REQUESTS], 1):
        yield f"sent {number}: {_request(sent)} at {sent.at_s - begun:.2f} s, {_connection(sent)}"
        yield f"told {number}: {_answer(sent)}"
    if len(evidence.sent) > _MOST_REQUESTS:
        yield f"and {len(evidence.sent) - _MOST_REQUESTS} more requests"
    if not evidence.sent:
        yield "sent: nothing arrived"
    for kind, amount, _ in evidence.moved:
        yield f"ledger: {kind} of {amount} minor units"
    yield f"user saw: {_outcome(evidence)}"


def _request(sent: Sent) -> str:
    key = f", key {sent.key!r}" if sent.key is not None else ""
    return f"{sent.method} {sent.target[:_SHOWN]}{key}"


def _connection(sent: Sent) -> str:
    if sent.number_on_connection > 1:
        return f"request {sent.number_on_connection} of connection {sent.connection}"
    return f"on a new connection ({sent.connection})"


def _answer(sent: Sent) -> str:
    status = "" if sent.status is None else f"{sent.status}"
    if sent.ended is Ended.ANSWERED:
        return f"{status}{f' ({sent.toxic})' if sent.toxic not in ('', 'answer') else ''}" or "nothing"
    return f"{sent.ended}{f' ({status})' if status else ''}"


def _outcome(evidence: CallEvidence) -> str:
    outcome = evidence.outcome
    after = f", after {evidence.elapsed_s:.2f} s"
    if isinstance(outcome, Returned):
        return f"success: {_short(outcome.value)}{after}"
    if isinstance(outcome, Raised):
        text = " ".join(outcome.text.split())
        said = f"{outcome.kind}: {text}" if text else outcome.kind
        return f"failure: {said[:_SHOWN]} (status {outcome.status}, code {outcome.error_code}){after}"
    return f"could not try: {outcome.why}" if isinstance(outcome, CouldNotTry) else "no such operation"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
