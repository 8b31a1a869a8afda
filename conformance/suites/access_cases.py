"""Credentials and merchants: whoever is not the merchant of an order learns nothing of it and changes nothing."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from conformance.contract.contract import Contract
from conformance.contract.operation import Operation
from conformance.suites.case import Case
from conformance.suites.conversation import Conversation
from conformance.suites.expectations import CODES, expected, representative
from conformance.suites.reply import Expected
from conformance.suites.scene import Scene
from conformance.suites.stops import NotMeasuredError
from conformance.suites.target import Credentials

__all__ = ["access_cases"]

# States that an order may be in when a stranger asks about it, and those that a commit has no time for.
STATES_OF_STRANGERS = ("released", "cancelled", "closed")
MORE_STATES_OF_STRANGERS = ("fresh", "part_captured", "fully_captured", "part_refunded")


def access_cases(contract: Contract) -> Iterator[Case]:
    """Yield the cases of every operation in a state that allows it, so that nothing but the caller is wrong."""
    for operation in contract.operations:
        yield from _wrong_credentials(contract, operation)
        yield _credentials_first(contract, operation)
        yield _other_merchant(contract, operation)
        yield _strangers(contract, operation, "in-any-state", STATES_OF_STRANGERS)
        yield _strangers(contract, operation, "in-other-states", MORE_STATES_OF_STRANGERS, thorough=True)


def _case(
    operation: str, state: str, name: str, kind: str, play: Callable[[Conversation], None], *, thorough: bool = False
) -> Case:
    return Case(f"{operation}/{state}/{name}", operation, state, name, play, CODES[kind], thorough=thorough)


def _wrong_credentials(contract: Contract, operation: Operation) -> Iterator[Case]:
    state = representative(contract, operation.id)

    def case(name: str, wrong: Mapping[str, Callable[[Credentials], str]]) -> Case:
        def play(conversation: Conversation) -> None:
            scene = Scene(conversation, operation.id, state, any_order=True)
            body, mine = scene.body(), conversation.target.credentials
            for how, authorization in wrong.items():
                ground = expected(contract, operation.id, "wrong credentials", "KOM-701", f"credentials: {how}")
                scene.ask(body, authorization=authorization(mine), expected=ground)
            if operation.writes:
                scene.read()

        return _case(operation.id, state, name, "wrong credentials", play)

    yield _no_credentials(contract, operation, state)
    yield case("wrong-password", {"wrong password": lambda mine: _basic(mine.username, "not-the-password")})
    yield _password_of_other(contract, operation, state)
    yield case("similar-credentials", _SIMILAR)
    yield case("malformed-credentials", _MALFORMED_CREDENTIALS)


def _no_credentials(contract: Contract, operation: Operation, state: str) -> Case:
    """Ask without any, also under the other spelling of the path that many a client has."""

    def play(conversation: Conversation) -> None:
        scene = Scene(conversation, operation.id, state, any_order=True)
        ground = expected(contract, operation.id, "wrong credentials", "KOM-701", "there are no credentials")
        body, doubled = scene.body(), f"/{conversation.path(operation.id, scene.ids)}"
        for target in ("", doubled):
            scene.ask(body, authorization="", target=target, expected=ground)
        if operation.writes:
            scene.read()

    return _case(operation.id, state, "no-credentials", "wrong credentials", play)


def _basic(username: str, password: str) -> str:
    return Credentials(username, password).authorization


# What a sloppy comparison takes for the right ones.
_SIMILAR: Mapping[str, Callable[[Credentials], str]] = {
    "unknown username": lambda mine: _basic("K000000_nobody", mine.password),
    "password cut": lambda mine: _basic(mine.username, mine.password[:-1]),
    "password longer": lambda mine: _basic(mine.username, f"{mine.password}x"),
    "password in other case": lambda mine: _basic(mine.username, mine.password.swapcase()),
    "username in other case": lambda mine: _basic(mine.username.swapcase(), mine.password),
    "username cut": lambda mine: _basic(mine.username[:-1], mine.password),
    "username longer": lambda mine: _basic(f"{mine.username}x", mine.password),
    "password in blanks": lambda mine: _basic(mine.username, f" {mine.password} "),
    "swapped": lambda mine: _basic(mine.password, mine.username),
    "empty password": lambda mine: _basic(mine.username, ""),
    "empty username": lambda mine: _basic("", mine.password),
}
_MALFORMED_CREDENTIALS: Mapping[str, Callable[[Credentials], str]] = {
    "no Base64": lambda _: "Basic !!!",
    "more behind a NUL": lambda mine: _basic(mine.username, f"{mine.password}\0x"),
    "another scheme": lambda mine: "Bearer " + base64.b64encode(mine.username.encode()).decode("ascii"),
    "another scheme with the same credentials": lambda mine: mine.authorization.replace("Basic", "Bearer"),
}


def _credentials_first(contract: Contract, operation: Operation) -> Case:
    """Ask without credentials for what is wrong in other ways too: a stranger learns nothing of it."""
    state = representative(contract, operation.id)

    def play(conversation: Conversation) -> None:
        scene = Scene(conversation, operation.id, state, any_order=True)
        body, ids = scene.body(), scene.ids
        unknown = {name: conversation.new_id() for name in ids}
        wrong = Credentials(conversation.target.credentials.username, "not-the-password").authorization
        for authorization in ("", wrong):
            ground = expected(contract, operation.id, "wrong credentials", "KOM-701", "there are no good credentials")
            for others in (unknown, {**unknown, "order_id": ids["order_id"]}):
                scene.ask(body, ids=others, authorization=authorization, expected=ground)
            # That an id is none can be seen without looking for anything.
            none = expected(contract, operation.id, "malformed id", "KOM-701", "there are no good credentials")
            either = replace(none, rows=(*ground.rows, *none.rows))
            scene.ask(body, ids={**ids, "order_id": "not-a-uuid"}, authorization=authorization, expected=either)
            if operation.body is not None:
                scene.ask({}, authorization=authorization, expected=ground)
                scene.ask(raw=b"{", authorization=authorization, expected=ground)

    return _case(operation.id, state, "credentials-come-first", "wrong credentials", play)


def _strangers(
    contract: Contract, operation: Operation, name: str, states: tuple[str, ...], *, thorough: bool = False
) -> Case:
    """Ask about orders of every kind as another merchant and as nobody."""

    def play(conversation: Conversation) -> None:
        other = conversation.target.other
        if other is None or conversation.control is None:
            raise NotMeasuredError("it takes a second merchant, and a control interface to make orders of every kind")
        foreign = Expected("KOM-702", "the order belongs to another merchant")
        nobody = expected(contract, operation.id, "wrong credentials", "KOM-701", "there are no credentials")
        for state in states:
            scene = Scene(conversation, operation.id, state)
            body = scene.body()
            scene.ask(body, credentials=other, expected=foreign)
            scene.ask(body, authorization="", expected=nobody)
            scene.read()

    return _case(operation.id, "other_merchant", name, "wrong merchant", play, thorough=thorough)


def _password_of_other(contract: Contract, operation: Operation, state: str) -> Case:
    """Ask with a username and a password that are both valid, and belong to two merchants."""

    def play(conversation: Conversation) -> None:
        mine, other = conversation.target.credentials, conversation.target.other
        if other is None:
            raise NotMeasuredError("the target has no second merchant")
        scene = Scene(conversation, operation.id, state)
        ground = expected(contract, operation.id, "wrong credentials", "KOM-701", "the password is another merchant's")
        mixed = Credentials(mine.username, other.password)
        scene.ask(scene.body(), credentials=mixed, expected=ground)
        if operation.writes:
            scene.read()

    return _case(operation.id, state, "password-of-another-merchant", "wrong credentials", play)


# Merchants share one.
_INTEGRATOR = (("Klarna-Integrator", "An integrator"),)


def _respelled(target: str, order_id: str) -> str:
    """Write the first sign of an id in a path as its code, which makes no other path of it (RFC 3986, 2.3)."""
    return target.replace(order_id, f"%{ord(order_id[0]):02X}{order_id[1:]}")


def _other_merchant(contract: Contract, operation: Operation) -> Case:
    state = representative(contract, operation.id)

    def play(conversation: Conversation) -> None:
        other = conversation.target.other
        if other is None:
            raise NotMeasuredError("the target has no second merchant")
        scene = Scene(conversation, operation.id, state)
        for extra in () if operation.writes else ((), (), _INTEGRATOR):
            # What its own merchant has read before must not be served to another.
            scene.ask(extra=extra)
        ground = Expected("KOM-702", "the order belongs to another merchant")
        body, target = scene.body(), conversation.path(operation.id, scene.ids)
        scene.ask(body, credentials=other, expected=ground)
        scene.ask(body, credentials=other, extra=_INTEGRATOR, expected=ground)
        scene.ask(body, credentials=other, target=_respelled(target, scene.order.order_id), expected=ground)
        scene.read()

    return _case(operation.id, "other_merchant", "valid", "wrong merchant", play)
