"""One operation of the mocked API, in whose name a test forces answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from conformance.contract.contract import Contract
from conformance.contract.operation import Operation
from conformance.mocks.call import Call
from conformance.mocks.mistake import UndocumentedAnswerError
from conformance.mocks.row_choice import choose_row, documented
from conformance.mocks.rule import Given, Mishap, Refusal, Rule, Rules, Step, Success, whole

__all__ = ["OperationMock"]


class OperationMock:
    """Forces answers on one operation; each method checks against the contract at once and returns the rule.

    A refusal lasts until further notice, a mishap happens once, a sequence is played once; ``once()``, ``times(n)``
    and ``always()`` on the rule say otherwise.
    """

    def __init__(
        self,
        operation: Operation,
        contract: Contract,
        behaviour: str,
        rules: Rules,
        requests: Callable[[str], tuple[Call, ...]],
        skip: int = 0,
    ) -> None:
        self._operation = operation
        self._contract = contract
        self._behaviour = behaviour
        self._rules = rules
        self._requests = requests
        self._skip = skip

    @property
    def id(self) -> str:
        """The operation's id in the API description."""
        return self._operation.id

    @property
    def documented(self) -> str:
        """The refusals that may be forced, in words."""
        return documented(self._operation, self._contract)

    def fails(
        self,
        code: str | None = None,
        *,
        status: int | None = None,
        row: str | None = None,
        message: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> Rule:
        """Refuse with a row of the error table, told by its code, its status or its id, until further notice.

        ``code`` is empty for a page in HTML. ``message`` has to fit a wording of the row; ``headers`` come on top.
        Raises UndocumentedAnswerError for what the operation never answers, AmbiguousAnswerError when several rows
        are meant.
        """
        found = choose_row(
            self._contract, self._operation, self._behaviour, code=_text("code", code), status=status, row=row
        )
        if message and found.patterns and not any(pattern.fullmatch(message) for pattern in found.patterns):
            known = " | ".join(found.messages)
            raise UndocumentedAnswerError(
                f"{self.id}: {message[:200]!r} is no wording of {found.id}; known are {known}"
            )
        return self._add([Refusal(found, message, tuple((headers or {}).items()))], times=None)

    def answers(self, *steps: int | str | tuple[int, str]) -> Rule:
        """Play a sequence once.

        A step is a status (a success stands for the proper answer), an error code, a pair of both, or a mishap:
        ``"times_out"``, ``"resets"``, ``"loses_the_reply"``.
        """
        if not steps:
            raise UndocumentedAnswerError(f"{self.id}: a sequence of answers needs at least one")
        return self._add([self._step(step) for step in steps], times=1)

    def returns(self, body: Any) -> Rule:
        """Answer a read with a body of the test's own, until further notice; it has to fit the operation's schema."""
        success = self._operation.success
        schema = next(iter(success.media.values()), None)
        if not success.media:
            raise UndocumentedAnswerError(f"{self.id}: its answer {success.status} has no body")
        validator = None if schema is None else self._contract.operations.validator(schema)
        if validator is not None and not validator.is_valid(body):
            error = next(validator.iter_errors(body))
            place = "/".join(str(part) for part in error.instance_path)
            raise UndocumentedAnswerError(f"{self.id}: the body breaks its schema at /{place}: {error.message[:200]}")
        return self._add([Given(success.status, json.dumps(body).encode())], times=None)

    def times_out(self) -> Rule:
        """Let the next request wait in vain; nothing is carried out."""
        return self._add([Mishap.TIMES_OUT], times=1)

    def resets(self) -> Rule:
        """Break the connection under the next request; nothing is carried out."""
        return self._add([Mishap.RESETS], times=1)

    def loses_the_reply(self) -> Rule:
        """Carry the next request out and lose its answer."""
        return self._add([Mishap.LOSES_THE_REPLY], times=1)

    def after(self, count: int) -> OperationMock:
        """Let the next so many requests be answered properly before what is forced by the following call."""
        whole("after", count, 0)
        return OperationMock(self._operation, self._contract, self._behaviour, self._rules, self._requests, count)

    def clear(self) -> None:
        """Give proper answers again."""
        self._rules.clear()

    def requests(self) -> tuple[Call, ...]:
        """Return what was asked of the operation, oldest first."""
        return self._requests(self.id)

    def __repr__(self) -> str:
        return f"<{self.id}: {self._operation.method} {self._operation.path}>"

    def _add(self, steps: list[Step], *, times: int | None) -> Rule:
        return self._rules.add(Rule(self.id, steps, times=times, skip=self._skip))

    def _step(self, step: int | str | tuple[int, str]) -> Step:
        if isinstance(step, str):
            if step in tuple(Mishap):
                return Mishap(step)
            return self._refusal(code=step)
        if isinstance(step, tuple):
            status, code = step
            return self._refusal(status=status, code=code)
        success = self._operation.success.status
        if step == success:
            return Success(step)
        if step < 400:
            raise UndocumentedAnswerError(f"{self.id} never answers {step}: its success is {success}")
        return self._refusal(status=step)

    def _refusal(self, *, code: str | None = None, status: int | None = None) -> Refusal:
        return Refusal(choose_row(self._contract, self._operation, self._behaviour, code=code, status=status))


def _text(name: str, value: str | None) -> str | None:
    if value is not None and not isinstance(value, str):
        raise UndocumentedAnswerError(f"{name}={value!r}: must be text; a status goes into status=")
    return value
