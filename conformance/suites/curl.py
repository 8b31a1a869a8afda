"""A finding as lines that anyone can paste into a shell, with the credentials left to the reader's environment."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from urllib.parse import urlsplit

from conformance.exchange import Exchange, Request

__all__ = ["curl", "curls", "story"]

LONGEST_BODY = 4096
_TOLD = ("captured_amount", "refunded_amount", "order_amount", "number_of_days")
_MADE_BY_CURL = frozenset({"host", "content-length", "authorization", "connection"})


def curl(request: Request, base_url: str, authorization: str = "") -> str:
    """Write one request as a curl line.

    ``authorization`` is the header value of the run's own merchant, which becomes ``$KLARNA_USERNAME`` and
    ``$KLARNA_PASSWORD``. Any other credentials are wrong on purpose or somebody else's: they become
    ``$OTHER_AUTHORIZATION``, so that no secret is written down. A body that is too long or not text is read from
    standard input.
    """
    parts = urlsplit(base_url)
    path = urlsplit(request.target)
    url = f"{parts.scheme}://{parts.netloc}{path.path}" + (f"?{path.query}" if path.query else "")
    words = ["curl", "-sS", "-i", "--path-as-is", "-g", "-X", request.method, shlex.quote(url)]
    sent = request.headers.get("Authorization")
    if sent is not None and sent == authorization:
        words += ["-u", '"$KLARNA_USERNAME:$KLARNA_PASSWORD"']
    elif sent is not None:
        words += ["-H", '"Authorization: $OTHER_AUTHORIZATION"']
    for name, value in request.headers:
        if name.lower() not in _MADE_BY_CURL:
            words += ["-H", shlex.quote(f"{name}: {value}")]
    if request.body:
        try:
            text = request.body.decode() if len(request.body) <= LONGEST_BODY and b"\x00" not in request.body else None
        except UnicodeDecodeError:
            text = None
        words += ["--data-binary", "@-"] if text is None else ["--data-raw", shlex.quote(text)]
        if "content-type" not in request.headers:
            # Without this curl would declare a form.
            words += ["-H", "'Content-Type:'"]
    return " ".join(words)


def curls(exchanges: Sequence[Exchange], base_url: str, authorization: str = "") -> str:
    """Write the requests of a case, one curl line each, in the order in which they were sent."""
    return "\n".join(curl(exchange.request, base_url, authorization) for exchange in exchanges)


def story(exchanges: Sequence[Exchange]) -> tuple[str, ...]:
    """Tell what was asked and answered, one numbered line each, with the amounts and any key that came before."""
    lines: list[str] = []
    keys: dict[str, int] = {}
    for number, exchange in enumerate(exchanges, 1):
        request = exchange.request
        path = urlsplit(request.target).path
        answer = str(exchange.response.status) if exchange.response else exchange.failure
        key = request.headers.get("Klarna-Idempotency-Key")
        first = keys.setdefault(key, number) if key else number
        same = f" (key of {first})" if first != number else ""
        lines.append(f"{number}. {request.method} {path}{_amounts(request)}{same} -> {answer}")
    return tuple(lines)


def _amounts(request: Request) -> str:
    """The numbers that a request is about, in minor units or days."""
    if not request.body or len(request.body) > LONGEST_BODY:
        return ""
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError):
        return ""
    if not isinstance(body, dict):
        return ""
    told = [f"{name} {body[name]}" for name in _TOLD if type(body.get(name)) is int]
    return f" {' '.join(told)}" if told else ""
