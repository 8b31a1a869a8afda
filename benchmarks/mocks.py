"""Prints what a mock costs: its set-up, and a request through it."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import httpx

from conformance.mocks import mount, serve_mock

_REPEATS = 200
_LIMIT_MS = 5.0


def _median_ms(work: Callable[[], object], repeats: int = _REPEATS) -> float:
    work()
    spent = []
    for _ in range(repeats):
        begun = time.perf_counter()
        work()
        spent.append(time.perf_counter() - begun)
    return statistics.median(spent) * 1_000


def _mounted() -> None:
    mount().unmount()


def _served() -> None:
    serve_mock().unmount()


def main() -> None:
    """Measure and print, one line each."""
    mounted = _median_ms(_mounted)
    held = "within" if mounted < _LIMIT_MS else "ABOVE"
    print(f"mount and unmount         {mounted:7.3f} ms   ({held} {_LIMIT_MS} ms)")
    print(f"serve and close           {_median_ms(_served, 20):7.3f} ms")
    with mount() as klarna, httpx.Client(base_url=klarna.base_url, auth=klarna.auth) as client:
        target = f"/ordermanagement/v1/orders/{klarna.order().id}"
        print(f"read through httpx        {_median_ms(lambda: client.get(target)):7.3f} ms")
        klarna.orders.get.fails("NO_SUCH_ORDER")
        print(f"refusal through httpx     {_median_ms(lambda: client.get(target)):7.3f} ms")


if __name__ == "__main__":
    main()
