"""Stock Schemathesis against one server with a fault in it, as generously configured as we know how.

    python -m benchmarks.stock FAULT        one run; "none" for the server without a fault

It gets the same description as the suite, every phase and check, credentials, and real ids: the examples of the
description name an order that is captured in part, and dictionaries hold 200 orders in four states whose captures and
refunds go by two ids, so that every combination exists. What a correct server is known to be accused of is switched
off as docs/schemathesis.md says, and every request gets a key of its own where it gets one at all.
"""

from __future__ import annotations

import json
import re
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.process import HOST, cpu_seconds, free_port, running
from conformance.contract.contract import load_contract
from conformance.contract.document import read_document
from conformance.simulator.demo import PART_CAPTURED_CAPTURE_ID, PART_CAPTURED_REFUND_ID
from conformance.simulator.faults.faulty_simulator import FaultySimulator
from conformance.simulator.faults.zoo import fault_named
from conformance.simulator.merchant import DEFAULT_MERCHANTS
from conformance.simulator.service import Simulator
from conformance.simulator.socket_door import run_server

ORDERS = 200
KEYS = 4_000
# How many times its budget a run may take by the clock.
_PATIENCE = 10
_PART = {
    "captures": [{"capture_id": PART_CAPTURED_CAPTURE_ID, "captured_amount": 4_000}],
    "refunds": [{"refund_id": PART_CAPTURED_REFUND_ID, "refunded_amount": 1_000}],
}
_KINDS: tuple[dict[str, Any], ...] = (
    {"status": "AUTHORIZED"},
    {"status": "PART_CAPTURED", **_PART},
    {"status": "AUTHORIZED"},
    {"status": "PART_CAPTURED", **_PART, "released": True},
)
# Of the orders, those that a path with a capture or refund in it can be about.
_WITH_PARTS = tuple(number for number in range(ORDERS) if "captures" in _KINDS[number % len(_KINDS)])
_CONFIG = """
[dictionaries.orders]
values = {orders}
[dictionaries.orders_with_parts]
values = {orders_with_parts}
[dictionaries.captures]
values = ["{capture}"]
[dictionaries.refunds]
values = ["{refund}"]
[dictionaries.amounts]
values = [1, 400, 1000, 5999, 6000, 6001, 9999, 10000, 10001]
[dictionaries.keys]
values = {keys}
[parameters]
"header.Klarna-Idempotency-Key" = {{ dictionary = "keys", probability = 1.0 }}
"path.order_id" = {{ dictionary = "orders", probability = 0.95 }}
"path.capture_id" = {{ dictionary = "captures", probability = 0.9 }}
"path.refund_id" = {{ dictionary = "refunds", probability = 0.9 }}
"body.captured_amount" = {{ dictionary = "amounts", probability = 0.6 }}
"body.refunded_amount" = {{ dictionary = "amounts", probability = 0.6 }}
"body.order_amount" = {{ dictionary = "amounts", probability = 0.6 }}
[[operations]]
include-operation-id = ["updateConsumerDetails"]
checks.positive_data_acceptance.expected-statuses = ["2xx", "401", "403", "404", "409", "422", "429", "5xx"]
[[operations]]
include-operation-id = {with_parts}
parameters."path.order_id" = {{ dictionary = "orders_with_parts", probability = 0.95 }}
"""


@dataclass(frozen=True, slots=True)
class StockRun:
    """What one run came to; ``seconds`` is until it ended, at its first failure if there was one."""

    killed: bool
    seconds: float
    cpu_s: float
    cases: int
    codes: tuple[str, ...]
    cut_short: bool


def order_id(number: int) -> str:
    """Name an order of the dictionary."""
    return f"00000000-0000-4000-9000-{number:012d}"


def run(fault: str, *, seed: int, examples: int, budget_s: float, behaviour: str = "documented") -> StockRun:
    """Run Schemathesis against a fresh server; a run without a failure ends after ``budget_s`` of its CPU time."""
    contract = load_contract()
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        (place / "openapi.json").write_text(json.dumps(_description()), encoding="utf-8")
        (place / "schemathesis.toml").write_text(_config(contract), encoding="utf-8")
        port = free_port()
        first = DEFAULT_MERCHANTS[0]
        with running([sys.executable, "-m", "benchmarks.stock", "--serve", fault, behaviour, str(port)], port):
            report = place / "report.json"
            command = [sys.executable, "-m", "schemathesis.cli", "--config-file", "schemathesis.toml"]
            command += ["run", "openapi.json", "--url", f"http://{HOST}:{port}", "--checks", "all", "--no-color"]
            command += ["--auth", f"{first.username}:{first.password}", "--max-failures", "1", "--no-shrink"]
            command += ["-n", str(examples), "--seed", str(seed), "--warnings", "off", "--request-timeout", "5"]
            command += ["--report", "json", "--report-json-path", str(report)]
            begun, cpu = time.perf_counter(), cpu_of_children()
            cut_short = False
            with (place / "output.txt").open("wb") as output:
                process = subprocess.Popen(
                    command,
                    cwd=place,
                    stdout=output,
                    stderr=output,
                    stdin=subprocess.DEVNULL,
                    start_new_session=True,
                )
                try:
                    while (status := process.poll()) is None:
                        # A share of a busy machine buys little in a minute, so it is processor time that counts.
                        if cpu_seconds(process.pid) > budget_s or time.perf_counter() - begun > _PATIENCE * budget_s:
                            cut_short, status = True, 0
                            break
                        time.sleep(0.2)
                finally:
                    process.kill()
                    process.wait()
            seconds, cpu = time.perf_counter() - begun, cpu_of_children() - cpu
            told = (place / "output.txt").read_text("utf-8", "replace")
            if status not in (0, 1):
                raise RuntimeError(f"Schemathesis could not run against {fault}: {told[-500:]}")
            codes, cases = _told(report, told)
            return StockRun(status == 1, seconds, cpu, cases, codes, cut_short)


def cpu_of_children() -> float:
    """Return the processor time of the children that have ended: between two looks, that of Schemathesis alone."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _told(report: Path, output: str) -> tuple[tuple[str, ...], int]:
    found = re.search(r"(\d+) generated", output)
    codes = tuple(sorted(set(re.findall(r"\bST\d{3}\b", output)))) if report.exists() else ()
    return codes, int(found[1]) if found else 0


def _description() -> Any:
    return read_document("order-management.yaml").value


def _config(contract: Any) -> str:
    with_parts = [operation.id for operation in contract.operations if len(operation.parameters) > 1]
    return _CONFIG.format(
        orders=json.dumps([order_id(number) for number in range(ORDERS)]),
        orders_with_parts=json.dumps([order_id(number) for number in _WITH_PARTS]),
        capture=PART_CAPTURED_CAPTURE_ID,
        refund=PART_CAPTURED_REFUND_ID,
        with_parts=json.dumps(with_parts),
        # A key that comes twice gets its first answer again whatever the body, which a fuzzer takes for acceptance.
        keys=json.dumps([f"key-{number:05d}" for number in range(KEYS)]),
    )


def _serve(fault: str, behaviour: str, port: int) -> None:
    contract = load_contract()
    if fault == "none":
        simulator = Simulator(contract, seed=1, behaviour=behaviour)
    else:
        # A door answers one request after the other, so a race needs no hesitation to be lost or won.
        simulator = FaultySimulator(contract, fault_named(fault, contract), seed=1, behaviour=behaviour)
    for number in range(ORDERS):
        simulator.create_order({"order_id": order_id(number), "order_amount": 10_000, **_KINDS[number % len(_KINDS)]})
    run_server(simulator, HOST, port, 0, lambda *_: None)


def main() -> None:
    """Serve for a run of ours, or run once for whoever asks."""
    if sys.argv[1:2] == ["--serve"]:
        _, _, fault, behaviour, port = sys.argv
        _serve(fault, behaviour, int(port))
    else:
        print(run(sys.argv[1], seed=1, examples=30, budget_s=60.0))


if __name__ == "__main__":
    main()
