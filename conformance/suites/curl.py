"""A finding as lines that anyone can paste into a shell, with the credentials left to the reader's environment."""

from __future__ import annotations

import base64
import binascii
import json
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import SplitResult, quote, urlsplit

from conformance.exchange import Exchange, Headers, Request
from conformance.recordings.redaction import Redactor
from conformance.suites.told_control import ControlStep

__all__ = ["curl", "curls", "story"]

LONGEST_BODY = 4096
_TOLD = ("captured_amount", "refunded_amount", "order_amount", "number_of_days")
_TOLD_OF_ORDERS = (
    "order_amount",
    "purchase_currency",
    "purchase_country",
    "status",
    "fraud_status",
    "captured_amount",
    "refunded_amount",
    "created_at",
    "expires_at",
    "merchant",
)
_MADE_BY_CURL = frozenset({"host", "content-length", "authorization", "connection"})
# Their values are secrets: whoever repeats the line has one of their own.
_SECRET_HEADERS = frozenset({"cookie", "proxy-authorization", "x-api-key"})
_SHORTEST_SECRET = 6


def curl(request: Request, base_url: str, authorization: str = "", redactor: Redactor | None = None) -> str:
    """Write one request as a curl line.

    ``authorization`` is the header value of the run's own merchant, which becomes ``$KLARNA_USERNAME`` and
    ``$KLARNA_PASSWORD``. Any other credentials are wrong on purpose or somebody else's: they become
    ``$OTHER_AUTHORIZATION``, so that no secret is written down. A body that is too long or not text is read from
    standard input. With a ``redactor`` names, addresses and the like are replaced by stand-ins of their shape.
    """
    password = _password(authorization)
    if redactor is not None:
        request = _without_people(request, redactor)
    parts = urlsplit(base_url)
    path = _split(request.target)
    netloc = parts.netloc.rpartition("@")[2]
    url = f"{parts.scheme}://{netloc}{path.path}" + (f"?{path.query}" if path.query else "")
    words = ["curl", "-sS", "-i", "--path-as-is", "-g", "-X", request.method, _quoted(url, password)]
    sent = request.headers.get("Authorization")
    if sent is not None and sent == authorization:
        words += ["-u", '"$KLARNA_USERNAME:$KLARNA_PASSWORD"']
    elif sent is not None:
        words += ["-H", '"Authorization: $OTHER_AUTHORIZATION"']
    for name, value in request.headers:
        if name.lower() in _SECRET_HEADERS:
            words += ["-H", f'"{name}: ${name.upper().replace("-", "_")}"']
        elif name.lower() not in _MADE_BY_CURL:
            words += ["-H", _quoted(f"{name}: {value}", password)]
    if request.body:
        try:
            text = request.body.decode() if len(request.body) <= LONGEST_BODY and b"\x00" not in request.body else None
        except UnicodeDecodeError:
            text = None
        words += ["--data-binary", "@-"] if text is None else ["--data-raw", _quoted(text, password)]
        if "content-type" not in request.headers:
            # Without this curl would declare a form.
            words += ["-H", "'Content-Type:'"]
    return " ".join(words)


def _split(target: str) -> SplitResult:
    """Take a request target apart; one that begins with two slashes names no host."""
    return urlsplit(f"http://127.0.0.1{target}" if target.startswith("/") else target)


def curls(
    steps: Sequence[Exchange | ControlStep],
    base_url: str,
    authorization: str = "",
    redactor: Redactor | None = None,
) -> str:
    """Write the requests of a case, one curl line each, in the order in which they were sent.

    The control interface of whoever repeats them is ``$KLARNA_CONTROL_URL``.
    """
    return "\n".join(
        _control(step, redactor)
        if isinstance(step, ControlStep)
        else curl(step.request, base_url, authorization, redactor)
        for step in steps
    )


def _control(step: ControlStep, redactor: Redactor | None) -> str:
    body = json.dumps(step.body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    if redactor is not None:
        body = redactor.body(body, "application/json")
    words = ["curl", "-sS", "-i", "-X", "POST", f'"$KLARNA_CONTROL_URL"{step.path}']
    return " ".join([*words, "-H", "'Content-Type: application/json'", "--data-raw", shlex.quote(body.decode())])


def _without_people(request: Request, redactor: Redactor) -> Request:
    kept = ("authorization", *_SECRET_HEADERS)
    headers = Headers(
        pair
        for name, value in request.headers
        for pair in ([(name, value)] if name.lower() in kept else redactor.headers(Headers([(name, value)])))
    )
    body = redactor.body(request.body, request.headers.get("Content-Type") or "")
    return Request(request.method, redactor.target(request.target), headers, body)


def _quoted(text: str, password: str) -> str:
    """Quote a word for a shell; the password of the run, wherever it stands, becomes a variable."""
    if len(password) < _SHORTEST_SECRET:
        return shlex.quote(text)
    parts = re.split("|".join(map(re.escape, {password, quote(password, safe="")})), text)
    if len(parts) == 1:
        return shlex.quote(text)
    return '"$KLARNA_PASSWORD"'.join(shlex.quote(part) if part else "" for part in parts)


def _password(authorization: str) -> str:
    try:
        pair = base64.b64decode(authorization.partition(" ")[2], validate=True).decode()
    except (binascii.Error, ValueError):
        return ""
    return pair.partition(":")[2]


def story(steps: Sequence[Exchange | ControlStep], redactor: Redactor | None = None) -> tuple[str, ...]:
    """Tell what was asked and answered, one numbered line each, with the amounts and any key that came before.

    What was asked of the control interface stands between them without a number.
    """
    lines: list[str] = []
    keys: dict[str, int] = {}
    number = 0
    for step in steps:
        if isinstance(step, ControlStep):
            lines.append(f"- {_WORDS[step.path](step.body)}")
            continue
        number += 1
        request = step.request
        path = _split(request.target).path
        if redactor is not None:
            path = redactor.target(path)
        answer = str(step.response.status) if step.response else step.failure
        key = request.headers.get("Klarna-Idempotency-Key")
        first = keys.setdefault(key, number) if key else number
        same = f" (key of {first})" if first != number else ""
        lines.append(f"{number}. {request.method} {path}{_amounts(request)}{same} -> {answer}")
    return tuple(lines)


def _made(body: Mapping[str, Any]) -> str:
    told = ", ".join(f"{name} {body[name]}" for name in _TOLD_OF_ORDERS if isinstance(body.get(name), str | int))
    return f"order {body['order_id']} is made: {told}"


def _ordered(body: Mapping[str, Any]) -> str:
    answer = f"{body.get('status', 503)} {body.get('error_code', '')}".strip()
    how = "in place of the answer to what is done" if body.get("carried_out") else "in place of an answer"
    return f"{answer} is ordered {how}"


_WORDS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "/orders": _made,
    "/clock": lambda body: f"the clock moves on by {timedelta(seconds=body['advance_s'])}",
    "/faults": _ordered,
}


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
