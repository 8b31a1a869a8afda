"""Cassettes of a few exchanges with the simulator, for tests of whatever reads, writes or replays them."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from conformance.contract.contract import Contract, load_contract
from conformance.exchange import Exchange, Headers, Request
from conformance.recordings.cassette import Header, cassette_text, redacted
from conformance.recordings.policy import POLICY_VERSION
from conformance.recordings.redaction import Redactor, redactor_for
from conformance.simulator.demo import AUTHORIZED_ORDER_ID
from conformance.simulator.service import Simulator

ORDER = f"/ordermanagement/v1/orders/{AUTHORIZED_ORDER_ID}"
HOME = "https://api.playground.klarna.com"
CREDENTIALS = "Basic " + base64.b64encode(b"K100001_conformance:conformance-secret").decode()
CAPTURE = {"captured_amount": 4_000, "description": "For Zoë"}


def asked(method: str, target: str, body: Any = None) -> Request:
    headers = [("Authorization", CREDENTIALS), ("Accept", "application/json")]
    if body is None:
        return Request(method, target, Headers(headers))
    return Request(method, target, Headers([*headers, ("Content-Type", "application/json")]), json.dumps(body).encode())


def conversation() -> list[Exchange]:
    """Read an order, capture a part of it, read it again."""
    simulator = Simulator(load_contract())
    requests = (asked("GET", ORDER), asked("POST", f"{ORDER}/captures", CAPTURE), asked("GET", ORDER))
    return [Exchange(request, simulator.handle(request)) for request in requests]


def header(redactor: Redactor, law: Contract, **changes: Any) -> Header:
    fields: dict[str, Any] = {
        "case": "captureOrder/fresh/valid",
        "contract": law.digest,
        "recorded_at": datetime(2026, 1, 15, 9, tzinfo=UTC),
        "recorded_against": "simulator (documented behaviour, seed 0)",
        "redaction": POLICY_VERSION,
        "salt": redactor.fingerprint,
        "expires": None,
    }
    return Header(**fields | changes)


def cassette(exchanges: Sequence[Exchange] | None = None, **changes: Any) -> str:
    contract = load_contract()
    redactor = redactor_for(contract)
    made = [redacted(each, redactor) for each in (conversation() if exchanges is None else exchanges)]
    return cassette_text(header(redactor, contract, **changes), made)


YESTERDAY = date(2026, 1, 14)
TODAY = date(2026, 1, 15)
