from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from conformance.simulator.clock import START, Clock, midnight, timestamp
from conformance.simulator.control_error import ControlError


def test_it_stands_still_until_it_is_moved() -> None:
    clock = Clock()
    assert clock.now == START == clock.now
    assert clock.stamp() == "2026-01-15T09:00:00.000Z"
    assert clock.http_date() == "Thu, 15 Jan 2026 09:00:00 GMT"
    clock.advance(86_400.25)
    assert clock.stamp() == "2026-01-16T09:00:00.250Z"
    assert clock.http_date() == "Fri, 16 Jan 2026 09:00:00 GMT"
    clock.reset()
    assert clock.now == START


def test_its_start_is_kept_in_utc() -> None:
    clock = Clock(datetime(2026, 3, 1, 1, 0, tzinfo=timezone(timedelta(hours=2))))
    assert clock.now == datetime(2026, 2, 28, 23, 0, tzinfo=UTC)
    assert clock.stamp() == "2026-02-28T23:00:00.000Z"


def test_a_start_without_zone_is_refused() -> None:
    with pytest.raises(ControlError, match="time zone"):
        Clock(datetime(2026, 1, 1))  # noqa: DTZ001 - that is the mistake


@pytest.mark.parametrize("seconds", [-1, -0.001, float("nan"), float("inf"), 10**400, 1e300])
def test_steps_that_are_none_are_refused(seconds: float) -> None:
    clock = Clock()
    with pytest.raises(ControlError, match="advance_s"):
        clock.advance(seconds)
    assert clock.now == START


def test_it_can_follow_real_time_and_still_leap() -> None:
    elapsed = 100.0
    clock = Clock(follows=True, elapsed=lambda: elapsed)
    assert clock.now == START
    elapsed = 102.5
    assert clock.stamp() == "2026-01-15T09:00:02.500Z"
    assert clock.http_date() == "Thu, 15 Jan 2026 09:00:02 GMT"
    clock.advance(3600)
    elapsed = 103.5
    assert clock.now == START + timedelta(seconds=3603.5)
    assert clock.http_date() == "Thu, 15 Jan 2026 10:00:03 GMT"
    clock.reset()
    assert clock.now == START


def test_moments_are_written_with_milliseconds() -> None:
    moment = datetime(2026, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    assert timestamp(moment) == "2026-12-31T23:59:59.999Z"
    assert midnight(moment) == datetime(2026, 12, 31, tzinfo=UTC)
