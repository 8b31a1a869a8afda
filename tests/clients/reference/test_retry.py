from __future__ import annotations

from datetime import UTC, datetime

import pytest

from conformance.clients.reference.retry import RetryPolicy, asked_wait_s
from conformance.exchange import Headers

NOW = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)


def test_waits_double_and_end() -> None:
    policy = RetryPolicy(attempts=4, first_wait_s=1.0, longest_wait_s=3.0)
    assert [policy.wait_s(attempt, None, 1.0) for attempt in (1, 2, 3, 4)] == [1.0, 2.0, 3.0, None]
    assert [policy.wait_s(attempt, None, 0.0) for attempt in (1, 2)] == [0.5, 1.0]


def test_jitter_only_adds_to_what_was_asked() -> None:
    policy = RetryPolicy(first_wait_s=1.0)
    assert policy.wait_s(1, 7.0, 0.0) == 7.5
    assert policy.wait_s(1, 7.0, 1.0) == 8.0


def test_a_server_that_asks_for_too_long_gets_no_further_attempt() -> None:
    assert RetryPolicy(longest_wait_s=30.0).wait_s(1, 31.0, 0.0) is None


@pytest.mark.parametrize(
    ("status", "headers", "expected"),
    [
        (429, {"Retry-After": "7"}, 7.0),
        (503, {"retry-after": " 7 "}, 7.0),
        (429, {"Retry-After": "Mon, 06 May 2024 07:08:39 GMT"}, 30.0),
        (429, {"Retry-After": "Mon, 06 May 2024 07:08:39 -0000"}, 30.0),
        (429, {"Retry-After": "Mon, 06 May 2024 07:00:00 GMT"}, 0.0),
        (429, {"Retry-After": "soon"}, None),
        (429, {"Retry-After": "Mon, 99 May 99999 07:00:00 GMT"}, None),
        (429, {"Retry-After": "-3"}, None),
        (429, {"Retry-After": "9" * 5000}, None),
        (429, {"X-Ratelimit-Reset": "3"}, 3.0),
        (429, {"X-Ratelimit-Reset": "3", "Retry-After": "2"}, 3.0),
        (503, {"X-Ratelimit-Reset": "3"}, None),
        (429, {}, None),
    ],
)
def test_what_an_answer_asks_for(status: int, headers: dict[str, str], expected: float | None) -> None:
    assert asked_wait_s(status, Headers(headers), NOW) == expected
