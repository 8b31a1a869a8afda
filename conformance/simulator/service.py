"""The double itself: a request value goes in, the service's answer comes out, and nothing else happens."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from conformance.contract.contract import Contract
from conformance.contract.error_table import BodyKind
from conformance.contract.operation import Operation, Route
from conformance.contract.operations import BASE_PATH
from conformance.exchange import Exchange, Headers, Request, Response
from conformance.simulator.answers import Answers
from conformance.simulator.behaviour import behaviour as behaviour_named
from conformance.simulator.clock import Clock
from conformance.simulator.demo import DEMO_ORDERS
from conformance.simulator.due_date import due_date_options, offered
from conformance.simulator.history import History
from conformance.simulator.idempotency import IdempotencyKeys, KeyUse
from conformance.simulator.identity import Identities, is_uuid
from conformance.simulator.ledger import entries
from conformance.simulator.location import origin
from conformance.simulator.merchant import DEFAULT_MERCHANTS, Credentials, Merchant
from conformance.simulator.order import Capture, Order
from conformance.simulator.postal import is_plausible
from conformance.simulator.preparation import Preparation
from conformance.simulator.provocation import Fault, Provocations
from conformance.simulator.rate_limit import RateLimit
from conformance.simulator.refusal import RefusalError, Refusals, named
from conformance.simulator.request_body import (
    LARGEST,
    MalformedBodyError,
    RequestBodies,
    is_json_type,
    parse,
    write_out_tracking_numbers,
)
from conformance.simulator.shape import encode
from conformance.simulator.store import Store
from conformance.simulator.transition import Asked, Machine, Plan
from conformance.simulator.wording import messages, state_words

__all__ = ["Simulator"]

_LOG = logging.getLogger(__name__)

# What each kind of thing that a write can make is called in headers and paths.
_MADE = {"captures": "Capture-Id", "refunds": "Refund-Id"}

_NO_BODY: Mapping[str, Any] = {}


class Simulator:
    """A double of the Order Management API with a clock, merchants, orders and faults of its own.

    Every method may be called from any thread. ``behaviour`` says which it follows where documentation and recordings
    differ: ``documented`` or ``observed``. ``rate_limit`` is in requests a second for each merchant, None for none.
    ``demo_orders`` says whether there are orders from the start.
    Two simulators with the same seed that are told the same answer the same.
    """

    def __init__(
        self,
        contract: Contract,
        *,
        seed: int = 0,
        behaviour: str = "documented",
        merchants: Iterable[Merchant] = DEFAULT_MERCHANTS,
        rate_limit: int | None = None,
        clock: Clock | None = None,
        demo_orders: bool = True,
    ) -> None:
        self.contract = contract
        self.clock = Clock() if clock is None else clock
        self.behaviour = behaviour_named(behaviour)
        self.credentials = Credentials(merchants)
        self._lock = threading.RLock()
        self._identities = Identities(seed)
        self._answers = Answers(self.clock, self.behaviour)
        self._machine = Machine(contract.lifecycle, contract.errors, self._identities, self.behaviour)
        self._bodies = RequestBodies(contract.operations)
        self._limit = rate_limit
        self._demo_orders = DEMO_ORDERS if demo_orders else ()
        self._row = contract.errors.row
        self._refusals = Refusals(contract.errors)
        self._reads: Mapping[str, Callable[[Operation, Order, Mapping[str, str]], bytes]] = {
            "getOrder": lambda _operation, order, _ids: order.encoded(),
            "getCaptures": lambda _operation, order, _ids: order.encoded_captures(),
            "getCapture": self._read_capture,
            "get": self._read_refund,
            "getOptionsForExtendDueDate": self._read_due_date_options,
        }
        self.reset()

    # --- what drives it from outside the API --------------------------------------------------------------------

    def reset(self) -> None:
        """Go back to the beginning: the clock at its start, the demo orders, no faults, no memory."""
        with self._lock:
            self.clock.reset()
            self._store = Store()
            self._history = History()
            self._first_answers: IdempotencyKeys[Callable[[], Response]] = IdempotencyKeys()
            self._provocations = Provocations(self.contract.operations, self.contract.errors)
            self._rate_limit = None if self._limit is None else RateLimit(self._limit)
            self._preparation = Preparation(
                self.contract.operations, self._machine, self._store, self.credentials, self._identities, self.clock
            )
            for fields in self._demo_orders:
                self._preparation.order(fields)

    def create_order(self, fields: Mapping[str, Any]) -> str:
        """Make an order with any fields and return its id; raises ControlError naming the field that is wrong.

        Fields have the API's names (``status``, ``order_amount``, ``fraud_status``, ``created_at`` …); ``amount``,
        ``currency`` and ``lines`` are short for three of them. ``captures`` and ``refunds`` are lists of amounts or of
        request bodies (with ``capture_id`` / ``refund_id`` if wanted); ``released`` gives the remainder back;
        ``merchant`` is a username or merchant id.
        """
        with self._lock:
            return self._preparation.order(fields).order_id

    def advance(self, seconds: float) -> None:
        """Let time pass; raises ControlError for a step that is not finite or not forward."""
        with self._lock:
            self.clock.advance(seconds)

    def provoke(self, fault: Mapping[str, Any]) -> None:
        """Have an answer given in place of the proper one; raises ControlError naming the field that is wrong.

        Fields, all optional: ``operation`` and ``order_id`` (None for any), ``status`` (503), ``error_code`` and
        ``error_messages`` (from the error table), ``times`` (1; None for always), ``headers``, ``carried_out`` (do the
        work, then lose its answer), ``body`` with ``content_type`` in place of the usual JSON.
        """
        with self._lock:
            self._provocations.add(fault)

    def clear_faults(self) -> None:
        """Give proper answers again."""
        with self._lock:
            self._provocations.faults.clear()

    def faults(self) -> list[dict[str, Any]]:
        """Return the faults that are still to come."""
        with self._lock:
            return [fault.described() for fault in self._provocations.faults]

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """The newest exchanges, oldest first; there is a bound on their number and size."""
        with self._lock:
            return self._history.exchanges()

    def numbered_exchanges(self) -> list[tuple[int, Request, Response]]:
        """Return the newest exchanges with the running numbers that the ledger cites."""
        with self._lock:
            return self._history.numbered()

    def ledger(self, order_id: str) -> dict[str, Any]:
        """Return every movement of an order's money and the sums, in minor units; raises UnknownOrderError."""
        with self._lock:
            order = self._store.any(order_id)
            self._machine.touch(order, self.clock.now)
            released = sum(each.amount for each in order.movements if each.kind in ("release", "cancel", "expire"))
            return {
                "order_id": order.order_id,
                "merchant_id": order.merchant_id,
                "status": order.status,
                "currency": order.purchase_currency,
                "entries": entries(order.movements),
                "authorised": order.order_amount,
                "captured": order.captured_amount,
                "refunded": order.refunded_amount,
                "released": released,
                "remaining": order.order_amount - order.captured_amount - released,
            }

    # --- the API ------------------------------------------------------------------------------------------------

    def handle(self, request: Request) -> Response:
        """Answer one request. It never raises: what goes wrong inside is logged and answered with a 500."""
        with self._lock:
            number = self._history.total + 1
            correlation = self._identities.uuid("correlation", number)
            try:
                response = self._authenticated(request, correlation, number)
            except Exception:  # noqa: BLE001 - a double that dies leaves its caller without any answer
                _LOG.exception("the simulator failed on request %d", number)
                row = self._row("internal-server-error")
                response = self._answers.refused(row, messages(row, {}), correlation)
            self._history.add(request, response)
            return response

    def handle_together(self, requests: Sequence[Request]) -> list[Response]:
        """Answer requests that arrive at the same moment: this service decides on one after the other."""
        return [self.handle(request) for request in requests]

    def _authenticated(self, request: Request, correlation: str, number: int) -> Response:
        merchant = self.credentials.identify(request.headers.get("Authorization"))
        if merchant is None:
            return self._answers.unauthorized(self._row("unauthorized"), correlation)
        if self._rate_limit is None:
            return self._routed(request, merchant, correlation, number)
        if self._rate_limit.admits(merchant.merchant_id, self.clock.now):
            response = self._routed(request, merchant, correlation, number)
        else:
            row = self._row("too-many-requests")
            response = self._answers.refused(row, messages(row, {}), correlation)
        if not self.behaviour.tells_rate_limit:
            return response
        told = (*response.headers.items, *self._rate_limit.headers(merchant.merchant_id))
        return Response(response.status, Headers(told), response.body)

    def _routed(self, request: Request, merchant: Merchant, correlation: str, number: int) -> Response:
        route = self.contract.operations.route(request.method, request.target)
        if route is None or route.operation is None:
            return self._unrouted(request, merchant, route, correlation)
        operation = route.operation
        fault = None
        if self._provocations.faults:
            fault = self._provocations.take(operation.id, route.ids["order_id"])
            if fault is not None and not fault.carried_out:
                return self._provoked(fault, correlation)
        key = request.headers.get("Klarna-Idempotency-Key") if operation.writes else None
        use = KeyUse(merchant.merchant_id, operation.id, tuple(route.ids.values()), key) if key else None
        again = self._first_answers.first_answer(use, self.clock.now) if use else None
        if again is not None:
            response = again()
        else:
            try:
                response = self._operated(request, merchant, operation, route.ids, use, correlation, number)
            except RefusalError as refusal:
                response = self._refused(refusal, correlation)
        return response if fault is None else self._provoked(fault, correlation)

    def _operated(
        self,
        request: Request,
        merchant: Merchant,
        operation: Operation,
        ids: Mapping[str, str],
        use: KeyUse | None,
        correlation: str,
        number: int,
    ) -> Response:
        order = self._store.of_merchant(ids["order_id"], merchant.merchant_id)
        if order is None or len(ids) > 1:
            self._check_ids(operation, ids)
        sent = None if operation.body is None else self._read_body(request)
        if order is None:
            raise self._refusals.order_missing(operation.id, ids)
        now = self.clock.now
        self._machine.touch(order, now)
        read = self._reads.get(operation.id)
        if read is not None:
            return self._answers.found(read(operation, order, ids), correlation)
        body, written = _NO_BODY, b""
        if operation.body is not None:
            written = request.body
            if self.behaviour.accepts_numeric_tracking_number and write_out_tracking_numbers(sent):
                written = encode(sent)
            body = self._checked(operation, order, sent)
        capture = self._capture(operation, order, ids) if "capture_id" in ids and order.captures else None
        asked = Asked(body, written, now, self.clock.stamp(), number, use.key if use else None, capture)
        answer = self._decided(request, operation, order, ids, asked, correlation)
        if use:
            self._first_answers.keep(use, now, answer)
        return answer()

    def _decided(
        self,
        request: Request,
        operation: Operation,
        order: Order,
        ids: Mapping[str, str],
        asked: Asked,
        correlation: str,
    ) -> Callable[[], Response]:
        """Let the lifecycle decide, carry out what it allows, and return what answers, now and when the key returns."""
        plan = self._machine.plan(operation.id, order)
        row = self._machine.refusal(plan, order, asked)
        if row is not None:
            words = messages(row, _circumstances(plan, order, ids, asked), operation=operation.id, sent=asked.body)
            return partial(self._answers.refused, row, words, correlation)
        made = self._machine.carry_out(plan, order, asked)
        if made is None:
            return partial(self._answers.done, self._transaction(operation, order, ids, request, asked), correlation)
        location = f"{origin(request)}{BASE_PATH}/orders/{order.order_id}/{plan.adds}/{made}"
        return partial(
            self._answers.created,
            _MADE[plan.adds],
            made,
            location,
            self._new_transaction(order),
            bool(asked.body.get("order_lines")),
            correlation,
        )

    # --- checks before the lifecycle ----------------------------------------------------------------------------

    def _check_ids(self, operation: Operation, ids: Mapping[str, str]) -> None:
        if self.behaviour.refuses_in_html and any("{" in value or "}" in value for value in ids.values()):
            raise self._refusals.of("illegal-characters-html")
        if not is_uuid(ids["order_id"]):
            raise self._refusals.order_id_malformed(operation.id, ids)
        if "refund_id" in ids and not is_uuid(ids["refund_id"]):
            raise self._refusals.refund_id_malformed(ids)

    def _read_body(self, request: Request) -> Any:
        body = request.body
        if not is_json_type(request.headers.get("Content-Type")) and body:
            reason = "unsupported-media-type"
        elif len(body) > LARGEST:
            reason = "request-too-large"
        else:
            try:
                return parse(body)
            except MalformedBodyError:
                reason = "malformed-request"
        raise self._refusals.of(reason)

    def _checked(self, operation: Operation, order: Order, sent: Any) -> Mapping[str, Any]:
        mistakes = self._bodies.mistakes(operation, sent)
        if mistakes:
            raise self._refusals.of("unprocessable", mistakes)
        body: Mapping[str, Any] = sent
        # Elsewhere a field of this name is one that nobody knows.
        address = body.get("shipping_address") if operation.id == "updateConsumerDetails" else None
        if address is not None and not is_plausible(address, order.purchase_country):
            raise self._refusals.of("invalid-address")
        return body

    def _capture(self, operation: Operation, order: Order, ids: Mapping[str, str]) -> Capture:
        capture = order.captures.get(ids["capture_id"])
        if capture is None:
            raise self._refusals.capture_missing(operation.id, ids)
        return capture

    # --- reads --------------------------------------------------------------------------------------------------

    def _read_capture(self, operation: Operation, order: Order, ids: Mapping[str, str]) -> bytes:
        return self._capture(operation, order, ids).encoded()

    def _read_refund(self, operation: Operation, order: Order, ids: Mapping[str, str]) -> bytes:
        refund = order.refunds.get(ids["refund_id"])
        if refund is None:
            raise self._refusals.order_missing(operation.id, ids)
        return refund.encoded()

    def _read_due_date_options(self, operation: Operation, order: Order, ids: Mapping[str, str]) -> bytes:
        return encode(due_date_options(order, offered(order, self._capture(operation, order, ids))))

    # --- answers ------------------------------------------------------------------------------------------------

    def _transaction(
        self, operation: Operation, order: Order, ids: Mapping[str, str], request: Request, asked: Asked
    ) -> str:
        """Return the id of a transaction; asking for the same once more is the same transaction, on record."""
        action = f"{operation.id} {ids.get('capture_id', '')}"
        content = request.body if operation.body is not None else b""
        if operation.id == "extendAuthorizationTime":
            content = asked.now.date().isoformat().encode()
        fingerprint = hashlib.blake2b(content, digest_size=16).digest()
        transaction = order.repeated(action, fingerprint)
        if transaction is None:
            transaction = self._new_transaction(order)
            order.remember(action, fingerprint, transaction)
        return transaction

    def _new_transaction(self, order: Order) -> str:
        order.transaction_count += 1
        return self._identities.uuid("transaction", order.transaction_count, order.order_id)

    def _refused(self, refusal: RefusalError, correlation: str) -> Response:
        if refusal.row.body is BodyKind.HTML:
            return self._answers.illegal_characters(correlation)
        return self._answers.refused(refusal.row, refusal.words, correlation)

    def _provoked(self, fault: Fault, correlation: str) -> Response:
        if fault.body is None and fault.status not in (204, 304):
            return self._answers.error(
                fault.status, fault.error_code, fault.error_messages, correlation, fault.headers.items
            )
        body = (fault.body or "").encode("utf-8", "replace")
        content_type = ("Content-Type", fault.content_type)
        return self._answers.application(fault.status, body, correlation, content_type, fault.headers.items)

    def _unrouted(self, request: Request, merchant: Merchant, route: Route | None, correlation: str) -> Response:
        if route is not None and route.allowed:
            row = self._row("method-not-allowed")
            allow = ("Allow", ", ".join(route.allowed))
            return self._answers.refused(row, messages(row, {}), correlation, (allow,))
        if not self.behaviour.unrouted_in_spring_form:
            row = self._row("no-such-route")
            return self._answers.refused(row, messages(row, {}), correlation)
        path = request.target.partition("?")[0]
        before, base, below = path.partition(BASE_PATH)
        return self._answers.unmapped(f"/merchants/{merchant.merchant_id}{below}" if base else before, correlation)


def _circumstances(plan: Plan, order: Order, ids: Mapping[str, str], asked: Asked) -> dict[str, object]:
    known = named(ids)
    if plan.amount_field:
        known |= {"n": asked.body[plan.amount_field], "m": order.captured_amount}
    if plan.refusal is not None and state_words(order.state):
        known["words"] = state_words(order.state)
    return known
