"""Interprets the lifecycle table: from a state and an operation over the guards to the effect."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from conformance.contract.error_table import ErrorRow, ErrorTable
from conformance.contract.lifecycle import Cell, Lifecycle
from conformance.exceptions import ContractError
from conformance.simulator.behaviour import Behaviour
from conformance.simulator.clock import midnight
from conformance.simulator.due_date import offered
from conformance.simulator.identity import Identities
from conformance.simulator.ledger import Movement
from conformance.simulator.order import Capture, Order, Refund, lines_json
from conformance.simulator.shape import ADDRESS, encode, project

__all__ = ["AUTHORIZATION_PERIOD", "EXPIRING", "Asked", "Machine", "Plan"]

AUTHORIZATION_PERIOD = timedelta(days=28)
_LONGEST_EXTENSION = timedelta(days=180)

# The states in which something is still authorised and so can lapse.
EXPIRING = frozenset({"AUTHORIZED", "PART_CAPTURED"})


class Asked(NamedTuple):
    """What is asked of an order, and when.

    ``written`` is the body as it was sent, ``stamp`` is ``now`` as the API writes it; ``id`` presets a new id.
    """

    body: Mapping[str, Any]
    written: bytes
    now: datetime
    stamp: str
    request: int = 0
    idempotency_key: str | None = None
    capture: Capture | None = None
    id: str | None = None


Question = Callable[[Order, Asked, int], bool]

# Payment methods that admit a higher total, and where that is limited to countries.
_INCREASABLE: Mapping[str, frozenset[str] | None] = {
    "INVOICE": None,
    "INVOICE_BUSINESS": None,
    "B2B_INVOICE": None,
    "ACCOUNT": None,
    "BASE_ACCOUNT": None,
    "DIRECT_DEBIT": None,
    "FIXED_AMOUNT": frozenset({"AT", "DE", "DK", "FI", "FR", "NL", "NO", "SE"}),
    "DEFERRED_INTEREST": frozenset({"US"}),
}
_NOT_INCREASABLE_IN: Mapping[str, frozenset[str]] = {"DIRECT_DEBIT": frozenset({"CH"})}

# Paid at once by card, or financed in the US: no longer authorisation is admitted.
_NOT_EXTENDABLE = frozenset({"CARD", "PAY_BY_CARD", "FIXED_SUM_CREDIT"})


def _increase_admitted(order: Order, _asked: Asked, amount: int) -> bool:
    if amount <= order.order_amount:
        return True
    country = order.purchase_country.upper()
    if order.payment_method not in _INCREASABLE or country in _NOT_INCREASABLE_IN.get(order.payment_method, ()):
        return False
    countries = _INCREASABLE[order.payment_method]
    return countries is None or country in countries


def _option_offered(order: Order, asked: Asked, _amount: int) -> bool:
    days = asked.body["number_of_days"]
    return asked.capture is not None and any(option.number_of_days == days for option in offered(order, asked.capture))


_QUESTIONS: Mapping[str, Question] = {
    "amount_positive": lambda _order, _asked, amount: amount > 0,
    "amount_within_remaining": lambda order, _asked, amount: amount <= order.remaining_authorized_amount,
    "amount_within_refundable": lambda order, _asked, amount: amount <= order.captured_amount - order.refunded_amount,
    "amount_covers_captured": lambda order, _asked, amount: amount >= order.captured_amount,
    "has_captures": lambda order, _asked, _amount: bool(order.captures),
    "fraud_decided": lambda order, _asked, _amount: order.fraud_status != "PENDING",
    "increase_admitted": _increase_admitted,
    # Nobody's credit is bad here.
    "credit_granted": lambda _order, _asked, _amount: True,
    # Billing addresses are closed to updates; to send one is the documented way to be refused.
    "address_accepted": lambda _order, asked, _amount: "billing_address" not in asked.body,
    "within_180_days": lambda order, asked, _amount: asked.now < order.created_at + _LONGEST_EXTENSION,
    "method_extendable": lambda order, _asked, _amount: order.payment_method not in _NOT_EXTENDABLE,
    "option_offered": _option_offered,
}

_CONDITIONS: Mapping[str, Callable[[Order], bool]] = {
    "nothing_remains": lambda order: order.remaining_authorized_amount == 0,
    "nothing_captured": lambda order: order.captured_amount == 0,
    "otherwise": lambda _order: True,
}
_SETTINGS: Mapping[str, Callable[[Order], int]] = {
    "zero": lambda _order: 0,
    "order_amount_less_captured_amount": lambda order: order.order_amount - order.captured_amount,
}

# Which movement of money an effect is, and whether its amount is the request's, the difference that it makes to the
# total, or what was left and is given back.
_MOVEMENTS: Mapping[str, tuple[str, str]] = {
    "capture": ("capture", "asked"),
    "refund": ("refund", "asked"),
    "change_authorization": ("adjust", "difference"),
    "cancel": ("cancel", "given_back"),
    "release": ("release", "given_back"),
}


@dataclass(frozen=True, slots=True)
class Plan:
    """One cell of the table made ready: either a refusal, or guards and what to do."""

    refusal: ErrorRow | None
    guards: tuple[tuple[Question, ErrorRow], ...]
    amount_field: str
    amounts: tuple[tuple[str, str, str], ...]
    adds: str
    replaces: str
    overwrites: tuple[str, ...]
    appends: str
    moves: str
    extends_due_date: bool
    to: tuple[tuple[Callable[[Order], bool], str], ...]
    movement: str
    movement_amount: str


class Machine:
    """Answers what an operation may do to an order, and does it."""

    __slots__ = ("_behaviour", "_identities", "_plans", "_status")

    def __init__(self, lifecycle: Lifecycle, errors: ErrorTable, identities: Identities, behaviour: Behaviour) -> None:
        self._identities = identities
        self._behaviour = behaviour
        self._status = {state.id: state.shows[0] for state in lifecycle.states.values()}
        self._plans = {place: _plan(cell, errors) for place, cell in lifecycle.cells.items()}

    @property
    def states(self) -> frozenset[str]:
        """The states that an order can be in."""
        return frozenset(self._status)

    def plan(self, operation: str, order: Order) -> Plan:
        """Return the cell for an operation on an order in its present state."""
        return self._plans[operation, order.state]

    def refusal(self, plan: Plan, order: Order, asked: Asked) -> ErrorRow | None:
        """Return the row that answers when the operation must not be carried out; None when it may."""
        if plan.refusal is not None:
            return plan.refusal
        amount = asked.body[plan.amount_field] if plan.amount_field else 0
        for question, row in plan.guards:
            if not question(order, asked, amount):
                return row
        return None

    def carry_out(self, plan: Plan, order: Order, asked: Asked) -> str | None:
        """Do what the cell says; returns the id of the capture or refund that came about."""
        before, remaining = order.order_amount, order.remaining_authorized_amount
        body = asked.body
        for name, change, operand in plan.amounts:
            if change == "add":
                setattr(order, name, getattr(order, name) + body[operand])
            elif change == "subtract":
                setattr(order, name, getattr(order, name) - body[operand])
            elif change == "set":
                setattr(order, name, body[operand])
            else:
                setattr(order, name, _SETTINGS[operand](order))
        made = None
        if plan.adds == "captures":
            made = self._add_capture(order, asked)
        elif plan.adds == "refunds":
            made = self._add_refund(order, asked)
        if plan.replaces:
            order.order_lines = lines_json(body.get(plan.replaces, ()))
        if plan.overwrites:
            _overwrite(order, {name: body[name] for name in plan.overwrites if name in body})
        if plan.appends:
            _append(order, plan.appends, asked)
        if plan.extends_due_date and asked.capture is not None:
            asked.capture.extended_days += (body["number_of_days"],)
        if plan.moves:
            order.expires_at = midnight(asked.now) + AUTHORIZATION_PERIOD
        for condition, state in plan.to:
            if condition(order):
                self.enter(order, state)
                break
        order.changed()
        if plan.movement:
            amount = remaining
            if plan.movement_amount == "asked":
                amount = body[plan.amount_field]
            elif plan.movement_amount == "difference":
                amount = order.order_amount - before
            order.record(Movement(plan.movement, amount, asked.now, asked.request, asked.idempotency_key, made))
        return made

    def enter(self, order: Order, state: str) -> None:
        """Put an order into a state and let its status show it."""
        order.state = state
        order.status = self._status[state]
        if state in ("CANCELLED", "EXPIRED") and not self._behaviour.ended_keeps_remaining:
            order.remaining_authorized_amount = 0

    def touch(self, order: Order, now: datetime) -> None:
        """Let happen what time alone brings about: expiry, and the allocation of refunds."""
        if order.expires_at <= now and order.state in EXPIRING:
            remaining = order.remaining_authorized_amount
            self.enter(order, "EXPIRED")
            order.record(Movement("expire", remaining, order.expires_at, 0))
            order.changed()
        if not self._behaviour.allocates_refunds_at_once:
            order.settle(now)

    def _add_capture(self, order: Order, asked: Asked) -> str:
        number = len(order.captures) + 1
        capture_id = asked.id or self._identities.uuid("capture", number, order.order_id)
        order.add_capture(
            Capture(
                capture_id,
                f"{order.klarna_reference}-{number}",
                asked.body["captured_amount"],
                asked.stamp,
                asked.written,
                order.details,
            )
        )
        return capture_id

    def _add_refund(self, order: Order, asked: Asked) -> str:
        refund_id = asked.id or self._identities.uuid("refund", len(order.refunds) + 1, order.order_id)
        refund = Refund(
            refund_id,
            asked.body["refunded_amount"],
            asked.stamp,
            asked.written,
            returns_reference=self._behaviour.refund_returns_reference,
        )
        order.add_refund(refund, asked.now, at_once=self._behaviour.allocates_refunds_at_once)
        return refund_id


def _overwrite(order: Order, values: Mapping[str, Any]) -> None:
    details = dict(order.details)
    for name, value in values.items():
        if value == "":
            details.pop(name, None)
        elif isinstance(value, Mapping):
            # An empty text clears a part of an address, so a part that was not sent must stay.
            present = json.loads(details.get(name, b"{}"))
            details[name] = encode(project({**present, **value}, ADDRESS))
        else:
            details[name] = encode(value)
    order.details = details


def _append(order: Order, path: str, asked: Asked) -> None:
    entries = asked.body["shipping_info"]
    if path == "shipping_info":
        order.append_shipping_info(entries)
    elif asked.capture is not None:
        asked.capture.append_shipping_info(entries)
        order.captures_changed()


def _plan(cell: Cell, errors: ErrorTable) -> Plan:
    effect = cell.effect
    movement, amount = _MOVEMENTS.get(effect.id, ("", ""))
    amounts = tuple((name, change, operand) for name, (change, operand) in effect.amounts.items())
    fields = [operand for _, change, operand in amounts if change != "set_to"]
    return Plan(
        refusal=None if cell.allowed else errors.row(cell.error),
        guards=tuple((_known(_QUESTIONS, guard.guard, cell), errors.row(guard.error)) for guard in cell.guards),
        amount_field=fields[0] if fields else "",
        amounts=amounts,
        adds=effect.adds,
        replaces=effect.replaces,
        overwrites=effect.overwrites,
        appends=effect.appends,
        moves=effect.moves,
        extends_due_date=effect.id == "extend_due_date",
        to=tuple((_known(_CONDITIONS, condition, cell), state) for condition, state in effect.to.items()),
        movement=movement,
        movement_amount=amount,
    )


def _known(table: Mapping[str, Any], name: str, cell: Cell) -> Any:
    if name not in table:
        raise ContractError(
            "lifecycle.yaml", None, f"{cell.operation}.{cell.state}", f"the simulator knows no {name!r}"
        )
    return table[name]
