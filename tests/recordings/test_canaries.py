from __future__ import annotations

import json
import random
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.contract.contract import Contract
from conformance.exchange import Exchange, Headers
from conformance.recordings.cassette import Header, cassette_text, redacted
from conformance.recordings.policy import HEADER_WORDS, HEADERS, PAGE_WORDS, PATH_WORDS, POLICY_VERSION
from conformance.recordings.redaction import Redactor, contract_words, redactor_for
from tests.recordings.canaries import ANSWERED_HEADERS, PLACES, SENT_HEADERS, Planter

EXCHANGES = 1_000
"""``benchmarks/canaries.py`` looks through ten thousand."""


@pytest.fixture(scope="module")
def redactor(contract: Contract) -> Redactor:
    return redactor_for(contract)


def seen(exchange: Exchange) -> str:
    request, response = exchange.request, exchange.response
    assert response is not None
    return "\n".join(
        (
            request.target,
            repr(request.headers.items),
            request.body.decode("utf-8", "replace"),
            repr(response.headers.items),
            response.body.decode("utf-8", "replace"),
            response.cut,
            exchange.failure,
        )
    )


def header(redactor: Redactor) -> Header:
    now = datetime(2026, 1, 15, tzinfo=UTC)
    return Header("case/state/name", "0" * 64, now, "simulator", POLICY_VERSION, redactor.fingerprint, None)


def test_the_search_finds_what_is_not_redacted() -> None:
    planter = Planter(random.Random(0))  # noqa: S311 - nothing is kept secret by it
    exchange = planter.exchange()
    assert len(planter.survivors(seen(exchange))) > 20


def test_no_canary_survives_in_an_exchange_or_a_cassette(redactor: Redactor) -> None:
    for seed in range(EXCHANGES):
        planter = Planter(random.Random(seed))  # noqa: S311 - nothing is kept secret by it
        exchange = redacted(planter.exchange(), redactor)
        written = cassette_text(header(redactor), [exchange]) if seed % 20 == 0 else ""
        assert planter.survivors(seen(exchange) + written) == []


SECRET = st.text(alphabet="abcdefghjkmnpqrstuvwxyz23456789ABCDEFGHJKMNPQRSTUVWXYZ", min_size=9, max_size=40).filter(
    lambda text: text.casefold() not in contract_words() | HEADER_WORDS | PAGE_WORDS | PATH_WORDS
)
ANY = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), max_size=12)


@given(SECRET, st.sampled_from(PLACES), ANY, ANY, st.booleans())
def test_a_secret_in_a_field_does_not_survive(
    redactor: Redactor, secret: str, name: str, before: str, after: str, escaped: bool
) -> None:
    document = {"order": [{name: f"{before} {secret} {after}"}]}
    made = redactor.body(json.dumps(document, ensure_ascii=escaped).encode())
    assert secret.casefold() not in made.decode().casefold()
    assert list(json.loads(made)["order"][0]) == [name]


@given(SECRET, st.sampled_from(sorted({*HEADERS, *SENT_HEADERS, *ANSWERED_HEADERS, "x-anything"})), ANY)
def test_a_secret_in_a_header_does_not_survive(redactor: Redactor, secret: str, name: str, before: str) -> None:
    made = redactor.headers(Headers([(name, f"{before} {secret}")]))
    assert secret.casefold() not in str(made.items).casefold()


@given(
    SECRET, ANY, st.sampled_from(("/{}", "/a/{}/b", "?{}=1", "?a={}", "#{}", "//{}:{}@host/", "https://{}.example/a"))
)
def test_a_secret_in_an_address_does_not_survive(redactor: Redactor, secret: str, near: str, shape: str) -> None:
    target = f"/ordermanagement/v1/orders/{quote(near)}" + shape.replace("{}", quote(secret))
    if "//" in shape:
        target = shape.replace("{}", secret) + quote(near)
    assert secret.casefold() not in redactor.target(target).casefold()


@given(SECRET, ANY)
def test_a_secret_in_a_page_or_a_message_does_not_survive(redactor: Redactor, secret: str, near: str) -> None:
    text = f"<h1>HTTP Status 400</h1> {near} {secret}\n"
    assert secret.casefold() not in redactor.body(text.encode(), "text/html").decode().casefold()
    assert secret.casefold() not in redactor.message(text).casefold()
