"""What wire and ledger tell of repetitions: who sent what again, after what, how soon, and what it moved."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from conformance.clients.call import NeverReturned, Returned
from conformance.clients.evidence import Accusation, CallEvidence, Ended, Sent, Witness
from conformance.contract.contract import Contract

__all__ = ["MOST_ATTEMPTS", "ledger_accusations", "resender", "retry_accusations"]

# Klarna's own policy ends after three repetitions; whoever goes on beyond this never ends.
MOST_ATTEMPTS = 10
# Sooner than this nobody has waited, however slow the machine.
_AT_ONCE_S = 0.02
# What a timer may be early by, and a server late.
_SLACK_S = 0.15
# A stack re-sends within a moment of the loss; a client that decides takes at least its own time.
_BY_THE_STACK_S = 0.05
_MADE = ("capture", "refund")
_REPEATABLE = frozenset({401, 408, 409, 425, 429})


def retry_accusations(evidence: CallEvidence, contract: Contract) -> Iterator[Accusation]:
    """Yield what is wrong with the repetitions of one call."""
    attempts = evidence.attempts
    if evidence.tls or not attempts:
        return
    writes = contract.operations[evidence.call.operation].writes
    seen: set[str] = set()
    for before, after in pairwise(attempts):
        for accusation in _pair(before, after, writes, evidence):
            if accusation.code not in seen:
                seen.add(accusation.code)
                yield accusation
    if len(attempts) > MOST_ATTEMPTS:
        yield _wire("KOM-844", f"it tried {len(attempts)} times and had not stopped when the server recovered")
    yield from _patience(evidence)


def resender(before: Sent, after: Sent) -> str:
    """Say who probably sent a request again: the HTTP stack below the client, or the client itself."""
    gap_s = after.at_s - before.at_s
    if before.ended in (Ended.CLOSED, Ended.RESET) and gap_s < _BY_THE_STACK_S:
        kept = "a kept-alive" if before.number_on_connection > 1 else "a fresh"
        return f"probably by the HTTP stack below the client, {gap_s * 1000:.0f} ms after {kept} connection was lost"
    return f"by the client itself, {gap_s:.2f} s after the first request was {_ending(before)}"


def ledger_accusations(evidence: CallEvidence) -> Iterator[Accusation]:
    """Yield what is wrong with the money."""
    if evidence.moved_other:
        yield Accusation("KOM-875", Witness.LEDGER, f"the call changed another order: {_entries(evidence.moved_other)}")
        return
    kind = evidence.step.moves
    if not kind or evidence.tls:
        return
    moved = [entry for entry in evidence.moved if entry[0] == kind]
    if len(moved) > 1:
        total = sum(amount for _, amount, _ in moved)
        yield Accusation(
            "KOM-847",
            Witness.LEDGER,
            f"one call, {len(moved)} entries of kind {kind}, together {total} minor units: {_entries(tuple(moved))}",
        )
    elif isinstance(evidence.outcome, Returned) and not moved and kind in _MADE and not _forced(evidence):
        yield Accusation("KOM-848", Witness.LEDGER, f"success was reported, and no {kind} stands in the ledger")


def _forced(evidence: CallEvidence) -> bool:
    """Whether the last answer was made up without the work being done."""
    last = evidence.last
    return last is None or last.toxic != "" or last.status is None or last.status >= 300


def _pair(before: Sent, after: Sent, writes: bool, evidence: CallEvidence) -> Iterator[Accusation]:
    operation = evidence.call.operation
    if before.succeeded:
        if not (writes or before.readable):
            # To ask once more for what could not be read harms nobody.
            return
        if before.out_of_time(after.at_s - before.at_s, evidence.call.timeout_s):
            return
        yield _wire("KOM-851", f"{operation} was answered with {before.status} and sent again")
        return
    # A 429 says that nothing was done, and the guide on rate limits asks for a repetition without a word on keys.
    if writes and after.key is None and before.status != 429:
        yield _wire("KOM-841", f"{operation} without an idempotency key was sent again, {resender(before, after)}")
    elif writes and before.key != after.key:
        yield _wire("KOM-842", f"{operation} was sent again with another idempotency key, {resender(before, after)}")
    if before.ended is not Ended.ANSWERED or before.status is None:
        return
    if 400 <= before.status < 500 and before.status not in _REPEATABLE:
        yield _wire("KOM-843", f"{operation} was refused with {before.status} and sent again unchanged")
    elif before.status == 401:
        yield _wire("KOM-843", f"{operation} was refused with 401 and sent again with the same credentials")
    elif before.status == 409:
        yield _wire("KOM-852", f"{operation} met with a conflict and was sent again unchanged")
    waited_s = after.at_s - before.at_s
    if evidence.asked_s > 0 and before is evidence.attempts[0]:
        if waited_s < evidence.asked_s - _SLACK_S:
            yield _wire(
                "KOM-846",
                f"the server asked to be left alone for {evidence.asked_s:.1f} s and was asked again "
                f"after {waited_s:.2f} s",
            )
    elif before.status >= 429 and waited_s < _AT_ONCE_S:
        yield _wire(
            "KOM-845",
            f"{operation} was answered with {before.status} and sent again after "
            f"{waited_s * 1000:.0f} ms, without a pause",
        )


def _patience(evidence: CallEvidence) -> Iterator[Accusation]:
    if isinstance(evidence.outcome, NeverReturned):
        # It is told of as that.
        return
    limit_s = evidence.call.timeout_s
    first, *others = evidence.attempts
    waited_s = others[0].at_s - first.at_s if others else evidence.elapsed_s
    if first.toxic == "timeout" and waited_s > 2 * limit_s + 1:
        yield Accusation(
            "KOM-850",
            Witness.OUTCOME,
            f"the server never answered; the time limit was {limit_s:g} s, the client waited {waited_s:.1f} s",
        )


def _ending(sent: Sent) -> str:
    return f"answered with {sent.status}" if sent.ended is Ended.ANSWERED else str(sent.ended)


def _entries(entries: tuple[tuple[str, int, str], ...]) -> str:
    return ", ".join(f"{kind} {amount}" for kind, amount, _ in entries)


def _wire(code: str, message: str) -> Accusation:
    return Accusation(code, Witness.WIRE, message)
