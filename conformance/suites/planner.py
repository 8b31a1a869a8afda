"""In which order the cases run where orders are scarce, and what that costs: rehearsed on the simulator beforehand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from conformance.contract.contract import Contract
from conformance.simulator.service import Simulator
from conformance.suites.bodies import ORDER
from conformance.suites.case import Case
from conformance.suites.pace import Pace
from conformance.suites.preparation import DEEP_STATES, STATES, OrderPool, keeps_state
from conformance.suites.run import ServerOptions, ServerRun
from conformance.suites.sandbox import PROBES, Sandbox, SandboxTarget
from conformance.suites.target import EmbeddedTarget
from conformance.suites.tidying import tidy
from conformance.verdict import Verdict

__all__ = ["Plan", "PlannedCase", "plan_server_run"]


@dataclass(frozen=True, slots=True)
class PlannedCase:
    """One case and its cost; ``why`` says why it cannot be measured, empty when it can."""

    id: str
    requests: int
    orders: int
    why: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """The cases in the order in which they run, with the cost of tidying up after them.

    ``given`` orders exist already; where their state is not known yet they are taken for fresh ones.
    """

    cases: tuple[PlannedCase, ...]
    tidying: int
    given: int
    rate: float
    budget: int | None = None

    @property
    def requests(self) -> int:
        """All requests, probing, making orders and tidying included."""
        return PROBES + sum(case.requests for case in self.cases) + self.tidying

    @property
    def orders(self) -> int:
        """Orders that have to be made."""
        return sum(case.orders for case in self.cases)

    @property
    def measured(self) -> int:
        """Cases that can be measured."""
        return sum(not case.why for case in self.cases)

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of the cases in order."""
        return tuple(case.id for case in self.cases)

    def lines(self, *, whole: bool = False) -> Iterator[str]:
        """Tell the plan: its cost, what cannot be measured, and with ``whole`` every case."""
        if whole:
            for case in self.cases:
                cost = (
                    f"{case.requests:>4} requests {case.orders:>2} orders"
                    if not case.why
                    else f"not measured: {case.why}"
                )
                yield f"  {case.id}  {cost}"
        missing = len(self.cases) - self.measured
        yield (
            f"plan: {self.measured} cases with {self.orders} new and {self.given} given orders in {self.requests} "
            f"requests, at least {self.requests / self.rate:.0f} s at {self.rate:g} a second"
        )
        if missing:
            yield f"plan: {missing} cases cannot be measured without a control interface or more orders"
        if self.budget is not None and self.requests > self.budget:
            yield f"plan: the budget of {self.budget} requests ends before the last case"


def plan_server_run(options: ServerOptions, contract: Contract) -> Plan:
    """Put the cases into an order in which few orders serve many of them, and play them to the simulator.

    Sends nothing to the target. A correct server costs what the plan says; one that has to be asked again costs more.
    """
    sandbox = options.sandbox or Sandbox()
    makes = bool(sandbox.customer_token or sandbox.order_hook)
    with ServerRun(replace(options, base_url=None, sandbox=None, order_ids=()), contract) as run:
        cases = run.cases()
    return _rehearsed(_in_order(cases, contract), options, contract, len(options.order_ids), makes, sandbox)


def _in_order(cases: Sequence[Case], contract: Contract) -> list[Case]:
    """Sort by state, as an order goes through them, and within each first what leaves an order in its state.

    So the orders that one state is done with serve the next, and none is captured before all has been asked of it.
    """
    ranks = {name: rank for rank, name in enumerate([*STATES, *DEEP_STATES])}

    def place(case: Case) -> tuple[int, bool, bool]:
        moves = case.consumes and not (case.operation and keeps_state(contract, case.operation))
        return ranks.get(case.state, 0), moves, case.operation == "cancelOrder"

    return sorted(cases, key=place)


@dataclass(slots=True)
class _Rehearsed:
    """A source of orders on the simulator that counts them."""

    simulator: Simulator
    made: list[str] = field(default_factory=list)

    def create(self) -> str:
        """Make an order like those that a customer token makes."""
        self.made.append(self.simulator.create_order(ORDER))
        return self.made[-1]


class _Unaided(EmbeddedTarget):
    """A simulator that offers no more than a sandbox does."""

    def __init__(self, simulator: Simulator) -> None:
        super().__init__(simulator)
        self.control = None
        self.other = None


def _rehearsed(
    cases: Sequence[Case], options: ServerOptions, contract: Contract, given: int, makes: bool, sandbox: Sandbox
) -> Plan:
    simulator = Simulator(contract, seed=options.seed)
    stage = _Rehearsed(simulator)
    ids = [simulator.create_order(ORDER) for _ in range(given)]
    target = SandboxTarget(_Unaided(simulator), _still())
    planned: list[PlannedCase] = []
    with ServerRun(replace(options, base_url=None, sandbox=None, order_ids=()), contract, lambda _: target) as run:
        run.pool = OrderPool(ids, stage if makes else None)
        run.pool.stage = target
        for case in cases:
            sent, made = target.sent, len(stage.made)
            result = run.play(case).result
            why = result.why if result.verdict is Verdict.NOT_MEASURED else ""
            orders = len(stage.made) - made
            # On a sandbox, making an order is a request too.
            planned.append(PlannedCase(case.id, target.sent - sent + orders, orders, why))
        sent = target.sent
        tidy(target.send, target.credentials.authorization, stage.made)
    return Plan(tuple(planned), target.sent - sent, given, sandbox.rate, sandbox.budget)


def _still() -> Pace:
    """A pace that never waits."""
    return Pace(rate=1e9, burst=1_000_000_000, pause=0.0, clock=lambda: 0.0, sleep=lambda _: None)
