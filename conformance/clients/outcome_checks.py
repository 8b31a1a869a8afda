"""What the user saw, held against what the wire says happened."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from conformance.clients.call import NeverReturned, Oversized, Raised, Returned
from conformance.clients.evidence import ENDLESS, UNREADABLE, Accusation, CallEvidence, Ended, Sent, Witness
from conformance.clients.secret import forms_of

__all__ = ["CRASHES", "outcome_accusations"]

# Names of errors that mean that the client's own code fell over, in the languages that clients are written in.
CRASHES = frozenset(
    {
        "unexpected",
        "ArgumentNullException", "ArithmeticError", "AssertionError", "AttributeError", "ClassCastException",
        "DecodingError", "ErrorException", "FormatException", "IndexError", "IndexOutOfBoundsException",
        "IndexOutOfRangeException", "InvalidCastException", "JSONDecodeError", "JsonException",
        "JsonParseException", "JsonReaderException", "JSON::ParserError", "KeyError", "KeyNotFoundException",
        "LookupError", "MismatchedInputException", "NameError", "NoMethodError", "NullPointerException",
        "NullReferenceException", "NumberFormatException", "OverflowError", "RangeError", "RecursionError",
        "ReferenceError", "SyntaxError", "TypeError", "UnboundLocalError", "UnicodeDecodeError",
        "UnicodeEncodeError", "ValueError", "ZeroDivisionError",
    }
)  # fmt: skip

_NAME = {"captureOrder": "capture_id", "refundOrder": "refund_id"}
_KIND = {"captureOrder": "capture", "refundOrder": "refund"}
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}", re.ASCII)
_SHOWN = 200
_MISSING = object()


def outcome_accusations(evidence: CallEvidence) -> Iterator[Accusation]:
    """Yield what is wrong with what the user was told."""
    outcome = evidence.outcome
    if isinstance(outcome, NeverReturned):
        yield _hang(outcome, evidence)
        return
    if isinstance(outcome, Oversized):
        yield _saw("KOM-877", f"it took in an answer of tens of megabytes and handed over {outcome.size} bytes")
        return
    if isinstance(outcome, Raised):
        yield from _secrets(outcome, evidence)
    if evidence.tls:
        if isinstance(outcome, Returned):
            yield _saw("KOM-821", "success was reported for a server that cannot be trusted")
        return
    last = evidence.last
    if last is None:
        if isinstance(outcome, Returned):
            yield _saw("KOM-821", f"success was reported for {evidence.call.operation}, which never arrived")
        return
    if isinstance(outcome, Returned):
        yield from _returned(outcome, evidence)
    elif isinstance(outcome, Raised):
        yield from _raised(outcome, evidence)


def _hang(outcome: NeverReturned, evidence: CallEvidence) -> Accusation:
    last = evidence.last
    told = "no request arrived" if last is None else f"the last request was {_ending(last)}"
    text = f"{evidence.call.operation} had not come back after {outcome.waited_s:.0f} s; {told}"
    return _saw("KOM-854" if evidence.step.moves else "KOM-853", text)


def _ending(last: Sent) -> str:
    return f"answered with {last.status}" if last.ended is Ended.ANSWERED else str(last.ended)


def _returned(outcome: Returned, evidence: CallEvidence) -> Iterator[Accusation]:
    last = evidence.last
    if last is None or evidence.step.user == "either":
        if last is not None and last.succeeded and last.toxic == "answer":
            yield from _invented(outcome, evidence)
        return
    told = f"{last.status}" if last.ended is Ended.ANSWERED and last.status is not None else str(last.ended)
    if evidence.step.user == "failure" and last.toxic in ENDLESS:
        yield _saw("KOM-877", "it took in an answer of tens of megabytes and reported success")
    elif last.toxic == "cut_head" or _is_whole(outcome, evidence):
        # The status line came, or all that was to be read did; HTTP leaves it to the client what to make of that.
        return
    elif not last.succeeded and not _came_late(evidence):
        yield _saw("KOM-821", f"success was reported, and the last answer was {told}")
    elif last.toxic in UNREADABLE:
        yield _saw("KOM-821", f"success was reported, and the answer was {UNREADABLE[last.toxic]}")
    else:
        yield from _value(outcome, evidence)


def _is_whole(outcome: Returned, evidence: CallEvidence) -> bool:
    """Whether a broken answer to a read still brought everything."""
    last, expected = evidence.last, evidence.expected_value
    broken = last is not None and last.ended is Ended.BROKEN
    return broken and expected is not None and next(_lost(outcome.value, expected, ""), None) is None


def _came_late(evidence: CallEvidence) -> bool:
    """Whether a client without a time limit may have waited for an answer that came late."""
    last = evidence.last
    return last is not None and last.toxic == "late_reply" and last.status is not None and last.status < 300


def _raised(outcome: Raised, evidence: CallEvidence) -> Iterator[Accusation]:
    last = evidence.last
    if last is None:
        return
    operation = evidence.call.operation
    if last.succeeded and last.readable:
        if evidence.step.user == "either" or evidence.out_of_time:
            return
        if evidence.step.also:
            yield _saw("KOM-863", f"something unknown in the answer stopped it: {_error(outcome)}")
        elif last.toxic == "other_success":
            yield _saw(
                "KOM-823", f"{operation} was answered with {last.status}, a success, and the user saw {_error(outcome)}"
            )
        else:
            yield _saw("KOM-822", f"{operation} was answered with {last.status} and the user saw {_error(outcome)}")
        return
    if last.ended is not Ended.ANSWERED or last.status is None or last.status < 400:
        return
    yield from _detail(outcome, evidence)


def _detail(outcome: Raised, evidence: CallEvidence) -> Iterator[Accusation]:
    """Whether a refusal reached the user with what it said."""
    last, told = evidence.last, evidence.told
    if last is None or evidence.step.user == "either":
        return
    if outcome.kind.rpartition(".")[2].rpartition("\\")[2] in CRASHES and outcome.status is None:
        yield _saw("KOM-827", f"the answer was {last.status}, and the client fell over: {_error(outcome)}")
        return
    if outcome.status != last.status and not re.search(rf"\b{last.status}\b", outcome.text):
        what = "no status" if outcome.status is None else f"the status {outcome.status}"
        yield _saw("KOM-828", f"the answer was {last.status}, and the error has {what}: {_error(outcome)}")
    said = " ".join((outcome.text, *outcome.error_messages))
    if told.error_code and outcome.error_code != told.error_code and told.error_code not in said:
        yield _saw("KOM-829", f"the answer said {told.error_code}, and the error has no way to it: {_error(outcome)}")
    missing = [message for message in told.messages if message not in said]
    if missing:
        yield _saw("KOM-830", f"the message {missing[0]!r} did not reach the user: {_error(outcome)}")
    if told.correlation_id and outcome.correlation_id != told.correlation_id and told.correlation_id not in said:
        yield _saw("KOM-831", f"the correlation id did not reach the user: {_error(outcome)}")


def _value(outcome: Returned, evidence: CallEvidence) -> Iterator[Accusation]:
    """Whether a success brought its result."""
    operation = evidence.call.operation
    if operation in _NAME:
        ids = [entry_id for kind, _, entry_id in evidence.moved if kind == _KIND[operation] and entry_id]
        if ids and not any(made in text for text in _strings(outcome.value) for made in ids):
            last = evidence.last
            halved = last is not None and last.toxic in ("no_location", "no_id_header")
            made = f"{_KIND[operation]} {ids[-1]} was made and its id did not reach the user"
            yield _saw("KOM-825" if halved else "KOM-824", f"{made}, who got {_shown(outcome.value)}")
        return
    if evidence.expected_value is None:
        return
    for place, seen, wanted in _lost(outcome.value, evidence.expected_value, ""):
        if seen is _MISSING:
            code = "KOM-824" if not place else "KOM-862"
            yield _saw(code, f"{place or 'the result'} did not reach the user; the server said {_shown(wanted)}")
        else:
            yield _saw(
                "KOM-862",
                f"{place or 'the result'} reached the user as {_shown(seen)}; the server said {_shown(wanted)}",
            )
        return


def _invented(outcome: Returned, evidence: CallEvidence) -> Iterator[Accusation]:
    """An id where the answer had none."""
    name = _NAME.get(evidence.call.operation)
    if name is None or not isinstance(outcome.value, Mapping):
        return
    for field in (name, "id"):
        value = outcome.value.get(field)
        if value not in (None, ""):
            yield _saw("KOM-826", f"the answer named no id, and the user got {field} {_shown(value)}")
            return


def _secrets(outcome: Raised, evidence: CallEvidence) -> Iterator[Accusation]:
    call = evidence.call
    texts = (outcome.kind, outcome.text, outcome.error_code or "", *outcome.error_messages)
    if any(form in text for form in forms_of(call.username, call.password) for text in texts):
        yield _saw("KOM-874", "the error shows the password or the Authorization value")


def _lost(seen: Any, wanted: Any, place: str) -> Iterator[tuple[str, Any, Any]]:
    """Compare what was read with what was said; names may be in another case, times in another form."""
    if isinstance(wanted, Mapping):
        if not isinstance(seen, Mapping):
            yield place, _MISSING if seen in (None, "", [], {}) else seen, wanted
            return
        folded = {_folded(name): value for name, value in seen.items()}
        for name, value in wanted.items():
            yield from _lost(folded.get(_folded(name), _MISSING), value, f"{place}/{name}" if place else name)
    elif isinstance(wanted, list):
        if not isinstance(seen, list) or len(seen) != len(wanted):
            # A list that is empty may be left out as well.
            if wanted or seen not in (_MISSING, None, []):
                yield place, seen, wanted
            return
        for index, (left, right) in enumerate(zip(seen, wanted, strict=True)):
            yield from _lost(left, right, f"{place}/{index}")
    elif seen is _MISSING:
        # Text that says nothing may be left out; a zero is an amount.
        if wanted not in ("", None):
            yield place, seen, wanted
    elif not _same(seen, wanted):
        yield place, seen, wanted


def _folded(name: Any) -> str:
    return str(name).replace("_", "").lower()


def _same(seen: Any, wanted: Any) -> bool:
    if isinstance(wanted, bool) or isinstance(seen, bool):
        return seen is wanted
    if seen == wanted or (seen is None and wanted == ""):
        return True
    return (
        isinstance(wanted, str)
        and isinstance(seen, str)
        and bool(_TIME.match(wanted))
        and _moment(seen) == _moment(wanted)
    )


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)


def _error(outcome: Raised) -> str:
    text = " ".join(outcome.text.split())[:_SHOWN]
    return f"{outcome.kind}: {text}" if text else outcome.kind


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _saw(code: str, message: str) -> Accusation:
    return Accusation(code, Witness.OUTCOME, message)
