"""What a run costs: the profiles in process and over a socket, beside stock Schemathesis on the same description.

    python -m benchmarks.speed [--rounds 3] [--profile quick --profile default] [--no-stock]

Each run is a program of its own, started, played and ended, as a user or CI would do it; CPU seconds are those of the
program, without the server's where there is one. Judged exchanges a second are by the clock, start-up included, for
both. Rounds are interleaved and the figures medians. Each finds its modules compiled, as what pip installed is: first
runs, not measured, see to that in a directory that goes away. Schemathesis runs against a simulator that is right, with
the configuration of the kill table.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks import stock
from benchmarks.process import HOST, free_port, running
from conformance.simulator.merchant import DEFAULT_MERCHANTS

ROOT = Path(__file__).resolve().parent.parent
# CPU seconds: in process, and over a socket.
MOST = {("quick", "in process"): 3.0, ("default", "in process"): 20.0}
MOST |= {("quick", "socket"): 6.0, ("default", "socket"): 40.0}
FACTOR = 20.0
EXAMPLES = 30


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run took: seconds by the clock and of the processor, and the exchanges that were judged."""

    seconds: float
    cpu_s: float
    exchanges: int


def main() -> None:
    """Run in turns, then print each line with the limit that it has to keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--profile", action="append", choices=("quick", "default", "deep"))
    parser.add_argument("--no-stock", action="store_true", help="leave Schemathesis out")
    chosen = parser.parse_args()
    profiles = chosen.profile or ("quick", "default")
    costs: dict[tuple[str, str], list[Cost]] = {}
    with tempfile.TemporaryDirectory(prefix="compiled-") as compiled:
        os.environ |= {"PYTHONPYCACHEPREFIX": compiled, "PYTHONDONTWRITEBYTECODE": ""}
        for profile in profiles:
            ours(profile, 1)
        if not chosen.no_stock:
            stock.run("none", seed=1, examples=EXAMPLES, budget_s=600.0)
        for number in range(1, chosen.rounds + 1):
            for profile in profiles:
                costs.setdefault((profile, "in process"), []).append(ours(profile, number))
                costs.setdefault((profile, "socket"), []).append(over_socket(profile, number))
            if not chosen.no_stock:
                came = stock.run("none", seed=number, examples=EXAMPLES, budget_s=600.0)
                costs.setdefault(("stock", "socket"), []).append(Cost(came.seconds, came.cpu_s, came.cases))
    rates = {}
    for (profile, way), each in costs.items():
        cpu = statistics.median(cost.cpu_s for cost in each)
        rates[profile, way] = statistics.median(cost.exchanges / cost.seconds for cost in each)
        most = MOST.get((profile, way))
        held = "" if most is None else "  target met" if cpu <= most else f"  ABOVE {most:g} s"
        line = f"{profile:8s} {way:11s} {cpu:6.1f} CPU s  {statistics.median(c.seconds for c in each):6.1f} s"
        print(f"{line}  {each[-1].exchanges:7,d} exchanges  {rates[profile, way]:7,.0f}/s{held}")
    theirs = rates.get(("stock", "socket"))
    for (profile, way), rate in rates.items():
        if theirs is not None and profile == "default" and way == "in process":
            held = "target met" if rate >= FACTOR * theirs else f"BELOW {FACTOR:g}"
            print(f"{profile} {way}: {rate / theirs:.1f} times the exchanges a second of stock Schemathesis  {held}")


def ours(profile: str, seed: int, *options: str) -> Cost:
    """Run the command, which must find nothing."""
    with tempfile.TemporaryDirectory() as directory:
        report = Path(directory) / "report.json"
        command = [sys.executable, "-m", "conformance", "test-server", "--profile", profile, "--seed", str(seed)]
        before, begun = stock.cpu_of_children(), time.perf_counter()
        done = subprocess.run(
            [*command, *options, "--json", str(report)], cwd=ROOT, capture_output=True, text=True, check=False
        )
        seconds, cpu = time.perf_counter() - begun, stock.cpu_of_children() - before
        if done.returncode != 0:
            raise RuntimeError(f"the {profile} profile ended with {done.returncode}: {done.stdout[-500:]}")
        cases = json.loads(report.read_text(encoding="utf-8"))["cases"]
    return Cost(seconds, cpu, sum(case["exchanges"] for case in cases))


def over_socket(profile: str, seed: int) -> Cost:
    """Run the command against a simulator in a process of its own, whose processor time is not counted."""
    port, control = free_port(), free_port()
    first = DEFAULT_MERCHANTS[0]
    serve = [sys.executable, "-m", "conformance", "serve", "--port", str(port), "--control-port", str(control)]
    with ExitStack() as stack:
        stack.enter_context(running(serve, port))
        return ours(
            profile,
            seed,
            "--base-url",
            f"http://{HOST}:{port}",
            "--control-url",
            f"http://{HOST}:{control}",
            "--username",
            first.username,
            "--password",
            first.password,
        )


if __name__ == "__main__":
    main()
