"""Faults of repetition: keys that are ignored, forgotten, mixed up, or remembered without their effect."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Mapping
from datetime import timedelta

from conformance.exchange import Headers, Response
from conformance.simulator.faults.call import KEY, Call
from conformance.simulator.faults.changes import succeeded, with_status
from conformance.simulator.faults.fault import Behaviour

__all__ = ["BEHAVIOURS"]


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


def _forgotten_in_the_evening(call: Call) -> Response:
    """Forget a key after twenty hours."""
    first = call.memory.setdefault(call.key, call.now)
    age = (call.now - first) // timedelta(hours=20)
    return call.proceed(call.keyed(f"{call.key}#{age}" if call.key else ""))


def _in_capitals_only(call: Call) -> str:
    """Find the key only under the name as the documentation writes it."""
    return call.key if any(name == KEY for name, _ in call.request.headers) else ""


def _brings_back(call: Call) -> Response:
    """Write the references of a repeated call once more."""
    return call.proceed(call.keyed(f"{call.key}#{_times(call)}" if call.key else ""))


def _done_at_last(call: Call) -> Response:
    """Carry out a refused refund when it is asked for again with its key."""
    order = call.order
    if order is None or not call.key or not order.captures:
        return call.proceed()
    again = _times(call) > 1
    above = (call.amount or 0) - (order.captured_amount - order.refunded_amount)
    if not again or above != 1:
        return call.proceed()
    with call.pretending(captured_amount=order.captured_amount + above):
        return call.proceed(call.keyed(f"{call.key}#again"))


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


def _version_4_only(call: Call) -> str:
    """Take for a key only what one guide advises, and not what the other does."""
    return call.key if call.key[14:15] == "4" else ""


def _by_program(call: Call) -> str:
    return f"{call.key} {call.request.headers.get('User-Agent')}" if call.key else ""


def _in_conflict(response: Response, call: Call) -> Response:
    del response
    return call.refuse(409, "CONFLICT")


BEHAVIOURS: Mapping[str, Behaviour] = {
    "keys-of-version-4-only": _as_key(_version_4_only),
    "key-by-program": _as_key(_by_program),
    "replay-in-conflict": _on_replay(_in_conflict),
    "refund-key-ignored": _ignored(),
    "capture-key-ignored-without-lines": _ignored(_without_lines),
    "parcel-key-ignored": _ignored(),
    "capture-parcel-key-ignored": _ignored(),
    "release-key-ignored": _ignored(),
    "key-forgotten-after-replay": _lasting(2),
    "key-of-lost-answer-forgotten": _forgotten_when_lost,
    "key-forgotten-after-an-hour": _short_lived,
    "key-forgotten-after-twenty-hours": _forgotten_in_the_evening,
    "key-name-in-small-letters-ignored": _as_key(_in_capitals_only),
    "replay-brings-references-back": _brings_back,
    "refused-refund-done-when-repeated": _done_at_last,
    "key-with-body": _as_key(_key_and_body),
    "replay-books-again": _on_replay(_booked_again),
    "refund-replay-counts-again": _on_replay(_booked_again),
    "replay-with-other-id": _on_replay(_other_id),
    "replay-of-refund-with-other-id": _on_replay(_other_id),
    "replay-answers-200": _on_replay(lambda response, _call: with_status(response, 200)),
    "replay-refused": _on_replay(_refused_again),
    "replay-of-reference-422": _on_replay(_conflict),
    "equal-bodies-merged": _as_key(_by_body),
    "equal-bodies-without-key-merged": _as_key(lambda call: call.key or _by_body(call)),
    "keys-cut": _as_key(lambda call: call.key[:36]),
    "keys-in-any-case": _as_key(lambda call: call.key.lower()),
    "keys-without-signs": _as_key(lambda call: "".join(filter(str.isalnum, call.key))),
}
