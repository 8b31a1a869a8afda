"""Ids, routes and methods: what a request line may hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from conformance.contract.contract import Contract
from conformance.contract.operation import Operation
from conformance.suites.case import Case
from conformance.suites.conversation import Conversation
from conformance.suites.expectations import CODES, expected, representative
from conformance.suites.preparation import prepare
from conformance.suites.scene import Scene
from conformance.suites.stops import NotMeasuredError

__all__ = ["path_cases"]

MALFORMED_IDS: dict[str, str] = {
    "no-uuid": "not-a-uuid",
    "number": "0",
    "braces": "{}",
    "encoded-slash": "a/b",
    "encoded-dots": "../orders",
    "very-long": "a" * 300,
    "control-characters": "a\r\nX-Injected: yes",
}
# The ground on which each of them is refused.
MALFORMED = {"order_id": "malformed id", "capture_id": "malformed capture id", "refund_id": "malformed refund id"}
# Whoever follows a link must not move money.
UNSUPPORTED = ("PUT", "DELETE", "GET", "POST", "PATCH")


def path_cases(contract: Contract) -> Iterator[Case]:
    """Yield the cases of every operation in a state that allows it, so that nothing but the path is wrong."""
    for operation in contract.operations:
        yield _unknown_order(contract, operation)
        yield from _malformed_ids(contract, operation)
        yield from _altered_ids(contract, operation)
        yield from _wrong_parts(contract, operation)
        yield _unsupported_method(contract, operation)
    yield from _routes(contract)


def _case(operation: str, state: str, name: str, kind: str, play: Callable[[Conversation], None]) -> Case:
    return Case(f"{operation}/{state}/{name}", operation, state, name, play, CODES[kind])


def _unknown_order(contract: Contract, operation: Operation) -> Case:
    def play(conversation: Conversation) -> None:
        scene = Scene(conversation, operation.id, representative(contract, operation.id), any_order=True)
        ids = {name: conversation.new_id() for name in scene.ids}
        ground = expected(contract, operation.id, "unknown order", "KOM-209", "no order has this id")
        key, body = conversation.new_id(), scene.body()
        for _ in range(2):
            scene.ask(body, ids=ids, key=key, expected=ground)

    return _case(operation.id, "unknown_order", "valid", "unknown id", play)


def _malformed_ids(contract: Contract, operation: Operation) -> Iterator[Case]:
    state = representative(contract, operation.id)
    names = [part.strip("{}") for part in operation.path.split("/") if part.startswith("{")]
    for wrong in names:

        def play(conversation: Conversation, wrong: str = wrong, ground: str = MALFORMED[wrong]) -> None:
            scene = Scene(conversation, operation.id, state, any_order=wrong == "order_id")
            body = scene.body()
            for value in MALFORMED_IDS.values():
                why = f"{wrong} {value[:40]!r} is no UUID"
                scene.ask(
                    body,
                    ids={**scene.ids, wrong: value},
                    expected=expected(contract, operation.id, ground, "KOM-209", why),
                )
            scene.read()

        yield _case(operation.id, state, f"malformed-{wrong.replace('_', '-')}", "malformed id", play)


def _altered_ids(contract: Contract, operation: Operation) -> Iterator[Case]:
    """Yield an id of the path with a little more or less, which makes it no id at all, or with another last digit."""
    state = representative(contract, operation.id)
    for name in (part.strip("{}") for part in operation.path.split("/") if part.startswith("{")):

        def play(conversation: Conversation, name: str = name) -> None:
            scene = Scene(conversation, operation.id, state)
            body, ids, own = scene.body(), scene.ids, scene.ids[name]
            longer = (f"{own} ", f" {own}", f"{own}0", f"{own}\0")
            for altered in (*longer, own[:-1], own[:8]):
                why = f"{name} {altered!r} is no UUID"
                ground = expected(contract, operation.id, MALFORMED[name], "KOM-209", why)
                scene.ask(body, ids={**ids, name: altered}, expected=ground)
            # Short enough to be guessed, or chosen by the merchant: what is called so is not found by it.
            for reference in _references(scene) if name == "order_id" else ():
                ground = expected(contract, operation.id, MALFORMED[name], "KOM-209", f"{reference!r} is no order id")
                scene.ask(body, ids={**ids, name: reference}, expected=ground)
            unknown = f"unknown {name.removesuffix('_id')}"
            ground = expected(contract, operation.id, unknown, "KOM-209", f"{name} differs in its last digit")
            scene.ask(body, ids={**ids, name: _nearly(own)}, expected=ground)
            scene.read()

        yield _case(operation.id, state, f"altered-{name.replace('_', '-')}", "malformed id", play)


def _references(scene: Scene) -> list[str]:
    document = scene.order.document or {}
    told = (document.get(name) for name in ("klarna_reference", "merchant_reference1"))
    return [reference for reference in told if isinstance(reference, str) and reference]


def _wrong_parts(contract: Contract, operation: Operation) -> Iterator[Case]:
    """Yield captures and refunds that do not exist, or belong to another order."""
    state = representative(contract, operation.id)
    for name, kind in (("capture_id", "capture"), ("refund_id", "refund")):
        if "{" + name + "}" not in operation.path:
            continue

        def unknown(conversation: Conversation, name: str = name, kind: str = kind) -> None:
            scene = Scene(conversation, operation.id, state)
            ground = expected(contract, operation.id, f"unknown {kind}", "KOM-209", f"no {kind} has this id")
            others = scene.order.refunds if kind == "capture" else scene.order.captures
            body = scene.body()
            for wrong in (conversation.new_id(), scene.order.order_id, *others[-1:]):
                scene.ask(body, ids={**scene.ids, name: wrong}, expected=ground)
            scene.read()

        def foreign(conversation: Conversation, name: str = name, kind: str = kind) -> None:
            if conversation.control is None:
                raise NotMeasuredError("two orders are needed at once, which takes a control interface")
            scene = Scene(conversation, operation.id, state)
            other = prepare(conversation, state)
            theirs = (other.captures if kind == "capture" else other.refunds)[-1]
            why = f"the {kind} belongs to another order"
            ground = expected(contract, operation.id, f"unknown {kind}", "KOM-209", why)
            # Not only what was made is known to a server, but also what was read.
            conversation.call("getOrder", {"order_id": other.order_id})
            reader = "getCapture" if kind == "capture" else "get"
            conversation.call(reader, {"order_id": other.order_id, name: theirs})
            scene.ask(scene.body(), ids={**scene.ids, name: theirs}, expected=ground)
            for order_id in (other.order_id, scene.order.order_id):
                conversation.call("getOrder", {"order_id": order_id})

        def of_two(conversation: Conversation, name: str = name, kind: str = kind) -> None:
            scene = Scene(conversation, operation.id, "released_refunded")
            ground = expected(contract, operation.id, f"unknown {kind}", "KOM-209", f"no {kind} has this id")
            scene.ask(scene.body(), ids={**scene.ids, name: conversation.new_id()}, expected=ground)
            scene.read()

        yield _case(operation.id, state, f"unknown-{kind}", "unknown id", unknown)
        yield _case(operation.id, "released_refunded", f"unknown-{kind}", "unknown id", of_two)
        yield _case(operation.id, state, f"{kind}-of-another-order", "unknown id", foreign)


def _nearly(identity: str) -> str:
    """Change the last digit of an id, as a slip would."""
    return identity[:-1] + ("0" if identity[-1:] != "0" else "1")


def _unsupported_method(contract: Contract, operation: Operation) -> Case:
    state = representative(contract, operation.id)
    at_path = {each.method for each in contract.operations if each.path == operation.path}
    methods = [method for method in UNSUPPORTED if method not in at_path]

    def play(conversation: Conversation) -> None:
        scene = Scene(conversation, operation.id, state)
        body = scene.body()
        for method in methods:
            scene.ask(body, method=method)
        scene.read()

    return _case(operation.id, state, "unsupported-method", "method", play)


def _routes(contract: Contract) -> Iterator[Case]:
    """Yield targets that lead to no operation, or would lead elsewhere if a server looked beyond the request line."""

    def nowhere(conversation: Conversation) -> None:
        scene = Scene(conversation, "getOrder", "fresh")
        order = conversation.path("getOrder", scene.ids)
        base = order.rpartition("/")[0]
        for target in (f"{base}/", base, f"{order}/no-such-part", f"{order}/capture", f"{order}/refunds"):
            conversation.call("getOrder", scene.ids, target=target)
        scene.read()

    def escapes(conversation: Conversation) -> None:
        """A capture id that, decoded too late, leads back to the order must not do so."""
        scene = Scene(conversation, "getCapture", "part_captured")
        order_id = scene.order.order_id
        capture_id = scene.order.captures[-1]
        captures = conversation.path("getCaptures", {"order_id": order_id})
        for part in (
            "..%2f..",
            f"..%2f..%2f{order_id}",
            "%2e%2e",
            "%252e%252e",
            f"{capture_id}%00",
            f"%2e%2fcaptures%2f{capture_id}",
            f"{capture_id}%252f",
        ):
            ground = expected(contract, "getCapture", "malformed capture id", "KOM-705", f"{part} is no capture id")
            conversation.call("getCapture", scene.ids, target=f"{captures}/{part}", expected=ground)

    def overridden(conversation: Conversation) -> None:
        scene = Scene(conversation, "getCaptures", "fresh")
        body = {"captured_amount": 1}
        for name in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
            conversation.call("getCaptures", scene.ids, body, extra=((name, "POST"),))
        target = conversation.path("getCaptures", scene.ids) + "?_method=POST"
        conversation.call("getCaptures", scene.ids, body, target=target)
        reply = scene.read()
        order = reply.json()
        if isinstance(order, dict) and order.get("captured_amount") != scene.order.captured:
            conversation.report("KOM-707", "a read that named POST in a header or the query captured money", reply)

    yield _case("getOrder", "fresh", "no-such-path", "method", nowhere)
    yield _case("getCapture", "part_captured", "encoded-path", "encoded path", escapes)
    yield _case("getCaptures", "fresh", "method-override", "override", overridden)
