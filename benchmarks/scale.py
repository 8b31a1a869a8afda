"""Whether size costs: a capture and a read in an empty double, beside 1,000 captures and a store of 1,000,000 orders.

    python -m benchmarks.scale [--orders 1000000] [--captures 1000]

By plain call, in microseconds of CPU: medians over rounds that take the three in turns, and their ratios to the empty
one. The capture is followed by nothing; the read after a capture writes the order anew, so it is measured apart, and
only a read that finds nothing new may be as cheap as on an order without captures.
"""

from __future__ import annotations

import argparse
import gc
import itertools
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks import serving
from conformance.contract.contract import load_contract
from conformance.exchange import Headers, Request
from conformance.simulator.service import Simulator

ROUNDS = 30
CALLS = 100
MOST = 2.0
# Few enough captures that the order which has none keeps next to none.
FRESH = ROUNDS * CALLS


def main() -> None:
    """Prepare the three, measure in turns and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orders", type=int, default=1_000_000)
    parser.add_argument("--captures", type=int, default=1_000)
    chosen = parser.parse_args()
    contract = load_contract()

    empty, long, full = (Simulator(contract, seed=1) for _ in range(3))
    begun = time.perf_counter()
    for _ in range(chosen.orders):
        full.create_order({"order_amount": 1_000})
    print(f"{chosen.orders:,} orders made in {time.perf_counter() - begun:.0f} s, {_resident():,.0f} MiB in all")
    doubles = {"empty": empty, f"{chosen.captures:,} captures": long, f"{chosen.orders:,} orders": full}
    read, capture = serving.loads()
    for double in doubles.values():
        for number in range(FRESH):
            double.create_order({"order_id": serving.order_id(number), "order_amount": 200_000_000})
    crowded = Request("POST", capture.targets[0], Headers(capture.headers), capture.body)
    for _ in range(chosen.captures):
        if long.handle(crowded).status != 201:
            raise RuntimeError("a capture was refused")
    gc.collect()
    gc.freeze()

    def each_fresh() -> Iterator[Request]:
        headers = Headers(capture.headers)
        paths = (f"{serving.BASE}/{serving.order_id(number)}/captures" for number in itertools.count())
        return (Request("POST", path, headers, capture.body) for path in paths)

    captures: dict[str, Iterator[Request]] = {
        name: itertools.repeat(crowded) if double is long else each_fresh() for name, double in doubles.items()
    }
    again = Request("GET", read.targets[0], Headers(read.headers))
    reads: dict[str, Iterator[Request]] = {name: itertools.repeat(again) for name in doubles}
    for what, requests in (("capture", captures), ("read of what is known", reads)):
        spent = _spent({name: _caller(double, requests[name]) for name, double in doubles.items()})
        least = spent["empty"]
        for name, cost in spent.items():
            held = "" if name == "empty" else f"  {cost / least:.2f} times"
            held += "" if cost <= MOST * least else f"  ABOVE {MOST:g}"
            print(f"{what:22s} {name:20s} {cost:7.1f} us{held}")


def _caller(double: Simulator, requests: Iterator[Request]) -> Callable[[], None]:
    def call() -> None:
        if double.handle(next(requests)).status not in (200, 201):
            raise RuntimeError("a request was refused")

    return call


def _spent(callers: dict[str, Callable[[], None]]) -> dict[str, float]:
    spent: dict[str, list[float]] = {name: [] for name in callers}
    for _ in range(ROUNDS):
        for name, call in callers.items():
            begun = time.process_time()
            for _ in range(CALLS):
                call()
            spent[name].append((time.process_time() - begun) / CALLS * 1e6)
    return {name: statistics.median(each) for name, each in spent.items()}


def _resident() -> float:
    """Return the memory of this process in MiB, 0.0 where nobody tells."""
    try:
        with Path("/proc/self/statm").open(encoding="ascii") as file:
            return int(file.read().split()[1]) * 4_096 / 2**20
    except OSError:
        return 0.0


if __name__ == "__main__":
    main()
