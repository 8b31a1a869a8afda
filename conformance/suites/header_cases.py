"""Header fields: what a caller may write in another way, or add, without asking for anything else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from conformance.contract.contract import Contract
from conformance.contract.operation import Operation
from conformance.exchange import Headers, Request
from conformance.suites.case import Case
from conformance.suites.conversation import Conversation
from conformance.suites.expectations import CODES, representative
from conformance.suites.reply import Expected
from conformance.suites.scene import Scene

__all__ = ["header_cases"]


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
