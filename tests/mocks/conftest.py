from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import httpx2
import pytest

from conformance.contract.contract import Contract, load_contract
from conformance.exchange import Headers, Request, Response
from conformance.mocks import KlarnaMock
from conformance.mocks.klarna_mock import simulator_for
from conformance.mocks.mounting import PLAYGROUND
from conformance.mocks.rule import Mishap

CONTRACT = load_contract()
UNKNOWN = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(scope="session")
def contract() -> Contract:
    return CONTRACT


@pytest.fixture
def bare() -> KlarnaMock:
    """A mock without any library in front of it."""
    return KlarnaMock(simulator_for(None, None, None), PLAYGROUND)


@pytest.fixture(scope="session")
def http() -> Iterator[httpx.Client]:
    # One for all: building a client reads the trusted certificates.
    with httpx.Client(base_url=f"{PLAYGROUND}/ordermanagement/v1", auth=AUTH) as client:
        yield client


@pytest.fixture(scope="session")
def http2() -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=f"{PLAYGROUND}/ordermanagement/v1", auth=AUTH) as client:
        yield client


AUTH = ("K100001_conformance", "conformance-secret")
Ask = Callable[..., Response | Mishap]


@pytest.fixture
def ask(bare: KlarnaMock) -> Ask:
    """Ask the mock for an operation by its id; ids of the path, ``body``, ``key`` and ``auth`` as keywords."""

    def ask(
        operation_id: str,
        *,
        order: str = UNKNOWN,
        body: Any = None,
        key: str | None = None,
        auth: tuple[str, str] | None = AUTH,
        capture: str = UNKNOWN,
        refund: str = UNKNOWN,
    ) -> Response | Mishap:
        operation = CONTRACT.operations[operation_id]
        target = operation.path.format(order_id=order, capture_id=capture, refund_id=refund)
        headers = {"Host": "api.playground.klarna.com", "Content-Type": "application/json"}
        if auth is not None:
            headers["Authorization"] = "Basic " + base64.b64encode(":".join(auth).encode()).decode()
        if key is not None:
            headers["Klarna-Idempotency-Key"] = key
        sent = b"" if body is None else json.dumps(body).encode()
        return bare.answer(Request(operation.method, target, Headers(headers), sent), PLAYGROUND)

    return ask
