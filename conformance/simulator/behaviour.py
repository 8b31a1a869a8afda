"""Where the double follows the documentation and where the recordings, as one value of yes and no."""

from __future__ import annotations

from dataclasses import dataclass

from conformance.simulator.control_error import ControlError

__all__ = ["Behaviour", "behaviour"]


@dataclass(frozen=True, slots=True)
class Behaviour:
    """Every point at which recorded traffic differs from what is documented."""

    name: str
    refuses_in_html: bool
    unrouted_in_spring_form: bool
    ended_keeps_remaining: bool
    refund_returns_reference: bool
    allocates_refunds_at_once: bool
    accepts_numeric_tracking_number: bool
    tells_rate_limit: bool


_ALL = {
    "documented": Behaviour(
        name="documented",
        refuses_in_html=False,
        unrouted_in_spring_form=False,
        ended_keeps_remaining=False,
        refund_returns_reference=True,
        allocates_refunds_at_once=True,
        accepts_numeric_tracking_number=False,
        tells_rate_limit=True,
    ),
    "observed": Behaviour(
        name="observed",
        refuses_in_html=True,
        unrouted_in_spring_form=True,
        ended_keeps_remaining=True,
        refund_returns_reference=False,
        allocates_refunds_at_once=False,
        accepts_numeric_tracking_number=True,
        tells_rate_limit=False,
    ),
}


def behaviour(name: str) -> Behaviour:
    """Return the behaviour of this name; raises ControlError for any but ``documented`` and ``observed``."""
    if name not in _ALL:
        raise ControlError(f"behaviour: {name!r} is neither {' nor '.join(_ALL)}")
    return _ALL[name]
