"""Answers that no request can bring about: ordered from the target through its control interface."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from conformance.contract.contract import Contract
from conformance.contract.error_table import ErrorRow, Party
from conformance.contract.operation import Operation
from conformance.suites.case import Case
from conformance.suites.conversation import Conversation, Key
from conformance.suites.expectations import CODES, representative
from conformance.suites.scene import Scene
from conformance.suites.stops import NotMeasuredError

__all__ = ["NO_CONTROL", "fault_cases"]

NO_CONTROL = "only a control interface can provoke it"


def fault_cases(contract: Contract) -> Iterator[Case]:
    """Yield the server's own failures on every operation, each followed by the retry that the policy asks for."""
    for operation in contract.operations:
        rows = [
            row for row in contract.errors.rows if row.provoked_by is Party.SERVER and operation.id in row.operations
        ]
        state = representative(contract, operation.id)
        yield Case(
            id=f"{operation.id}/{state}/server-faults",
            operation=operation.id,
            state=state,
            name="server-faults",
            play=_faults(operation, state, rows),
            codes=CODES["server fault"],
        )
        if operation.writes:
            yield Case(
                id=f"{operation.id}/{state}/lost-answer",
                operation=operation.id,
                state=state,
                name="lost-answer",
                play=_lost(operation, state, keyed=True),
                codes=CODES["lost answer"],
            )
        if operation.id in _ADDING:
            yield Case(
                id=f"{operation.id}/{state}/lost-answer-without-key",
                operation=operation.id,
                state=state,
                name="lost-answer-without-key",
                play=_lost(operation, state, keyed=False),
                codes=CODES["lost answer"],
            )


def _faults(operation: Operation, state: str, rows: list[ErrorRow]) -> Callable[[Conversation], None]:
    def play(conversation: Conversation) -> None:
        control = conversation.control
        if control is None:
            raise NotMeasuredError(NO_CONTROL)
        scene = Scene(conversation, operation.id, state)
        ids, body, key = scene.ids, scene.body(), conversation.new_id()
        for row in rows:
            control.provoke(_fault(operation, scene, row.status, row.code))
            reply = conversation.call(operation.id, ids, body, key=key, provoked=True)
            if reply.status != row.status:
                # What was done in place of it is told by the order.
                scene.read()
                raise NotMeasuredError(f"the control interface did not provoke {row.status} {row.code}")
        _retried(conversation, operation, ids, body, key)
        scene.read()

    return play


def _lost(operation: Operation, state: str, *, keyed: bool) -> Callable[[Conversation], None]:
    """The work is done and the answer lost: nobody may do it again.

    With a key the caller asks again, and without one not even who stands between caller and service may.
    """

    def play(conversation: Conversation) -> None:
        control = conversation.control
        if control is None:
            raise NotMeasuredError(NO_CONTROL)
        for status, code in _LOSING:
            scene = Scene(conversation, operation.id, state)
            ids, body, key = scene.ids, scene.body(), conversation.new_id()
            control.provoke({**_fault(operation, scene, status, code), "carried_out": True})
            conversation.call(operation.id, ids, body, key=key if keyed else Key.NONE, provoked=True)
            for _ in range(2 if keyed else 0):
                _retried(conversation, operation, ids, body, key)
            scene.read()

    return play


def _retried(conversation: Conversation, operation: Operation, ids: Mapping[str, str], body: object, key: str) -> None:
    """Ask again with the key, as the retry policy says; a conflict with nobody is no end of it."""
    reply = conversation.call(operation.id, ids, body, key=key)
    if operation.writes and reply.status == _CONFLICT:
        message = "the retry of a call that had failed was answered with 409, time and again"
        conversation.report("KOM-502", message, reply, operation.id)


_CONFLICT = 409
# Done twice, these leave twice as much behind.
_ADDING = frozenset({"captureOrder", "refundOrder", "appendShippingInfo", "appendOrderShippingInfo"})
# The failures behind which the work may have been done: of the service, before it, and on the way.
_LOSING = (
    (503, "TEMPORARILY_UNAVAILABLE"),
    (500, "INTERNAL_SERVER_ERROR"),
    (504, "TEMPORARILY_UNAVAILABLE"),
)


def _fault(operation: Operation, scene: Scene, status: int, code: str) -> dict[str, object]:
    return {
        "operation": operation.id,
        "order_id": scene.order.order_id,
        "status": status,
        "error_code": code,
        "times": 1,
    }
