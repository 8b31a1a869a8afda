"""Faults of texts and numbers that are right and that a parser, a store or a driver of one cannot take."""

from __future__ import annotations

from collections.abc import Mapping

from conformance.exchange import Response
from conformance.simulator.faults.call import Call
from conformance.simulator.faults.changes import refused
from conformance.simulator.faults.fault import Behaviour

__all__ = ["BEHAVIOURS"]

_NUL = b"\\u0000"


def _nul_at_the_database(call: Call) -> Response:
    if _NUL not in call.request.body:
        return call.proceed()
    return call.refuse(400, "BAD_VALUE", "ERROR: invalid byte sequence for encoding UTF8: 0x00 (SQLSTATE 22021)")


def _has_lone_surrogate(call: Call) -> bool:
    return b"\\ud8" in call.request.body and b"\\udc" not in call.request.body


def _has_long_number(call: Call) -> bool:
    return b"9" * 1_000 in call.request.body


BEHAVIOURS: Mapping[str, Behaviour] = {
    "nul-text-500": refused(
        500, "INTERNAL_SERVER_ERROR", "Internal error", when=lambda call: _NUL in call.request.body
    ),
    "nul-text-tells-of-database": _nul_at_the_database,
    "half-surrogate-500": refused(500, "INTERNAL_SERVER_ERROR", "Internal error", when=_has_lone_surrogate),
    "long-number-500": refused(500, "INTERNAL_SERVER_ERROR", "Internal error", when=_has_long_number),
}
