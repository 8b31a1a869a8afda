"""What is said when a mock is told, or asked, what the service would never say."""

from __future__ import annotations

from conformance.exceptions import UsageError

__all__ = [
    "AmbiguousAnswerError",
    "BrokenPromiseError",
    "UndocumentedAnswerError",
    "UnmatchedRequestError",
    "UnusedAnswerError",
]


class UndocumentedAnswerError(UsageError):
    """A test forces an answer that is not documented for the operation; the text names those that are."""


class AmbiguousAnswerError(UsageError):
    """What a test says of an answer fits several documented ones that mean different things; the text lists them."""


class UnmatchedRequestError(AssertionError):
    """A client sent what reaches no operation; the text names the nearest one and what differs."""


class BrokenPromiseError(AssertionError):
    """The mock would have had to give an answer that breaks the contract or what the test announced."""


class UnusedAnswerError(AssertionError):
    """A forced answer was never asked for, so that the test did not try what it says."""
