"""Makes orders in any state out of the fields that somebody wishes them to have."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from conformance.contract.operations import Operations
from conformance.simulator.clock import Clock, midnight, timestamp
from conformance.simulator.control_error import ControlError
from conformance.simulator.identity import Identities, is_uuid
from conformance.simulator.ledger import Movement
from conformance.simulator.market import market
from conformance.simulator.merchant import Credentials
from conformance.simulator.order import Order, lines_json
from conformance.simulator.shape import ADDRESS, CUSTOMER, encode, project
from conformance.simulator.store import Store
from conformance.simulator.transition import AUTHORIZATION_PERIOD, EXPIRING, Asked, Machine
from conformance.simulator.wording import messages

__all__ = ["Preparation"]

_ALIASES = {"amount": "order_amount", "currency": "purchase_currency", "lines": "order_lines"}

# Fields of the API's order that may be wished for, beside those that only this simulator knows.
_ORDER_FIELDS = frozenset(
    {
        "billing_address",
        "captured_amount",
        "created_at",
        "customer",
        "expires_at",
        "fraud_status",
        "initial_payment_method",
        "klarna_reference",
        "locale",
        "merchant_data",
        "merchant_reference1",
        "merchant_reference2",
        "order_amount",
        "order_id",
        "order_lines",
        "original_order_amount",
        "purchase_country",
        "purchase_currency",
        "refunded_amount",
        "remaining_authorized_amount",
        "selected_shipping_option",
        "shipping_address",
        "shipping_info",
        "status",
    }
)
_OWN_FIELDS = frozenset({"captures", "merchant", "refunds", "released"})
_DETAILS = (
    "billing_address",
    "customer",
    "initial_payment_method",
    "locale",
    "merchant_data",
    "merchant_reference1",
    "merchant_reference2",
    "selected_shipping_option",
    "shipping_address",
)
_PROJECTED = {"billing_address": ADDRESS, "shipping_address": ADDRESS, "customer": CUSTOMER}
_AMOUNTS = (
    "captured_amount",
    "order_amount",
    "original_order_amount",
    "refunded_amount",
    "remaining_authorized_amount",
)
_DEFAULT_AMOUNT = 10_000
_LARGEST_AMOUNT = 200_000_000
_DEFAULT_METHOD = {"type": "INVOICE", "description": "Pay later"}

# Old enough to have lapsed by now with the default period.
_EXPIRED_AGE = AUTHORIZATION_PERIOD + timedelta(days=2)

# What part of an order is captured for each status when nothing is said about its captures.
_CAPTURED_BY_DEFAULT = {"PART_CAPTURED": 0.5, "RELEASED": 0.5, "CAPTURED": 1.0, "CLOSED": 1.0}


class Preparation:
    """Builds orders by carrying out real operations on them, so that no state can be inconsistent in itself."""

    __slots__ = (
        "_clock",
        "_credentials",
        "_identities",
        "_machine",
        "_number",
        "_operations",
        "_shared",
        "_store",
        "_wishes",
    )

    def __init__(
        self,
        operations: Operations,
        machine: Machine,
        store: Store,
        credentials: Credentials,
        identities: Identities,
        clock: Clock,
    ) -> None:
        self._operations = operations
        self._machine = machine
        self._store = store
        self._credentials = credentials
        self._identities = identities
        self._clock = clock
        self._number = 0
        self._shared: dict[tuple[str, str], Mapping[str, bytes]] = {}
        self._wishes = operations.validator(_wish_schema(operations))

    def order(self, fields: Mapping[str, Any]) -> Order:
        """Make an order and put it into the store; raises ControlError naming the field that is wrong."""
        wished = self._wished(fields)
        state = _wished_state(wished)
        order = self._fresh(wished, state)
        self._bring_about(order, wished, state)
        self._store.add(order)
        return order

    def _wished(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        wished: dict[str, Any] = {}
        for given, value in fields.items():
            name = _ALIASES.get(given, given)
            if name not in _ORDER_FIELDS and name not in _OWN_FIELDS:
                raise ControlError(f"{given}: is no field of an order")
            if name in wished:
                raise ControlError(f"{given}: says again what {name} says")
            wished[name] = timestamp(value.astimezone(UTC)) if isinstance(value, datetime) else value
        if isinstance(wished.get("initial_payment_method"), str):
            wished["initial_payment_method"] = {"type": wished["initial_payment_method"]}
        if wished.get("status") == "RELEASED":
            wished |= {"status": "CAPTURED", "released": True}
        self._check(wished)
        return wished

    def _check(self, wished: Mapping[str, Any]) -> None:
        """Hold what is wished for against the API description, so that the double never shows what it forbids."""
        checked = {name: value for name, value in wished.items() if name in _ORDER_FIELDS}
        if not self._wishes.is_valid(checked):
            error = next(self._wishes.iter_errors(checked))
            path = "/".join(str(part) for part in error.instance_path)
            raise ControlError(f"{path}: {error.message[:200]}")
        for name in _AMOUNTS:
            if name in wished and not 0 <= wished[name] <= _LARGEST_AMOUNT:
                raise ControlError(f"{name}: must be a whole number from 0 to {_LARGEST_AMOUNT}")
        if not isinstance(wished.get("released", False), bool):
            raise ControlError("released: must be true or false")
        try:
            json.dumps(checked, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise ControlError("the fields hold text that is no Unicode text") from None

    def _fresh(self, wished: Mapping[str, Any], state: str) -> Order:
        merchant = self._merchant_id(wished.get("merchant"))
        order_id = self._order_id(wished.get("order_id"))
        amount = _order_amount(wished)
        created_at, expires_at = self._dates(wished, state)
        currency = wished.get("purchase_currency", "EUR")
        country = wished.get("purchase_country") or market(currency).country
        method = {**_DEFAULT_METHOD, **wished.get("initial_payment_method", {})}
        if method["type"] != _DEFAULT_METHOD["type"] and "description" not in wished.get("initial_payment_method", {}):
            method["description"] = method["type"].replace("_", " ").capitalize()
        original = wished.get("original_order_amount", amount)
        order = Order(
            order_id=order_id,
            merchant_id=merchant,
            order_amount=amount,
            created_at=created_at,
            expires_at=expires_at,
            klarna_reference=wished.get("klarna_reference") or self._identities.reference(order_id),
            details=self._details({**wished, "initial_payment_method": method}, currency, country),
            payment_method=method["type"],
            purchase_currency=currency,
            purchase_country=country,
            order_lines=lines_json(wished["order_lines"]) if "order_lines" in wished else None,
        )
        order.original_order_amount = original
        order.record(Movement("authorise", amount, created_at, 0))
        if wished.get("shipping_info"):
            order.append_shipping_info(wished["shipping_info"])
        return order

    def _bring_about(self, order: Order, wished: Mapping[str, Any], state: str) -> None:
        captures = _parts(wished, "captures", "captured_amount")
        if captures is None:
            share = _CAPTURED_BY_DEFAULT.get(state, 0)
            amount = order.order_amount if share == 1 else int(order.order_amount * share)
            captures = [{"captured_amount": wished.get("captured_amount", amount)}]
            captures = [each for each in captures if each["captured_amount"]]
        refunds = _parts(wished, "refunds", "refunded_amount")
        if refunds is None:
            refunds = [{"refunded_amount": wished["refunded_amount"]}] if wished.get("refunded_amount") else []
        self._carry_out("captureOrder", "captures", order, captures, "capture_id")
        if state == "RELEASED":
            self._carry_out("releaseRemainingAuthorization", "released", order, [{}])
        self._carry_out("refundOrder", "refunds", order, refunds, "refund_id")
        if state == "CANCELLED":
            self._carry_out("cancelOrder", "status", order, [{}])
        elif state == "CLOSED":
            self._machine.enter(order, state)
        elif state == "EXPIRED":
            self._machine.touch(order, self._clock.now)
        if state and order.state != state:
            raise ControlError(f"status: with these amounts and dates the order is {order.state}, not {state}")
        for name in ("captured_amount", "refunded_amount", "remaining_authorized_amount"):
            if wished.get(name, getattr(order, name)) != getattr(order, name):
                raise ControlError(f"{name}: the other fields make it {getattr(order, name)}, not {wished[name]}")
        order.fraud_status = wished.get("fraud_status", order.fraud_status)
        order.changed()

    def _carry_out(
        self, operation: str, field: str, order: Order, bodies: Sequence[Mapping[str, Any]], id_field: str = ""
    ) -> None:
        described = self._operations[operation].body
        validator = self._operations.validator(described) if described is not None else None
        now, stamp = self._clock.now, self._clock.stamp()
        made: set[str] = set()
        for index, body in enumerate(bodies):
            place = f"{field}[{index}]" if id_field else field
            if validator is not None and not validator.is_valid(body):
                raise ControlError(f"{place}: {next(validator.iter_errors(body)).message[:200]}")
            wished_id = body.get(id_field)
            if wished_id is not None and (
                not isinstance(wished_id, str) or not is_uuid(wished_id) or wished_id in made
            ):
                raise ControlError(f"{place}: {id_field} must be a UUID that no other has")
            asked = Asked(body, encode(body), now, stamp, id=wished_id)
            plan = self._machine.plan(operation, order)
            row = self._machine.refusal(plan, order, asked)
            if row is not None:
                amounts = {"order": order.order_id}
                words = messages(row, amounts, operation=operation) or (row.precondition,)
                raise ControlError(f"{place}: {words[0]}")
            made.add(self._machine.carry_out(plan, order, asked) or "")

    def _merchant_id(self, name: Any) -> str:
        if name is None:
            return self._credentials.merchants[0].merchant_id
        merchant = self._credentials.named(name) if isinstance(name, str) else None
        if merchant is None:
            raise ControlError("merchant: is neither username nor merchant id of a merchant of this simulator")
        return merchant.merchant_id

    def _order_id(self, wished: str | None) -> str:
        if wished is None:
            self._number += 1
            return self._identities.uuid("order", self._number)
        if not is_uuid(wished):
            raise ControlError("order_id: must be a UUID")
        if wished in self._store:
            raise ControlError(f"order_id: there is an order {wished} already")
        return wished

    def _dates(self, wished: Mapping[str, Any], state: str) -> tuple[datetime, datetime]:
        now = self._clock.now
        expired = state == "EXPIRED"
        created_at = _moment(wished, "created_at") or (now - _EXPIRED_AGE if expired else now)
        if created_at > now:
            raise ControlError("created_at: lies ahead of the simulator's clock")
        expires_at = _moment(wished, "expires_at")
        if expires_at is None:
            expires_at = midnight(created_at) + AUTHORIZATION_PERIOD
            if state in EXPIRING and expires_at <= now:
                # An old order can only be open because its authorisation was extended.
                expires_at = midnight(now) + AUTHORIZATION_PERIOD
        elif state in EXPIRING and expires_at <= now:
            raise ControlError(f"expires_at: is past, so that the order cannot be {state}")
        return created_at, expires_at

    def _details(self, wished: Mapping[str, Any], currency: str, country: str) -> Mapping[str, bytes]:
        shared = self._shared.get((currency, country))
        if shared is None:
            shared = _default_details(currency, country)
            if len(self._shared) < 1_000:
                self._shared[currency, country] = shared
        given = [name for name in _DETAILS if name in wished]
        method = wished["initial_payment_method"]
        if given == ["initial_payment_method"] and method == _DEFAULT_METHOD:
            return shared
        details = dict(shared)
        for name in given:
            value = wished[name]
            details[name] = encode(project(value, _PROJECTED[name]) if name in _PROJECTED else value)
        return details


@functools.cache
def _wish_schema(operations: Operations) -> Mapping[str, Any]:
    """Return the schema of an order that need not be complete."""
    schema = operations["getOrder"].success.media["application/json"] or {}
    definitions = schema["$defs"]
    order = definitions[schema["$ref"].rpartition("/")[2]]
    return {"type": "object", "properties": order["properties"], "$defs": definitions}


def _default_details(currency: str, country: str) -> Mapping[str, bytes]:
    place = market(currency, country)
    address = encode(project(place.address, ADDRESS))
    return {
        "purchase_currency": encode(currency),
        "purchase_country": encode(country),
        "locale": encode(place.locale),
        "customer": encode({"date_of_birth": "1970-07-10", "type": "person"}),
        "billing_address": address,
        "shipping_address": address,
        "initial_payment_method": encode(_DEFAULT_METHOD),
    }


def _wished_state(wished: Mapping[str, Any]) -> str:
    """Return the lifecycle's state that is wished for; empty when the amounts are to decide."""
    status = wished.get("status", "")
    if not wished.get("released"):
        return str(status)
    if status not in ("", "CAPTURED", "PART_CAPTURED"):
        raise ControlError(f"released: an order that is {status} has nothing released")
    return "RELEASED"


def _order_amount(wished: Mapping[str, Any]) -> int:
    if "order_amount" in wished:
        return int(wished["order_amount"])
    if not wished.get("order_lines"):
        return _DEFAULT_AMOUNT
    total = sum(line["total_amount"] for line in wished["order_lines"])
    if not 0 <= total <= _LARGEST_AMOUNT:
        raise ControlError(f"order_lines: add up to {total}, which no order can amount to")
    return int(total)


def _parts(wished: Mapping[str, Any], name: str, amount_field: str) -> list[Mapping[str, Any]] | None:
    """Return captures or refunds as request bodies; a bare number stands for its amount."""
    given = wished.get(name)
    if given is None:
        return None
    if not isinstance(given, list | tuple):
        raise ControlError(f"{name}: must be a list")
    parts: list[Mapping[str, Any]] = []
    for index, part in enumerate(given):
        if isinstance(part, Mapping):
            parts.append(part)
        elif isinstance(part, int) and not isinstance(part, bool):
            parts.append({amount_field: part})
        else:
            raise ControlError(f"{name}[{index}]: must be an amount or an object with {amount_field}")
    return parts


def _moment(wished: Mapping[str, Any], name: str) -> datetime | None:
    text = wished.get(name)
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ControlError(f"{name}: is no date and time that this simulator can handle") from None
