"""Walks orders through random histories: where the order of calls matters, no table of cases reaches far enough.

A walk is a Hypothesis state machine over all operations, clock and replays included. It drives any target through the
API and asks the judge after every step; a broken rule is shrunk to the shortest story that still breaks one. All
choices are drawn from short lists, so that a story reads well and a seed means the same on every machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from conformance.exceptions import UsageError
from conformance.exchange import Request
from conformance.suites.bodies import ORDER, TEXT, BodyMaker, lines_of
from conformance.suites.case import Case
from conformance.suites.conversation import Conversation, Key
from conformance.suites.example_memory import ExampleMemory
from conformance.suites.expectations import CODES
from conformance.suites.hypothesis_files import out_of_the_way
from conformance.suites.preparation import follow
from conformance.suites.prepared_order import PreparedOrder
from conformance.suites.reply import Reply
from conformance.suites.stops import NotMeasuredError
from conformance.verdict import Severity

if TYPE_CHECKING:
    from hypothesis.stateful import RuleBasedStateMachine

__all__ = ["BrokenRuleError", "Walk", "broken_rule", "walk_cases"]


@dataclass(frozen=True, slots=True)
class _Size:
    """How much a profile walks: cases, histories a case, and steps a history."""

    cases: int
    histories: int
    steps: int


_SIZES = {"default": _Size(4, 50, 25), "deep": _Size(16, 200, 50)}
# Shrinking ends after this many further histories; the shortest failing one so far is reported.
_MOST_SHRINKS = 150
_TEXTS = ("", "a", TEXT, "ß" * 255)
# Seconds: within a day, past the life of an idempotency key, near the end of the authorisation, beyond it.
_WAITS = (1, 3_600, 3_600, 90_000, 90_000, 27 * 86_400, 29 * 86_400)
_DAYS = (2, 10, 30, 60, 61)


def walk_cases(profile: str, memory: ExampleMemory | None = None) -> Iterator[Case]:
    """Yield the walks of a profile; raises UsageError when Hypothesis is not installed.

    With a ``memory`` they first try what failed before, wherever that was.
    """
    try:
        import hypothesis  # noqa: F401, PLC0415 - only these cases need it
    except ImportError:
        raise UsageError(
            f"the profile {profile} needs Hypothesis: install klarna-conformance[server], or use --profile quick"
        ) from None
    size = _SIZES[profile]
    for number in range(1, size.cases + 1):
        yield Case(
            id=f"orders/walk/{number}",
            operation="",
            state="walk",
            name=str(number),
            play=_walked(number, size, memory),
            codes=CODES["generated write"],
            consumes=True,
        )


class BrokenRuleError(Exception):
    """A step broke a rule; Hypothesis looks for a shorter way to it."""


def broken_rule(conversation: Conversation) -> str:
    """Return the code of the first rule that was broken in a conversation; empty for none."""
    findings = conversation.findings
    return next((each.code for each in findings if each.severity is Severity.MUST and not each.known), "")


class _Enough(KeyboardInterrupt):
    """The story is short enough for the time that was spent on it."""


@dataclass(slots=True)
class Walk:
    """One history in progress: its order, and the writes that can be sent again."""

    conversation: Conversation
    order: PreparedOrder
    sent: list[Request] = field(default_factory=list)

    @classmethod
    def begin(cls, conversation: Conversation) -> Walk:
        """Start with a fresh order; raises NotMeasuredError on a target that cannot make one."""
        control = conversation.control
        if control is None:
            raise NotMeasuredError("a walk needs many fresh orders, which takes a control interface")
        order_id = control.create_order(**ORDER)
        amount = int(ORDER["order_amount"])
        walk = cls(conversation, PreparedOrder(order_id, amount, amount))
        walk.read()
        return walk

    def write(self, operation: str, body: Any = None, key: Key | str = Key.FRESH, **ids: str) -> Reply:
        """Send a write, follow what it did, and read the order back."""
        conversation = self.conversation
        request = conversation.request(operation, {"order_id": self.order.order_id, **ids}, body, key=key)
        self.sent.append(request)
        reply = conversation.send(request)
        if reply.ok and reply.judgement.operation is not None:
            amount = next((value for value in (body or {}).values() if isinstance(value, int)), 0)
            follow(self.order, operation, amount, reply)
        self.read()
        return reply

    def repeat(self, back: int) -> None:
        """Send an earlier write again, to the letter."""
        if self.sent:
            self.conversation.send(self.sent[-1 - back % len(self.sent)])
            self.read()

    def read(self, operation: str = "getOrder", **ids: str) -> Reply:
        """Read something of the order; fails the history when any rule has been broken so far."""
        reply = self.conversation.call(operation, {"order_id": self.order.order_id, **ids})
        broken = broken_rule(self.conversation)
        if broken:
            raise BrokenRuleError(broken)
        return reply

    def advance(self, seconds: int) -> None:
        """Let time pass for the target."""
        control = self.conversation.control
        if control is not None:
            control.advance(seconds)
            self.read()

    def capture_amount(self, share: str) -> int:
        """Turn a word into an amount around what remains authorised."""
        return _amount(share, self.order.remaining)

    def refund_amount(self, share: str) -> int:
        """Turn a word into an amount around what may still be refunded."""
        return _amount(share, self.order.refundable)

    def total(self, share: str) -> int:
        """Turn a word into a new total around the present one and what is captured."""
        order = self.order
        totals = {"same": order.order_amount, "less": order.order_amount * 9 // 10, "captured": order.captured}
        totals |= {"more": order.order_amount + 500, "below captured": order.captured - 1}
        return max(totals[share], 1)


def _amount(share: str, limit: int) -> int:
    amounts = {"one": 1, "tenth": limit // 10, "half": limit // 2, "all": limit}
    amounts |= {"one less": limit - 1, "one more": limit + 1}
    return max(amounts[share], 1)


@dataclass(slots=True)
class _Search:
    """What the histories of one case leave behind: all that was covered, and the shortest story that broke a rule."""

    conversation: Conversation
    number: int
    begun: int = 0
    after_failure: int = 0
    shortest: Conversation | None = None

    def begin(self) -> Walk:
        main = self.conversation
        self.begun += 1
        if self.shortest is not None:
            self.after_failure += 1
            if self.after_failure > _MOST_SHRINKS:
                raise _Enough
        history = Conversation(
            main.contract, main.target, f"{main.case_id}:{self.begun}", main.seed, main.pool, main.health
        )
        return Walk.begin(history)

    def end(self, history: Conversation) -> None:
        main = self.conversation
        main.exchanges.extend(history.exchanges)
        main.cells |= history.cells
        main.successes |= history.successes
        if history.findings and (self.shortest is None or len(history.exchanges) <= len(self.shortest.exchanges)):
            self.shortest = history


def _walked(number: int, size: _Size, memory: ExampleMemory | None) -> Callable[[Conversation], None]:
    def play(conversation: Conversation) -> None:
        from hypothesis import HealthCheck, Phase, Verbosity, seed, settings  # noqa: PLC0415 - heavy
        from hypothesis.errors import FlakyStrategyDefinition  # noqa: PLC0415 - heavy
        from hypothesis.stateful import run_state_machine_as_test  # noqa: PLC0415 - heavy

        search = _Search(conversation, number)
        searching = [search]
        machine = seed(conversation.seed * 1_000 + number)(_machine(searching))
        chosen = settings(
            # All walks speak one language, so each can try what another found.
            database=None if memory is None else memory.shelf("orders/walk"),
            deadline=None,
            max_examples=size.histories,
            stateful_step_count=size.steps,
            phases=(*(() if memory is None else (Phase.reuse,)), Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
            verbosity=Verbosity.quiet,
            report_multiple_bugs=False,
            print_blob=False,
        )
        try:
            with out_of_the_way():
                run_state_machine_as_test(machine, settings=chosen)
        except (BrokenRuleError, _Enough):
            pass
        except FlakyStrategyDefinition:
            # A target that goes away in the middle of a history makes the next attempt at it another.
            conversation.health.check()
            raise
        except BaseExceptionGroup as several:
            # A rule that broke once and not again is still a broken rule.
            if several.subgroup(BrokenRuleError) is None:
                raise
        finally:
            # Hypothesis keeps every machine that it has run, and with it all that the machine knows.
            searching.clear()
        if search.shortest is not None:
            conversation.findings.extend(search.shortest.findings)

    return play


def _machine(searching: list[_Search]) -> type[RuleBasedStateMachine]:
    """Make a machine for the one search that ``searching`` holds while it runs."""
    from hypothesis.stateful import RuleBasedStateMachine, rule  # noqa: PLC0415 - heavy
    from hypothesis.strategies import sampled_from  # noqa: PLC0415 - heavy

    shares = sampled_from(("one", "tenth", "half", "all", "one less", "one more"))
    totals = sampled_from(("same", "less", "more", "captured", "below captured"))
    keys = sampled_from((Key.FRESH, Key.NONE))
    texts = sampled_from(_TEXTS)
    places = sampled_from((0, 1, 2, 3))
    yes_or_no = sampled_from((False, True))

    class Machine(RuleBasedStateMachine):
        """One history of one order."""

        def __init__(self) -> None:
            super().__init__()
            self.walk = searching[0].begin()

        def teardown(self) -> None:
            searching[0].end(self.walk.conversation)

        def _capture_id(self, place: int) -> str:
            captures = self.walk.order.captures
            return captures[place % len(captures)] if captures else self.walk.conversation.new_id()

        @rule(share=shares, key=keys, lines=yes_or_no, text=texts)
        def capture(self, share: str, key: Key, *, lines: bool, text: str) -> None:
            amount = self.walk.capture_amount(share)
            body: dict[str, Any] = {"captured_amount": amount, "description": text}
            if lines:
                body |= {"order_lines": lines_of(amount), "shipping_info": [{"tracking_number": "1"}]}
            self.walk.write("captureOrder", body, key)

        @rule(share=shares, key=keys, lines=yes_or_no, text=texts)
        def refund(self, share: str, key: Key, *, lines: bool, text: str) -> None:
            amount = self.walk.refund_amount(share)
            body: dict[str, Any] = {"refunded_amount": amount, "description": text}
            if lines:
                body["order_lines"] = lines_of(amount)
            self.walk.write("refundOrder", body, key)

        @rule(share=totals, lines=yes_or_no)
        def update_authorization(self, share: str, *, lines: bool) -> None:
            amount = self.walk.total(share)
            body: dict[str, Any] = {"order_amount": amount}
            if lines:
                body["order_lines"] = lines_of(amount)
            self.walk.write("updateAuthorization", body)

        @rule(first=texts, second=texts, both=yes_or_no)
        def update_references(self, first: str, second: str, *, both: bool) -> None:
            body = {"merchant_reference1": first} | ({"merchant_reference2": second} if both else {})
            self.walk.write("updateMerchantReferences", body)

        @rule()
        def update_address(self) -> None:
            self.walk.write("updateConsumerDetails", BodyMaker(self.walk.order).valid("updateConsumerDetails"))

        @rule(place=places, text=texts)
        def add_shipping_info(self, place: int, text: str) -> None:
            body = {"shipping_info": [{"tracking_number": text[:100]}]}
            self.walk.write("appendShippingInfo", body, capture_id=self._capture_id(place))

        @rule(text=texts)
        def add_order_shipping_info(self, text: str) -> None:
            self.walk.write("appendOrderShippingInfo", {"shipping_info": [{"shipping_company": text[:100]}]})

        @rule(place=places, days=sampled_from(_DAYS))
        def extend_due_date(self, place: int, days: int) -> None:
            self.walk.write("extendDueDate", {"number_of_days": days}, capture_id=self._capture_id(place))

        @rule(place=places)
        def trigger_send_out(self, place: int) -> None:
            self.walk.write("triggerSendOut", capture_id=self._capture_id(place))

        @rule(
            operation=sampled_from(
                (
                    "acknowledgeOrder",
                    "acknowledgeOrder",
                    "extendAuthorizationTime",
                    "extendAuthorizationTime",
                    "releaseRemainingAuthorization",
                    "cancelOrder",
                )
            )
        )
        def write(self, operation: str) -> None:
            self.walk.write(operation)

        @rule(back=places)
        def repeat(self, back: int) -> None:
            self.walk.repeat(back)

        @rule(place=places)
        def read_capture(self, place: int) -> None:
            capture_id = self._capture_id(place)
            self.walk.read("getCaptures")
            self.walk.read("getCapture", capture_id=capture_id)
            self.walk.read("getOptionsForExtendDueDate", capture_id=capture_id)

        @rule(place=places)
        def read_refund(self, place: int) -> None:
            refunds = self.walk.order.refunds
            refund_id = refunds[place % len(refunds)] if refunds else self.walk.conversation.new_id()
            self.walk.read("get", refund_id=refund_id)

        @rule(seconds=sampled_from(_WAITS))
        def wait(self, seconds: int) -> None:
            self.walk.advance(seconds)

    return Machine
