"""The judge: fed exchanges in order, it says of each what breaks the contract, and remembers each order it has seen."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import chain, combinations

from conformance.contract.contract import Contract
from conformance.contract.error_table import Party
from conformance.contract.operation import Operation
from conformance.exchange import Exchange, Response
from conformance.judge.arithmetic import check_arithmetic
from conformance.judge.comparison import (
    compare_capture,
    compare_captures,
    compare_options,
    compare_order,
    compare_refund,
)
from conformance.judge.deviations import explain
from conformance.judge.effects import (
    carry_out,
    learn_capture,
    learn_captures,
    learn_options,
    learn_order,
    learn_refund,
)
from conformance.judge.finding import Finding, Judgement
from conformance.judge.keys import First, Keys, compare_replay
from conformance.judge.leaks import check_leaks, is_strange
from conformance.judge.observation import Observation, Remark, observe
from conformance.judge.prediction import Reason, reasons, state_of
from conformance.judge.refusal import check_refusal
from conformance.judge.shadow import Deed, Event, Shadow
from conformance.judge.surface import CORRELATION, check_surface

__all__ = ["Judge"]

_FORBIDDEN = 403
_CONFLICT = 409
# Answers that say nothing about the request: the caller's own pace or the service's condition.
_PASSING = frozenset({_CONFLICT, 429})
_REFUSED_AS_INVALID = frozenset({400, 413, 415, 422})
# More unsettled writes than this on one order and only a read can tell what happened.
_MOST_DOUBTS = 3
_MONEY = frozenset({"captureOrder", "refundOrder"})
_RELEASED = "RELEASED"
# Findings that say which refusals an operation knows.
_OF_THE_TABLE = frozenset({"KOM-101", "KOM-202", "KOM-204", "KOM-205"})


class Judge:
    """The passive oracle over one stream of exchanges.

    ``credentials_visible`` is False for recordings, whose Authorization values may be redacted: nothing is then
    said about credentials and merchants. The judge reads no clock; who knows the target's time tells it.

    Who knows that nobody else is at work on the orders sets ``undisturbed``: no conflict can then excuse a refusal.
    """

    def __init__(self, contract: Contract, *, credentials_visible: bool = True) -> None:
        self._contract = contract
        self._credentials_visible = credentials_visible
        self._shadows: dict[str, Shadow] = {}
        self._keys = Keys()
        self._correlations: dict[str, bytes] = {}
        self._transactions: dict[str, str] = {}
        self._proven: set[str] = set()
        self._now: datetime | None = None
        self.undisturbed = False

    def clock_is(self, now: datetime) -> None:
        """Tell the judge the target's present time (aware), for expiry and the lifetime of idempotency keys."""
        self._now = now

    def forget(self, order_id: str, field: str, capture_id: str = "") -> None:
        """Expect nothing of a field until it is read: calls of one moment filled it in an order that nobody saw.

        With a ``capture_id`` the field is the capture's.
        """
        shadow = self._shadows.get(order_id)
        if shadow is None:
            return
        if capture_id:
            shadow.captures.get(capture_id, {}).pop(field, None)
        else:
            shadow.forget(field)

    def feed(self, exchange: Exchange) -> Judgement:
        """Judge one exchange in the light of all that were fed before."""
        route = self._contract.operations.route(exchange.request.method, exchange.request.target)
        if route is None:
            return Judgement(None, foreign=True, order_id="", findings=(), cell=None)
        order_id = route.ids.get("order_id", "")
        if exchange.response is None:
            self._lose(observe(exchange, route, Response(504)))
            reason = exchange.failure or "nothing came back"
            finding = self._finding(Remark("KOM-115", f"no answer: {reason}"), route.operation, None, "", "")
            return Judgement(route.operation, foreign=False, order_id=order_id, findings=(finding,), cell=None)
        seen = observe(exchange, route, exchange.response)
        findings = tuple(self._judge(seen))
        cell = (seen.operation.id, seen.status, seen.error_code) if seen.operation is not None else None
        return Judgement(seen.operation, foreign=False, order_id=order_id, findings=findings, cell=cell)

    def _finding(
        self, remark: Remark, operation: Operation | None, status: int | None, error_code: str, known: str
    ) -> Finding:
        requirement = self._contract.requirements[self._contract.findings[remark.code].requirement]
        return Finding(
            code=remark.code,
            severity=requirement.keyword,
            requirement=requirement.id,
            message=remark.message,
            operation=operation.id if operation is not None else "",
            status=status,
            error_code=error_code,
            known=known,
        )

    def _judge(self, seen: Observation) -> Iterator[Finding]:
        said: set[tuple[str, str]] = set()
        remarks = chain(
            check_surface(seen, self._contract),
            check_refusal(seen, self._contract),
            check_leaks(seen, self._shadows.get(seen.order_id)),
            self._check_correlation(seen),
            self._check_history(seen),
        )
        unplaced = self._forbidden_in_its_own_words(seen)
        for remark in remarks:
            if unplaced and remark.code in _OF_THE_TABLE:
                continue
            if (remark.code, remark.message) not in said:
                said.add((remark.code, remark.message))
                known = explain(seen, remark, self._contract)
                yield self._finding(_unsecret(seen, remark), seen.operation, seen.status, seen.error_code, known)

    def _forbidden_in_its_own_words(self, seen: Observation) -> bool:
        """Tell whether a 403 is about what no source gives a code for: another's order, or an open risk decision."""
        shadow = self._shadows.get(seen.order_id) if seen.status == _FORBIDDEN else None
        if shadow is None:
            return False
        return is_strange(seen, shadow) or shadow.fields.get("fraud_status") == "PENDING"

    def _check_correlation(self, seen: Observation) -> Iterator[Remark]:
        value = seen.response.headers.get(CORRELATION)
        if self._keys.use(seen):
            # A replay may be the first answer to the letter.
            return
        if value is None or not value.strip("0-"):
            # A recording may hold a placeholder.
            return
        date = (seen.response.headers.get("Date") or "").encode()
        mark = date + seen.response.body
        before = self._correlations.setdefault(value, mark)
        if before is not mark and (self._credentials_visible or before != mark):
            yield Remark("KOM-112", f"{CORRELATION} {value} was given to an earlier request")

    def _check_history(self, seen: Observation) -> Iterator[Remark]:
        operation = seen.operation
        if operation is None or not seen.order_id:
            return
        shadow = self._shadows.get(seen.order_id)
        first = self._keys.first(seen, self._now) if operation.writes else None
        old = self._keys.outlived(seen, self._now) if operation.writes else None
        repeated = old is not None and old.same_place(seen) and self._echoes(old, seen)
        if old is not None and shadow is not None and seen.succeeded and repeated:
            # After its day a key may still count or begin anew.
            if old.created:
                shadow.events.append(Event(Deed.REPLAYED, operation.id))
            else:
                self._doubt(shadow, seen, operation)
            return
        if first is not None and first.succeeded and first.same_place(seen):
            yield from self._check_replay(seen, operation, first, shadow)
        else:
            yield from self._check_answer(seen, operation, first, shadow)
        self._keys.remember(seen, self._now)
        if seen.succeeded:
            self._proven.add(seen.principal)

    def _reasons(self, seen: Observation, operation: Operation, shadow: Shadow | None) -> list[Reason]:
        return reasons(
            seen,
            operation,
            shadow,
            self._contract,
            now=self._now,
            credentials_visible=self._credentials_visible,
        )

    def _check_replay(
        self, seen: Observation, operation: Operation, first: First, shadow: Shadow | None
    ) -> Iterator[Remark]:
        if seen.status >= 500 or self._passing(seen.status):
            return
        if not seen.succeeded:
            # Credentials and body may be looked at before the key is.
            early = [
                reason
                for reason in self._reasons(seen, operation, None)
                if reason.accepts(seen.status, seen.error_code)
            ]
            if early:
                return
        differences = list(compare_replay(first, seen))
        again = seen.succeeded and first.same_request(seen)
        if differences and not (again or first.same_bytes(seen)):
            # The key alone decides; here the server looked at the body as well.
            code = "KOM-504" if seen.succeeded and operation.id in _MONEY else "KOM-506"
            yield Remark(code, f"the key of an earlier request with another body was not decisive: {seen.status}")
            if seen.succeeded:
                yield from self._follow(seen, operation, shadow, [])
            return
        yield from differences
        if shadow is not None:
            shadow.events.append(Event(Deed.REPLAYED, operation.id))

    def _check_answer(
        self, seen: Observation, operation: Operation, first: First | None, shadow: Shadow | None
    ) -> Iterator[Remark]:
        grounds = self._reasons(seen, operation, shadow)
        if seen.succeeded:
            yield from self._check_acceptance(seen, grounds)
            if first is not None and not first.same_place(seen) and self._echoes(first, seen):
                # One key on two resources: whether the key alone decides is not known, so both answers are right.
                return
            yield from self._follow(seen, operation, shadow, grounds)
            return
        if seen.status >= 500:
            if operation.writes and shadow is not None and not any(ground.binds for ground in grounds):
                self._doubt(shadow, seen, operation)
            return
        if shadow is not None and operation.writes:
            shadow.events.append(Event(Deed.REFUSED, operation.id))
        if first is None and not self._passing(seen.status):
            yield from self._check_refusal_fits(seen, operation, shadow, grounds)

    def _passing(self, status: int) -> bool:
        return status in _PASSING and not (status == _CONFLICT and self.undisturbed)

    @staticmethod
    def _echoes(first: First, seen: Observation) -> bool:
        created = seen.response.headers.get("Capture-Id") or seen.response.headers.get("Refund-Id") or ""
        return seen.status == first.status and created == first.created

    @staticmethod
    def _check_acceptance(seen: Observation, grounds: list[Reason]) -> Iterator[Remark]:
        for ground in grounds:
            if ground.binds:
                yield Remark(ground.code, f"answered {seen.status} although {ground.what}", ground.topic)

    def _check_refusal_fits(
        self, seen: Observation, operation: Operation, shadow: Shadow | None, grounds: list[Reason]
    ) -> Iterator[Remark]:
        status, code = seen.status, seen.error_code
        if any(ground.accepts(status, code) for ground in grounds):
            return
        if not self._placed(code) and any(ground.leaves_open(status) for ground in grounds):
            return
        if status == 401 and not (self._credentials_visible and seen.principal in self._proven):
            return
        own = any(row.provoked_by is Party.SERVER for row in self._contract.errors.at(operation.id, status, code))
        if own and status != _CONFLICT:
            return
        if seen.unroutable or (status not in operation.answers and status != _FORBIDDEN):
            return
        answer = f"{status} {code}".rstrip()
        binding = [ground for ground in grounds if ground.binds]
        if any(not any(row.truth.binds for row in ground.rows) for ground in binding):
            # That it is refused is documented, and in what words is not.
            return
        if binding:
            wanted = sorted({row.told for ground in binding for row in ground.rows})
            yield Remark("KOM-205", f"answered {answer} although {binding[0].what}; fitting: {', '.join(wanted)}")
            return
        explained = status not in (401, 404) and any(ground.leads_to(status) for ground in grounds)
        if shadow is None or shadow.doubts or explained:
            return
        if status == 401:
            yield Remark("KOM-205", "answered 401 to credentials that were accepted before")
        elif status in _REFUSED_AS_INVALID:
            yield Remark("KOM-208", f"answered {answer} to a request that keeps every rule of the description")
        elif status == 404:
            created = "capture_id" in seen.ids or "refund_id" in seen.ids
            yield Remark("KOM-409" if created else "KOM-408", f"answered {answer} although it exists")
        elif state_of(shadow, self._now) and not shadow.guessed:
            state = state_of(shadow, self._now)
            if state == _RELEASED and operation.id not in _MONEY and "status" not in shadow.fields:
                # What an order is after a release, it has to show first.
                return
            name = "KOM-308" if operation.id in _MONEY else "KOM-403"
            yield Remark(name, f"answered {answer} although the order is {state} and nothing forbids it")

    def _placed(self, code: str) -> bool:
        """Tell whether a source says what a code stands for."""
        return any(row.code == code and row.truth.binds for row in self._contract.errors.rows if code)

    def _follow(
        self, seen: Observation, operation: Operation, shadow: Shadow | None, grounds: list[Reason]
    ) -> Iterator[Remark]:
        """Let the shadow follow a success, and compare a read with what it expects."""
        if any(ground.binds and ground.code in ("KOM-209", "KOM-701", "KOM-702") for ground in grounds):
            return
        if shadow is None:
            shadow = self._shadows[seen.order_id] = Shadow(seen.order_id, owner=seen.principal)
            if not self._credentials_visible:
                shadow.owner = ""
        if operation.writes:
            yield from self._follow_write(seen, operation, shadow)
        else:
            yield from self._follow_read(seen, operation, shadow)

    def _follow_write(self, seen: Observation, operation: Operation, shadow: Shadow) -> Iterator[Remark]:
        created = seen.response.headers.get("Capture-Id") or seen.response.headers.get("Refund-Id")
        if created is not None and operation.id in _MONEY and (created in shadow.captures or created in shadow.refunds):
            yield Remark("KOM-503", f"a new request was answered with the id {created} of an earlier one")
        if operation.id in _MONEY:
            yield from self._check_transaction(seen, created or "")
        shadow.doubts = [doubt for doubt in shadow.doubts if not doubt.key or doubt.key != seen.key]
        carry_out(shadow, seen, operation, self._contract)
        shadow.events.append(Event(Deed.DONE, operation.id, self._now))

    def _check_transaction(self, seen: Observation, created: str) -> Iterator[Remark]:
        transaction = seen.response.headers.get("Transaction-Id")
        if not transaction:
            return
        other = self._transactions.setdefault(transaction, created)
        if other != created:
            yield Remark("KOM-414", f"Transaction-Id {transaction} of {created} was given to {other} before")

    def _follow_read(self, seen: Observation, operation: Operation, shadow: Shadow) -> Iterator[Remark]:
        value = seen.answered.value
        if operation.id == "getCaptures" and isinstance(value, list):
            yield from compare_captures(shadow, value)
            learn_captures(shadow, value)
        elif not isinstance(value, dict):
            return
        elif operation.id == "getCapture":
            yield from compare_capture(shadow, value)
            learn_capture(shadow, value)
        elif operation.id == "get":
            yield from compare_refund(shadow, value)
            learn_refund(shadow, value)
        elif operation.id == "getOptionsForExtendDueDate":
            yield from compare_options(shadow, value)
            learn_options(shadow, seen.ids.get("capture_id", ""), value)
        elif operation.id == "getOrder":
            yield from check_arithmetic(value, shadow, self._now)
            yield from self._settle(shadow, value)
            learn_order(shadow, value, self._now)

    def _settle(self, shadow: Shadow, order: dict[str, object]) -> Iterator[Remark]:
        """Compare an order with the shadow, trying each write in doubt as done and as not done."""
        best: list[Remark] | None = None
        sizes = range(len(shadow.doubts) + 1)
        for doubts in chain.from_iterable(combinations(shadow.doubts, size) for size in sizes):
            supposed = shadow.copy() if shadow.doubts else shadow
            for doubt in doubts:
                if doubt.operation is not None:
                    carry_out(supposed, doubt, doubt.operation, self._contract)
            found = list(compare_order(supposed, order, self._contract, self._now))
            if not found:
                return
            if best is None or len(found) < len(best):
                best = found
        yield from best or ()

    def _doubt(self, shadow: Shadow, seen: Observation, operation: Operation) -> None:
        shadow.events.append(Event(Deed.IN_DOUBT, operation.id))
        if any(doubt.key and doubt.key == seen.key for doubt in shadow.doubts):
            return
        shadow.doubts.append(seen)
        if len(shadow.doubts) > _MOST_DOUBTS:
            self._shadows[shadow.order_id] = Shadow(shadow.order_id, owner=shadow.owner)

    def _lose(self, seen: Observation) -> None:
        """Take note of a request whose answer was lost: it may have been carried out."""
        if seen.operation is None or not seen.operation.writes:
            return
        shadow = self._shadows.get(seen.order_id)
        if shadow is not None and self._keys.first(seen, self._now) is None:
            self._doubt(shadow, seen, seen.operation)


def _unsecret(seen: Observation, remark: Remark) -> Remark:
    """Take credentials out of a message that quotes an answer which repeats them."""
    message = remark.message
    for secret, shown_as in (
        (seen.principal.partition(" ")[2].strip(), "[credentials]"),
        (seen.password(), "[password]"),
    ):
        if secret:
            message = message.replace(secret, shown_as)
    return remark if message == remark.message else Remark(remark.code, message, remark.topic)
