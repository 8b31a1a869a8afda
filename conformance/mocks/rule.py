"""Answers that a test forces on an operation: single ones, lasting ones, sequences, and when they begin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from conformance.contract.error_table import ErrorRow
from conformance.mocks.mistake import UndocumentedAnswerError

__all__ = ["Given", "Mishap", "Refusal", "Rule", "Rules", "Step", "Success", "whole"]

Pairs = tuple[tuple[str, str], ...]


class Mishap(StrEnum):
    """What a caller may meet in place of an answer. Only the reply that is lost comes from work that was done."""

    TIMES_OUT = "times_out"
    RESETS = "resets"
    LOSES_THE_REPLY = "loses_the_reply"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row of the error table; ``message`` is empty for the table's own wording, ``headers`` come on top."""

    row: ErrorRow
    message: str = ""
    headers: Pairs = ()

    def __str__(self) -> str:
        return f"{self.row.status} {self.row.code}".strip()


@dataclass(frozen=True, slots=True)
class Success:
    """The proper answer, which has to be a success with this status."""

    status: int

    def __str__(self) -> str:
        return str(self.status)


@dataclass(frozen=True, slots=True)
class Given:
    """A success with a body of the test's own."""

    status: int
    body: bytes

    def __str__(self) -> str:
        return f"{self.status} with a body of the test's own"


Step = Refusal | Success | Given | Mishap


class Rule:
    """Steps to be given one after the other, a number of times or for good."""

    def __init__(self, operation: str, steps: Sequence[Step], *, times: int | None, skip: int = 0) -> None:
        self.operation = operation
        self._steps = tuple(steps)
        self._times = times
        self._skip = skip
        self._seen = 0
        self._played = 0

    def once(self) -> Self:
        """Give the answers once, then proper ones again."""
        return self.times(1)

    def times(self, count: int) -> Self:
        """Give the answers so many times, then proper ones again."""
        self._times = whole("times", count, 1)
        return self

    def always(self) -> Self:
        """Give the answers until further notice; a sequence begins anew."""
        self._times = None
        return self

    def after(self, count: int) -> Self:
        """Let the next so many requests of the operation be answered properly first."""
        self._skip = self._seen + whole("after", count, 0)
        return self

    @property
    def lasts(self) -> bool:
        """Whether the rule never ends."""
        return self._times is None

    @property
    def is_spent(self) -> bool:
        """Whether nothing is left to give."""
        return self._times is not None and self._played >= self._times * len(self._steps)

    @property
    def left(self) -> str:
        """What was never asked for, in words; empty when the rule was used."""
        if self.lasts:
            return "" if self._played else self._words(self._steps)
        if self.is_spent:
            return ""
        return self._words(self._steps[self._played % len(self._steps) :])

    def see(self) -> bool:
        """Count a request of the operation and tell whether it is this rule's to answer."""
        self._seen += 1
        return self._seen > self._skip and not self.is_spent

    def take(self) -> Step:
        """Return the next step."""
        step = self._steps[self._played % len(self._steps)]
        self._played += 1
        return step

    def __repr__(self) -> str:
        often = "always" if self._times is None else f"{self._times} time{'s' if self._times > 1 else ''}"
        after = f" after {self._skip}" if self._skip else ""
        return f"<{self.operation}: {self._words(self._steps)}, {often}{after}>"

    @staticmethod
    def _words(steps: Sequence[Step]) -> str:
        return ", ".join(str(step) for step in steps)


class Rules:
    """The rules of one operation: those that end are used up first, in their order; then the last that stays."""

    def __init__(self) -> None:
        self._rules: list[Rule] = []

    def add(self, rule: Rule) -> Rule:
        """Take in a rule."""
        self._rules.append(rule)
        return rule

    def clear(self) -> None:
        """Forget all rules."""
        self._rules.clear()

    def next(self) -> Step | None:
        """Count a request and return what is forced upon it, None for the proper answer."""
        ready = [rule for rule in self._rules if rule.see()]
        if not ready:
            return None
        return next((rule for rule in ready if not rule.lasts), ready[-1]).take()

    def unused(self) -> list[Rule]:
        """Return the rules that were not used up, without those that a later one replaced."""
        last = next((rule for rule in reversed(self._rules) if rule.lasts), None)
        return [rule for rule in self._rules if rule.left and (not rule.lasts or rule is last)]


def whole(name: str, value: Any, smallest: int) -> int:
    """Return a number that is whole and large enough; raises UndocumentedAnswerError otherwise."""
    if type(value) is not int or value < smallest:
        raise UndocumentedAnswerError(f"{name}({value!r}): must be a whole number from {smallest} up")
    return int(value)
