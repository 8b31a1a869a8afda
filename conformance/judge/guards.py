"""Answers the questions of the lifecycle table from what the shadow knows: yes, no, or nobody can tell."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from conformance.judge.observation import Observation
from conformance.judge.shadow import Shadow, moment

__all__ = ["GUARDS", "Question", "holds", "names_amount", "requested_amount"]

_AMOUNT_FIELD = {
    "captureOrder": "captured_amount",
    "refundOrder": "refunded_amount",
    "updateAuthorization": "order_amount",
}
# Payment methods of which no source says that their authorisation cannot be extended, and those of which one does.
_EXTENDABLE = frozenset({"INVOICE", "INVOICE_BUSINESS", "ACCOUNT", "DIRECT_DEBIT", "FIXED_AMOUNT"})
_NOT_EXTENDABLE = frozenset({"CARD", "PAY_BY_CARD", "FIXED_SUM_CREDIT"})
# Payment methods that are certain not to be among those which admit a higher total.
_NOT_INCREASED = frozenset({"CARD", "PAY_BY_CARD"})
_FIXED_AMOUNT_INCREASED_IN = frozenset({"AT", "DE", "DK", "FI", "FR", "NL", "NO", "SE"})
_DIRECT_DEBIT_NOT_INCREASED_IN = frozenset({"CH"})
_LONGEST_AUTHORISATION = timedelta(days=180)
# The day on which the period ends is counted differently by different sources.
_SLACK = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Question:
    """A request, the order as far as it is known, and the target's time when that is known."""

    seen: Observation
    shadow: Shadow
    now: datetime | None


def requested_amount(seen: Observation) -> int | None:
    """Return the amount that a request is about, None when it carries none that could be one."""
    operation = seen.operation
    if operation is None:
        return None
    value = seen.body.get(_AMOUNT_FIELD.get(operation.id, ""))
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def names_amount(seen: Observation) -> bool:
    """Tell whether a request names the amount that its operation is about, be it one or not."""
    name = _AMOUNT_FIELD.get(seen.operation.id, "") if seen.operation is not None else ""
    sent = seen.sent.value
    return not isinstance(sent, dict) or name in sent


def _at_most(amount: int | None, limit: int | None) -> bool | None:
    return None if amount is None or limit is None else amount <= limit


def _positive(asked: Question) -> bool | None:
    amount = requested_amount(asked.seen)
    return None if amount is None else amount > 0


def _within_remaining(asked: Question) -> bool | None:
    return _at_most(requested_amount(asked.seen), asked.shadow.amount("remaining_authorized_amount"))


def _within_refundable(asked: Question) -> bool | None:
    captured, refunded = asked.shadow.amount("captured_amount"), asked.shadow.amount("refunded_amount")
    if captured is None or refunded is None:
        return None
    return _at_most(requested_amount(asked.seen), captured - refunded)


def _covers_captured(asked: Question) -> bool | None:
    return _at_most(asked.shadow.amount("captured_amount"), requested_amount(asked.seen))


def _has_captures(asked: Question) -> bool | None:
    return asked.shadow.has_captures()


def _fraud_decided(asked: Question) -> bool | None:
    status = asked.shadow.fields.get("fraud_status")
    if status is None:
        return None
    # What a merchant may still do with a rejected order within four hours is left to the service.
    return None if status == "REJECTED" else status != "PENDING"


def _method(asked: Question) -> str:
    method = asked.shadow.fields.get("initial_payment_method")
    kind = method.get("type") if isinstance(method, dict) else None
    return kind if isinstance(kind, str) else ""


def _no_increase(asked: Question) -> bool | None:
    return _at_most(requested_amount(asked.seen), asked.shadow.amount("order_amount"))


def _increase_admitted(asked: Question) -> bool | None:
    within = _no_increase(asked)
    if within is not False:
        return within
    method, country = _method(asked), asked.shadow.fields.get("purchase_country")
    if method in _NOT_INCREASED:
        return False
    if not isinstance(country, str):
        return None
    if method == "FIXED_AMOUNT":
        return country.upper() in _FIXED_AMOUNT_INCREASED_IN
    return False if method == "DIRECT_DEBIT" and country.upper() in _DIRECT_DEBIT_NOT_INCREASED_IN else None


def _credit_granted(asked: Question) -> bool | None:
    # An increase is a new credit decision, which only the service can take.
    return True if _no_increase(asked) else None


def _unknowable(_: Question) -> bool | None:
    return None


def _option_offered(asked: Question) -> bool | None:
    offers = asked.shadow.offers.get(asked.seen.ids.get("capture_id", ""))
    days = asked.seen.body.get("number_of_days")
    # Even what is on offer may be refused to a capture that is paid by now.
    return False if offers is not None and isinstance(days, int) and days not in offers else None


def _within_180_days(asked: Question) -> bool | None:
    created = moment(asked.shadow.fields.get("created_at"))
    if created is None or asked.now is None:
        return None
    age = asked.now - created
    if age < _LONGEST_AUTHORISATION - _SLACK:
        return True
    return False if age > _LONGEST_AUTHORISATION + _SLACK else None


def _extendable(asked: Question) -> bool | None:
    method = _method(asked)
    return True if method in _EXTENDABLE else False if method in _NOT_EXTENDABLE else None


GUARDS: Mapping[str, Callable[[Question], bool | None]] = {
    "amount_positive": _positive,
    "amount_within_remaining": _within_remaining,
    "amount_within_refundable": _within_refundable,
    "amount_covers_captured": _covers_captured,
    "has_captures": _has_captures,
    "fraud_decided": _fraud_decided,
    "increase_admitted": _increase_admitted,
    "credit_granted": _credit_granted,
    "address_accepted": _unknowable,
    "within_180_days": _within_180_days,
    "method_extendable": _extendable,
    "option_offered": _option_offered,
}


def holds(guard: str, asked: Question) -> bool | None:
    """Tell whether a guard of the table holds; None when the shadow cannot tell."""
    return GUARDS[guard](asked)
