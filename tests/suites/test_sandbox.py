from __future__ import annotations

import pytest

from conformance.contract.contract import load_contract
from conformance.exchange import Exchange, Headers, Request, Response
from conformance.simulator.service import Simulator
from conformance.suites.pace import Pace
from conformance.suites.planner import plan_server_run
from conformance.suites.run import ServerOptions
from conformance.suites.sandbox import Sandbox, SandboxTarget
from conformance.suites.stops import NotMeasuredError
from conformance.suites.target import EmbeddedTarget

READ = Request("GET", "/x")
WRITE = Request("POST", "/x")
KEYED = Request("POST", "/x", Headers([("Klarna-Idempotency-Key", "k")]))
FINE, LOST, DOWN = Response(200), None, Response(503)


class Scripted(EmbeddedTarget):
    def __init__(self, *answers: Response | None) -> None:
        super().__init__(Simulator(load_contract()))
        self.answers = list(answers)

    def send(self, request: Request) -> Exchange:
        answer = self.answers.pop(0)
        return Exchange(request, answer, "" if answer else "connection closed without an answer")


def shared(*answers: Response | None, budget: int | None = None) -> SandboxTarget:
    pace = Pace(clock=lambda: 0.0, sleep=lambda _: None)
    return SandboxTarget(Scripted(*answers), pace, budget)


@pytest.mark.parametrize("request_", [READ, KEYED], ids=["read", "keyed"])
def test_a_lost_answer_is_asked_for_again(request_: Request) -> None:
    target = shared(LOST, LOST, FINE)
    assert target.send(request_).response is FINE
    assert target.sent == 3


def test_an_answer_that_is_always_lost_comes_back_as_lost() -> None:
    assert shared(LOST, LOST, LOST).send(READ).response is None


@pytest.mark.parametrize("answer", [LOST, DOWN])
def test_a_write_without_a_key_is_never_repeated(answer: Response | None) -> None:
    target = shared(answer, FINE)
    with pytest.raises(NotMeasuredError, match="must not be repeated without a key"):
        target.send(WRITE)
    assert target.sent == 1


def test_a_failure_is_left_to_the_conversation() -> None:
    target = shared(DOWN, FINE)
    assert target.send(KEYED).response is DOWN
    assert target.sent == 1


def test_a_budget_is_never_exceeded_and_keeps_something_back() -> None:
    target = shared(FINE, FINE, FINE, FINE, budget=4)
    target.reserved = lambda: 2
    target.send(READ)
    target.send(READ)
    with pytest.raises(NotMeasuredError, match="budget of 4 requests is spent"):
        target.send(READ)
    with pytest.raises(NotMeasuredError, match="budget"):
        target.send_together([READ, READ])
    target.send_tidying(READ)
    target.send_tidying(READ)
    with pytest.raises(NotMeasuredError):
        target.send_tidying(READ)
    assert target.sent == 4


def test_requests_at_one_moment_are_counted_each() -> None:
    simulator = Simulator(load_contract())
    target = SandboxTarget(EmbeddedTarget(simulator), Pace(clock=lambda: 0.0, sleep=lambda _: None))
    assert len(target.send_together([READ, READ, READ])) == 3
    assert target.sent == 3
    target.close()


def options(**changes: object) -> ServerOptions:
    fields: dict[str, object] = {"base_url": "https://127.0.0.1:1", "profile": "quick", "cases": ("captureOrder/*",)}
    return ServerOptions(**fields | changes)  # type: ignore[arg-type]  # fields of several types


def test_a_plan_with_a_token_measures_more_than_one_with_an_order() -> None:
    contract = load_contract()
    with_token = plan_server_run(options(sandbox=Sandbox(customer_token="t")), contract)
    with_order = plan_server_run(options(order_ids=("one",)), contract)
    with_nothing = plan_server_run(options(), contract)
    assert with_token.measured > with_order.measured > with_nothing.measured
    assert with_token.orders > 1
    assert (with_order.orders, with_order.given) == (0, 1)
    assert set(with_token.ids) == set(with_order.ids)
    assert with_token.tidying > 0 == with_order.tidying


def test_few_orders_serve_many_cases() -> None:
    plan = plan_server_run(options(sandbox=Sandbox(customer_token="t"), cases=()), load_contract())
    assert plan.measured > 3 * plan.orders
    states = [case_id.split("/")[1] for case_id in plan.ids]
    assert states.index("fresh") < states.index("part_captured") < states.index("cancelled")


def test_a_plan_tells_what_it_costs() -> None:
    plan = plan_server_run(
        options(sandbox=Sandbox(customer_token="t", budget=5), cases=("captureOrder/fresh/valid", "*/expired/valid")),
        load_contract(),
    )
    told = "\n".join(plan.lines(whole=True))
    assert "captureOrder/fresh/valid" in told
    assert "not measured: no order in state expired was given" in told
    assert "plan: 1 cases with 1 new and 0 given orders" in told
    assert "the budget of 5 requests ends" in told
    assert "cannot be measured without a control interface" in told
    assert len(list(plan.lines())) == 3
