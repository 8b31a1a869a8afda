"""What vcrpy and pytest-recording need to redact while they record, and to find again what was redacted."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from conformance.contract.contract import load_contract
from conformance.exchange import Headers, Request, Response
from conformance.recordings.policy import POLICY_VERSION
from conformance.recordings.pseudonym import PUBLIC_SALT, SALT_VARIABLE
from conformance.recordings.redaction import MARK, Redactor, redactor_for

__all__ = ["klarna_vcr_config"]


def klarna_vcr_config(redactor: Redactor | None = None, **others: Any) -> dict[str, Any]:
    """Return what a ``vcr_config`` fixture returns; ``others`` are further settings of vcrpy, which win.

    Recorded and sent requests are compared in their redacted form, by method, path, query and body. The salt comes
    from ``KLARNA_REDACTION_SALT`` unless a redactor is given.
    """
    if redactor is None:
        redactor = redactor_for(load_contract(), os.environ.get(SALT_VARIABLE) or PUBLIC_SALT)
    chosen = redactor

    def before_record_request(request: Any) -> Any:
        # vcrpy asks this of every request twice: when it is made, and when it is read back from the cassette.
        if request.headers.get(MARK) == POLICY_VERSION:
            # Some clients send an empty body where others send none.
            request.body = request.body or None
            return request
        body = request.body
        plain = Request(
            request.method,
            request.uri,
            Headers((str(name), _text(value)) for name, value in request.headers.items()),
            body.encode() if isinstance(body, str) else bytes(body or b""),
        )
        made = chosen.request(plain)
        # The request is a shallow copy: what it shares with the one that is sent is replaced and never changed.
        request.uri = made.target
        request.headers = dict(made.headers.items)
        request.body = made.body or None
        return request

    def before_record_response(response: Mapping[str, Any]) -> Mapping[str, Any]:
        pairs = [
            (str(name), _text(value))
            for name, values in response["headers"].items()
            for value in (values if isinstance(values, list | tuple) else [values])
        ]
        body = response["body"]["string"]
        plain = Response(
            response["status"]["code"], Headers(pairs), body.encode() if isinstance(body, str) else bytes(body or b"")
        )
        made = chosen.response(plain)
        headers: dict[str, list[str]] = {}
        for name, value in made.headers:
            headers.setdefault(name, []).append(value)
        return {**response, "headers": headers, "body": {"string": made.body}}

    return {
        "before_record_request": before_record_request,
        "before_record_response": before_record_response,
        "decode_compressed_response": True,
        "match_on": ["method", "path", "query", "body"],
        **others,
    }


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
