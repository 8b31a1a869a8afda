"""How a command that judges tells of its run: progress while it works, then every report that was asked for."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console

from conformance.contract.contract import load_contract
from conformance.reports.exit_status import COULD_NOT_RUN, exit_status, trouble
from conformance.reports.html import write_html
from conformance.reports.json_report import write_json
from conformance.reports.junit import write_junit
from conformance.reports.terminal import Listener, listener_for, print_report
from conformance.verdict import RunResult

__all__ = ["deliver", "watch"]

_RARELY = (100_000, 50, 50)


@contextmanager
def watch(seed: int) -> Iterator[Listener]:
    """Show progress on standard output while a driver works; the seed comes first, so that a killed run repeats."""
    console = Console()
    click.echo(f"seed {seed}")
    with _seldom_collecting(), listener_for(console) as listener:
        yield listener


@contextmanager
def _seldom_collecting() -> Iterator[None]:
    """Look for garbage more rarely: a run ends soon, and looking through all that it has loaded takes a tenth of it."""
    before = gc.get_threshold()
    gc.set_threshold(*_RARELY)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def deliver(result: RunResult, files: Mapping[str, Path]) -> int:
    """Write the files, print the report, and give the exit status.

    ``files`` maps ``json``, ``junit`` and ``html`` to where they go. When the suite could not do its work, the
    reason goes to standard error as well. Raises OSError when a file cannot be written.
    """
    writers = {"json": write_json, "junit": write_junit, "html": write_html}
    for name, path in files.items():
        writers[name](result, path)
    print_report(Console(highlight=False), result, load_contract().requirements)
    status = exit_status(result)
    if status == COULD_NOT_RUN:
        click.echo(f"klarna-conformance: {' '.join(trouble(result).split())}", err=True)
    return status
