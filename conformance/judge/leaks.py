"""Checks that an answer gives away neither the service's insides nor the caller's secret."""

from __future__ import annotations

import re
from collections.abc import Iterator

from conformance.judge.observation import Observation, Remark

__all__ = ["check_leaks"]

_SHORTEST_SECRET = 8
_SEARCHED = 1_000_000

# Stack traces only: exception names alone have been seen in real messages.
_TRACES = re.compile(
    rb"Traceback \(most recent call last\)"
    rb'|File "[^"\n]+", line \d+'
    rb"|(?:\b|\\[nrt])at [\w.$<>/]+\([\w$]+\.(?:java|kt|scala|groovy):\d+\)"
    rb"|(?:\b|\\[nrt])at (?:async )?[\w.<>]+ \([^()\n]+\.[cm]?[jt]s:\d+:\d+\)"
    rb"|goroutine \d+ \[running\]"
    rb"|\bin /[\w./-]+\.php(?: on line |:)\d+"
    rb"|(?:\b|\\[nrt])at [\w.`<>]+\([^()\n]*\) in [^\n]+\.cs:line \d+",
)


def check_leaks(seen: Observation) -> Iterator[Remark]:
    """Yield stack traces and echoed passwords."""
    body = seen.response.body[:_SEARCHED]
    if seen.status >= 400 and _TRACES.search(body):
        yield Remark("KOM-703", f"the body of the {seen.status} shows a stack trace")
    password = seen.password()
    if len(password) < _SHORTEST_SECRET:
        return
    secret = password.encode()
    sent_in_body = secret in seen.exchange.request.body or secret in seen.exchange.request.target.encode()
    if not sent_in_body and secret in body:
        yield Remark("KOM-704", "the body repeats the password of the request")
    for name, value in seen.response.headers:
        if password in value or (len(seen.principal) > _SHORTEST_SECRET and seen.principal in value):
            yield Remark("KOM-704", f"the header {name} repeats the credentials of the request")
