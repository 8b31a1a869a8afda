"""Faults of repetition: keys that are ignored, forgotten, mixed up, or remembered without their effect."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable
from datetime import timedelta

from conformance.exchange import Headers, Response
from conformance.simulator.faults.call import Call
from conformance.simulator.faults.changes import succeeded, with_status
from conformance.simulator.faults.fault import WRITES, Behaviour, Fault, FaultClass

__all__ = ["FAULTS"]

_CLASS = FaultClass.IDEMPOTENCY


def _as_key(make: Callable[[Call], str]) -> Behaviour:
    """Have the service remember a request under another key; an empty one means that it does not."""
    return lambda call: call.proceed(call.keyed(make(call)))


def _ignored(when: Callable[[Call], bool] = lambda _call: True) -> Behaviour:
    return _as_key(lambda call: "" if when(call) else call.key)


def _times(call: Call) -> int:
    """Count how often a key was sent, this time included."""
    times: int = call.memory.get(call.key, 0) + 1
    call.memory[call.key] = times
    return times


def _lasting(uses: int) -> Behaviour:
    """Forget a key after so many uses."""

    def make(call: Call) -> str:
        return f"{call.key}#{(_times(call) - 1) // uses}" if call.key else ""

    return _as_key(make)


def _by_body(call: Call) -> str:
    digest = hashlib.sha256(call.request.body).hexdigest()
    return f"{call.request.target} {digest}"


def _key_and_body(call: Call) -> str:
    return f"{call.key} {_by_body(call)}" if call.key else ""


def _short_lived(call: Call) -> Response:
    """Forget a key after an hour."""
    first = call.memory.setdefault(call.key, call.now)
    age = (call.now - first) // timedelta(hours=1)
    return call.proceed(call.keyed(f"{call.key}#{age}" if call.key else ""))


def _forgotten_when_lost(call: Call) -> Response:
    """Keep a key only once its answer has gone out."""
    lost: dict[str, int] = call.memory
    response = call.proceed(call.keyed(f"{call.key}#{lost.get(call.key, 0)}" if call.key else ""))
    if response.status >= 500:
        lost[call.key] = lost.get(call.key, 0) + 1
    return response


def _on_replay(change: Callable[[Response, Call], Response]) -> Behaviour:
    """Change the answer to every repetition of a key."""

    def behave(call: Call) -> Response:
        again = bool(call.key) and _times(call) > 1
        response = call.proceed()
        return change(response, call) if again and succeeded(response) else response

    return behave


def _other_id(response: Response, call: Call) -> Response:
    made = response.headers.get("Capture-Id") or response.headers.get("Refund-Id") or ""
    other = str(uuid.UUID(int=call.number))
    if not made:
        return response
    return Response(response.status, Headers((name, value.replace(made, other)) for name, value in response.headers))


def _booked_again(response: Response, call: Call) -> Response:
    """Tell the first answer again, and book the amount again."""
    order, amount = call.order, call.amount or 0
    if order is not None and call.operation == "captureOrder":
        order.captured_amount += amount
        order.remaining_authorized_amount -= amount
    elif order is not None:
        order.refunded_amount += amount
    if order is not None:
        order.changed()
    return response


def _refused_again(response: Response, call: Call) -> Response:
    del response
    return call.refuse(403, "NOT_ALLOWED", "The order has been released.")


def _conflict(response: Response, call: Call) -> Response:
    del response
    return call.refuse(422, "UNPROCESSABLE_ENTITY", "The key was used before.")


def _without_lines(call: Call) -> bool:
    return "order_lines" not in call.sent


FAULTS = (
    Fault("refund-key-ignored", _CLASS, ("refundOrder",), "The key of a refund is ignored",
          "A refund that is repeated after a lost answer is paid twice.", "OM-IDEM-01", _ignored()),
    Fault("capture-key-ignored-without-lines", _CLASS, ("captureOrder",), "The key of a capture without lines is ignored",
          "A capture that is repeated after a lost answer charges twice.", "OM-IDEM-01", _ignored(_without_lines)),
    Fault("parcel-key-ignored", _CLASS, ("appendOrderShippingInfo",), "The key of a parcel is ignored",
          "The customer is shown the same parcel twice.", "OM-IDEM-01", _ignored()),
    Fault("capture-parcel-key-ignored", _CLASS, ("appendShippingInfo",), "The key of a capture's parcel is ignored",
          "The customer is shown the same parcel twice.", "OM-IDEM-01", _ignored()),
    Fault("release-key-ignored", _CLASS, ("releaseRemainingAuthorization",), "The key of a release is ignored",
          "A release that worked looks as if it had failed.", "OM-IDEM-02", _ignored()),
    Fault("key-forgotten-after-replay", _CLASS, ("captureOrder", "refundOrder"), "A key is good for one replay",
          "The third attempt at a capture charges again.", "OM-IDEM-01", _lasting(2)),
    Fault("key-of-lost-answer-forgotten", _CLASS, WRITES, "A key is kept only once its answer has gone out",
          "Just the retry that keys are for charges twice.", "OM-IDEM-01", _forgotten_when_lost),
    Fault("key-forgotten-after-an-hour", _CLASS, ("captureOrder", "refundOrder"), "A key is forgotten after an hour",
          "The retry after five hours, which the policy asks for, charges twice.", "OM-IDEM-01", _short_lived),
    Fault("key-with-body", _CLASS, ("captureOrder", "refundOrder"), "A key with another body is executed again",
          "A retry with a new timestamp in its text charges twice.", "OM-IDEM-04", _as_key(_key_and_body)),
    Fault("replay-books-again", _CLASS, ("captureOrder",), "A replay gets the first answer and is booked again",
          "The customer is charged twice and nobody is told.", "OM-IDEM-01", _on_replay(_booked_again)),
    Fault("refund-replay-counts-again", _CLASS, ("refundOrder",), "The replay of a refund is counted again",
          "The customer gets less back than is owed.", "OM-IDEM-01", _on_replay(_booked_again)),
    Fault("replay-with-other-id", _CLASS, ("captureOrder",), "A replay is answered with another Capture-Id",
          "Parcels are filed under a capture that does not exist.", "OM-IDEM-01", _on_replay(_other_id)),
    Fault("replay-of-refund-with-other-id", _CLASS, ("refundOrder",), "A replay is answered with another Refund-Id",
          "Accounting books two refunds.", "OM-IDEM-01", _on_replay(_other_id)),
    Fault("replay-answers-200", _CLASS, ("captureOrder", "cancelOrder"), "A replay is answered with 200",
          "Clients that wait for the first status take the retry for a failure.", "OM-IDEM-02",
          _on_replay(lambda response, _call: with_status(response, 200))),
    Fault("replay-refused", _CLASS, ("updateAuthorization", "updateConsumerDetails"), "A replay is refused with 403",
          "A change that was made looks as if it had failed.", "OM-IDEM-02", _on_replay(_refused_again)),
    Fault("replay-of-reference-422", _CLASS, ("updateMerchantReferences", "extendDueDate"), "A replay gets 422",
          "A change that was made looks as if it had failed.", "OM-IDEM-02", _on_replay(_conflict)),
    Fault("equal-bodies-merged", _CLASS, ("captureOrder", "refundOrder"), "Equal bodies are one call, whatever the key",
          "The second of two equal parcels is never paid.", "OM-IDEM-03", _as_key(_by_body)),
    Fault("equal-bodies-without-key-merged", _CLASS, ("captureOrder", "refundOrder"),
          "Equal bodies without a key are one call", "The second of two equal parcels is never paid.", "OM-IDEM-03",
          _as_key(lambda call: call.key or _by_body(call))),
    Fault("keys-cut", _CLASS, ("captureOrder", "refundOrder"), "Only the first 36 characters of a key count",
          "Keys that differ at their end merge two captures into one.", "OM-IDEM-03",
          _as_key(lambda call: call.key[:36])),
    Fault("keys-in-any-case", _CLASS, ("captureOrder",), "Keys that differ in case are one",
          "Two captures with short random keys become one.", "OM-IDEM-03", _as_key(lambda call: call.key.lower())),
    Fault("keys-without-signs", _CLASS, ("refundOrder",), "Signs in a key do not count",
          "The keys 1-23 and 12-3 merge two refunds into one.", "OM-IDEM-03",
          _as_key(lambda call: "".join(filter(str.isalnum, call.key)))),
)
