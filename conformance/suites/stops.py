"""The two ways in which a case ends before it has come to a verdict of its own."""

from __future__ import annotations

from conformance.exceptions import ConformanceError

__all__ = ["NotMeasuredError", "TargetGoneError"]


class NotMeasuredError(ConformanceError):
    """The case cannot be put to this target; the text is the reason."""


class TargetGoneError(ConformanceError):
    """The target has stopped answering, so that further cases would measure nothing."""
