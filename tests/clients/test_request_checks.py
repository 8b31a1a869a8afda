from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

import pytest

from conformance.clients.call import Raised, Returned
from conformance.clients.evidence import CallEvidence
from conformance.clients.request_checks import request_accusations
from conformance.contract.contract import Contract
from tests.clients.witnesses import BODY, ORDER, OTHER, PASSWORD, USERNAME, codes, evidence, response, sent

LINES = [{"name": "A", "quantity": 1, "unit_price": 1, "total_amount": 1, "product_url": "https://example.com"}]


def basic(pair: str, encoding: str = "utf-8") -> str:
    return "Basic " + base64.b64encode(pair.encode(encoding)).decode()


def with_body(body: Any, wanted: Any = BODY, operation: str = "captureOrder") -> CallEvidence:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return evidence(sent(body=content, operation=operation), operation=operation, body=wanted)


def found(case: CallEvidence, contract: Contract) -> list[str]:
    return codes(request_accusations(case, contract))


GOOD = [
    evidence(sent()),
    evidence(sent("getOrder"), operation="getOrder"),
    # A challenge is a way to authenticate, and some look at the order afterwards.
    evidence(sent(headers={"Authorization": None}, answer=response(401)), sent()),
    evidence(sent(), sent("getOrder")),
    evidence(sent(headers={"Content-Type": "application/json; charset=utf-8", "Accept": "*/*"})),
    evidence(sent(headers={"Accept": None})),
    *[evidence(sent("cancelOrder", body=body), operation="cancelOrder") for body in (b"", b"{}", b"[]", b"null")],
    evidence(sent(headers={"Klarna-Idempotency-Key": "k"}), key="k"),
    evidence(outcome=Raised("ValueError"), step={"may_refuse": True}),
    evidence(outcome=Raised("SslError"), tls=True),
    evidence(sent(), stray=(sent("", headers={"Authorization": None}),)),
    # The body is compared as JSON, so that escapes and the order of fields are the client's business.
    with_body(b'{"description": "f\\u0069rst", "captured_amount": 1000}'),
]

BAD = {
    "nothing sent": (evidence(outcome=Raised("E")), ["KOM-801"]),
    "nothing sent and success": (evidence(outcome=Returned(None), step={"may_refuse": True}), ["KOM-801"]),
    "another operation": (evidence(sent("getOrder")), ["KOM-801"]),
    "more than the call": (evidence(sent(), sent("cancelOrder")), ["KOM-801"]),
    "a query": (evidence(sent(target=f"/ordermanagement/v1/orders/{ORDER}/captures?x=1")), ["KOM-801"]),
    "another id": (evidence(sent(ids={"order_id": "f3392f8b"})), ["KOM-802"]),
    "an id that broke the path": (
        evidence(sent("", target=f"/ordermanagement/v1/orders/{ORDER}/x/captures"), path={"order_id": f"{ORDER}/x"}),
        ["KOM-802"],
    ),
    "a doubled slash": (evidence(sent(target=f"//ordermanagement/v1/orders/{ORDER}/captures")), ["KOM-803"]),
    "no media type": (evidence(sent(headers={"Content-Type": None})), ["KOM-804"]),
    "a form": (evidence(sent(headers={"Content-Type": "application/x-www-form-urlencoded"})), ["KOM-804"]),
    "Accept for HTML only": (evidence(sent(headers={"Accept": "text/html"})), ["KOM-805"]),
    "no credentials when asked": (
        evidence(sent(headers={"Authorization": None}, answer=response(401))),
        ["KOM-806"],
    ),
    "a bearer token": (evidence(sent(headers={"Authorization": f"Bearer {PASSWORD}"})), ["KOM-806"]),
    "no Base64": (evidence(sent(headers={"Authorization": f"Basic {USERNAME}:{PASSWORD}"})), ["KOM-806"]),
    "cut credentials": (evidence(sent(headers={"Authorization": basic(f"{USERNAME}:{PASSWORD[:-1]}")})), ["KOM-806"]),
    "Latin-1": (
        evidence(sent(headers={"Authorization": basic("K1_user:lösen-ord", "latin-1")}), password="lösen-ord"),
        ["KOM-807"],
    ),
    "no JSON": (with_body(b"captured_amount=1000"), ["KOM-808"]),
    "a lost field": (with_body({"captured_amount": 1000}), ["KOM-808"]),
    "an invented field": (with_body({**BODY, "x": None}), ["KOM-808"]),
    "another text": (with_body({**BODY, "description": "second"}), ["KOM-808"]),
    "a list cut short": (with_body({**BODY, "order_lines": []}, {**BODY, "order_lines": [{}]}), ["KOM-808"]),
    "text as an amount": (with_body({**BODY, "captured_amount": "1000"}), ["KOM-809"]),
    "decimals": (with_body({**BODY, "captured_amount": 1000.0}), ["KOM-809"]),
    "a hundredth": (with_body({**BODY, "captured_amount": 10}), ["KOM-809"]),
    "a lost zero": (with_body({"description": "first"}, {**BODY, "captured_amount": 0}), ["KOM-808"]),
    "bytes behind it": (evidence(sent("getOrder", after=b"{}"), operation="getOrder"), ["KOM-810"]),
    "a body where none belongs": (evidence(sent("cancelOrder", body=b'{"a":1}'), operation="cancelOrder"), ["KOM-812"]),
    "no key": (evidence(sent(), key="k"), ["KOM-849"]),
    "another key": (evidence(sent(headers={"Klarna-Idempotency-Key": "x"}), key="k"), ["KOM-849"]),
    "garbled text": (with_body({**BODY, "description": "GrÃ¶ÃŸe"}, {**BODY, "description": "Größe"}), ["KOM-861"]),
    "a request to nobody": (evidence(sent(), tls=True), ["KOM-871"]),
    "credentials elsewhere": (evidence(sent(), stray=(sent(""),)), ["KOM-872"]),
    "a password in the URL": (
        evidence(sent(target=f"/ordermanagement/v1/orders/{ORDER}/captures?p={PASSWORD}")),
        ["KOM-801", "KOM-873"],
    ),
    "another order": (
        evidence(
            sent(ids={"order_id": OTHER}), path={"order_id": f"{ORDER}/../{OTHER}"}, step={"spares": "other_order"}
        ),
        ["KOM-875"],
    ),
    "a header made of a key": (evidence(sent(headers={"X-Injected": "1"}), key="k\r\nX-Injected: 1"), ["KOM-876"]),
}


@pytest.mark.parametrize("case", GOOD)
def test_a_right_request_is_not_blamed(case: CallEvidence, contract: Contract) -> None:
    assert found(case, contract) == []


@pytest.mark.parametrize(("case", "expected"), BAD.values(), ids=list(BAD))
def test_a_wrong_request_is_blamed_for_what_is_wrong(
    case: CallEvidence, expected: list[str], contract: Contract
) -> None:
    assert found(case, contract) == expected


def test_lines_that_were_read_must_go_back_whole(contract: Contract) -> None:
    wanted = {"order_amount": 1, "order_lines": LINES}
    lost = {"order_amount": 1, "order_lines": [{k: v for k, v in LINES[0].items() if k != "product_url"}]}
    request = sent(
        method="PATCH",
        target=f"/ordermanagement/v1/orders/{ORDER}/authorization",
        operation="",
        body=json.dumps(lost).encode(),
        headers={"Content-Type": "application/json"},
        ids={"order_id": ORDER},
    )
    case = evidence(replace(request, operation="updateAuthorization"), operation="updateAuthorization", body=wanted)
    assert found(case, contract) == ["KOM-864"]


def test_each_kind_is_said_once(contract: Contract) -> None:
    assert found(evidence(*[sent(headers={"Content-Type": None})] * 3), contract) == ["KOM-804"]
