"""The target's time is taken from where it can be trusted."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast

import pytest

from conformance.contract.contract import load_contract
from conformance.simulator.service import Simulator
from conformance.simulator.socket_door import ServerThread
from conformance.suites.control import ControlPort, HttpControl
from conformance.suites.target_clock import TargetClock

VIRTUAL = datetime(2026, 1, 15, 9, 0, tzinfo=UTC)
REAL = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
VIRTUAL_DATE = "Thu, 15 Jan 2026 09:00:00 GMT"
LATER_DATE = "Fri, 16 Jan 2026 09:00:00 GMT"
REAL_DATE = "Mon, 23 Nov 2026 14:00:00 GMT"


class Shown:
    """A control interface that shows this clock."""

    def __init__(self, now: datetime | None) -> None:
        self.time = now

    def now(self) -> datetime | None:
        return self.time


def clock(control: Any = None) -> TargetClock:
    return TargetClock(cast("ControlPort | None", control), local=lambda: REAL)


def test_a_date_that_agrees_with_the_control_interface_is_believed() -> None:
    watch = clock(Shown(VIRTUAL))
    assert watch.read(VIRTUAL_DATE) == VIRTUAL
    assert watch.read(VIRTUAL_DATE) is None
    assert watch.read(LATER_DATE) == datetime(2026, 1, 16, 9, 0, tzinfo=UTC)


def test_the_date_of_something_on_the_way_is_not() -> None:
    control = Shown(VIRTUAL)
    watch = clock(control)
    assert watch.read(REAL_DATE) == VIRTUAL
    control.time = datetime(2026, 2, 15, 9, 0, tzinfo=UTC)
    assert watch.read(REAL_DATE) == control.time


def test_without_a_control_interface_our_own_clock_decides() -> None:
    assert clock().read(REAL_DATE) == REAL
    stranger = clock()
    assert stranger.read(VIRTUAL_DATE) is None
    assert stranger.read(REAL_DATE) is None
    assert clock(Shown(None)).read(REAL_DATE) == REAL


def test_without_a_header_the_control_interface_tells() -> None:
    assert clock(Shown(VIRTUAL)).read(None) == VIRTUAL
    assert clock().read(None) is None


@pytest.mark.parametrize("date", ["", "yesterday", "Thu, 15 Jan 2026 09:00:00 -0000"])
def test_what_is_no_time_tells_nothing(date: str | None) -> None:
    assert clock(Shown(VIRTUAL)).read(date) is None


def test_the_clock_is_read_over_http() -> None:
    with ServerThread(Simulator(load_contract())) as server:
        control = HttpControl(server.control_url)
        assert control.now() == VIRTUAL
        control.advance(60)
        assert control.now() == datetime(2026, 1, 15, 9, 1, tzinfo=UTC)
        control.reset()
        assert control.now() == VIRTUAL
        control.close()


def test_a_control_interface_without_a_clock_shows_none() -> None:
    with ServerThread(Simulator(load_contract())) as server:
        control = HttpControl(server.base_url)
        assert control.now() is None
        assert control.now() is None
        control.close()
