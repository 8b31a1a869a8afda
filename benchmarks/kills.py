"""The kill table: every fault of the zoo against the three profiles and against stock Schemathesis.

    python -m benchmarks.kills                       all faults, our profiles; what is on file is not run again
    python -m benchmarks.kills --stock 120           also stock Schemathesis, against 120 faults spread over the classes
    python -m benchmarks.kills --stock all           ... against every fault (an hour or two)
    python -m benchmarks.kills --sample 40           a quick look: 40 faults spread over the classes
    python -m benchmarks.kills --clean 20            false alarms: seeds 1 to 20, both behaviours

Each run is one fault, one tool, one seed, on the embedded simulator for our profiles and on a server on loopback for
Schemathesis, which has no other way. A run ends at its first finding, so the time that is told is the time to it, from
a start with everything imported for ours, and with the start of the program for Schemathesis; what our start costs is
measured apart. Results go to ``--results`` line by line, with a fingerprint of the code they were measured on; a later
call goes on where an earlier one stopped, and ignores lines of other code. ``--write`` writes docs/kill-table.md and
the table between the markers of README.md from what is on file.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import hashlib
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from benchmarks import stock
from benchmarks.kill_table import PROFILES, STOCK, Record, write_tables
from conformance.contract.contract import load_contract
from conformance.simulator.faults import zoo as zoo_module
from conformance.simulator.faults.fault import Fault
from conformance.simulator.faults.zoo import faults
from conformance.suites.run import ServerOptions, ServerRun
from conformance.verdict import Severity, Verdict

ROOT = Path(__file__).resolve().parent.parent
SEED = 1
BEHAVIOURS = ("documented", "observed")
# The code on which a result of a tool depends; one of Schemathesis' depends of the zoo on the fault's own module only.
_OURS = ("conformance", "specs")
_THEIRS = (
    "conformance/simulator",
    "conformance/contract",
    "specs/order-management.yaml",
    "specs/errors.yaml",
    "specs/lifecycle.yaml",
    "benchmarks/stock.py",
)


def main() -> None:
    """Run what was asked for and is not on file, then print and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=ROOT / "build" / "kills.jsonl", metavar="FILE")
    parser.add_argument("--profile", action="append", choices=PROFILES, help="only these of our profiles")
    parser.add_argument("--sample", type=int, metavar="N", help="only N faults, spread over the classes")
    parser.add_argument("--budget", type=float, default=60.0, metavar="S", help="CPU seconds a run of ours [60]")
    parser.add_argument("--stock", default="0", metavar="N|all", help="faults to show to stock Schemathesis [0]")
    parser.add_argument("--stock-budget", type=float, default=60.0, metavar="S", help="CPU seconds a run of it [60]")
    parser.add_argument("--stock-examples", type=int, default=30, metavar="N", help="its --max-examples [30]")
    parser.add_argument("--clean", type=int, default=0, metavar="N", help="seeds without a fault [0]")
    parser.add_argument("--jobs", type=int, default=2, metavar="N")
    parser.add_argument("--stop-after", type=float, metavar="S", help="begin no further run after this many seconds")
    parser.add_argument("--write", action="store_true", help="write docs/kill-table.md and the table of README.md")
    chosen = parser.parse_args()

    zoo = list(faults(load_contract()).values())
    ours, theirs = _fingerprint(_OURS), _stock_prints(zoo)
    asked = [] if chosen.sample == 0 else zoo if chosen.sample is None else spread(zoo, chosen.sample)
    tasks: list[dict[str, Any]] = []
    for profile in chosen.profile or PROFILES:
        about = {"tool": profile, "budget_s": chosen.budget, "print": ours}
        tasks += [{**about, "fault": fault.id, "seed": SEED, "behaviour": "documented"} for fault in asked]
        tasks += _clean(about, chosen.clean)
    number = len(zoo) if chosen.stock == "all" else int(chosen.stock)
    about = {"tool": STOCK, "budget_s": chosen.stock_budget, "examples": chosen.stock_examples, "print": theirs[""]}
    if number:
        shown = {"seed": SEED, "behaviour": "documented"}
        tasks += [{**about, **shown, "fault": fault.id, "print": theirs[fault.id]} for fault in spread(zoo, number)]
        tasks += _clean(about, chosen.clean)
    prints = {ours, *theirs.values()}
    known = _read(chosen.results, prints)
    due = [task for task in tasks if _key(task) not in known]
    print(f"{len(tasks)} runs asked for, {len(tasks) - len(due)} on file, {len(due)} to do", flush=True)
    chosen.results.parent.mkdir(parents=True, exist_ok=True)
    _work(due, chosen.results, chosen.jobs, chosen.stop_after)
    records = [Record(**record) for record in _read(chosen.results, prints).values()]
    facts = {"machine": _machine(), "start_s": _start_up(), "zoo": zoo, "records": records}
    text = write_tables(ROOT if chosen.write else None, **facts)
    print(text)


def spread(zoo: Sequence[Fault], number: int) -> list[Fault]:
    """Pick faults evenly: of each class in proportion, and within a class at equal distances."""
    ordered = sorted(zoo, key=lambda fault: fault.fault_class.value)
    number = min(number, len(ordered))
    picked = [ordered[index * len(ordered) // number] for index in range(number)]
    # Steps of the golden ratio: wherever a run is stopped, what it has shown is spread evenly too.
    places = sorted(range(number), key=lambda index: index * 0.6180339887498949 % 1.0)
    return [picked[place] for place in places]


def _clean(about: dict[str, Any], seeds: int) -> list[dict[str, Any]]:
    return [
        {**about, "fault": "", "seed": seed, "behaviour": behaviour}
        for seed in range(1, seeds + 1)
        for behaviour in BEHAVIOURS
        if about["tool"] != STOCK or behaviour == "documented"
    ]


def _work(due: Sequence[dict[str, Any]], results: Path, jobs: int, stop_after: float | None) -> None:
    begun = time.monotonic()
    waiting = iter(due)
    # A fresh interpreter for each worker: what one tool leaves behind must not reach another.
    with (
        ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool,
        results.open("a", encoding="utf-8") as file,
    ):
        under_way = set()
        done = 0
        while True:
            while len(under_way) < jobs and (stop_after is None or time.monotonic() - begun < stop_after):
                task = next(waiting, None)
                if task is None:
                    break
                under_way.add(pool.submit(measured, task))
            if not under_way:
                break
            finished = next(as_completed(under_way))
            under_way.discard(finished)
            record = finished.result()
            file.write(json.dumps(record) + "\n")
            file.flush()
            done += 1
            if done % 25 == 0 or record["tool"] == STOCK:
                print(
                    f"  {done}/{len(due)} {record['tool']} {record['fault'] or 'clean'} {record['codes']}", flush=True
                )


def measured(task: dict[str, Any]) -> dict[str, Any]:
    """Do one run and return the task with what came of it; runs in a worker."""
    if task["tool"] == STOCK:
        came = stock.run(
            task["fault"] or "none",
            seed=task["seed"],
            examples=task["examples"],
            budget_s=task["budget_s"],
            behaviour=task["behaviour"],
        )
        return {
            **task,
            "killed": came.killed,
            "seconds": round(came.seconds, 3),
            "cpu_s": round(came.cpu_s, 3),
            "exchanges": came.cases,
            "codes": came.codes,
            "cut_short": came.cut_short,
        }
    return {**task, **_ours(task)}


@functools.cache
def _warmed(profile: str) -> bool:
    """Import what a profile imports, once a process."""
    with ServerRun(ServerOptions(profile=profile)) as run:
        for case in run.cases():
            if "/schemathesis/" in case.id or "/walk/" in case.id:
                run.play(case)
                if "/schemathesis/" in case.id:
                    break
    return True


def _ours(task: dict[str, Any]) -> dict[str, Any]:
    _warmed(task["tool"])
    options = ServerOptions(seed=task["seed"], profile=task["tool"], behaviour=task["behaviour"], fault=task["fault"])
    clean = not task["fault"]
    # A fault that breaks a SHOULD is found out by a warning; a run without a fault may not even warn.
    counted = {Severity.MUST, Severity.SHOULD} if clean else {Severity.MUST, _keyword(task["fault"])}
    begun, cpu = time.perf_counter(), time.process_time()
    killed, cut_short, exchanges = False, False, 0
    codes: tuple[str, ...] = ()
    case_id = ""
    with ServerRun(options) as run:
        for case in run.cases():
            if time.process_time() - cpu > task["budget_s"]:
                cut_short = True
                break
            result = run.play(case).result
            exchanges += result.exchanges
            blamed = [finding for finding in result.findings if not finding.known]
            if any(finding.severity in counted for finding in blamed) or (clean and result.verdict is Verdict.ERROR):
                killed, case_id = True, case.id
                codes = tuple(sorted({finding.code for finding in blamed})) or (result.why[:200],)
                break
    return {
        "killed": killed,
        "seconds": round(time.perf_counter() - begun, 4),
        "cpu_s": round(time.process_time() - cpu, 4),
        "exchanges": exchanges,
        "codes": codes,
        "case": case_id,
        "cut_short": cut_short,
    }


@functools.cache
def _keyword(fault: str) -> Severity:
    contract = load_contract()
    return contract.requirements[faults(contract)[fault].requirement].keyword


def _read(results: Path, prints: Iterable[str]) -> dict[tuple[Any, ...], dict[str, Any]]:
    """Read the results of this code; the last of several for one run stands."""
    wanted = set(prints)
    known = {}
    if results.exists():
        for line in results.read_text(encoding="utf-8").splitlines():
            # A line that a killed run left unfinished is no result.
            with contextlib.suppress(json.JSONDecodeError):
                record = json.loads(line)
                if record["print"] in wanted:
                    known[_key(record)] = record
    return known


def _key(task: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(task.get(name) for name in ("tool", "fault", "seed", "behaviour", "budget_s", "examples", "print"))


def _stock_prints(zoo: Sequence[Fault]) -> dict[str, str]:
    """Return the fingerprint of what a run of Schemathesis depends on, by fault; that without a fault under ``""``."""
    modules = [module for module in vars(zoo_module).values() if hasattr(module, "BEHAVIOURS")]
    places = {fault: Path(str(module.__file__)) for module in modules for fault in module.BEHAVIOURS}
    others = {Path(str(zoo_module.__file__)), *places.values()}
    by_place = {place: _fingerprint(_THEIRS, others - {place}) for place in places.values()}
    return {"": _fingerprint(_THEIRS, others)} | {fault.id: by_place[places[fault.id]] for fault in zoo}


def _fingerprint(places: Sequence[str], without: Collection[Path] = ()) -> str:
    digest = hashlib.blake2b(digest_size=8)
    for place in places:
        path = ROOT / place
        files = [path] if path.is_file() else sorted(path.rglob("*"))
        for file in files:
            if file.suffix not in (".py", ".yaml") or file in without:
                continue
            digest.update(str(file.relative_to(ROOT)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def _machine() -> str:
    return f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"


def _start_up() -> dict[str, float]:
    """Measure the seconds from nothing to the first case of each profile, everything imported."""
    code = (
        "import sys; from conformance.suites.run import ServerOptions, ServerRun; "
        "run = ServerRun(ServerOptions(profile=sys.argv[1])); run.cases()"
    )
    taken = {}
    for profile in PROFILES:
        begun = time.perf_counter()
        subprocess.run([sys.executable, "-c", code, profile], check=True, cwd=ROOT)
        taken[profile] = time.perf_counter() - begun
    return taken


if __name__ == "__main__":
    main()
