"""What three witnesses saw of one call: the wire, the ledger, and the user."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from conformance.clients.call import Call, Outcome
from conformance.clients.scenario import Step
from conformance.exchange import Headers, Response

__all__ = ["ENDLESS", "UNREADABLE", "Accusation", "CallEvidence", "Ended", "Sent", "Told", "Witness"]

KEY_HEADER = "Klarna-Idempotency-Key"


class Witness(StrEnum):
    """Who saw it."""

    WIRE = "wire"
    LEDGER = "ledger"
    OUTCOME = "outcome"


@dataclass(frozen=True, slots=True)
class Accusation:
    """What one witness holds against the client, before it is known how much it weighs."""

    code: str
    witness: Witness
    message: str


class Ended(StrEnum):
    """How an attempt ended, as the client could see it."""

    ANSWERED = "answered"
    CLOSED = "closed without a reply"
    RESET = "reset without a reply"
    LATE = "not answered in time"
    BROKEN = "answered in part"


UNREADABLE: Mapping[str, str] = {"invalid_json": "no JSON", "html_body": "a page in HTML", "empty_body": "empty"}
"""Toxics that leave the status and spoil the body, in words."""

ENDLESS = frozenset({"huge_body", "gzip_bomb"})
"""Toxics that send more than anyone should read."""

_STRETCHED = frozenset({"drip", "latency"})
"""Toxics that let a whole answer through, and take their time over it."""

# A toxic that is not named here lets a whole answer through.
_ENDS: Mapping[str, Ended] = {
    "close_before": Ended.CLOSED,
    "close_after": Ended.CLOSED,
    "reset_before": Ended.RESET,
    "reset_after": Ended.RESET,
    "late_reply": Ended.LATE,
    "timeout": Ended.LATE,
    "cut_head": Ended.BROKEN,
    "cut_body": Ended.BROKEN,
    "wrong_length": Ended.BROKEN,
    "malformed_chunk": Ended.BROKEN,
}


@dataclass(frozen=True, slots=True)
class Sent:
    """One request as it stood on the wire and how the server treated it.

    ``after`` are bytes that followed it on its connection and belong to no message. ``response`` is what was made to
    answer it, None for nothing; whether that arrived is another question. ``at_s`` is when it arrived, on the
    monotonic clock. ``target`` is as it stood on the request line. ``toxic`` names what was done to the answer, empty
    for nothing.
    """

    method: str
    target: str
    headers: Headers
    body: bytes
    operation: str
    ids: Mapping[str, str]
    connection: int
    number_on_connection: int
    at_s: float
    response: Response | None
    toxic: str = ""
    after: bytes = b""

    @property
    def status(self) -> int | None:
        """The status that was made to answer it."""
        return None if self.response is None else self.response.status

    @property
    def ended(self) -> Ended:
        """How it ended for the client, so far as the server knows."""
        return _ENDS.get(self.toxic, Ended.ANSWERED)

    @property
    def key(self) -> str | None:
        """The idempotency key that it carried."""
        return self.headers.get(KEY_HEADER)

    @property
    def readable(self) -> bool:
        """Whether a client could make sense of the body, if one came."""
        return self.toxic not in UNREADABLE and self.toxic not in ENDLESS

    def out_of_time(self, seconds: float, limit_s: float) -> bool:
        """Whether a client may have given up on its slow answer, which on a slow machine came when its time was up."""
        return self.toxic in _STRETCHED and seconds >= limit_s

    @property
    def succeeded(self) -> bool:
        """Whether a whole 2xx was answered."""
        return self.ended is Ended.ANSWERED and self.status is not None and 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class Told:
    """What a refusal said; empty for nothing."""

    error_code: str = ""
    messages: tuple[str, ...] = ()
    correlation_id: str = ""

    @classmethod
    def of_response(cls, response: Response | None) -> Told:
        """Read it from an answer."""
        if response is None or response.status < 400:
            return cls()
        correlation = response.headers.get("Klarna-Correlation-Id") or ""
        try:
            body = json.loads(response.body)
        except ValueError:
            body = None
        if not isinstance(body, dict):
            return cls("", (), correlation)
        single = body.get("error_message")
        messages = body.get("error_messages") or ([single] if single else [])
        return cls(
            body.get("error_code") or "",
            tuple(message for message in messages if isinstance(message, str) and message),
            body.get("correlation_id") or correlation,
        )


@dataclass(frozen=True, slots=True)
class CallEvidence:
    """Everything about one call of a case.

    ``sent`` are the requests that arrived while it was under way, in order. ``moved`` and ``moved_other`` are the
    ledger entries that it made on its order and on the order that it should have spared, as (kind, amount, id).
    ``expected_value`` is what a read was answered with, None where that is not known. ``stray`` is what arrived at
    another origin. ``elapsed_s`` is how long the user waited, ``asked_s`` the
    pause that the first answer asked for.
    """

    call: Call
    step: Step
    outcome: Outcome
    sent: tuple[Sent, ...]
    moved: tuple[tuple[str, int, str], ...] = ()
    moved_other: tuple[tuple[str, int, str], ...] = ()
    expected_value: Any = None
    stray: tuple[Sent, ...] = ()
    elapsed_s: float = 0.0
    asked_s: float = 0.0
    tls: bool = False

    @property
    def attempts(self) -> tuple[Sent, ...]:
        """The attempts at the call itself: without challenge rounds and other requests."""
        own = [sent for sent in self.sent if sent.operation == self.call.operation]
        return tuple(
            sent for index, sent in enumerate(own) if not (index + 1 < len(own) and _is_challenge(sent, own[index + 1]))
        )

    @property
    def told(self) -> Told:
        """What the last attempt was told."""
        return Told() if self.last is None else Told.of_response(self.last.response)

    @property
    def last(self) -> Sent | None:
        """The attempt that decides what the user must see."""
        attempts = self.attempts
        return attempts[-1] if attempts else None

    @property
    def out_of_time(self) -> bool:
        """Whether the last attempt may have been given up when its time was up."""
        attempts = self.attempts
        if not attempts:
            return False
        last_s = self.elapsed_s - (attempts[-1].at_s - attempts[0].at_s)
        return attempts[-1].out_of_time(last_s, self.call.timeout_s)


def _is_challenge(sent: Sent, following: Sent) -> bool:
    """Tell a request that only learned which credentials are wanted from an attempt that failed."""
    if sent.status != 401 or "Authorization" not in following.headers:
        return False
    return sent.toxic == "challenge" or "Authorization" not in sent.headers
