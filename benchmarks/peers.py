"""The double beside other mock servers: Prism and WireMock, each given one process, the same load and the same minutes.

    python -m benchmarks.peers [--packages DIR] [--warm-up 30] [--rounds 5] [--seconds 4]

The peers come from npm into a temporary directory that goes away (or from ``--packages``, a directory in which npm has
installed them before). Prism answers from the examples of our description (its static mode) and checks each request
against it. WireMock has no use for a description: it gets two stubs by hand, which look at credentials, path and, for
the capture, the amount, and write the order's id into the answer. Both keep no state, so they do less than the double.
WireMock runs twice: as it comes, keeping a journal of requests as the double does, and with the journal turned off.

Everything listens on 127.0.0.1. Rounds are interleaved; figures are medians, ratios medians of each round's own ratio.
A peer that cannot be installed or started is named as not measured.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks import serving
from benchmarks.load import CONNECTIONS, Load, client, drive
from benchmarks.process import HOST, cpu_seconds, free_port, running
from conformance.contract.document import read_document

PACKAGES = ("@stoplight/prism-cli@^5", "wiremock@^3")
OURS = ("socket", "granian")
TARGETS = {"Prism": 5.0, "WireMock": 1.5, "no journal": 1.5}
_INSTALL_S = 300


@dataclass(frozen=True, slots=True)
class Server:
    """A server under load: where it listens, and its process group."""

    name: str
    port: int
    group: int


def main() -> None:
    """Start everybody, warm them up, measure in turns and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packages", type=Path, metavar="DIR", help="where npm has installed the peers")
    parser.add_argument("--warm-up", type=int, default=30, metavar="S", help="seconds each, under each load [30]")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=4)
    chosen = parser.parse_args()
    print(f"load from {client()}, {CONNECTIONS} connections; {chosen.rounds} rounds of {chosen.seconds} s, medians")
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="peers-")))
        servers = [_ours(door, stack) for door in OURS if not serving.missing(door)]
        packages = chosen.packages or _install(place)
        for name, start in _PEERS.items():
            try:
                servers.append(start(name, packages, place, stack))
            except (OSError, RuntimeError) as reason:
                print(f"{name}: not measured: {reason}")
        for load in serving.loads():
            _measure(servers, load, chosen)


def _measure(servers: list[Server], load: Load, chosen: argparse.Namespace) -> None:
    able = []
    for server in servers:
        try:
            drive(server.port, load, chosen.warm_up)
            able.append(server)
        except RuntimeError as reason:
            print(f"{server.name} {load.name}: not measured: {reason}", flush=True)
    rates: dict[str, list[float]] = {server.name: [] for server in able}
    costs: dict[str, list[float]] = {server.name: [] for server in able}
    for _ in range(chosen.rounds):
        for server in able:
            before = cpu_seconds(server.group)
            rate = drive(server.port, load, chosen.seconds)
            rates[server.name].append(rate)
            costs[server.name].append((cpu_seconds(server.group) - before) / (rate * chosen.seconds) * 1e6)
    best = max((server.name for server in able if server.name in OURS), key=lambda name: statistics.median(rates[name]))
    for name, measured in rates.items():
        line = (
            f"{load.name:13s} {name:10s} {statistics.median(measured):8,.0f}/s {statistics.median(costs[name]):5.0f} us"
        )
        if name in TARGETS:
            ratio = statistics.median(mine / other for mine, other in zip(rates[best], measured, strict=True))
            by_cpu = statistics.median(costs[name]) / statistics.median(costs[best])
            held = "target met" if ratio >= TARGETS[name] else f"BELOW {TARGETS[name]:g}"
            line += f"   {best} door is {ratio:.1f} times as fast ({by_cpu:.1f} by CPU)  {held}"
        print(line, flush=True)


def _ours(door: str, stack: ExitStack) -> Server:
    port = free_port()
    return Server(door, port, stack.enter_context(running(serving.command(door, "simulator", port), port)))


def _install(place: Path) -> Path | None:
    """Let npm install the peers; None where it cannot."""
    if shutil.which("npm") is None:
        return None
    options = ["--no-audit", "--no-fund", "--loglevel", "error", "--prefix", str(place)]
    try:
        subprocess.run(
            ["npm", "install", *options, *PACKAGES], check=True, timeout=_INSTALL_S, stdin=subprocess.DEVNULL
        )
    except (subprocess.SubprocessError, OSError) as trouble:
        print(f"npm: {trouble}", file=sys.stderr)
        return None
    return place


def _program(packages: Path | None, name: str) -> str:
    if packages is None:
        raise RuntimeError("npm could not install it")
    program = packages / "node_modules" / ".bin" / name
    if not program.exists():
        raise RuntimeError(f"there is no {program}")
    return str(program)


def _prism(name: str, packages: Path | None, place: Path, stack: ExitStack) -> Server:
    description = place / "openapi.json"
    description.write_text(json.dumps(read_document("order-management.yaml").value), encoding="utf-8")
    port = free_port()
    command = [_program(packages, "prism"), "mock", str(description), "-h", HOST, "-p", str(port), "-v", "error"]
    return Server(name, port, stack.enter_context(running(command, port, start_s=60, directory=place)))


def _wiremock(name: str, packages: Path | None, place: Path, stack: ExitStack) -> Server:
    if shutil.which("java") is None:
        raise RuntimeError("there is no java")
    mappings = place / name / "mappings"
    mappings.mkdir(parents=True)
    for number, stub in enumerate(_stubs()):
        (mappings / f"{number}.json").write_text(json.dumps(stub), encoding="utf-8")
    port = free_port()
    command = [_program(packages, "wiremock"), "--port", str(port), "--bind-address", HOST]
    command += ["--root-dir", str(mappings.parent), "--disable-banner", *_WIREMOCK_OPTIONS[name]]
    return Server(name, port, stack.enter_context(running(command, port, start_s=60, directory=place)))


_PEERS = {"Prism": _prism, "WireMock": _wiremock, "no journal": _wiremock}
_WIREMOCK_OPTIONS: dict[str, list[str]] = {"WireMock": [], "no journal": ["--no-request-journal"]}


def _stubs() -> list[object]:
    """Write the double's own answers as stubs."""
    answers = serving.constant_answers()
    read, capture = serving.loads()
    credentials = {"Authorization": {"equalTo": read.headers["Authorization"]}}
    identity = serving.order_id(0)
    path = f"{serving.BASE}/[0-9a-f-]{{36}}"
    kept = {
        method: {
            name: value.replace(identity, "{{request.path.[3]}}")
            for name, value in answer.headers
            if name not in ("Date", "Transfer-Encoding", "Content-Length")
        }
        for method, answer in answers.items()
    }
    amount = {"matchesJsonPath": "$[?(@.captured_amount >= 0 && @.captured_amount <= 200000000)]"}
    return [
        {
            "request": {"method": "GET", "urlPathPattern": path, "headers": credentials},
            "response": {
                "status": 200,
                "headers": kept["GET"],
                "body": answers["GET"].body.decode().replace(identity, "{{request.path.[3]}}"),
                "transformers": ["response-template"],
            },
        },
        {
            "request": {
                "method": capture.method,
                "urlPathPattern": f"{path}/captures",
                "headers": credentials,
                "bodyPatterns": [amount],
            },
            "response": {"status": 201, "headers": kept["POST"], "transformers": ["response-template"]},
        },
    ]


if __name__ == "__main__":
    main()
