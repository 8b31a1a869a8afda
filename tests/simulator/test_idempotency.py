from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest

from conformance.contract.contract import Contract
from conformance.exchange import Response
from conformance.simulator.clock import START
from conformance.simulator.idempotency import LIFETIME, IdempotencyKeys, KeyUse
from conformance.simulator.merchant import DEFAULT_MERCHANTS
from conformance.simulator.service import Simulator
from tests.simulator.caller import Caller, code

DAY = 86_400


def test_keys_are_forgotten_after_their_lifetime() -> None:
    keys: IdempotencyKeys[str] = IdempotencyKeys()
    use = KeyUse("m", "cancelOrder", ("order",), "a")
    other = use._replace(key="b")
    keys.keep(use, START, "first")
    assert keys.first_answer(use, START + LIFETIME) == "first"
    assert keys.first_answer(use, START + LIFETIME + timedelta(seconds=1)) is None
    assert keys.first_answer(use._replace(merchant_id="other"), START) is None
    keys.keep(other, START + LIFETIME + timedelta(seconds=1), "second")
    assert len(keys) == 1
    keys.keep(other, START + 3 * LIFETIME, "third")
    assert keys.first_answer(other, START + 3 * LIFETIME) == "third"


def test_a_repeated_capture_moves_nothing(caller: Caller, make: Callable[..., str]) -> None:
    order = make(order_amount=5_000)
    first = caller.post(f"{order}/captures", {"captured_amount": 1_000}, key="k")
    again = caller.post(f"{order}/captures", {"captured_amount": 1_000}, key="k")
    assert first.status == 201
    assert again == first
    assert caller.order(order)["captured_amount"] == 1_000
    assert len(caller.order(order)["captures"]) == 1


def test_the_body_is_not_compared(caller: Caller, make: Callable[..., str]) -> None:
    order = make(order_amount=5_000)
    first = caller.post(f"{order}/captures", {"captured_amount": 1_000}, key="k")
    for body in ({"captured_amount": 2_000}, {}):
        assert caller.post(f"{order}/captures", body, key="k") == first
    assert caller.order(order)["captured_amount"] == 1_000


def test_a_key_says_nothing_of_another_operation_or_order(caller: Caller, make: Callable[..., str]) -> None:
    order, other = make(order_amount=5_000), make(order_amount=5_000)
    caller.post(f"{order}/captures", {"captured_amount": 1_000}, key="k")
    assert caller.post(f"{order}/refunds", {"refunded_amount": 1}, key="k").status == 201
    assert caller.post(f"{other}/captures", {"captured_amount": 7}, key="k").status == 201
    assert (caller.order(order)["refunded_amount"], caller.order(other)["captured_amount"]) == (1, 7)


def test_other_keys_and_no_keys_capture_again(caller: Caller, make: Callable[..., str]) -> None:
    order = make(order_amount=5_000)
    ids = {
        caller.post(f"{order}/captures", {"captured_amount": 1_000}, key=key).headers.get("Capture-Id")
        for key in ("a", "b", None, None, "")
    }
    assert len(ids) == 5
    assert caller.order(order)["captured_amount"] == 5_000


def test_the_first_answer_stays_when_the_order_has_moved_on(caller: Caller, make: Callable[..., str]) -> None:
    order = make(order_amount=1_000)
    first = caller.post(f"{order}/captures", {"captured_amount": 1_000}, key="k")
    caller.refund(order, 1_000)
    assert caller.post(f"{order}/captures", {"captured_amount": 1_000}, key="k") == first


def test_a_refusal_is_repeated_too(caller: Caller, make: Callable[..., str]) -> None:
    order = make(order_amount=1_000)
    refused = caller.post(f"{order}/refunds", {"refunded_amount": 1}, key="k")
    assert code(refused) == (403, "REFUND_NOT_ALLOWED")
    caller.capture(order, 1_000)
    assert caller.post(f"{order}/refunds", {"refunded_amount": 1}, key="k") == refused
    assert caller.order(order)["refunded_amount"] == 0


def test_a_request_that_never_reached_an_order_uses_up_no_key(caller: Caller, make: Callable[..., str]) -> None:
    order = make(order_amount=1_000)
    assert caller.post(f"{order}/captures", {}, key="k").status == 422
    assert caller.post("aaaaaaaa-0000-4000-8000-000000000000/captures", {"captured_amount": 1}, key="k").status == 404
    assert caller.post(f"{order}/captures", b"{", key="k").status == 400
    assert caller.post(f"{order}/captures", {"captured_amount": 1}, key="k").status == 201


def test_a_day_later_the_key_is_new(caller: Caller, make: Callable[..., str]) -> None:
    order = make(order_amount=5_000)
    first = caller.post(f"{order}/captures", {"captured_amount": 1_000}, key="k")
    caller.simulator.advance(DAY)
    again = caller.post(f"{order}/captures", {"captured_amount": 1_000}, key="k")
    assert again.headers.get("Capture-Id") == first.headers.get("Capture-Id")
    caller.simulator.advance(1)
    fresh = caller.post(f"{order}/captures", {"captured_amount": 1_000}, key="k")
    assert fresh.headers.get("Capture-Id") != first.headers.get("Capture-Id")
    assert caller.order(order)["captured_amount"] == 2_000


def test_merchants_do_not_share_keys(simulator: Simulator) -> None:
    first, second = (Caller(simulator, merchant) for merchant in DEFAULT_MERCHANTS)
    order = simulator.create_order({"merchant": "K100001"})
    other = simulator.create_order({"merchant": "K100002"})
    first.post(f"{order}/captures", {"captured_amount": 1}, key="k")
    assert second.post(f"{other}/captures", {"captured_amount": 1}, key="k").status == 201
    assert second.order(other)["captured_amount"] == 1


def test_reads_take_no_key(caller: Caller, make: Callable[..., str]) -> None:
    order = make(order_amount=10)
    assert caller.send("GET", order, key="k").status == 200
    assert caller.post(f"{order}/cancel", key="k").status == 204


@pytest.mark.parametrize("threads", [8])
def test_requests_with_one_key_at_once_capture_once(contract: Contract, threads: int) -> None:
    simulator = Simulator(contract)
    caller = Caller(simulator)
    order = simulator.create_order({"order_amount": 10_000})
    start = threading.Barrier(threads)
    answers: list[Response] = []

    def capture() -> None:
        start.wait()
        answers.extend(
            caller.post(f"{order}/captures", {"captured_amount": 10}, key=f"k{index}") for index in range(20)
        )

    workers = [threading.Thread(target=capture) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert {response.status for response in answers} == {201}
    assert len({response.headers.get("Capture-Id") for response in answers}) == 20
    assert simulator.ledger(order)["captured"] == 200
