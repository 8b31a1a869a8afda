"""Clients that repeat a request wrongly: what must not be repeated, without a key, too soon, or without end."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any
from uuid import uuid4

from conformance.clients.broken.mutation import Broken, broken
from conformance.clients.reference.answer import Answer, Lost
from conformance.clients.reference.call import Call, WireRequest
from conformance.exchange import Headers

__all__ = ["Keyless"]

_KEY = "Klarna-Idempotency-Key"
_SHORT_WAIT_S = 0.02


def _without_key(request: WireRequest) -> WireRequest:
    return replace(request, headers={name: value for name, value in request.headers.items() if name != _KEY})


class Keyless(Broken):
    """Sends no key unless the caller has one, as most clients do; that alone is no defect."""

    def _build(self, call: Call) -> WireRequest:
        request = super()._build(call)
        return request if call.idempotency_key else _without_key(request)


class _Stubborn(Broken):
    """Repeats a refusal."""

    status = 0

    def _wait_s(self, request: WireRequest, outcome: Answer | Lost, attempt: int) -> float | None:
        if isinstance(outcome, Answer) and outcome.status == self.status:
            return self._policy.wait_s(attempt, None, 0.0)
        return super()._wait_s(request, outcome, attempt)


class _Deaf(Broken):
    """Leaves a header of the answer unread."""

    unread: tuple[str, ...] = ()

    def _wait_s(self, request: WireRequest, outcome: Answer | Lost, attempt: int) -> float | None:
        if isinstance(outcome, Answer):
            outcome = replace(outcome, headers=outcome.headers.without(*self.unread))
        return super()._wait_s(request, outcome, attempt)


# --- keys -----------------------------------------------------------------------------------------------------------


@broken(
    "retry",
    "retry/captureOrder-without-key/done-then-503",
    "A capture that went through before the 503 is booked twice.",
)
class RetryWithoutKey(Keyless):
    """Repeats a write without a key after a 5xx."""

    def _wait_s(self, request: WireRequest, outcome: Answer | Lost, attempt: int) -> float | None:
        if isinstance(outcome, Answer):
            request = replace(request, method="GET")
        return super()._wait_s(request, outcome, attempt)


@broken("retry", "retry/captureOrder-without-key/late-reply", "A capture whose answer came late is booked twice.")
class RetryWithoutKeyAfterSilence(Keyless):
    """Repeats a write without a key when no answer came in time."""

    def _wait_s(self, request: WireRequest, outcome: Answer | Lost, attempt: int) -> float | None:
        if isinstance(outcome, Lost):
            request = replace(request, method="GET")
        return super()._wait_s(request, outcome, attempt)


@broken("retry", "retry/refundOrder-without-key/lost-reply", "A refund whose answer was lost is paid out twice.")
class RefundRetriedWithoutKey(Broken):
    """Repeats a refund without a key, and everything else with one."""

    def _send(self, request: WireRequest) -> Answer | Lost:
        return super()._send(_without_key(request) if request.target.endswith("/refunds") else request)


@broken(
    "retry",
    "retry/captureOrder-without-key/done-then-503",
    "The retry is a new capture to the service, and is booked twice.",
)
class NewKeyForEachRetry(Broken):
    """Makes up a new key for each attempt."""

    def _send(self, request: WireRequest) -> Answer | Lost:
        if _KEY in request.headers:
            request = replace(request, headers={**request.headers, _KEY: str(uuid4())})
        return super()._send(request)


@broken(
    "retry", "retry/captureOrder-with-key/done-then-503", "The service knows no such header, and books every retry."
)
class KeyInAnotherHeader(Broken):
    """Sends the key under the name that other services use."""

    def _send(self, request: WireRequest) -> Answer | Lost:
        renamed = {"Idempotency-Key" if name == _KEY else name: value for name, value in request.headers.items()}
        return super()._send(replace(request, headers=renamed))


@broken(
    "retry",
    "retry/captureOrder-with-key/unavailable-503",
    "A call that the shop repeats after a crash is booked twice.",
)
class CallersKeyIgnored(Broken):
    """Makes up a key although the caller gave one."""

    def _build(self, call: Call) -> WireRequest:
        return super()._build(replace(call, idempotency_key=None))


@broken("retry", "repeat/captureOrder", "The second of two equal captures is never made, and is reported as made.")
class KeyFromContent(Broken):
    """Derives the key from the request, so that equal requests are one."""

    def _build(self, call: Call) -> WireRequest:
        content = json.dumps([call.operation_id, sorted(call.ids.items()), call.body])
        derived = hashlib.sha256(content.encode()).hexdigest()
        return super()._build(replace(call, idempotency_key=call.idempotency_key or derived))


@broken("retry", "repeat/captureOrder", "Only the first write of a process is ever made.")
class OneKeyForAll(Broken):
    """Keeps one key for every call."""

    def _build(self, call: Call) -> WireRequest:
        kept: str = self.__dict__.setdefault("_kept", str(uuid4()))
        return super()._build(replace(call, idempotency_key=call.idempotency_key or kept))


@broken(
    "retry",
    "retry/captureOrder-with-key/unavailable-503",
    "What was asked and what was booked differ, and nobody can tell which is which.",
)
class BodyChangesOnRetry(Broken):
    """Writes the number of the attempt into the body."""

    def _perform(self, call: Call) -> Any:
        self._attempt = 0
        return super()._perform(call)

    def _send(self, request: WireRequest) -> Answer | Lost:
        self._attempt += 1
        if request.body and self._attempt > 1:
            body = {**json.loads(request.body), "description": f"attempt {self._attempt}"}
            request = replace(request, body=json.dumps(body).encode())
        return super()._send(request)


# --- what is repeated -----------------------------------------------------------------------------------------------


@broken(
    "retry", "retry/captureOrder-with-key/refused-403-CAPTURE_NOT_ALLOWED", "A refusal is asked for again and again."
)
class RetryOn403(_Stubborn):
    """Repeats what the order's state does not allow."""

    status = 403


@broken(
    "retry",
    "retry/captureOrder-with-key/refused-404-NO_SUCH_ORDER",
    "An order that does not exist is asked for again and again.",
)
class RetryOn404(_Stubborn):
    """Repeats what was not found."""

    status = 404


@broken("retry", "errors/captureOrder/409-CONFLICT/json", "Two clients that change one order keep colliding.")
class RetryOn409(_Stubborn):
    """Repeats a conflict."""

    status = 409


@broken(
    "retry",
    "retry/captureOrder-with-key/refused-422-UNPROCESSABLE_ENTITY",
    "A body that cannot be read is sent again and again.",
)
class RetryOn422(_Stubborn):
    """Repeats a body that was refused."""

    status = 422


# --- how often and how soon -----------------------------------------------------------------------------------------


@broken(
    "retry",
    "retry/captureOrder-with-key/never-recovers",
    "A shop in trouble adds to the trouble, and its worker never comes back.",
)
class EndlessRetry(Broken):
    """Repeats a hundred times."""

    def _wait_s(self, request: WireRequest, outcome: Answer | Lost, attempt: int) -> float | None:
        again = super()._wait_s(request, outcome, 1)
        return None if again is None or attempt >= 100 else _SHORT_WAIT_S / 4


@broken("retry", "retry/getOrder/never-recovers", "A page of the shop that shows an order never comes back.")
class ReadsWithoutEnd(Broken):
    """Repeats a reading a hundred times."""

    def _wait_s(self, request: WireRequest, outcome: Answer | Lost, attempt: int) -> float | None:
        if request.method != "GET":
            return super()._wait_s(request, outcome, attempt)
        again = super()._wait_s(request, outcome, 1)
        return None if again is None or attempt >= 100 else _SHORT_WAIT_S / 4


@broken("retry", "retry/getOrder/unavailable-503", "A service in trouble is asked again at once, by everybody.")
class ReadsWithoutPause(Broken):
    """Repeats a reading at once."""

    def _wait_s(self, request: WireRequest, outcome: Answer | Lost, attempt: int) -> float | None:
        wait_s = super()._wait_s(request, outcome, attempt)
        return 0.0 if wait_s is not None and request.method == "GET" else wait_s


@broken(
    "retry", "retry/captureOrder-with-key/unavailable-503", "A service in trouble is hit again at once, by everybody."
)
class NoWaitBeforeRetry(Broken):
    """Repeats at once."""

    def _wait_s(self, request: WireRequest, outcome: Answer | Lost, attempt: int) -> float | None:
        return None if super()._wait_s(request, outcome, attempt) is None else 0.0


@broken(
    "retry",
    "retry/captureOrder-with-key/too-many-requests",
    "The limit is never left: each call without a pause extends it.",
)
class NoWaitOn429(Broken):
    """Repeats at once when told to slow down."""

    def _wait_s(self, request: WireRequest, outcome: Answer | Lost, attempt: int) -> float | None:
        wait_s = super()._wait_s(request, outcome, attempt)
        limited = isinstance(outcome, Answer) and outcome.status == 429
        return 0.0 if limited and wait_s is not None else wait_s


@broken(
    "retry", "retry/captureOrder-with-key/retry-after-seconds", "The client comes back before the limit has passed."
)
class RetryAfterUnread(_Deaf):
    """Leaves Retry-After unread."""

    unread = ("Retry-After",)


@broken("retry", "retry/captureOrder-with-key/rate-limit-reset", "The client comes back before the limit has passed.")
class ResetUnread(_Deaf):
    """Leaves the reset of the rate limit unread."""

    unread = ("X-Ratelimit-Reset",)


@broken("retry", "retry/captureOrder-with-key/retry-after-date", "The shop crashes where it should have waited.")
class RetryAfterDateFatal(Broken):
    """Crashes when Retry-After is a date."""

    def _wait_s(self, request: WireRequest, outcome: Answer | Lost, attempt: int) -> float | None:
        if isinstance(outcome, Answer) and outcome.status in {429, 503}:
            int(outcome.headers.get("Retry-After") or 0)
        return super()._wait_s(request, outcome, attempt)


@broken("retry", "retry/captureOrder-with-key/retry-after-date", "The client comes back before the limit has passed.")
class RetryAfterDateUnread(Broken):
    """Waits as asked for in seconds, and not until a date."""

    def _wait_s(self, request: WireRequest, outcome: Answer | Lost, attempt: int) -> float | None:
        if isinstance(outcome, Answer) and not (outcome.headers.get("Retry-After") or "0").isdigit():
            outcome = replace(outcome, headers=outcome.headers.without("Retry-After"))
        return super()._wait_s(request, outcome, attempt)


@broken(
    "retry",
    "retry/captureOrder-with-key/retry-after-seconds",
    "The client waits a thousandth of what it was asked for.",
)
class SecondsAsMilliseconds(Broken):
    """Takes seconds for milliseconds."""

    def _wait_s(self, request: WireRequest, outcome: Answer | Lost, attempt: int) -> float | None:
        if isinstance(outcome, Answer) and (asked := outcome.headers.get("Retry-After") or "").isdigit():
            milliseconds = [("Retry-After", f"{int(asked) / 1000:.3f}"), *outcome.headers.without("Retry-After")]
            outcome = replace(outcome, headers=Headers(milliseconds))
        return super()._wait_s(request, outcome, attempt)
