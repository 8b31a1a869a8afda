"""Whether the same seed gives the same report, byte for byte apart from times, however it is run.

    python -m benchmarks.determinism [--times 20] [--profile default] [--shards 2] [--seed 7]

Each time the suite runs in fresh interpreters, with another seed for the hashes of Python: once as a whole and once in
shards side by side that are then merged. In between, pytest runs the same cases, serially and on two workers, and its
results are compared too. The first report that differs is told with its first line, and the exit status is 1.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = (sys.executable, "-m", "conformance")


def main() -> int:
    """Run, compare and print; 1 for any difference."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--profile", default="default", choices=("quick", "default", "deep"))
    parser.add_argument("--shards", type=int, default=2)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--case", action="append", default=[])
    parser.add_argument("--pytest-times", type=int, default=1, help="how often pytest is asked as well [1]")
    chosen = parser.parse_args()
    options = ["--profile", chosen.profile, "--seed", str(chosen.seed)]
    options += [part for case in chosen.case for part in ("--case", case)]
    differences = 0
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        first: list[str] = []
        for time in range(chosen.times):
            for way, report in (
                ("whole", whole(place, options)),
                (f"{chosen.shards} shards merged", sharded(place, options, chosen.shards)),
            ):
                first = first or report
                told = difference(first, report)
                differences += bool(told)
                if told:
                    print(f"time {time + 1}, {way}: {told}", flush=True)
        print(
            f"{chosen.times} times whole and {chosen.times} times in shards: {len(first):,} lines, {differences} differ"
        )
        for _ in range(chosen.pytest_times):
            serial = by_pytest(place, chosen.profile, chosen.seed, chosen.case)
            parallel = by_pytest(place, chosen.profile, chosen.seed, chosen.case, "-n", "2")
            differences += serial != parallel
            for item in sorted(set(serial) ^ set(parallel))[:6]:
                print(f"  {'serial' if item in serial else '-n 2'}: {item[0]} {item[1][:200]}")
            print(f"pytest: {len(serial):,} results, serial and -n 2 {'equal' if serial == parallel else 'DIFFER'}")
    return int(differences > 0)


def whole(place: Path, options: Sequence[str]) -> list[str]:
    """Run the suite and return its report without times, line by line."""
    report = place / "whole.json"
    _done(_started(["test-server", *options, "--json", str(report)]))
    return untimed(report)


def sharded(place: Path, options: Sequence[str], shards: int) -> list[str]:
    """Run the suite in shards side by side, merge their reports and return the whole without times."""
    files = [str(place / f"{number}.json") for number in range(1, shards + 1)]
    runs = [
        _started(["test-server", *options, "--shard", f"{number}/{shards}", "--json", file])
        for number, file in enumerate(files, 1)
    ]
    for run in runs:
        _done(run)
    _done(_started(["merge", *reversed(files), "--json", str(place / "merged.json")]))
    return untimed(place / "merged.json")


def by_pytest(place: Path, profile: str, seed: int, cases: Sequence[str], *more: str) -> list[tuple[str, str]]:
    """Let pytest run the suite and return what each item came to."""
    report = place / "pytest.xml"
    command = [sys.executable, "-m", "pytest", "--pyargs", "conformance", "-q", "-p", "no:cacheprovider"]
    command += ["--conformance-profile", profile, "--conformance-seed", str(seed), f"--junit-xml={report}", *more]
    if cases:
        command += ["-k", " or ".join(case.partition("/")[0] for case in cases)]
    done = subprocess.run(command, env=_environment(), cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise RuntimeError(f"pytest ended with {done.returncode}: {done.stdout[-500:]} {done.stderr[-500:]}")
    items = ET.parse(report).getroot().iter("testcase")  # noqa: S314 - pytest has just written it
    return sorted((f"{item.get('classname')}::{item.get('name')}", _came_to(item)) for item in items)


def untimed(report: Path) -> list[str]:
    """Return a report line by line, without the times of its cases."""
    lines = report.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if not line.lstrip().startswith('"duration_s"')]


def difference(first: Sequence[str], other: Sequence[str]) -> str:
    """Tell the first line in which two reports differ; empty when they do not."""
    pairs: Iterator[tuple[Any, Any]] = zip_longest(first, other)
    for number, (one, two) in enumerate(pairs, 1):
        if one != two:
            return f"line {number}: {json.dumps(one)[:150]} became {json.dumps(two)[:150]}"
    return ""


def _came_to(item: ET.Element) -> str:
    return " ".join(f"{child.tag} {child.get('message', '')}" for child in item if child.tag != "properties")


def _started(arguments: Sequence[str]) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    return subprocess.Popen([*PROGRAM, *arguments], env=_environment(), stdout=pipe, stderr=pipe, text=True)


def _done(process: subprocess.Popen[str]) -> None:
    output, error = process.communicate()
    if process.returncode not in (0, 1):
        raise RuntimeError(f"the suite ended with {process.returncode}: {output[-300:]} {error[-300:]}")


def _environment() -> dict[str, str]:
    hashes = str(random.randrange(2**32))  # noqa: S311 - any number will do
    return {**os.environ, "PYTHONHASHSEED": hashes, "PYTHONPATH": str(ROOT)}


if __name__ == "__main__":
    sys.exit(main())
