"""Faults of keys that look at the body: a key has been used or it has not, whatever comes with it."""

from __future__ import annotations

from collections.abc import Mapping

from conformance.exchange import Response
from conformance.simulator.faults.call import AMOUNT_FIELD, Call
from conformance.simulator.faults.fault import Behaviour

__all__ = ["BEHAVIOURS"]


def _other_body_refused(call: Call) -> Response:
    if not call.key:
        return call.proceed()
    first = call.memory.setdefault((call.request.target, call.key), call.sent)
    if first != call.sent:
        return call.refuse(409, "CONFLICT", "The key was used for another request.")
    return call.proceed()


def _words_executed(call: Call) -> Response:
    """Let the words beside the amount decide along with the key."""
    name = AMOUNT_FIELD[call.operation]
    words = sorted(text for field, text in call.sent.items() if field != name and isinstance(text, str))
    return call.proceed(call.keyed(f"{call.key}{words}".encode().hex()) if call.key and words else None)


BEHAVIOURS: Mapping[str, Behaviour] = {
    "key-refused-with-other-body": _other_body_refused,
    "key-with-words": _words_executed,
}
