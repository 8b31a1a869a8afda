from __future__ import annotations

import pytest

from conformance.contract.contract import Contract
from conformance.simulator.control_error import ControlError
from conformance.simulator.demo import AUTHORIZED_ORDER_ID
from conformance.simulator.merchant import DEFAULT_MERCHANTS
from conformance.simulator.service import Simulator
from tests.simulator.caller import Caller, code

NAMES = ("X-Ratelimit-Limit", "X-Ratelimit-Remaining", "X-Ratelimit-Reset")


def told(caller: Caller) -> tuple[int, list[str | None]]:
    response = caller.get(AUTHORIZED_ORDER_ID)
    return response.status, [response.headers.get(name) for name in NAMES]


def test_it_is_off_unless_asked_for(caller: Caller) -> None:
    assert {told(caller)[0] for _ in range(300)} == {200}
    assert told(caller)[1] == [None, None, None]


def test_the_quota_holds_for_a_second(contract: Contract) -> None:
    caller = Caller(Simulator(contract, rate_limit=2))
    assert told(caller) == (200, ["2, 2;w=1", "1", "1"])
    assert told(caller) == (200, ["2, 2;w=1", "0", "1"])
    assert told(caller) == (429, ["2, 2;w=1", "0", "1"])
    assert code(caller.post(f"{AUTHORIZED_ORDER_ID}/cancel")) == (429, "TOO_MANY_REQUESTS")
    caller.simulator.advance(1)
    assert caller.order(AUTHORIZED_ORDER_ID)["status"] == "AUTHORIZED"


def test_merchants_have_quotas_of_their_own(contract: Contract) -> None:
    simulator = Simulator(contract, rate_limit=1)
    first, second = (Caller(simulator, merchant) for merchant in DEFAULT_MERCHANTS)
    assert [first.get(AUTHORIZED_ORDER_ID).status for _ in range(2)] == [200, 429]
    assert second.get(AUTHORIZED_ORDER_ID).status == 404
    assert first.send("GET", AUTHORIZED_ORDER_ID, headers={"Authorization": "Basic x"}).status == 401


def test_recordings_show_no_such_headers(contract: Contract) -> None:
    caller = Caller(Simulator(contract, rate_limit=1, behaviour="observed"))
    assert told(caller) == (200, [None, None, None])
    assert told(caller) == (429, [None, None, None])


def test_a_quota_of_nothing_is_refused(contract: Contract) -> None:
    with pytest.raises(ControlError, match="rate_limit"):
        Simulator(contract, rate_limit=0)
