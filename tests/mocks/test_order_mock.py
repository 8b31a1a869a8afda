"""Each claim about an order is seen to hold and seen to fail, and says what happened."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from conformance.mocks import KlarnaMock
from conformance.mocks.order_mock import LedgerVerdict, OrderMock

Ask = Callable[..., Any]


def story(verdict: LedgerVerdict) -> str:
    """What the claim says when it does not hold."""
    assert not verdict
    return repr(verdict).removeprefix("<does not hold: ").removesuffix(">")


@pytest.fixture
def order(bare: KlarnaMock) -> OrderMock:
    return bare.order(amount=10_000)


def test_captured_once(bare: KlarnaMock, ask: Ask, order: OrderMock) -> None:
    assert story(order.captured_once()) == "not captured, captureOrder was never asked for"
    bare.captures.create.answers("times_out", 503)
    for _ in range(2):
        ask("captureOrder", order=order.id, body={"captured_amount": 4000}, key="k")
    assert story(order.captured_once()) == (
        "not captured, captureOrder was asked for 2 times: timed out (key 'k'), answered 503 (key 'k')"
    )
    ask("captureOrder", order=order.id, body={"captured_amount": 4000}, key="k")
    assert repr(order.captured_once()) == "<holds: captured once: 4000 (key 'k')>"
    assert order.captured_once(4000)
    assert story(order.captured_once(3000)) == "captured once, but 4000 and not 3000"
    ask("captureOrder", order=order.id, body={"captured_amount": 1000})
    assert story(order.captured_once()) == "captured 2 times, not once: 4000 (key 'k'), 1000 (no key)"


def test_refunded_once(ask: Ask, order: OrderMock) -> None:
    ask("captureOrder", order=order.id, body={"captured_amount": 4000})
    assert story(order.refunded_once()) == "not refunded, refundOrder was never asked for"
    ask("refundOrder", order=order.id, body={"refunded_amount": 1000})
    assert order.refunded_once(1000)
    ask("refundOrder", order=order.id, body={"refunded_amount": 1000})
    assert story(order.refunded_once(1000)) == "refunded 2 times, not once: 1000 (no key), 1000 (no key)"


def test_what_was_prepared_is_not_the_clients_work(bare: KlarnaMock, ask: Ask) -> None:
    order = bare.order(amount=10_000, captures=[4000], refunds=[1000])
    assert not order.captured_once()
    assert not order.refunded_once()
    assert order.untouched()
    ask("captureOrder", order=order.id, body={"captured_amount": 500})
    assert order.captured_once(500)
    assert (order.authorised, order.captured, order.refunded, order.remaining) == (10_000, 4500, 1000, 5500)


def test_cancelled(ask: Ask, order: OrderMock) -> None:
    assert story(order.cancelled()) == "not cancelled, cancelOrder was never asked for"
    ask("cancelOrder", order=order.id)
    assert order.cancelled()
    assert order.status == "CANCELLED"


def test_released(bare: KlarnaMock, ask: Ask) -> None:
    order = bare.order(captures=[4000])
    ask("releaseRemainingAuthorization", order=bare.order().id)
    assert story(order.released()) == "not released, releaseRemainingAuthorization was never asked for"
    ask("releaseRemainingAuthorization", order=order.id)
    assert repr(order.released()) == "<holds: released 6000>"


def test_untouched_by_reads_and_refusals(bare: KlarnaMock, ask: Ask, order: OrderMock) -> None:
    ask("getOrder", order=order.id)
    ask("captureOrder", order=order.id, body={"captured_amount": 99_999_999})
    bare.captures.create.fails("CAPTURE_NOT_ALLOWED")
    ask("captureOrder", order=order.id, body={"captured_amount": 1})
    ask("captureOrder", order=bare.order().id, body={"captured_amount": 1})
    assert repr(order.untouched()) == "<holds: nothing was changed>"


def test_touched_by_money(ask: Ask, order: OrderMock) -> None:
    ask("captureOrder", order=order.id, body={"captured_amount": 1})
    assert story(order.untouched()) == "1 (no key) by capture; captureOrder was carried out"


def test_touched_by_a_write_without_money(bare: KlarnaMock, ask: Ask, order: OrderMock) -> None:
    bare.orders.update_merchant_references.loses_the_reply()
    ask("updateMerchantReferences", order=order.id, body={"merchant_reference1": "x"})
    assert story(order.untouched()) == "updateMerchantReferences was carried out"


def test_kept_key(ask: Ask, order: OrderMock) -> None:
    assert story(order.kept_key("captureOrder")) == "captureOrder was never asked for"
    ask("captureOrder", order=order.id, body={"captured_amount": 1}, key="a")
    assert order.kept_key("captureOrder")
    ask("captureOrder", order=order.id, body={"captured_amount": 1}, key="b")
    assert story(order.kept_key("captureOrder")).endswith("answered 201 (key 'a'), answered 201 (key 'b')")


@pytest.mark.parametrize("key", [None, ""])
def test_no_key_is_none_kept(ask: Ask, order: OrderMock, key: str | None) -> None:
    ask("captureOrder", order=order.id, body={"captured_amount": 1}, key=key)
    assert not order.kept_key("captureOrder")


def test_requests_are_told_apart(bare: KlarnaMock, ask: Ask, order: OrderMock) -> None:
    bare.captures.create.resets()
    ask("captureOrder", order=order.id, body={"captured_amount": 7}, key="k")
    ask("getOrder", order=order.id)
    ask("getOrder")
    assert [call.operation for call in order.requests()] == ["captureOrder", "getOrder"]
    (call,) = order.requests("captureOrder")
    assert (call.key, call.body, call.status, call.carried_out) == ("k", {"captured_amount": 7}, None, False)
    assert repr(call) == "<captureOrder, key 'k': connection reset>"
    assert order.requests("getOrder")[0].body is None
    assert repr(order.requests("getOrder")[0]) == "<getOrder, no key: answered 200>"
    assert len(bare.requests()) == 3
    assert len(bare.orders.get.requests()) == 2


def test_time_passes_and_the_order_tells_itself(bare: KlarnaMock, order: OrderMock) -> None:
    assert repr(order).startswith(f"<order {order.id}: AUTHORIZED, authorised 10000, captured 0")
    bare.advance(40 * 86_400)
    assert order.status == "EXPIRED"
    assert order.untouched()
    assert order.ledger["entries"][-1]["kind"] == "expire"


def test_no_secret_is_shown(bare: KlarnaMock, ask: Ask, order: OrderMock) -> None:
    ask("getOrder", order=order.id)
    assert "secret" not in repr((bare, order, bare.requests(), bare.orders))
    assert bare.password == "conformance-secret"
