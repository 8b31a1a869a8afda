"""Header fields: what a caller may write in another way, or add, without asking for anything else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from conformance.contract.contract import Contract
from conformance.contract.operation import Operation
from conformance.exchange import Headers, Request
from conformance.suites.bodies import ORDER, lines_of
from conformance.suites.case import Case
from conformance.suites.conversation import Conversation
from conformance.suites.expectations import CODES, representative
from conformance.suites.reply import Expected
from conformance.suites.scene import Scene
from conformance.suites.stops import NotMeasuredError
from conformance.suites.wire import IN_CHUNKS

__all__ = ["header_cases"]


_LENGTH_REQUIRED = 411
# Of ten thousand minor units a hundred lines; together some thirty kilobytes.
_MANY = 100


def header_cases(contract: Contract) -> Iterator[Case]:
    """Yield, for each operation in a state that allows it, one case with the names of its fields in small letters."""
    for operation in contract.operations:
        state = representative(contract, operation.id)
        play = _small_letters(operation, state)
        kind = "repeated-key" if operation.writes else "headers"
        yield _case(operation.id, state, "names-in-small-letters", kind, play, consumes=operation.writes)
    yield _case("getOrder", "fresh", "integrator", "headers", _integrator)
    for operation in contract.operations:
        if operation.body is None:
            state = representative(contract, operation.id)
            play = _typed_without_body(operation.id, state)
            yield _case(operation.id, state, "typed-without-body", "headers", play, consumes=operation.writes)
    for operation in contract.operations:
        if operation.body is not None:
            state = representative(contract, operation.id)
            yield _case(operation.id, state, "in-chunks", "headers", _in_chunks(operation.id, state), consumes=True)
    for name, state in (("captureOrder", "fresh"), ("refundOrder", "part_captured")):
        yield _case(name, state, "with-a-query", "headers", _with_query(name, state), consumes=True)
    yield _case("getOrder", "made", "compressed", "headers", _compressed)
    for operation in contract.operations:
        state = representative(contract, operation.id)
        play = _any_accept(operation.id, state)
        yield _case(operation.id, state, "any-accept", "headers", play, consumes=operation.writes)


def _case(
    operation: str, state: str, name: str, kind: str, play: Callable[[Conversation], None], *, consumes: bool = False
) -> Case:
    return Case(f"{operation}/{state}/{name}", operation, state, name, play, CODES[kind], consumes)


def _small_letters(operation: Operation, state: str) -> Callable[[Conversation], None]:
    """HTTP/2 knows no other names. A key that is sent so, by whatever program, is the same key: once is enough."""

    def play(conversation: Conversation) -> None:
        scene = Scene(conversation, operation.id, state)
        scene.read()
        request = conversation.request(operation.id, scene.ids, scene.body())
        requests = (request, _lowered(request)) if operation.writes else (_lowered(request),)
        for each in requests:
            conversation.send(each)
            scene.read()

    return play


def _lowered(request: Request) -> Request:
    lowered = [(name.lower(), value) for name, value in request.headers]
    return replace(request, headers=Headers([*lowered, ("user-agent", "another-worker/2.0")]))


def _integrator(conversation: Conversation) -> None:
    scene = Scene(conversation, "getOrder", "fresh")
    why = "Klarna-Integrator names who calls for the merchant, and asks for nothing"
    ground = Expected("KOM-208", why, success=True)
    scene.ask(extra=(("Klarna-Integrator", "An integrator"),), expected=ground)


def _typed_without_body(operation: str, state: str) -> Callable[[Conversation], None]:
    """Many clients declare JSON on every request, also where there is no body to declare."""

    def play(conversation: Conversation) -> None:
        scene = Scene(conversation, operation, state)
        why = "it has no body, whatever media type it declares"
        ground = Expected("KOM-208", why, success=True)
        scene.read_back(scene.ask(extra=(("Content-Type", "application/json"),), expected=ground))

    return play


def _in_chunks(operation: str, state: str) -> Callable[[Conversation], None]:
    """A client that does not know the length of a body when it begins to send it, sends it in chunks."""

    def play(conversation: Conversation) -> None:
        scene = Scene(conversation, operation, state)
        why = "a body in chunks is the same body"
        reply = scene.ask(scene.body(), extra=IN_CHUNKS)
        scene.read_back(reply)
        if reply.status == _LENGTH_REQUIRED:
            raise NotMeasuredError("the target asks for the length of every body (411)")
        if 400 <= reply.status < 500:
            conversation.report("KOM-208", f"{why}, and it was refused with {reply.status}", reply, operation)

    return play


def _with_query(operation: str, state: str) -> Callable[[Conversation], None]:
    """Whatever stands behind the path of a request is no part of the address of what it makes."""

    def play(conversation: Conversation) -> None:
        scene = Scene(conversation, operation, state)
        target = f"{conversation.path(operation, scene.ids)}?trace=1"
        scene.read_back(scene.ask(scene.body(), target=target))

    return play


def _compressed(conversation: Conversation) -> None:
    """What is compressed on its way is declared, or cannot be read; small answers are often left as they are."""
    if conversation.control is None:
        raise NotMeasuredError("only a control interface makes an order of that size")
    lines = lines_of(100) * _MANY
    order = {"order_id": conversation.control.create_order(**{**ORDER, "order_lines": lines})}
    for coding in ("gzip", "gzip, deflate, br;q=0", "identity"):
        conversation.call("getOrder", order, extra=(("Accept-Encoding", coding),))


def _any_accept(operation: str, state: str) -> Callable[[Conversation], None]:
    """Most clients take any media type, or do not say what they take."""

    def play(conversation: Conversation) -> None:
        for accept in ("", "*/*", "application/json, */*;q=0.5"):
            scene = Scene(conversation, operation, state)
            request = conversation.request(operation, scene.ids, scene.body())
            bare = request.headers.without("Accept")
            told = Headers([*bare, ("Accept", accept)]) if accept else bare
            reply = conversation.send(replace(request, headers=told))
            if reply.status == 406:
                asked = f"Accept {accept}" if accept else "no Accept"
                conversation.report("KOM-208", f"JSON fits {asked}, yet it was refused with 406", reply, operation)

    return play
