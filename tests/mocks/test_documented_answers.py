"""Every documented answer of every operation can be forced, and nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from conformance.contract.contract import load_contract
from conformance.contract.error_table import BodyKind, ErrorRow
from conformance.exceptions import UsageError
from conformance.exchange import Response
from conformance.mocks import KlarnaMock
from conformance.mocks.mistake import AmbiguousAnswerError, BrokenPromiseError, UndocumentedAnswerError
from conformance.mocks.resources import RESOURCES

CONTRACT = load_contract()
ROWS = [(row, operation) for row in CONTRACT.errors.rows for operation in sorted(row.operations)]
Ask = Callable[..., Any]


@pytest.mark.parametrize(("row", "operation"), ROWS, ids=[f"{row.id}-{operation}" for row, operation in ROWS])
def test_a_row_is_forced_by_its_code(bare: KlarnaMock, ask: Ask, row: ErrorRow, operation: str) -> None:
    bare.operation(operation).fails(row.code, status=row.status, row=row.id)
    answer = ask(operation)
    assert isinstance(answer, Response)
    assert answer.status == row.status
    if row.body is BodyKind.HTML:
        assert (answer.headers.get("Content-Type") or "").startswith("text/html")
        assert str(row.status).encode() in answer.body
        return
    said = json.loads(answer.body)
    assert said["error_code"] == row.code
    assert said["correlation_id"] == answer.headers.get("Klarna-Correlation-Id")
    assert all(any(pattern.fullmatch(message) for pattern in row.patterns) for message in said["error_messages"])
    assert bool(said["error_messages"]) is bool(row.messages)
    assert not any(re.search(r"\{\w+\}", message) for message in said["error_messages"])


def test_every_cell_of_the_table_was_meant() -> None:
    assert {(operation, *row.answer) for row, operation in ROWS} == set(CONTRACT.errors.cells())


@pytest.mark.parametrize("operation", [operation.id for operation in CONTRACT.operations])
def test_what_is_undocumented_is_refused_with_what_is_documented(bare: KlarnaMock, operation: str) -> None:
    codes = {row.code for row in CONTRACT.errors.rows if row.code}
    mine = {code for _, code in CONTRACT.errors.answers(operation)}
    for code in sorted(codes - mine):
        with pytest.raises(
            UndocumentedAnswerError, match=rf"{operation} never answers {code} \({code} is an answer of"
        ):
            bare.operation(operation).fails(code)
    for status in (402, 418, 451, 501):
        with pytest.raises(UndocumentedAnswerError, match=rf"{operation} never answers {status}, .*503 TEMPORARILY_"):
            bare.operation(operation).answers(status)
    for success in {200, 201, 202, 204, 302} - {CONTRACT.operations[operation].success.status}:
        with pytest.raises(UndocumentedAnswerError, match=f"never answers {success}: its success is"):
            bare.operation(operation).answers(success)


def test_a_made_up_code_is_refused(bare: KlarnaMock) -> None:
    with pytest.raises(UndocumentedAnswerError) as refused:
        bare.captures.create.fails("CAPTURE_IS_ODD")
    assert str(refused.value) == (
        "captureOrder never answers CAPTURE_IS_ODD, and a mock cannot promise what the service would never say;"
        f" documented are {bare.captures.create.documented}"
    )
    assert "403 CAPTURE_NOT_ALLOWED/PAYMENT_METHOD_FAILED" in bare.captures.create.documented
    assert "401 UNAUTHORIZED/an HTML page" in bare.captures.create.documented


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"code": "TEMPORARILY_UNAVAILABLE"}, "captureOrder answers TEMPORARILY_UNAVAILABLE with 502, 503 and 504"),
        ({"status": 403}, "captureOrder answers 403 with CAPTURE_NOT_ALLOWED and PAYMENT_METHOD_FAILED: name the code"),
    ],
)
def test_what_is_ambiguous_is_refused_with_the_choice(bare: KlarnaMock, asked: dict[str, Any], words: str) -> None:
    with pytest.raises(AmbiguousAnswerError, match=words):
        bare.captures.create.fails(asked.get("code"), status=asked.get("status"))


def test_a_code_with_two_statuses_on_one_operation(bare: KlarnaMock, ask: Ask) -> None:
    with pytest.raises(AmbiguousAnswerError, match="get answers NOT_FOUND with 400 and 404: add status=400"):
        bare.refunds.get.fails("NOT_FOUND")
    bare.refunds.get.fails("NOT_FOUND", status=404)
    assert ask("get").status == 404


def test_a_status_is_enough_where_its_codes_mean_the_same(bare: KlarnaMock, ask: Ask) -> None:
    bare.orders.get.fails(status=500)
    assert json.loads(ask("getOrder").body)["error_code"] == "INTERNAL_SERVER_ERROR"


@pytest.mark.parametrize(("behaviour", "media"), [("documented", "application/json"), ("observed", "text/html")])
def test_the_behaviour_decides_how_401_is_written(behaviour: str, media: str, ask: Ask) -> None:
    from conformance.mocks import mount  # noqa: PLC0415 - as a test of a client would

    with mount(behaviour=behaviour) as klarna:
        rule = klarna.orders.get.fails(status=401)
        assert rule.left in ("401", "401 UNAUTHORIZED")
        assert (rule.left == "401") is (media == "text/html")
        klarna.orders.get.clear()


def test_a_row_is_told_by_its_id(bare: KlarnaMock, ask: Ask) -> None:
    bare.captures.create.fails(row="capture-expired")
    order = bare.order()
    answer = json.loads(ask("captureOrder", order=order.id, body={"captured_amount": 1}).body)
    assert answer["error_messages"] == [f"Order {order.id} is expired. Capture not possible."]


def test_amounts_in_a_wording_are_those_of_the_case(bare: KlarnaMock, ask: Ask) -> None:
    order = bare.order(amount=9000, captures=[4000])
    bare.orders.update_authorization.fails(row="authorization-below-captured")
    answer = json.loads(ask("updateAuthorization", order=order.id, body={"order_amount": 100}).body)
    assert "amount 100 cannot be less than the captured amount 4000" in answer["error_messages"][0]


@pytest.mark.parametrize("body", [[], {"order_amount": "1"}, None])
def test_amounts_in_a_wording_are_zero_where_none_was_sent(bare: KlarnaMock, ask: Ask, body: Any) -> None:
    bare.orders.update_authorization.fails(row="authorization-below-captured")
    answer = json.loads(ask("updateAuthorization", body=body).body)
    assert "amount 0 cannot be less than the captured amount 0" in answer["error_messages"][0]


def test_a_row_of_another_operation_is_refused(bare: KlarnaMock) -> None:
    with pytest.raises(UndocumentedAnswerError, match="no row 'refund-not-allowed' in the error table; its rows are"):
        bare.captures.create.fails(row="refund-not-allowed")
    with pytest.raises(UndocumentedAnswerError, match="no row 'capture-expired' with 404 in the error table"):
        bare.captures.create.fails(row="capture-expired", status=404)


def test_nothing_said_is_refused(bare: KlarnaMock) -> None:
    with pytest.raises(UndocumentedAnswerError, match="getOrder: say how it fails; documented are 400"):
        bare.orders.get.fails()
    with pytest.raises(UndocumentedAnswerError, match="a sequence of answers needs at least one"):
        bare.orders.get.answers()
    with pytest.raises(UndocumentedAnswerError, match="code=503: must be text; a status goes into status="):
        bare.orders.get.fails(503)  # type: ignore[arg-type]  # the mistake that is tested


def test_a_message_has_to_fit_its_row(bare: KlarnaMock, ask: Ask) -> None:
    with pytest.raises(UndocumentedAnswerError, match="'Nope' is no wording of no-such-order; known are Order"):
        bare.orders.get.fails("NO_SUCH_ORDER", message="Nope")
    bare.orders.get.fails("NO_SUCH_ORDER", message="Order 1 cannot be found")
    assert json.loads(ask("getOrder").body)["error_messages"] == ["Order 1 cannot be found"]


def test_headers_come_on_top(bare: KlarnaMock, ask: Ask) -> None:
    bare.orders.get.fails("TOO_MANY_REQUESTS", headers={"Retry-After": "3", "server": "mine"})
    headers = ask("getOrder").headers
    assert headers.all("Retry-After") == ("3",)
    assert headers.all("Server") == ("mine",)


def test_a_header_that_breaks_the_contract_breaks_the_promise(bare: KlarnaMock, ask: Ask) -> None:
    bare.orders.get.fails("TOO_MANY_REQUESTS", headers={"Klarna-Correlation-Id": "other"})
    with pytest.raises(BrokenPromiseError, match="the mock would answer getOrder against the contract: KOM-203"):
        ask("getOrder")


def test_a_body_of_the_tests_own(bare: KlarnaMock, ask: Ask) -> None:
    order = bare.order()
    body = json.loads(ask("getOrder", order=order.id).body)
    bare.orders.get.returns(body | {"merchant_reference1": "mine"})
    assert json.loads(ask("getOrder", order=order.id).body)["merchant_reference1"] == "mine"
    with pytest.raises(UndocumentedAnswerError, match="getOrder: the body breaks its schema at /order_amount"):
        bare.orders.get.returns(body | {"order_amount": "12"})
    with pytest.raises(UndocumentedAnswerError, match="captureOrder: its answer 201 has no body"):
        bare.captures.create.returns({})
    with pytest.raises(BrokenPromiseError, match="KOM-117"):
        ask("getOrder")


def test_every_operation_has_one_name(bare: KlarnaMock) -> None:
    named = [operation for names in RESOURCES.values() for operation in names.values()]
    assert sorted(named) == sorted(operation.id for operation in CONTRACT.operations)
    for group in (bare.orders, bare.captures, bare.refunds):
        for name, operation in RESOURCES[type(group)].items():
            assert getattr(group, name).id == operation
            assert operation in repr(getattr(group, name))
    with pytest.raises(UsageError, match="'capture' is no operation; known are getOrder, "):
        bare.operation("capture")


def test_every_operation_succeeds_when_nothing_is_forced(bare: KlarnaMock, ask: Ask) -> None:
    capture, refund = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
    paid = bare.order(
        captures=[{"captured_amount": 4000, "capture_id": capture}],
        refunds=[{"refunded_amount": 1000, "refund_id": refund}],
    )
    info = {"shipping_info": [{"tracking_number": "1"}]}
    due = json.loads(ask("getOptionsForExtendDueDate", order=paid.id, capture=capture).body)["options"]
    bodies: dict[str, Any] = {
        "updateAuthorization": {"order_amount": 9000},
        "captureOrder": {"captured_amount": 100},
        "extendDueDate": {"number_of_days": due[0]["number_of_days"]},
        "appendShippingInfo": info,
        "appendOrderShippingInfo": info,
        "updateConsumerDetails": {"shipping_address": {"email": "a@example.com"}},
        "updateMerchantReferences": {"merchant_reference1": "1"},
        "refundOrder": {"refunded_amount": 100},
    }
    for operation in CONTRACT.operations:
        order = bare.order().id if operation.id in ("cancelOrder", "updateConsumerDetails") else paid.id
        if operation.id == "releaseRemainingAuthorization":
            order = bare.order(captures=[1]).id
        bare.operation(operation.id).answers(operation.success.status)
        answer = ask(operation.id, order=order, capture=capture, refund=refund, body=bodies.get(operation.id))
        assert answer.status == operation.success.status
    bare.verify()
