"""What can go wrong between a request and its answer, as a catalogue of named faults with their parameters."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from conformance.simulator.control_error import ControlError

__all__ = ["TOXICS", "Parameter", "SpoiltError", "Toxic", "ToxicKind"]

_FIELD_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
_FRAMING = frozenset({"content-length", "transfer-encoding", "connection"})

_LONGEST_WAIT_MS = 60_000
_LARGEST_BODY = 1024 * 1024 * 1024
# Its checksum is computed over the whole of it while others wait.
_LARGEST_BOMB = 256 * 1024 * 1024
_LONGEST_TEXT = 1024 * 1024

_Check = Callable[[Any], str]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One setting of a toxic. ``check`` returns what is wrong with a value in words, empty for nothing."""

    name: str
    default: Any
    check: _Check
    meaning: str


@dataclass(frozen=True, slots=True)
class ToxicKind:
    """One entry of the catalogue; ``works`` says whether what was asked for is carried out."""

    id: str
    does: str
    works: str
    parameters: tuple[Parameter, ...] = ()


@dataclass(frozen=True, slots=True)
class Toxic:
    """One fault made to measure; parameters that are left out take their defaults.

    Raises ControlError for a kind that is not in ``TOXICS``, an unknown parameter, or a value out of bounds.
    """

    kind: str
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        known = TOXICS.get(self.kind)
        if known is None:
            raise ControlError(f"kind: {self.kind!r} is no toxic; known are {', '.join(TOXICS)}")
        given = dict(self.parameters)
        values = {}
        for parameter in known.parameters:
            value = given.pop(parameter.name, parameter.default)
            wrong = "" if value is None and parameter.default is None else parameter.check(value)
            if wrong:
                raise ControlError(f"{self.kind}.{parameter.name}: {wrong}")
            values[parameter.name] = value
        if given:
            names = ", ".join(parameter.name for parameter in known.parameters) or "none"
            raise ControlError(f"{self.kind}.{next(iter(given))}: is no parameter; known are {names}")
        object.__setattr__(self, "parameters", MappingProxyType(values))

    def __getitem__(self, name: str) -> Any:
        return self.parameters[name]

    def __hash__(self) -> int:
        return hash(str(self))

    def __str__(self) -> str:
        chosen = ", ".join(
            f"{name}={json.dumps(value, ensure_ascii=False)}"
            for name, value in self.described().items()
            if name != "kind"
        )
        return f"{self.kind}({chosen})" if chosen else self.kind

    @classmethod
    def parse(cls, given: Any) -> Toxic:
        """Read ``{"kind": …, parameter: value, …}``; raises ControlError naming the field that is wrong."""
        if not isinstance(given, Mapping) or "kind" not in given:
            raise ControlError('a toxic is an object with "kind" and its parameters, or null for a good answer')
        if not isinstance(given["kind"], str):
            raise ControlError("kind: must be text")
        return cls(given["kind"], {name: value for name, value in given.items() if name != "kind"})

    def described(self) -> dict[str, Any]:
        """Return what ``parse`` reads, without the parameters that have their defaults."""
        chosen = {
            each.name: self.parameters[each.name]
            for each in TOXICS[self.kind].parameters
            if self.parameters[each.name] != each.default
        }
        return {"kind": self.kind, **chosen}


class SpoiltError(Exception):
    """Raised by a service in place of an answer, so that its door lets a toxic happen to the connection.

    The service is not asked again: ``worked`` tells whether it has done what was asked for, and the toxic must be of
    a kind that does no work. Raises ControlError for any other.
    """

    def __init__(self, toxic: Toxic, *, worked: bool = False) -> None:
        if TOXICS[toxic.kind].works != "no":
            raise ControlError(f"{toxic.kind}: has work to do, and whoever answers has done or refused it already")
        super().__init__(str(toxic))
        self.toxic = toxic
        self.worked = worked


def _whole(smallest: int, largest: int) -> _Check:
    def check(value: Any) -> str:
        if isinstance(value, bool) or not isinstance(value, int) or not smallest <= value <= largest:
            return f"must be a whole number from {smallest} to {largest}"
        return ""

    return check


def _not_zero(value: Any) -> str:
    return _whole(-1_000_000, 1_000_000)(value) or ("" if value else "must not be 0")


def _flag(value: Any) -> str:
    return "" if isinstance(value, bool) else "must be true or false"


def _text(value: Any) -> str:
    if not isinstance(value, str):
        return "must be text"
    return "" if len(value) <= _LONGEST_TEXT else f"must not be longer than {_LONGEST_TEXT} characters"


def _header_value(value: Any) -> str:
    fits = isinstance(value, str) and all(sign == "\t" or " " <= sign <= "ÿ" for sign in value)
    return "" if fits else "must be text that can stand in a header"


def _headers(value: Any) -> str:
    if not isinstance(value, Mapping):
        return "must be an object of texts"
    for name, text in value.items():
        if not isinstance(name, str) or not _FIELD_NAME.fullmatch(name):
            return "a name is no header field name"
        if name.lower() in _FRAMING:
            return f"{name} is decided by the door that answers"
        if _header_value(text):
            return f"the value of {name} {_header_value(text)}"
    return ""


def _texts(value: Any) -> str:
    return "" if isinstance(value, list) and all(isinstance(text, str) for text in value) else "must be a list of texts"


_STATUS = _whole(200, 599)
_MS = _whole(0, _LONGEST_WAIT_MS)
_RESET = Parameter("reset", False, _flag, "reset the connection in place of closing it")
_CARRIED_OUT = Parameter("carried_out", False, _flag, "do the work before answering so")

_CATALOGUE = (
    ToxicKind(
        "latency",
        "Waits, then does the work and answers.",
        "yes",
        (Parameter("ms", 100, _MS, "how long"),),
    ),
    ToxicKind(
        "late_reply",
        "Does the work at once and answers later.",
        "yes",
        (Parameter("ms", 1_000, _MS, "how much later"),),
    ),
    ToxicKind(
        "timeout",
        "Never answers; the connection stays open until the caller gives up, but not for ever.",
        "no",
        (Parameter("ms", 30_000, _MS, "when the connection is closed at the latest"),),
    ),
    ToxicKind("close_before", "Closes the connection in place of doing the work.", "no"),
    ToxicKind("reset_before", "Resets the connection in place of doing the work.", "no"),
    ToxicKind("close_after", "Does the work and closes the connection without a byte of answer.", "yes"),
    ToxicKind("reset_after", "Does the work and resets the connection without a byte of answer.", "yes"),
    ToxicKind("cut_head", "Does the work and ends the connection amid the head of the answer.", "yes", (_RESET,)),
    ToxicKind("cut_body", "Does the work and ends the connection amid the body of the answer.", "yes", (_RESET,)),
    ToxicKind(
        "wrong_length",
        "Does the work and announces a body of another length than it sends, then closes the connection.",
        "yes",
        (Parameter("by", 10, _not_zero, "bytes announced too many; too few when negative"),),
    ),
    ToxicKind("malformed_chunk", "Does the work and answers in chunks, one of which has no proper size.", "yes"),
    ToxicKind("invalid_json", "Does the work and answers, in a proper message, with JSON that ends too soon.", "yes"),
    ToxicKind(
        "html_body",
        "Answers with an HTML page.",
        "by carried_out",
        (Parameter("status", 200, _STATUS, "its status"), _CARRIED_OUT),
    ),
    ToxicKind(
        "empty_body",
        "Answers with nothing but a head.",
        "by carried_out",
        (Parameter("status", 500, _STATUS, "its status"), _CARRIED_OUT),
    ),
    ToxicKind(
        "drip",
        "Does the work and sends the answer in small pieces.",
        "yes",
        (
            Parameter("bytes", 64, _whole(1, 1_000_000), "bytes in a piece"),
            Parameter("ms", 5, _MS, "pause between two pieces"),
        ),
    ),
    ToxicKind(
        "huge_body",
        "Does the work and lengthens the body of the answer; it stays valid JSON.",
        "yes",
        (Parameter("bytes", 32 * 1024 * 1024, _whole(1, _LARGEST_BODY), "bytes added"),),
    ),
    ToxicKind(
        "gzip_bomb",
        "Does the work and answers with a small compressed body that unpacks to a large one; it stays valid JSON.",
        "yes",
        (Parameter("bytes", 64 * 1024 * 1024, _whole(1, _LARGEST_BOMB), "bytes added before compression"),),
    ),
    ToxicKind("gzip", "Does the work and compresses the body of the answer, asked or not.", "yes"),
    ToxicKind(
        "redirect",
        "Sends the caller elsewhere.",
        "no",
        (
            Parameter("status", 307, _whole(300, 399), "the status"),
            Parameter("location", "", _header_value, "where to; empty for the same path on the other origin"),
        ),
    ),
    ToxicKind(
        "close_next",
        "Answers well and promises to keep the connection, then closes it.",
        "yes",
        (Parameter("ms", 0, _MS, "how long after the answer"),),
    ),
    ToxicKind("lower_case_headers", "Answers well with the names of all headers in lower case.", "yes"),
    ToxicKind("relative_location", "Answers well with a Location that is no more than a path.", "yes"),
    ToxicKind("no_location", "Answers well without a Location.", "yes"),
    ToxicKind("no_id_header", "Answers well without Capture-Id and Refund-Id.", "yes"),
    ToxicKind(
        "other_success",
        "Answers well with another status of success.",
        "yes",
        (Parameter("status", 200, _whole(200, 299), "the status"),),
    ),
    ToxicKind("challenge", "Asks for Basic credentials, whether or not there were any.", "no"),
    ToxicKind(
        "answer",
        "Gives a forced answer.",
        "by carried_out",
        (
            Parameter("status", 503, _STATUS, "its status"),
            Parameter("error_code", None, _text, "its error code; null for what the error table has for the status"),
            Parameter("error_messages", None, _texts, "its messages; null for those of the error table"),
            Parameter("headers", MappingProxyType({}), _headers, "headers added, replacing others of the same name"),
            Parameter("body", None, _text, "its body; null for JSON made of code and messages"),
            Parameter("media", "application/json", _header_value, "its media type; empty for no Content-Type"),
            _CARRIED_OUT,
        ),
    ),
)  # fmt: skip

TOXICS: Mapping[str, ToxicKind] = MappingProxyType({each.id: each for each in _CATALOGUE})
