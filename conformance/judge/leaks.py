"""Checks that an answer gives away neither the service's insides nor the secrets of caller and customer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from conformance.judge.observation import Observation, Remark, shown
from conformance.judge.shadow import Shadow, Written

__all__ = ["check_leaks", "is_strange"]

_SHORTEST_SECRET = 8
_SEARCHED = 1_000_000
# Refusals that are about an order as it is now.
_OF_AN_ORDER = frozenset({403, 404})

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
# What databases and their drivers say of themselves, in words that nobody else uses.
_QUERIES = re.compile(
    rb"\bORA-\d{5}\b|\bSQLSTATE\b|\bjdbc:[a-z]+:|\berror in your SQL syntax\b"
    rb"|\bviolates (?:unique|foreign key|check|not-null) constraint\b|\bDuplicate entry '[^']*' for key\b"
    rb'|\bsyntax error at or near "|\bUNIQUE constraint failed:',
)


_KEPT = re.compile(r"\bpublic\b|\b(?:s-maxage|max-age)\s*=\s*\"?0*[1-9]")


# Fields that nobody could guess who was not told, unless they are as short as a word.
_TELLING = ("klarna_reference", "merchant_reference1", "merchant_reference2")
_SHORTEST_TELLING = 6


def is_strange(seen: Observation, shadow: Shadow) -> bool:
    """Tell whether a request about an order comes from another merchant than the order's own."""
    return bool(shadow.owner) and seen.principal != shadow.owner


def check_leaks(seen: Observation, shadow: Shadow | None = None) -> Iterator[Remark]:
    """Yield what an answer gives away: of the service, of credentials, of a customer, and of another's order."""
    if seen.succeeded or seen.status in _OF_AN_ORDER:
        yield from _check_caching(seen)
    if seen.status >= 400:
        yield from _check_insides(seen)
        if shadow is not None and is_strange(seen, shadow):
            yield from _check_telling(seen, shadow)
    password = seen.password()
    if len(password) >= _SHORTEST_SECRET:
        yield from _check_secrets(seen, password)


def _check_telling(seen: Observation, shadow: Shadow) -> Iterator[Remark]:
    told = [name for name in _TELLING if _is_told(shadow.fields.get(name), seen)]
    if told:
        yield Remark("KOM-702", f"the {seen.status} for another merchant's order tells its {', '.join(told)}")


def _is_told(known: object, seen: Observation) -> bool:
    value = known.value if isinstance(known, Written) else known
    if not isinstance(value, str) or len(value) < _SHORTEST_TELLING:
        return False
    request, text = seen.exchange.request, value.encode()
    return text in seen.response.body and text not in request.body and text not in request.target.encode()


def _check_caching(seen: Observation) -> Iterator[Remark]:
    if "no-store" in (seen.response.headers.get("Cache-Control") or ""):
        return
    caching = ", ".join(seen.response.headers.all("Cache-Control")).lower()
    if "no-store" not in caching and _KEPT.search(caching):
        yield Remark("KOM-710", f"Cache-Control is {shown(caching)}")


def _check_insides(seen: Observation) -> Iterator[Remark]:
    body = seen.response.body[:_SEARCHED]
    if _TRACES.search(body):
        yield Remark("KOM-703", f"the body of the {seen.status} shows a stack trace")
    if _QUERIES.search(body) and not _QUERIES.search(seen.exchange.request.body):
        yield Remark("KOM-703", f"the body of the {seen.status} shows what a database said")


def _check_secrets(seen: Observation, password: str) -> Iterator[Remark]:
    body, request = seen.response.body[:_SEARCHED], seen.exchange.request
    in_bodies, in_headers = _secrets(seen.principal, password)
    for secret in in_bodies:
        if secret in body and secret not in request.body and secret not in request.target.encode():
            yield Remark("KOM-704", "the body repeats the credentials of the request")
            break
    values = "\n".join([value for _, value in seen.response.headers.items])
    for header_secret in in_headers:
        if header_secret in values:
            for name in (name for name, value in seen.response.headers if header_secret in value):
                yield Remark("KOM-704", f"the header {name} repeats the credentials of the request")


# A conversation speaks with one or two credentials; the cache keeps no more than that.
@lru_cache(maxsize=4)
def _secrets(principal: str, password: str) -> tuple[tuple[bytes, ...], tuple[str, ...]]:
    """Return what no body and what no header may repeat."""
    encoded = principal.partition(" ")[2].strip()
    in_headers = tuple(each for each in (password, principal) if len(each) >= _SHORTEST_SECRET)
    return (password.encode(), encoded.encode()), in_headers
