from __future__ import annotations

import pytest

from conformance.exchange import Headers, Response
from conformance.suites.pace import LONGEST_WAIT, MOST_PER_SECOND, Pace


class Time:
    """A clock that moves when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds


def paced(time: Time, rate: float = 40.0, burst: int = 5) -> Pace:
    return Pace(rate=rate, burst=burst, clock=time.clock, sleep=time.sleep)


def answer(status: int = 200, **headers: str) -> Response:
    return Response(status, Headers((name.replace("_", "-"), value) for name, value in headers.items()))


@pytest.mark.parametrize("rate", [1.0, 40.0, 44.0])
def test_no_second_sees_more_than_allowed(rate: float) -> None:
    time = Time()
    pace = paced(time, rate)
    moments = []
    for number in range(300):
        if number % 97 == 96:
            time.now += 3.0
        pace.wait()
        moments.append(time.now)
    worst = max(sum(start <= other < start + 1.0 for other in moments) for start in moments)
    assert worst <= rate + 5
    assert worst < MOST_PER_SECOND


def test_the_rate_is_used() -> None:
    time = Time()
    pace = paced(time)
    for _ in range(405):
        pace.wait()
    assert time.now - 100.0 == pytest.approx(10.0, abs=0.1)
    assert pace.waited == pytest.approx(10.0, abs=0.1)


@pytest.mark.parametrize(
    ("response", "seconds"),
    [
        (answer(429, Retry_After="7"), 7.0),
        (answer(429, X_Ratelimit_Reset="3"), 3.0),
        (answer(429), 1.0),
        (answer(429, Retry_After="soon"), 1.0),
        (answer(503), 5.0),
        (answer(503, Retry_After="9"), 9.0),
        (answer(503, Retry_After="999999"), LONGEST_WAIT),
        (answer(200, X_Ratelimit_Remaining="0", X_Ratelimit_Reset="2"), 2.0),
        (answer(200, X_Ratelimit_Remaining="15", X_Ratelimit_Reset="2"), 0.0),
        (answer(200, X_Ratelimit_Remaining="0"), 0.0),
        (answer(404), 0.0),
        (None, 0.0),
    ],
)
def test_what_an_answer_asks_for_is_waited(response: Response | None, seconds: float) -> None:
    time = Time()
    pace = paced(time)
    pace.wait()
    pace.learn(response)
    pace.wait()
    assert time.now - 100.0 == pytest.approx(seconds)


def test_a_clock_that_stands_still_is_no_trap() -> None:
    pace = Pace(rate=10.0, burst=1, clock=lambda: 0.0, sleep=lambda _: None)
    for _ in range(50):
        pace.wait()
    assert pace.waited > 0
