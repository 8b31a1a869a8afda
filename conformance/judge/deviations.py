"""Tells whether a listed deviation of the real service explains a remark."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from conformance.contract.contract import Contract
from conformance.judge.observation import Observation, Remark, is_uuid

__all__ = ["PREDICATES", "TOLERATED", "TOPICS", "explain"]


_TOO_LARGE = 413


def _html(seen: Observation, status: int) -> bool:
    page = seen.response.body[:20_000].lower()
    return seen.status == status and seen.media == "text/html" and b"<html" in page and str(status).encode() in page


def _html_400(seen: Observation) -> bool:
    return _html(seen, 400) and any(not is_uuid(value) for value in seen.ids.values())


def _gateway_401(seen: Observation) -> bool:
    return seen.status == 401 and not seen.error_code


def _bare_401(seen: Observation) -> bool:
    return seen.status == 401 and "Klarna-Correlation-Id" not in seen.response.headers


def _gateway_html(seen: Observation) -> bool:
    bare = seen.status == _TOO_LARGE and not seen.response.body
    return bare or any(_html(seen, status) for status in (_TOO_LARGE, 502, 503, 504))


def _empty_json_text(seen: Observation) -> bool:
    return seen.succeeded and seen.answered.value == ""


def _singular_message(seen: Observation) -> bool:
    body = seen.answered.value
    return isinstance(body, dict) and isinstance(body.get("error_message"), str) and "error_messages" not in body


# Deviations that the check itself recognises: it marks its remark with the topic.
TOPICS: Mapping[str, str] = {
    "DEV-CANCELLED-REMAINING": "cancelled-remaining",
    "DEV-REFUND-REFERENCE": "refund-reference-absent",
    "DEV-CAPTURE-REFERENCE": "capture-reference-absent",
    "DEV-NUMBER-AS-TEXT": "number-as-text",
}

# Deviations that no check complains of: the checks are written so that both ways pass.
TOLERATED = frozenset(
    {
        "DEV-CAPTURE-REFUNDED-LAG",
        "DEV-EMPTY-MESSAGES",
        "DEV-HTTP-ERROR-405",
        "DEV-RATELIMIT-HEADERS-ABSENT",
        "DEV-SPRING-404",
        "DEV-UNKNOWN-FIELD-IGNORED",
    }
)

# Deviations that are recognised by the whole answer.
PREDICATES: Mapping[str, Callable[[Observation], bool]] = {
    "DEV-HTML-400": _html_400,
    "DEV-HTML-401": _gateway_401,
    "DEV-NO-CORRELATION-401": _bare_401,
    "DEV-GATEWAY-HTML": _gateway_html,
    "DEV-DECLARED-EMPTY-BODY": _empty_json_text,
    "DEV-ERROR-MESSAGE-SINGULAR": _singular_message,
}


def explain(seen: Observation, remark: Remark, contract: Contract) -> str:
    """Return the id of the deviation that explains a remark, empty when none does."""
    for deviation in contract.deviations.values():
        if remark.code not in deviation.codes:
            continue
        if seen.operation is not None and seen.operation.id not in deviation.operations:
            continue
        if remark.topic and TOPICS.get(deviation.id) == remark.topic:
            return deviation.id
        predicate = PREDICATES.get(deviation.id)
        if predicate is not None and predicate(seen):
            return deviation.id
    return ""
