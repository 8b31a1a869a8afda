"""Requests a second through each door of the double, beside a constant answer on the same server in the same run.

    python -m benchmarks.doors [--rounds 5] [--seconds 3] [--door socket ...]

Each server is a process with one worker. Rounds are interleaved, so that whatever else the machine does hits all alike;
the figures are medians of the rounds, the ratio is the median of each round's own ratio. The plain call has no server:
its constant answer is a handler that does nothing, so only its rate is printed.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import time
from contextlib import ExitStack

from benchmarks import serving
from benchmarks.load import CONNECTIONS, Load, client, drive
from benchmarks.process import cpu_seconds, free_port, running
from conformance.exchange import Headers, Request

WARM_UP_S = 2
TARGET = 0.70


def plain_call(load: Load, seconds: float) -> float:
    """Return the calls a CPU second of the double itself."""
    double = serving.simulator()
    requests = itertools.cycle(
        [Request(load.method, target, Headers(load.headers), load.body) for target in load.targets]
    )
    done, begun = 0, time.process_time()
    while time.process_time() - begun < seconds:
        for request in itertools.islice(requests, 200):
            if double.handle(request).status not in (200, 201):
                raise RuntimeError(f"{load.name} was refused")
        done += 200
    return done / (time.process_time() - begun)


def measure(door: str, load: Load, rounds: int, seconds: float) -> None:
    """Print one door under one load."""
    rates: dict[str, list[float]] = {content: [] for content in serving.CONTENTS}
    costs: dict[str, list[float]] = {content: [] for content in serving.CONTENTS}
    with ExitStack() as stack:
        servers = {}
        for content in serving.CONTENTS:
            port = free_port()
            servers[content] = port, stack.enter_context(running(serving.command(door, content, port), port))
            drive(port, load, WARM_UP_S)
        for _ in range(rounds):
            for content, (port, group) in servers.items():
                before = cpu_seconds(group)
                rate = drive(port, load, seconds)
                rates[content].append(rate)
                costs[content].append((cpu_seconds(group) - before) / (rate * seconds) * 1e6)
    ratios = [mine / ceiling for mine, ceiling in zip(rates["simulator"], rates["constant"], strict=True)]
    cpu_ratio = statistics.median(costs["constant"]) / statistics.median(costs["simulator"])
    figures = "  ".join(
        f"{content} {statistics.median(rates[content]):8,.0f}/s {statistics.median(costs[content]):4.0f} us CPU"
        for content in serving.CONTENTS
    )
    ratio = statistics.median(ratios)
    held = "" if load.method != "GET" else "  target met" if ratio >= TARGET else f"  BELOW {TARGET:.0%}"
    print(f"{door:8s} {load.name:13s} {figures}  ratio {ratio:4.0%} (by CPU {cpu_ratio:4.0%}){held}", flush=True)


def main() -> None:
    """Measure what is installed, and name what is not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--door", action="append", choices=serving.DOORS)
    chosen = parser.parse_args()
    print(f"load from {client()}, {CONNECTIONS} connections; {chosen.rounds} rounds of {chosen.seconds} s, medians")
    print(f"event loop of the socket door: {serving.event_loop()}")
    for name, answer in serving.constant_answers().items():
        print(f"{name} is answered with {answer.status} and {len(answer.body)} bytes of body")
    for load in serving.loads():
        calls = statistics.median(plain_call(load, 1.0) for _ in range(chosen.rounds))
        print(f"{'call':8s} {load.name:13s} simulator {calls:8,.0f} a CPU second", flush=True)
    for door in chosen.door or serving.DOORS:
        reason = serving.missing(door)
        if reason:
            print(f"{door:8s} not measured: {reason}")
            continue
        for load in serving.loads():
            measure(door, load, chosen.rounds, chosen.seconds)


if __name__ == "__main__":
    main()
