"""Orders that grow old: what is settled stays as it is, for weeks, months and years after it was settled.

The target's clock is moved by months here, so that these cases want a target that nobody else is using.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta

from conformance.judge.shadow import moment
from conformance.suites.bodies import AMOUNT_FIELD, ORDER, BodyMaker
from conformance.suites.case import Case
from conformance.suites.clock_cases import dated, lapsing, target_time
from conformance.suites.conversation import Conversation, Key
from conformance.suites.expectations import CODES
from conformance.suites.moves import Move, make
from conformance.suites.preparation import learned
from conformance.suites.scene import Scene
from conformance.suites.stops import NotMeasuredError
from conformance.suites.target_clock import written
from conformance.suites.told_control import ToldControl

__all__ = ["age_cases"]

# What still may be done with an order when its authorisation has long run out, and who reads it only.
_LIVES: Mapping[str, tuple[Move, ...]] = {
    "fully_captured": (
        ("refundOrder", 100),
        ("updateMerchantReferences", None),
        ("appendShippingInfo", None),
        ("triggerSendOut", None),
        ("appendOrderShippingInfo", None),
    ),
    "part_refunded": (("refundOrder", 200), ("updateMerchantReferences", None)),
    "fully_refunded": (("refundOrder", 1), ("updateMerchantReferences", None)),
    "released_refunded": (("refundOrder", 100), ("captureOrder", 1)),
    "cancelled": (("cancelOrder", None), ("captureOrder", 1)),
    "part_captured_refunded": (
        ("captureOrder", 1),
        ("updateAuthorization", 9_000),
        ("releaseRemainingAuthorization", None),
    ),
    "extended": (("captureOrder", 1), ("updateAuthorization", 9_000), ("extendAuthorizationTime", None)),
    "furnished": (("captureOrder", 1), ("updateConsumerDetails", None), ("extendAuthorizationTime", None)),
}
# Past the end of the authorisation, twice within half a year of the capture.
_WITH_MOVES = (timedelta(days=41), timedelta(days=61))
# Long enough to be put away, and within the period of the authorisation.
_FORTNIGHT = timedelta(days=16)
# Beyond half a year, a year, and two, to shortly before the three years for which an order can be read.
_YEARS = (timedelta(days=200), timedelta(days=200), timedelta(days=400), timedelta(days=250))


def age_cases() -> Iterator[Case]:
    """Yield one case a state, which takes a control interface with a clock."""
    for state, moves in _LIVES.items():
        name = "grown-old"
        play = _grown_old(state, moves)
        yield Case(f"getOrder/{state}/{name}", "getOrder", state, name, play, CODES["old"], consumes=True)
    yield Case("getOrder/any_state/for-years", "getOrder", "any_state", "for-years", _for_years, CODES["old"], True)
    name = "left-alone"
    yield Case(f"getOrder/any_state/{name}", "getOrder", "any_state", name, _left_alone, CODES["old"], consumes=True)
    operation, name = "extendAuthorizationTime", "on-any-day"
    yield Case(f"{operation}/aged/{name}", operation, "aged", name, _on_any_day, CODES["extension"], consumes=True)

    for name, play, kind in (
        ("past-its-later-end", _past_later_end, "valid write"),
        ("in-the-second-half-year", _in_the_second_half_year, "valid write"),
    ):
        yield Case(f"{operation}/lapsing/{name}", operation, "lapsing", name, play, CODES[kind], consumes=True)
    for name, play, kind in (
        ("repeated-key-next-month", _next_month, "repeated-key"),
        ("dated-in-summer", _in_summer, "capture"),
    ):
        yield Case(f"captureOrder/fresh/{name}", "captureOrder", "fresh", name, play, CODES[kind], consumes=True)


def _control(conversation: Conversation) -> ToldControl:
    control = conversation.control
    if control is None:
        raise NotMeasuredError("only a control interface can move the target's clock")
    if conversation.target.salt and "PYTEST_XDIST_WORKER" in os.environ:
        raise NotMeasuredError("other workers are using the target, and its clock is moved by months here")
    return control


def _grown_old(state: str, moves: tuple[Move, ...]) -> Callable[[Conversation], None]:
    def play(conversation: Conversation) -> None:
        control = _control(conversation)
        scene = Scene(conversation, "getOrder", state)
        scene.read_all()
        for pause in _WITH_MOVES:
            control.advance(pause.total_seconds())
            scene.read_all()
            for move in moves:
                make(scene, move, Key.FRESH)
                scene.read()

    return play


def _for_years(conversation: Conversation) -> None:
    """Read orders of every kind for as long as orders can be read."""
    control = _control(conversation)
    scenes = [Scene(conversation, "getOrder", state) for state in _LIVES]
    for pause in (None, *_YEARS):
        if pause is not None:
            control.advance(pause.total_seconds())
        for scene in scenes:
            scene.read_all()


def _left_alone(conversation: Conversation) -> None:
    """Begin with each operation on an order that nobody has touched for a fortnight."""
    control = _control(conversation)
    scenes = [
        Scene(conversation, operation.id, "part_captured_refunded")
        for operation in conversation.contract.operations
        if conversation.contract.lifecycle.cell(operation.id, "PART_CAPTURED").allowed
    ]
    bodies = [scene.body() for scene in scenes]
    for scene in scenes:
        scene.read()
    control.advance(_FORTNIGHT.total_seconds())
    for scene, body in zip(scenes, bodies, strict=True):
        scene.read_back(scene.ask(body, key=Key.NONE))
        scene.read()


def _on_any_day(conversation: Conversation) -> None:
    """Extend orders on the days on which calendars go wrong: the period is as long on each of them."""
    control = _control(conversation)
    now = target_time(control)
    first: tuple[date, int] | None = None
    for day in _odd_days(now.astimezone(UTC).date()):
        noon = datetime.combine(day, time(12), UTC)
        control.advance((noon - (control.now() or noon)).total_seconds())
        ages = {"created_at": written(noon - timedelta(days=10)), "expires_at": written(noon + timedelta(days=7))}
        order = {"order_id": control.create_order(**{**ORDER, **ages})}
        conversation.call("getOrder", order)
        reply = conversation.call("extendAuthorizationTime", order)
        read = conversation.call("getOrder", order)
        document = read.json()
        end = moment(document.get("expires_at")) if isinstance(document, dict) else None
        if not reply.ok or end is None:
            return
        period = (end.astimezone(UTC).date() - day).days
        first = first or (day, period)
        if period != first[1]:
            message = f"extended on {first[0]} for {first[1]} days and on {day} for {period}"
            conversation.report("KOM-417", message, read, "extendAuthorizationTime")
        # By the next of these days the order has run out.
        conversation.audit()
        conversation.last_reads.clear()


def _odd_days(today: date) -> Iterator[date]:
    """Yield, in order, an ordinary day, the ends of months and of a year, and the days after them."""
    year = today.year + 1
    yield date(year, 1, 15)
    for month in (2, 4, 12):
        following = date(year + month // 12, month % 12 + 1, 1)
        yield following - timedelta(days=1)
        yield following


def _past_later_end(conversation: Conversation) -> None:
    """Ask for what is forbidden when the end to which an authorisation was extended has just passed as well."""
    control = _control(conversation)
    for captured in (0, 1_000):
        order_id, _ = lapsing(conversation)
        order = {"order_id": order_id}
        if captured:
            conversation.call("captureOrder", order, {"captured_amount": captured})
        conversation.call("extendAuthorizationTime", order)
        prepared = learned(conversation.call("getOrder", order), order_id)
        ends = moment((prepared.document or {}).get("expires_at"))
        if ends is None:
            raise NotMeasuredError("the order does not tell when its authorisation ends")
        past = ends + timedelta(minutes=1)
        control.advance(max((past - target_time(control)).total_seconds(), 0))
        conversation.judge.clock_is(past)
        conversation.call("getOrder", order)
        for operation in ("extendAuthorizationTime", "captureOrder", "updateAuthorization"):
            conversation.call(operation, order, BodyMaker(prepared).valid(operation))
            conversation.call("getOrder", order)


def _in_the_second_half_year(conversation: Conversation) -> None:
    """Extend shortly before the 180 days are over, and once more when they are: they do not begin anew."""
    control = _control(conversation)
    now = target_time(control)
    aged = {"created_at": written(now - timedelta(days=170)), "expires_at": written(now + timedelta(days=5))}
    order = {"order_id": control.create_order(**{**ORDER, **aged})}
    for pause in (timedelta(0), timedelta(days=15)):
        control.advance(pause.total_seconds())
        conversation.call("getOrder", order)
        conversation.call("extendAuthorizationTime", order)
        conversation.call("getOrder", order)


def _next_month(conversation: Conversation) -> None:
    """Repeat on the first of a month what was done on the last of the one before, and on the first of a year."""
    control = _control(conversation)
    today = target_time(control).astimezone(UTC).date()
    for first in (date(today.year + 1, 3, 1), date(today.year + 2, 1, 1)):
        late = datetime.combine(first, time(), UTC) - timedelta(minutes=30)
        control.advance((late - target_time(control)).total_seconds())
        scene = Scene(conversation, "captureOrder", "fresh")
        calls = [
            (operation, {AMOUNT_FIELD[operation]: 100}, conversation.new_id())
            for operation in ("captureOrder", "refundOrder")
        ]
        for pause in (timedelta(0), timedelta(hours=1)):
            control.advance(pause.total_seconds())
            for operation, body, key in calls:
                conversation.call(operation, scene.ids, body, key=key)
                scene.read()
        # By the next of these days the order has run out.
        conversation.audit()
        conversation.last_reads.clear()


def _in_summer(conversation: Conversation) -> None:
    """Capture and refund on days on which many a clock is an hour ahead."""
    control = _control(conversation)
    now = target_time(control).astimezone(UTC)
    control.advance((datetime(now.year + 1, 7, 14, 12, tzinfo=UTC) - now).total_seconds())
    dated(conversation)
