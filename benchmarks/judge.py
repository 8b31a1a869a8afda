"""How many exchanges a CPU second the judge takes in, and what loading the contract costs.

    python -m benchmarks.judge

The exchanges are one order's life on the simulator, so every kind of check has work to do. What is timed is
judging alone; each round starts with a judge that knows nothing.
"""

from __future__ import annotations

import base64
import json
import statistics
import time
from collections.abc import Iterator
from typing import Any

from conformance.contract.contract import load_contract
from conformance.exchange import Exchange, Headers, Request
from conformance.judge.judge import Judge
from conformance.simulator.merchant import DEFAULT_MERCHANTS
from conformance.simulator.service import Simulator

ROUNDS = 7
SECONDS_A_ROUND = 1.0
BASE = "/ordermanagement/v1/orders"


def life(simulator: Simulator) -> Iterator[Exchange]:
    """Play one order from its first read to its last refund, with refusals and replays on the way."""
    merchant = DEFAULT_MERCHANTS[0]
    pair = base64.b64encode(f"{merchant.username}:{merchant.password}".encode()).decode()
    order = simulator.create_order({"order_amount": 10_000})

    def ask(method: str, path: str = "", body: Any = None, key: str = "") -> Exchange:
        headers = {"Authorization": f"Basic {pair}", "Content-Type": "application/json"}
        if key:
            headers["Klarna-Idempotency-Key"] = key
        content = b"" if body is None else json.dumps(body).encode()
        request = Request(method, f"{BASE}/{order}{path}", Headers(headers), content)
        return Exchange(request, simulator.handle(request))

    yield ask("GET")
    yield ask("POST", "/captures", {"captured_amount": 10_001})
    yield ask("POST", "/captures", {})
    yield ask("GET")
    for number in range(3):
        body = {"captured_amount": 1_000, "description": "päckchen", "shipping_info": [{"tracking_number": "1Z"}]}
        yield ask("POST", "/captures", body, key=f"capture-{number}")
        yield ask("POST", "/captures", body, key=f"capture-{number}")
        yield ask("GET")
    yield ask("GET", "/captures")
    yield ask("PATCH", "/merchant-references", {"merchant_reference2": "neu"}, key="references")
    yield ask("GET")
    yield ask("POST", "/release-remaining-authorization", key="release")
    yield ask("POST", "/captures", {"captured_amount": 1}, key="late")
    yield ask("POST", "/refunds", {"refunded_amount": 500, "order_lines": []}, key="refund")
    yield ask("GET")
    yield ask("POST", "/cancel")


def main() -> None:
    """Print the median over the rounds."""
    started = time.process_time()
    contract = load_contract()
    loading = time.process_time() - started
    exchanges = list(life(Simulator(contract, seed=1)))
    found = [finding for exchange, judge in _fresh(contract, exchanges) for finding in judge.feed(exchange).findings]
    if found:
        raise SystemExit(f"the conversation is not clean: {found[0].code} {found[0].message}")
    rates = []
    for _ in range(ROUNDS):
        fed, started = 0, time.process_time()
        while time.process_time() - started < SECONDS_A_ROUND:
            for exchange, judge in _fresh(contract, exchanges):
                judge.feed(exchange)
            fed += len(exchanges)
        rates.append(fed / (time.process_time() - started))
    print(f"contract loaded in {loading * 1000:.0f} ms CPU")
    print(f"judged exchanges per CPU second: median {statistics.median(rates):,.0f} of {ROUNDS} rounds")
    print(f"  lowest {min(rates):,.0f}, highest {max(rates):,.0f}; {len(exchanges)} exchanges a life")


def _fresh(contract: Any, exchanges: list[Exchange]) -> Iterator[tuple[Exchange, Judge]]:
    judge = Judge(contract)
    for exchange in exchanges:
        yield exchange, judge


if __name__ == "__main__":
    main()
