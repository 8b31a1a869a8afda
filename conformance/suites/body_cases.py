"""Request bodies: each field broken in each way, each limit met exactly, and bodies that are no JSON at all."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from conformance.contract.contract import Contract
from conformance.contract.operation import Operation
from conformance.suites.bodies import ADDRESS, AMOUNT_FIELD, TEXT, lines_of
from conformance.suites.case import Case
from conformance.suites.conversation import Conversation, encoded
from conformance.suites.expectations import CODES, expected, representative
from conformance.suites.fields import WIDE, Field, Schema, breakings, fields, furnished, limits, with_value
from conformance.suites.reply import Expected
from conformance.suites.scene import Scene
from conformance.suites.wire import IN_CHUNKS

__all__ = ["MALFORMED", "NOT_OBJECTS", "body_cases"]

Play = Callable[[Conversation], None]

MALFORMED: tuple[bytes, ...] = (
    b"{",
    b'{"captured_amount":1,}',
    b"{'captured_amount':1}",
    b'{"captured_amount":NaN,"refunded_amount":NaN,"order_amount":NaN}',
    b'{"captured_amount":1} {}',
    b'{"description":"\xff\xfe"}',
    b'{"description":"a\nb"}',
    b"captured_amount=1",
    b"[" * 2_000,
)
NOT_OBJECTS: tuple[bytes, ...] = (b"[]", b'"x"', b"7", b"true", b"null")
OTHER_MEDIA: tuple[str | None, ...] = ("text/plain", "application/xml", "application/x-www-form-urlencoded", None)
# Both readings of "one megabyte" are exceeded.
TOO_LARGE = 1_100_000
STILL_SMALL = 990_000
# As many minor units as a list has items of one unit each, so that even the longest list adds up.
ITEMS = 1_000

# The operations of which a commit has the time to see that a large body is taken.
_SIZED = frozenset({"captureOrder", "updateMerchantReferences"})


def body_cases(contract: Contract) -> Iterator[Case]:
    """Yield the cases of the operations that take a body, in a state that allows them."""
    for operation in contract.operations:
        if operation.body is None:
            continue
        for field in fields(operation.body):
            # The fields of items are also broken behind an item that is right, and brought to their limits together.
            again = 0 in field.path
            yield replace(_broken(contract, operation, field), thorough=again)
            limit = _limit(contract, operation, field)
            if limit is not None:
                yield replace(limit, thorough=again)
        yield from _whole(contract, operation)
    yield from _meanings()


def _case(
    operation: str, state: str, name: str, kind: str, play: Play, *, consumes: bool = False, thorough: bool = False
) -> Case:
    return Case(f"{operation}/{state}/{name}", operation, state, name, play, CODES[kind], consumes, thorough)


def _broken(contract: Contract, operation: Operation, field: Field) -> Case:
    state = representative(contract, operation.id)

    def play(conversation: Conversation) -> None:
        scene = Scene(conversation, operation.id, state)
        schema = operation.body or {}
        valid = scene.body(1)
        for variant in breakings(schema, field):
            scene.ask(with_value(schema, valid or {}, field, variant.value))
        scene.read()

    return _case(operation.id, state, f"broken-{field.name}", "invalid body", play)


def _limit(contract: Contract, operation: Operation, field: Field) -> Case | None:
    # Amounts have cases of their own, numbers within a line hang together, and the days on offer are the service's.
    if operation.id == "extendDueDate" or field.name == AMOUNT_FIELD.get(operation.id):
        return None
    number = field.schema.get("type") == "integer"
    if field.schema.get("type") in ("object", "boolean") or (number and len(field.path) > 1):
        return None
    state = representative(contract, operation.id)
    lines = field.name == "order_lines"

    def play(conversation: Conversation) -> None:
        scene = Scene(conversation, operation.id, state)
        schema = operation.body or {}
        for variant in limits(schema, field):
            # The largest number of days until shipment has to be agreed with the service.
            if number and variant.way != "its minimum":
                continue
            valid = scene.body(ITEMS if lines else 10 if operation.id != "updateAuthorization" else None)
            reply = scene.ask(with_value(schema, valid or {}, field, variant.value))
            scene.read_back(reply)

    return _case(operation.id, state, f"limits-{field.name}", "limits", play, consumes=True)


def _whole(contract: Contract, operation: Operation) -> Iterator[Case]:
    """Yield what is wrong, or only unusual, with the body as a whole."""
    state = representative(contract, operation.id)

    def case(
        name: str, kind: str, play: Callable[[Scene], None], *, consumes: bool = False, thorough: bool = False
    ) -> Case:
        def played(conversation: Conversation) -> None:
            scene = Scene(conversation, operation.id, state)
            play(scene)
            scene.read()

        return _case(operation.id, state, name, kind, played, consumes=consumes, thorough=thorough)

    def malformed(scene: Scene) -> None:
        for raw in (*MALFORMED, *_spoilt(encoded(scene.body()))):
            scene.ask(raw=raw)
        if operation.id in AMOUNT_FIELD:
            scene.ask(raw=b'{"%s":%s}' % (AMOUNT_FIELD[operation.id].encode(), b"9" * 5_000))

    def not_an_object(scene: Scene) -> None:
        for raw in NOT_OBJECTS:
            scene.ask(raw=raw)

    def empty(scene: Scene) -> None:
        scene.ask(raw=b"")

    def empty_object(scene: Scene) -> None:
        scene.ask({})

    def other_media(scene: Scene) -> None:
        for media in OTHER_MEDIA:
            scene.ask(scene.body(), media=media)

    def charset(scene: Scene) -> None:
        why = "JSON declared with charset=utf-8 is JSON"
        for media in ("application/json; charset=utf-8", "application/json;charset=UTF-8", "Application/JSON"):
            reply = scene.ask(scene.body(), media=media, expected=Expected("KOM-208", why, success=True))
            scene.read_back(reply)

    def too_large(scene: Scene) -> None:
        ground = expected(contract, operation.id, "too large", "KOM-708", f"the body has {TOO_LARGE} bytes")
        raw = _padded(scene.body(), TOO_LARGE)
        scene.ask(raw=raw, expected=ground)
        if operation.id in _SIZED:
            # However many characters the bytes are, and however they come.
            wide = encoded({**(scene.body() or {}), "no_such_field": WIDE * (TOO_LARGE // 3)})
            scene.ask(raw=wide, expected=ground)
            # A server may ask for a length in place of it; that it must not take it, the judge knows.
            scene.ask(raw=raw, extra=IN_CHUNKS)

    def large(scene: Scene) -> None:
        body = scene.body()
        scene.read_back(scene.ask(body, raw=_padded(body, STILL_SMALL)))

    def respelled(scene: Scene) -> None:
        ground = Expected("KOM-208", "the order of members and the blanks between them mean nothing", success=True)
        turned = dict(reversed((scene.body() or {}).items()))
        raw = b"\r\n " + json.dumps(turned, indent=4).replace("/", "\\/").encode() + b"\n\t"
        scene.read_back(scene.ask(turned, raw=raw, expected=ground))

    def unknown_field(scene: Scene) -> None:
        ground = Expected("KOM-208", "fields that the service does not know are ignored", success=True)
        for body in _with_unknown(operation.body or {}, scene.body(10) or {}):
            scene.read_back(scene.ask(body, expected=ground))

    yield case("malformed-json", "invalid body", malformed)
    yield case("not-an-object", "invalid body", not_an_object)
    yield case("empty-body", "invalid body", empty)
    yield case("empty-object", "invalid body", empty_object)
    yield case("other-media-type", "invalid body", other_media, consumes=True)
    yield case("json-with-charset", "limits", charset, consumes=True)
    yield case("too-large", "size", too_large)
    yield case("nearly-too-large", "limits", large, consumes=True, thorough=operation.id not in _SIZED)
    yield case("unknown-field", "limits", unknown_field, consumes=True)
    yield case("respelled", "limits", respelled, consumes=True)


def _spoilt(valid: bytes) -> Iterator[bytes]:
    """Yield what only a lenient parser takes for the valid body."""
    yield re.sub(rb'"(\w+)":', rb"\1:", valid)
    yield valid[:-1] + b"/* all of it */}"
    yield valid[:-1] + b',"no_such_field":01}'
    yield valid[:-1] + b',"no_such_field":+1}'
    yield valid + b"x"
    yield valid.replace(b'"', b"'")
    # No comparison with a limit holds for it.
    yield from {re.sub(rb'"(unit_price|total_amount)":\d+', rb'"\1":NaN', valid)} - {valid}


def _padded(body: dict[str, Any] | None, size: int) -> bytes:
    """Write a body as JSON of exactly this many bytes by adding white space, which means nothing."""
    plain = encoded(body)
    return b"{" + b" " * (size - len(plain)) + plain[1:]


# What an order has and a request has no say in.
_OF_AN_ORDER: dict[str, Any] = {
    "merchant_data": "of the request",
    "klarna_reference": "REQUEST1",
    "status": "CANCELLED",
    "fraud_status": "REJECTED",
    "order_amount": 1,
    "captured_amount": 1,
    "refunded_amount": 1,
    "remaining_authorized_amount": 1,
    "merchant_reference1": "of the request",
    "expires_at": "2030-01-01T00:00:00.000Z",
    "captures": [],
}
_UNKNOWN = {"no_such_field": {"nested": [1, "x", None]}}


def _with_unknown(schema: Schema, body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the body with a field that nobody knows, at its top and then in each object that it holds or may hold."""
    yield {**body, **_UNKNOWN}
    described = {str(field.path[0]) for field in fields(schema)}
    yield {**body, **{name: value for name, value in _OF_AN_ORDER.items() if name not in described}}
    for name, value in body.items():
        if isinstance(value, dict):
            yield {**body, name: {**value, **_UNKNOWN}}
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            yield {**body, name: [{**value[0], **_UNKNOWN}, *value[1:]]}
            full = furnished(schema, name, value)
            for part, inner in full.items():
                if isinstance(inner, dict):
                    yield {**body, name: [{**value[0], part: {**inner, **_UNKNOWN}}, *value[1:]]}


def _meanings() -> Iterator[Case]:
    """Yield bodies whose fields mean something beyond their limits."""

    def lines(state: str) -> Play:
        def play(conversation: Conversation) -> None:
            scene = Scene(conversation, "updateAuthorization", state)
            for difference in (-10, 10, -scene.order.order_amount // 2):
                scene.read_back(scene.ask({"order_amount": scene.order.order_amount + difference}))

        return play

    def unequal(conversation: Conversation) -> None:
        scene = Scene(conversation, "refundOrder", "fully_captured")
        ground = Expected("KOM-208", "the lines of a refund need not add up to its amount", success=True)
        for lines in (
            lines_of(300),
            lines_of(700),
            [*lines_of(200, "one"), *lines_of(100, "other")],
            [*lines_of(400, "one"), *lines_of(300, "other")],
            lines_of(30) * 12,
            lines_of(70) * 12,
        ):
            scene.read_back(scene.ask({"refunded_amount": 500, "order_lines": lines}, expected=ground))
        scene.read_back(scene.ask({"refunded_amount": scene.order.refundable + 1, "order_lines": lines_of(100)}))

    def sums_unequal(operation: str) -> Play:
        """Leave something out of the lines and add something to them: the amount is what is asked for."""

        def play(conversation: Conversation) -> None:
            scene = Scene(conversation, operation, "part_captured")
            for difference in (-100, 100):
                amount = 600 if operation == "captureOrder" else scene.order.order_amount - 600
                one = amount // 3
                lines = [*lines_of(one, "one"), *lines_of(amount - one + difference, "other")]
                scene.read_back(scene.ask({AMOUNT_FIELD[operation]: amount, "order_lines": lines}))
            if operation == "captureOrder":
                too_much = {"captured_amount": scene.order.remaining + 1, "order_lines": lines_of(100)}
                scene.read_back(scene.ask(too_much))

        return play

    def negative(operation: str) -> Play:
        def play(conversation: Conversation) -> None:
            scene = Scene(conversation, operation, "part_captured")
            scene.read()
            for amount in (-1, -scene.order.captured):
                scene.read_back(scene.ask({AMOUNT_FIELD[operation]: amount}))

        return play

    def parcels(operation: str) -> Play:
        def play(conversation: Conversation) -> None:
            scene = Scene(conversation, operation, "part_captured")
            for number in (1, 2, 3):
                scene.read_back(scene.ask({"shipping_info": [{"tracking_number": f"{number}{TEXT}"[:100]}]}))

        return play

    def bare(operation: str, field: str) -> Play:
        def play(conversation: Conversation) -> None:
            scene = Scene(conversation, operation, "part_captured")
            scene.read_back(scene.ask({field: 7}))

        return play

    def invalid_address(conversation: Conversation) -> None:
        scene = Scene(conversation, "updateConsumerDetails", "fresh")
        scene.read_back(scene.ask({"shipping_address": {**ADDRESS, "postal_code": "no code", "country": "DE"}}))

    def both_addresses(conversation: Conversation) -> None:
        """A billing address is closed to updates, and takes the shipping address that is sent with it along."""
        scene = Scene(conversation, "updateConsumerDetails", "fresh")
        moved = {**ADDRESS, "street_address": "Postfach 7"}
        scene.read_back(scene.ask({"shipping_address": moved, "billing_address": moved}))

    def days_not_on_offer(conversation: Conversation) -> None:
        scene = Scene(conversation, "extendDueDate", "part_captured")
        offers = scene.offers()
        beside = {days + step for days in offers for step in (-1, 1)} - {0, *offers}
        # A machine word that is too short takes the last two for what is on offer.
        for days in (13, *sorted(beside), *(2**bits + days for days in offers[:1] for bits in (32, 64))):
            scene.read_back(scene.ask({"number_of_days": days}))

    def each_option(conversation: Conversation) -> None:
        """Take each option on an order of its own, for the second of its captures."""
        taken: list[int] = []
        while True:
            scene = Scene(conversation, "extendDueDate", "many_captures")
            ids = {**scene.ids, "capture_id": scene.order.captures[1]}
            left = [days for days in scene.offers(ids) if days not in taken]
            if not left:
                return
            taken.append(left[0])
            scene.read()
            reply = scene.ask({"number_of_days": left[0]}, ids=ids)
            scene.read()
            if 400 <= reply.status < 500:
                message = f"{left[0]} days are on offer for the capture, and refused with {reply.status}"
                conversation.report("KOM-403", message, reply, "extendDueDate")

    yield _case("extendDueDate", "many_captures", "each-option", "valid write", each_option, consumes=True)
    for state in ("fresh", "part_captured", "part_captured_refunded"):
        yield _case("updateAuthorization", state, "without-lines", "authorization", lines(state), consumes=True)
    yield _case("refundOrder", "fully_captured", "lines-unequal", "refund", unequal, consumes=True)
    for operation, kind in (("captureOrder", "capture"), ("updateAuthorization", "authorization")):
        yield _case(operation, "part_captured", "lines-unequal", kind, sums_unequal(operation), consumes=True)
    for operation in AMOUNT_FIELD:
        yield _case(operation, "part_captured", "negative", "invalid body", negative(operation))
    yield _case(
        "appendShippingInfo", "part_captured", "one-after-another", "text", parcels("appendShippingInfo"), consumes=True
    )
    yield _case(
        "appendOrderShippingInfo",
        "part_captured",
        "one-after-another",
        "text",
        parcels("appendOrderShippingInfo"),
        consumes=True,
    )
    yield _case(
        "captureOrder",
        "part_captured",
        "amount-only",
        "capture",
        bare("captureOrder", "captured_amount"),
        consumes=True,
    )
    yield _case(
        "refundOrder", "part_captured", "amount-only", "refund", bare("refundOrder", "refunded_amount"), consumes=True
    )
    yield _case("updateConsumerDetails", "fresh", "invalid-address", "invalid body", invalid_address)
    yield _case("updateConsumerDetails", "fresh", "both-addresses", "invalid body", both_addresses)
    yield _case("extendDueDate", "part_captured", "not-on-offer", "invalid body", days_not_on_offer)
