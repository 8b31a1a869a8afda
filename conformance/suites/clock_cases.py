"""What only time brings about: authorisations that lapse or are extended, and keys that must still count hours later.

The target's clock is moved by two days at the most, so that orders of other cases on the same target do not lapse.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta

from conformance.judge.shadow import moment
from conformance.suites.bodies import AMOUNT_FIELD, ORDER, BodyMaker
from conformance.suites.case import Case
from conformance.suites.conversation import Conversation
from conformance.suites.expectations import CODES
from conformance.suites.preparation import learned
from conformance.suites.reply import Expected, Reply
from conformance.suites.scene import Scene
from conformance.suites.stops import NotMeasuredError
from conformance.suites.target_clock import written
from conformance.suites.told_control import ToldControl

__all__ = ["clock_cases", "dated", "lapsing", "target_time"]

Play = Callable[[Conversation], None]

_NO_CLOCK = "only a control interface can move the target's clock"
# The schedule for retries ends after five hours and a few minutes; a key counts for a day, and here almost one.
_RETRIES = (timedelta(hours=6), timedelta(hours=7), timedelta(hours=10), timedelta(minutes=50))
# A little more than the 180 days, whatever day they are counted from.
_TOO_OLD = timedelta(days=183)
_LONGEST = timedelta(days=180)
# A period from which on an extension of ten days later may be cut short by them.
_CAPPED = timedelta(days=165)
_SOON = timedelta(hours=1)
_WEEK = timedelta(days=7)
_PAUSE = timedelta(hours=5)
# Two clocks of one service differ by less.
_A_MOMENT = timedelta(minutes=30)
# Of one day in every zone from California to Berlin: in which of them a day begins is not said.
_HOURS = (9.0, 15.0, 21.5)


# What goes on beyond the first end of an authorisation that was extended, with the amounts that some of it takes.
_BEYOND: Mapping[str, tuple[tuple[str, int | None], ...]] = {
    "beyond-its-first-end": (("updateAuthorization", 9_000), ("captureOrder", 100)),
    "cancelled-beyond-its-first-end": (("cancelOrder", None),),
}
# What is dated: where it is listed, what its time is called, what reads it, and which header names it.
_DATED = (
    ("captureOrder", "captures", "captured_at", "getCapture", "Capture-Id"),
    ("refundOrder", "refunds", "refunded_at", "get", "Refund-Id"),
)
# Writes that have nothing to do with the end of an authorisation, with the amounts that some of them take.
_HARMLESS = (
    ("updateAuthorization", 9_000),
    ("updateMerchantReferences", None),
    ("updateConsumerDetails", None),
    ("appendOrderShippingInfo", None),
    ("acknowledgeOrder", None),
    ("captureOrder", 3_000),
    ("refundOrder", 1_000),
    ("updateAuthorization", 8_000),
)


def clock_cases() -> Iterator[Case]:
    """Yield the cases that take a control interface with a clock."""
    for operation in ("captureOrder", "extendAuthorizationTime", "updateAuthorization"):
        yield _case(operation, "lapsing", "after-its-end", "valid write", _after_end(operation))
    yield _case("captureOrder", "lapsing", "before-its-end", "capture", _before_end)
    yield _case("captureOrder", "lapsing", "repeated-key-past-its-end", "repeated-key", _repeated_past_end)
    yield _case("extendAuthorizationTime", "lapsing", "moves-the-end", "extension", _extended)
    for name, steps in _BEYOND.items():
        yield _case("extendAuthorizationTime", "lapsing", name, "capture", _beyond_first_end(steps))
    yield _case("extendAuthorizationTime", "aged", "then-others", "pair", _then_others)
    for name, captured in (("from-the-day-of-the-call", 0), ("captured-from-the-day-of-the-call", 4_000)):
        yield _case("extendAuthorizationTime", "aged", name, "extension", _from_today(captured))
    for operation in ("captureOrder", "cancelOrder", "updateAuthorization", "updateMerchantReferences"):
        yield _case(operation, "aged", "valid", "valid write", _aged(operation))
    for days in (60, 175):
        name = f"after-{days}-days"
        yield _case("extendAuthorizationTime", "aged", name, "valid write", _aged("extendAuthorizationTime", days))
    yield _case("captureOrder", "fresh", "dated", "capture", dated)
    yield _case("extendAuthorizationTime", "aged", "all-day", "extension", _all_day)
    yield _case("extendAuthorizationTime", "aged", "after-180-days", "valid write", _too_old)
    for operation, state in (
        ("captureOrder", "fresh"),
        ("refundOrder", "part_captured"),
        ("appendShippingInfo", "part_captured"),
        ("appendOrderShippingInfo", "fresh"),
        ("extendAuthorizationTime", "fresh"),
    ):
        yield _case(operation, state, "repeated-key-later", "repeated-key", _later(operation, state))


def _case(operation: str, state: str, name: str, kind: str, play: Play) -> Case:
    return Case(f"{operation}/{state}/{name}", operation, state, name, play, CODES[kind], consumes=True)


def _control(conversation: Conversation) -> ToldControl:
    control = conversation.control
    if control is None:
        raise NotMeasuredError(_NO_CLOCK)
    return control


def target_time(control: ToldControl) -> datetime:
    """Return the target's own time."""
    now = control.now()
    if now is None:
        raise NotMeasuredError("the control interface does not show the target's clock")
    return now


def lapsing(conversation: Conversation) -> tuple[str, datetime]:
    """Make an order that was authorised 27 days ago and lapses in an hour."""
    control = _control(conversation)
    now = target_time(control)
    ends = now + _SOON
    order_id = control.create_order(
        **{**ORDER, "created_at": written(now - timedelta(days=27)), "expires_at": written(ends)}
    )
    conversation.call("getOrder", {"order_id": order_id})
    return order_id, ends


def _after_end(operation: str) -> Play:
    """Ask for something that is forbidden once the authorisation has lapsed, in the knowledge that it has."""

    def play(conversation: Conversation) -> None:
        order_id, ends = lapsing(conversation)
        _control(conversation).advance((_SOON + timedelta(minutes=1)).total_seconds())
        conversation.judge.clock_is(ends + timedelta(minutes=1))
        body = {AMOUNT_FIELD[operation]: 100} if operation in AMOUNT_FIELD else None
        conversation.call("getOrder", {"order_id": order_id})
        conversation.call(operation, {"order_id": order_id}, body)
        conversation.call("getOrder", {"order_id": order_id})

    return play


def _before_end(conversation: Conversation) -> None:
    order_id, _ = lapsing(conversation)
    ground = Expected("KOM-308", "the authorisation still has an hour to go", success=True)
    conversation.call("captureOrder", {"order_id": order_id}, {"captured_amount": 100}, expected=ground)
    conversation.call("getOrder", {"order_id": order_id})


def _repeated_past_end(conversation: Conversation) -> None:
    """Repeat a capture whose answer came before the end of the authorisation: it was made, whatever time it is."""
    order_id, ends = lapsing(conversation)
    key = conversation.new_id()
    conversation.call("captureOrder", {"order_id": order_id}, {"captured_amount": 100}, key=key)
    _control(conversation).advance((_SOON + timedelta(minutes=1)).total_seconds())
    conversation.judge.clock_is(ends + timedelta(minutes=1))
    conversation.call("captureOrder", {"order_id": order_id}, {"captured_amount": 100}, key=key)
    conversation.call("getOrder", {"order_id": order_id})


def _extended(conversation: Conversation) -> None:
    order_id, ends = lapsing(conversation)
    reply = conversation.call("extendAuthorizationTime", {"order_id": order_id})
    read = conversation.call("getOrder", {"order_id": order_id})
    document = read.json()
    shown = document.get("expires_at") if isinstance(document, dict) else None
    if reply.ok and shown == written(ends):
        message = f"an authorisation with an hour to go was extended, and expires_at is still {shown}"
        conversation.report("KOM-410", message, read, "extendAuthorizationTime")


def _beyond_first_end(steps: tuple[tuple[str, int | None], ...]) -> Play:
    """Go on when the first end has passed, and the end to which the authorisation was extended has not."""

    def play(conversation: Conversation) -> None:
        control = _control(conversation)
        order_id, ends = lapsing(conversation)
        order = {"order_id": order_id}
        reply = conversation.call("extendAuthorizationTime", order)
        prepared = learned(conversation.call("getOrder", order), order_id)
        control.advance((_SOON + timedelta(minutes=1)).total_seconds())
        conversation.judge.clock_is(ends + timedelta(minutes=1))
        if not reply.ok:
            return
        conversation.call("getOrder", order)
        ground = Expected("KOM-308", "the authorisation was extended before it lapsed", success=True)
        for operation, amount in steps:
            body = None if amount is None else BodyMaker(prepared).valid(operation, amount)
            conversation.call(operation, order, body, expected=ground)
            conversation.call("getOrder", order)

    return play


def _then_others(conversation: Conversation) -> None:
    """Extend an order of ten days ago, and do what has nothing to do with its end: that must stay."""
    control = _control(conversation)
    aged = {"created_at": written(target_time(control) - timedelta(days=10))}
    order_id = control.create_order(**{**ORDER, **aged})
    order = {"order_id": order_id}
    reply = conversation.call("getOrder", order)
    prepared = learned(reply, order_id)
    conversation.call("extendAuthorizationTime", order)
    conversation.call("getOrder", order)
    for operation, amount in _HARMLESS:
        conversation.call(operation, order, BodyMaker(prepared).valid(operation, amount))
        conversation.call("getOrder", order)


def _aged(operation: str, days: int = 15) -> Play:
    """Ask of an order of half a month, or of as many days, what may be asked of a fresh one."""

    def play(conversation: Conversation) -> None:
        control = _control(conversation)
        now = target_time(control)
        # No order's authorisation ends later than that.
        left = min(_WEEK, _LONGEST - timedelta(days=days))
        ages = {"created_at": written(now - timedelta(days=days)), "expires_at": written(now + left)}
        order = {"order_id": control.create_order(**{**ORDER, **ages})}
        read = conversation.call("getOrder", order)
        body = BodyMaker(learned(read, order["order_id"])).valid(operation)
        conversation.call(operation, order, body)
        conversation.call("getOrder", order)

    return play


def dated(conversation: Conversation) -> None:
    """Capture and refund twice with time between: each is dated with the time at which it was made."""
    control = _control(conversation)
    order = {"order_id": control.create_order(**ORDER)}
    conversation.call("getOrder", order)
    for operation, items, name, reader, made_in in _DATED * 2:
        control.advance(_PAUSE.total_seconds())
        now = target_time(control)
        reply = conversation.call(operation, order, {AMOUNT_FIELD[operation]: 100})
        read = conversation.call("getOrder", order)
        document = read.json()
        listed = document.get(items) if isinstance(document, dict) else None
        identity = f"{items.removesuffix('s')}_id"
        wanted = reply.header(made_in)
        found = (each for each in listed or () if isinstance(each, dict) and each.get(identity) == wanted)
        made = next(found, {})
        dated = moment(made.get(name))
        if reply.ok and dated is not None and abs(dated - now) > _A_MOMENT:
            message = f"{name} is {made[name]}, it was made at {written(now)}"
            conversation.report("KOM-416", message, read, operation)
        # The time of a reading is another one by now.
        control.advance(_PAUSE.total_seconds())
        conversation.call(reader, {**order, identity: wanted})
        conversation.call("getCaptures", order)
        conversation.call("getOrder", order)


def _too_old(conversation: Conversation) -> None:
    """Extend what has been extended for as long as is permitted."""
    control = _control(conversation)
    now = target_time(control)
    ages = {"created_at": written(now - _TOO_OLD), "expires_at": written(now + _WEEK)}
    for captured in (0, 4_000):
        order_id = control.create_order(**{**ORDER, **ages, **({"captured_amount": captured} if captured else {})})
        conversation.call("getOrder", {"order_id": order_id})
        conversation.judge.clock_is(now)
        conversation.call("extendAuthorizationTime", {"order_id": order_id})
        conversation.call("getOrder", {"order_id": order_id})


def _from_today(captured: int) -> Play:
    """Extend an order of ten days ago, and once more tomorrow: its period begins anew each day, and once a day."""

    def play(conversation: Conversation) -> None:
        control = _control(conversation)
        # The period is that of an order of today: from which day the end of an older one counts is the target's affair.
        fresh = conversation.call("getOrder", {"order_id": control.create_order(**ORDER)})
        created, ends = _day(fresh, "created_at"), _day(fresh, "expires_at")
        if created is None or ends is None:
            raise NotMeasuredError("the order does not say when it was created and when it expires")
        if ends - created > _CAPPED:
            raise NotMeasuredError("the period comes near the 180 days after which nothing is extended")
        aged = {"created_at": written(target_time(control) - timedelta(days=10))}
        order_id = control.create_order(**{**ORDER, **aged, **({"captured_amount": captured} if captured else {})})
        conversation.call("getOrder", {"order_id": order_id})
        for day in range(2):
            _extend_twice(conversation, order_id, ends - created)
            if not day:
                # What is left is still authorised, and extended like the whole.
                conversation.call("captureOrder", {"order_id": order_id}, {"captured_amount": 1_000})
                conversation.call("getOrder", {"order_id": order_id})
                control.advance(timedelta(days=1).total_seconds())

    return play


def _extend_twice(conversation: Conversation, order_id: str, period: timedelta) -> None:
    control = _control(conversation)
    today = target_time(control).date()
    shown: list[date] = []
    for _ in range(2):
        reply = conversation.call("extendAuthorizationTime", {"order_id": order_id})
        read = conversation.call("getOrder", {"order_id": order_id})
        end = _day(read, "expires_at")
        if not reply.ok or end is None or target_time(control).date() != today:
            return
        # The sources count the day of the call in two ways.
        if end - today not in (period, period + timedelta(days=1)):
            message = f"a period of {period.days} days from {today} ends on {end}"
            conversation.report("KOM-417", message, read, "extendAuthorizationTime")
        shown.append(end)
    if shown[0] != shown[1]:
        message = f"two extensions of one day end on {shown[0]} and {shown[1]}"
        conversation.report("KOM-417", message, read, "extendAuthorizationTime")


def _all_day(conversation: Conversation) -> None:
    """Extend one order in the morning, in the afternoon and in the evening of one day."""
    control = _control(conversation)
    now = target_time(control)
    aged = {"created_at": written(now - timedelta(days=10)), "expires_at": written(now + _WEEK)}
    order = {"order_id": control.create_order(**{**ORDER, **aged})}
    conversation.call("getOrder", order)
    midnight = datetime.combine(now.astimezone(UTC).date() + timedelta(days=1), time(), UTC)
    ends: list[date] = []
    for hour in _HOURS:
        control.advance((midnight + timedelta(hours=hour) - target_time(control)).total_seconds())
        reply = conversation.call("extendAuthorizationTime", order)
        read = conversation.call("getOrder", order)
        end = _day(read, "expires_at")
        if not reply.ok or end is None:
            return
        ends.append(end)
        if end != ends[0]:
            message = f"extensions of one day end on {ends[0]} and {end}"
            conversation.report("KOM-417", message, read, "extendAuthorizationTime")


def _day(read: Reply, name: str) -> date | None:
    document = read.json()
    found = moment(document.get(name)) if isinstance(document, dict) else None
    return None if found is None else found.astimezone(UTC).date()


def _later(operation: str, state: str) -> Play:
    """Repeat a request as late as the retry policy does, and until shortly before its key has had its day."""

    def play(conversation: Conversation) -> None:
        control = _control(conversation)
        scene = Scene(conversation, operation, state)
        key, body, ids = conversation.new_id(), scene.body(100), scene.ids
        conversation.call(operation, ids, body, key=key)
        scene.read()
        for pause in _RETRIES:
            control.advance(pause.total_seconds())
            conversation.call(operation, ids, body, key=key)
            scene.read()
        # Each key has a day of its own, whenever the first of the order had.
        own = conversation.new_id()
        for pause in (timedelta(0), _PAUSE):
            control.advance(pause.total_seconds())
            conversation.call(operation, ids, body, key=own)
            scene.read()

    return play
