"""What is said when the double is told to do something it cannot do."""

from __future__ import annotations

from conformance.exceptions import ConformanceError

__all__ = ["ControlError", "UnknownOrderError"]


class ControlError(ConformanceError):
    """An instruction to the simulator is wrong; the text names the field and the reason."""


class UnknownOrderError(ControlError):
    """The simulator holds no order with this id."""
