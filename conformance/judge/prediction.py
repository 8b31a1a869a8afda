"""Says what a request deserves: every reason to refuse it, how binding each is, and which answers fit it.

No source says in which order the service looks at credentials, ids, body and state. So all reasons are collected:
with none, the request must succeed; with a binding one, it must be refused in a way that fits any of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from conformance.contract.contract import Contract
from conformance.contract.error_table import ErrorRow
from conformance.contract.operation import Operation
from conformance.judge.guards import Question, holds, names_amount, requested_amount
from conformance.judge.observation import Observation, is_uuid, shown
from conformance.judge.reading import hard_text
from conformance.judge.shadow import Shadow

__all__ = ["MAX_BODY", "Reason", "reasons", "state_of"]

# Klarna's request-limits page says one megabyte; which of the two readings of that word it means is not said.
MAX_BODY = 1_000_000
_LARGER_READING = 1_048_576
_MOST_ERRORS = 20
_BODY_STATUSES = frozenset({400, 415, 422})
_LENGTH_OF_A_UUID = 36
_ID_STATUSES = frozenset({400, 404})
# Codes that speak of the id in the path, whatever their status: no answer to a mistake in the body.
_ID_CODES = frozenset({"INVALID_ORDER_ID", "NOT_FOUND", ""})


@dataclass(frozen=True, slots=True)
class Reason:
    """One ground for a refusal.

    ``rows`` are the rows of the error table that fit it. ``binds`` tells whether a success would be a breach;
    ``code`` is the finding that the breach is then reported under, and ``what`` the ground in words. Where the answer
    is ``on_record``, what is tolerated otherwise is not. A ``narrow`` ground is one that many requests give: it
    explains no refusal with a status of another kind.
    """

    what: str
    rows: tuple[ErrorRow, ...]
    binds: bool
    code: str
    topic: str = ""
    on_record: bool = False
    narrow: bool = False

    def accepts(self, status: int, error_code: str) -> bool:
        """Tell whether an answer fits this ground."""
        if self.on_record:
            return any(row.answer == (status, error_code) for row in self.rows)
        return any(row.accepts(status, error_code) for row in self.rows)

    def leads_to(self, status: int) -> bool:
        """Tell whether a refusal with a status may be for this ground."""
        return not self.narrow or any(row.status == status for row in self.rows)

    def leaves_open(self, status: int) -> bool:
        """Tell whether only the status of an answer can be held against this ground, and fits it."""
        return any(row.status == status and not row.truth.binds for row in self.rows)


def reasons(
    seen: Observation,
    operation: Operation,
    shadow: Shadow | None,
    contract: Contract,
    *,
    now: datetime | None = None,
    credentials_visible: bool = True,
) -> list[Reason]:
    """Collect every ground to refuse a request, from the request itself and from what is known of its order."""
    return [
        *_from_key(seen, operation, contract),
        *_from_credentials(seen, operation, contract, credentials_visible=credentials_visible),
        *_from_ids(seen, operation, shadow, contract),
        *_from_body(seen, operation, contract),
        *_from_lifecycle(seen, operation, shadow, contract, now),
    ]


def state_of(shadow: Shadow, now: datetime | None) -> str:
    """Return the lifecycle state that the order is in by now, empty while it is unknown."""
    if shadow.state in ("AUTHORIZED", "PART_CAPTURED") and shadow.expired(now):
        # Whether an order of which nothing is left to capture still lapses is not known.
        left = shadow.amount("order_amount") != shadow.amount("captured_amount")
        return "EXPIRED" if left else ""
    return shadow.state


def _from_credentials(
    seen: Observation, operation: Operation, contract: Contract, *, credentials_visible: bool
) -> Iterator[Reason]:
    if not credentials_visible:
        return
    scheme, _, value = seen.principal.partition(" ")
    if scheme.lower() != "basic" or not value.strip():
        rows = contract.errors.of(operation.id, frozenset({401}))
        yield Reason("it carries no usable Basic credentials", rows, binds=True, code="KOM-701")


def _from_key(seen: Observation, operation: Operation, contract: Contract) -> Iterator[Reason]:
    if len(seen.key) > _LENGTH_OF_A_UUID:
        rows = contract.errors.of(operation.id, _BODY_STATUSES)
        yield Reason("its key is longer than a UUID", rows, binds=False, code="KOM-207", narrow=True)


def _from_ids(seen: Observation, operation: Operation, shadow: Shadow | None, contract: Contract) -> Iterator[Reason]:
    rows = contract.errors.of(operation.id, _ID_STATUSES)
    for name, value in seen.ids.items():
        if not is_uuid(value):
            yield Reason(f"{name} {shown(value)} is no UUID", rows, binds=True, code="KOM-209")
    if shadow is None:
        return
    if shadow.owner and seen.principal != shadow.owner:
        yield Reason("the order belongs to another merchant", rows, binds=True, code="KOM-702")
    for name, known, complete in (
        ("capture_id", shadow.captures, shadow.captures_known),
        ("refund_id", shadow.refunds, shadow.refunds_known),
    ):
        wanted = seen.ids.get(name)
        if wanted is not None and is_uuid(wanted) and wanted not in known:
            yield Reason(
                f"the order has no {name} {wanted}", rows, binds=complete and not shadow.doubts, code="KOM-209"
            )


def _from_body(seen: Observation, operation: Operation, contract: Contract) -> Iterator[Reason]:
    request = seen.exchange.request
    if operation.body is None or seen.surplus:
        if seen.surplus:
            rows = contract.errors.of(operation.id, _BODY_STATUSES)
            yield Reason("it carries what the operation does not ask for", rows, binds=False, code="KOM-207")
        if operation.body is None:
            return
    size = len(request.body)
    if size > MAX_BODY:
        rows = contract.errors.of(operation.id, frozenset({413}))
        yield Reason(f"its body has {size} bytes", rows, binds=size > _LARGER_READING, code="KOM-708")
    rows = tuple(row for row in contract.errors.of(operation.id, _BODY_STATUSES) if row.code not in _ID_CODES)
    if not request.body:
        yield Reason("it has no body", rows, binds=True, code="KOM-207")
        return
    media = (request.headers.get("Content-Type") or "").partition(";")[0].strip().lower()
    if media != "application/json":
        yield Reason(f"its content type is {shown(media)}", rows, binds=False, code="KOM-207")
    if seen.sent.problem:
        yield Reason(f"its body {seen.sent.problem}", rows, binds=True, code="KOM-207")
        return
    validator = contract.operations.validator(operation.body)
    if not validator.is_valid(seen.sent.value):
        errors = list(islice(validator.iter_errors(seen.sent.value), _MOST_ERRORS))
        where = "/".join(str(part) for part in errors[0].instance_path)
        what = f"its body breaks the description: {f'{where} {errors[0].message[:120]}'.strip()}"
        left = [error for error in errors if not _is_optional_null(error, operation)]
        topic = "number-as-text" if left and all(_is_number_as_text(error) for error in left) else ""
        missing = bool(left) and all(_is_missing(error, operation) for error in left)
        if missing:
            # How that is refused is on record.
            rows = tuple(row for row in rows if row.truth.binds) or rows
        on_record = missing and operation.id in _REFUSED_ON_RECORD and all(_is_of_the_top(error) for error in left)
        yield Reason(what, rows, binds=bool(left), code="KOM-207", topic=topic, on_record=on_record)
    elif not seen.sent.value:
        yield Reason("it asks for nothing", rows, binds=False, code="KOM-207")
    elif _breaks_line_arithmetic(seen.sent.value):
        # The rule is documented, that this API enforces it is not.
        yield Reason("a line's total is not quantity times price less discount", rows, binds=False, code="KOM-207")
    elif _breaks_sum(seen.sent.value, operation):
        yield Reason("its lines do not add up to its amount", rows, binds=False, code="KOM-207")
    elif seen.sent.reals:
        yield Reason("a number of its body is not written as an integer", rows, binds=False, code="KOM-207")
    if requested_amount(seen) == 0:
        # What becomes of an amount of nothing, and what is looked at first, no source says.
        either = contract.errors.of(operation.id, _BODY_STATUSES | {403})
        yield Reason("its amount is nothing", either, binds=False, code="KOM-207")
    if hard_text(request.body, seen.sent.value):
        yield Reason("its text holds what not every store can keep", rows, binds=False, code="KOM-207")
    if _has_bare_parcel(seen.body):
        yield Reason("a parcel names no company or no number", rows, binds=False, code="KOM-207", narrow=True)
    delay = seen.body.get("shipping_delay")
    if isinstance(delay, int) and delay > 0:
        forbidden = contract.errors.of(operation.id, frozenset({403}))
        yield Reason("a delayed shipment has to be agreed upon", forbidden, binds=False, code="KOM-207")
    if operation.id == "updateConsumerDetails":
        # Whether an address exists is the service's own judgement.
        address = contract.errors.of(operation.id, frozenset({422}))
        yield Reason("the service may not accept the address", address, binds=False, code="KOM-207")


def _is_number_as_text(error: Any) -> bool:
    """Tell whether a number stands where text belongs: on record one such field takes it, and one parser reads all."""
    number = isinstance(error.instance, int | float) and not isinstance(error.instance, bool)
    return number and str(error.schema_path[-1]) == "type" and "string" in error.kind.as_dict()["types"]


def _is_optional_null(error: Any, operation: Operation) -> bool:
    """Tell whether null stands in a field that may be left out: whether that is the same, no source says."""
    field = bool(error.instance_path) and isinstance(error.instance_path[-1], str)
    return error.instance is None and field and not _required(error, operation)


def _is_missing(error: Any, operation: Operation) -> bool:
    """Tell whether a field that must be there is not, or is null."""
    if str(error.schema_path[-1]) == "required":
        return True
    return error.instance is None and _required(error, operation)


def _is_of_the_top(error: Any) -> bool:
    path = list(error.instance_path)
    return not path or (len(path) == 1 and error.instance is None)


def _required(error: Any, operation: Operation) -> bool:
    name = error.instance_path[-1] if error.instance_path else ""
    return name in _REQUIRED or (name == "shipping_info" and operation.id in _OF_PARCELS)


# The operations of which there is a recording that lacks what it must have.
_REFUSED_ON_RECORD = frozenset({"captureOrder", "refundOrder", "appendShippingInfo"})
# What is about parcels alone must have them; a capture may.
_OF_PARCELS = frozenset({"appendShippingInfo", "appendOrderShippingInfo"})
# The fields that some object of a request must have; they are called nothing else elsewhere.
_REQUIRED = frozenset(
    {
        "captured_amount",
        "refunded_amount",
        "order_amount",
        "number_of_days",
        "interval",
        "interval_count",
        "name",
        "quantity",
        "total_amount",
        "unit_price",
    }
)


def _has_bare_parcel(body: Mapping[str, Any]) -> bool:
    """Tell whether a parcel lacks what one page calls mandatory and the published description does not."""
    parcels = body.get("shipping_info")
    return isinstance(parcels, list) and not all(
        isinstance(parcel, dict) and parcel.get("shipping_company") and parcel.get("tracking_number")
        for parcel in parcels
    )


def _breaks_line_arithmetic(body: Any) -> bool:
    lines = body.get("order_lines") if isinstance(body, dict) else None
    for line in lines if isinstance(lines, list) else ():
        quantity, price, total = line["quantity"], line["unit_price"], line["total_amount"]
        if quantity * price - line.get("total_discount_amount", 0) != total:
            return True
    return False


# That a refund need not agree with its lines is documented; of these two, nothing is said.
_SUMMED = {"captureOrder": "captured_amount", "updateAuthorization": "order_amount"}


def _breaks_sum(body: Any, operation: Operation) -> bool:
    lines = body.get("order_lines") if isinstance(body, dict) else None
    amount = body.get(_SUMMED.get(operation.id, "")) if isinstance(body, dict) else None
    if not lines or amount is None:
        return False
    return bool(sum(line["total_amount"] for line in lines) != amount)


def _from_lifecycle(
    seen: Observation, operation: Operation, shadow: Shadow | None, contract: Contract, now: datetime | None
) -> Iterator[Reason]:
    if not operation.writes or shadow is None:
        return
    state = state_of(shadow, now)
    if not state:
        rows = contract.errors.of(operation.id, frozenset({403}))
        yield Reason("nobody knows the order's state", rows, binds=False, code="KOM-402", narrow=True)
        return
    cell = contract.lifecycle.cell(operation.id, state)
    if not cell.allowed:
        row = contract.errors.row(cell.error)
        code = "KOM-407" if contract.lifecycle.states[state].terminal else "KOM-402"
        if state == "RELEASED" and operation.id == "captureOrder":
            code = "KOM-306"
        binds = cell.truth.binds and not shadow.doubts
        yield Reason(f"the order is {state} ({row.precondition.rstrip('.')})", (row,), binds=binds, code=code)
        return
    if shadow.fields.get("fraud_status") in ("PENDING", "REJECTED"):
        rows = contract.errors.of(operation.id, frozenset({403}))
        yield Reason("the risk decision is open or against it", rows, binds=False, code="KOM-402")
    if operation.id == "releaseRemainingAuthorization" and shadow.amount("remaining_authorized_amount") == 0:
        rows = contract.errors.of(operation.id, frozenset({403}))
        yield Reason("there is nothing left to release", rows, binds=False, code="KOM-402")
    if not cell.truth.binds:
        rows = contract.errors.of(operation.id, frozenset({403}))
        yield Reason(f"nobody knows whether it is allowed when {state}", rows, binds=False, code="KOM-402")
    asked = Question(seen, shadow, now)
    for guard in cell.guards:
        held = holds(guard.guard, asked)
        if held or (guard.guard in _OF_AN_AMOUNT and not names_amount(seen)):
            continue
        row = contract.errors.row(guard.error)
        certain = held is False and guard.truth.binds and not guard.discretionary and not shadow.doubts
        what = f"this does not hold: {contract.lifecycle.guards[guard.guard].rstrip('.')}"
        yield Reason(what, (row,), binds=certain, code=_GUARD_CODES.get(guard.guard, "KOM-402"))


# What is asked of an amount cannot be asked of a request that has none.
_OF_AN_AMOUNT = frozenset(
    {"amount_positive", "amount_within_remaining", "amount_within_refundable", "amount_covers_captured"}
)
_GUARD_CODES = {
    "amount_within_remaining": "KOM-306",
    "amount_within_refundable": "KOM-307",
    "has_captures": "KOM-307",
    "amount_covers_captured": "KOM-313",
    "increase_admitted": "KOM-418",
    "method_extendable": "KOM-418",
}
