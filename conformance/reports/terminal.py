"""What a person at a terminal, or reading a CI log, sees of a run."""

from __future__ import annotations

import glob
import shlex
from collections.abc import Mapping, Sequence
from typing import Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from conformance.contract.requirement import Requirement
from conformance.reports.exit_status import CONFORMS, COULD_NOT_RUN, exit_status, trouble
from conformance.reports.grouping import CoverageRow, FindingGroup, coverage_rows, group_findings, group_reasons
from conformance.verdict import CaseResult, CellState, RunResult, Severity, Verdict

__all__ = ["BarListener", "LineListener", "Listener", "listener_for", "print_report", "printable", "repetition"]

STYLES = {
    Verdict.PASSED: "green",
    Verdict.FAILED: "bold red",
    Verdict.WARNING: "yellow",
    Verdict.KNOWN: "cyan",
    Verdict.NOT_MEASURED: "magenta",
    Verdict.ERROR: "bold red",
}
WORDS = {verdict: verdict.value.replace("_", " ") for verdict in Verdict}
OPERATIONS_SHOWN = 2
CASES_SHOWN = 3
CELLS_SHOWN = 3
REASONS_SHOWN = 5
STORY_SHOWN = 6
CURL_SHOWN = 6
STEP_WIDTH = 200
TENTHS = 10


class Listener(Protocol):
    """What a driver tells while it works."""

    def started(self, total: int) -> None:
        """Learn how many cases will run."""
        ...

    def finished(self, result: CaseResult) -> None:
        """Learn what a case came to."""
        ...


class BarListener:
    """A progress bar, for a terminal that can redraw a line; a context manager that leaves nothing behind."""

    def __init__(self, console: Console) -> None:
        self._bad = 0
        self._task: TaskID | None = None
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        )

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def started(self, total: int) -> None:
        """Show the empty bar."""
        self._task = self._progress.add_task("judging", total=total)

    def finished(self, result: CaseResult) -> None:
        """Move the bar on and count what failed."""
        self._bad += result.verdict in (Verdict.FAILED, Verdict.ERROR)
        if self._task is not None:
            told = f"judging, {self._bad} failed" if self._bad else "judging"
            self._progress.update(self._task, advance=1, description=told)


class LineListener:
    """Plain lines, for logs: each case that failed when it fails, and a sign of life at every tenth of the run."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._total = 0
        self._done = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is held."""

    def started(self, total: int) -> None:
        """Say how much is to be done."""
        self._total = total
        _line(self._console, f"judging {_counted(total, 'case')}")

    def finished(self, result: CaseResult) -> None:
        """Say what failed, and how far the run is."""
        self._done += 1
        if result.verdict in (Verdict.FAILED, Verdict.ERROR):
            unexplained = [finding for finding in result.findings if not finding.known]
            unexplained.sort(key=lambda finding: finding.severity is not Severity.MUST)
            blamed = next(iter(unexplained), None)
            reason = f"{blamed.code} {blamed.message}" if blamed else result.why
            _line(self._console, f"{WORDS[result.verdict]}: {result.id}: {reason}")
        if self._total and self._done * TENTHS // self._total > (self._done - 1) * TENTHS // self._total:
            _line(self._console, f"{self._done}/{self._total}")


def listener_for(console: Console) -> BarListener | LineListener:
    """Choose the bar where a line can be redrawn, plain lines everywhere else."""
    if console.is_terminal and not console.is_dumb_terminal and console.file.isatty():
        return BarListener(console)
    return LineListener(console)


def print_report(console: Console, result: RunResult, requirements: Mapping[str, Requirement]) -> None:
    """Print coverage, findings with what they break and how to see them again, counts, and the verdict last."""
    _print_coverage(console, coverage_rows(result))
    for group in group_findings(result.cases):
        _print_group(console, result, group, requirements)
    for verdict in (Verdict.ERROR, Verdict.NOT_MEASURED):
        _print_reasons(console, result, verdict)
    for note in result.notes:
        _line(console, f"note: {note}")
    _print_counts(console, result)
    _print_verdict(console, result)


def printable(text: str) -> str:
    """Show control characters as escapes: what a server answers must not steer the terminal."""
    return "".join(
        sign if sign.isprintable() or sign == "\n" else sign.encode("unicode_escape").decode("ascii") for sign in text
    )


def _print_coverage(console: Console, rows: tuple[CoverageRow, ...]) -> None:
    if not rows:
        return
    table = Table(title="Coverage of the contract", title_justify="left", title_style="bold", pad_edge=False)
    table.add_column("operation", overflow="fold")
    table.add_column("success", overflow="fold")
    table.add_column("errors", justify="right")
    table.add_column("not covered", overflow="fold")
    for row in rows:
        successes = " ".join(
            f"{cell.status}" if cell.state is CellState.COVERED else f"({cell.status})" for cell in row.successes
        )
        reachable = len(row.errors) - row.count(CellState.EXCLUDED)
        left = [cell for cell in row.errors if cell.state is CellState.NOT_MEASURED]
        open_cells = ", ".join(f"{cell.status} {cell.error_code}".strip() for cell in left[:CELLS_SHOWN])
        more = f" and {len(left) - CELLS_SHOWN} more" if len(left) > CELLS_SHOWN else ""
        covered = row.count(CellState.COVERED)
        table.add_row(
            Text(printable(row.operation)),
            Text(successes),
            Text(f"{covered}/{reachable}", style="green" if covered == reachable else "yellow"),
            Text(printable(open_cells) + more),
        )
    console.print(table)
    reachable = sum(len(row.errors) - row.count(CellState.EXCLUDED) for row in rows)
    covered = sum(row.count(CellState.COVERED) for row in rows)
    excluded = sum(row.count(CellState.EXCLUDED) for row in rows)
    _line(console, f"documented errors covered: {covered} of {reachable}, {excluded} excluded; (…) = not measured")
    console.print()


def _print_group(
    console: Console, result: RunResult, group: FindingGroup, requirements: Mapping[str, Requirement]
) -> None:
    finding = group.first
    head = Text()
    head.append(WORDS[group.verdict].upper(), style=STYLES[group.verdict])
    head.append(f"  {finding.code}", style="bold")
    head.append(f"  {printable(_some(group.operations, OPERATIONS_SHOWN))}" if group.operations else "")
    head.append(f"  {_counted(group.count, 'time')}" if group.count > 1 else "")
    console.print(head, soft_wrap=True)
    _line(console, f"  {finding.message}")
    requirement = requirements.get(finding.requirement)
    if requirement is not None:
        _line(console, f"  {requirement.id} {requirement.keyword.value.upper()}: {requirement.text}")
    if finding.known:
        _line(console, f"  known deviation: {finding.known}")
    _line(console, f"  in {_some(group.cases, CASES_SHOWN)}")
    _print_last(console, finding.story, STORY_SHOWN, "    ", STEP_WIDTH)
    _print_last(console, finding.curl.splitlines(), CURL_SHOWN, "  ", None)
    if again := repetition(result, group.cases[0]):
        _line(console, f"  again: {again}")
    console.print()


def repetition(result: RunResult, case_id: str) -> str:
    """Give the command that plays one case of a run again; empty where the run alone does not determine it."""
    profile, behaviour = result.suite.get("profile"), result.target.get("behaviour")
    if profile is None or behaviour is None:
        return ""
    # An id is taken literally: brackets and stars in it must not act as a pattern.
    options = (
        f"--profile {profile} --behaviour {behaviour} --seed {result.seed} --case {shlex.quote(glob.escape(case_id))}"
    )
    fault = result.target.get("fault")
    return f"klarna-conformance test-server {options}" + (f" --fault {fault}" if fault else "")


def _print_last(console: Console, lines: Sequence[str], most: int, indent: str, width: int | None) -> None:
    """Print the end of a long account: what came last is what is complained of."""
    left = len(lines) - most
    if left > 0:
        _line(console, f"{indent}({_counted(left, 'earlier line')} in the other reports)")
    for line in lines[-most:]:
        _line(console, f"{indent}{line if width is None or len(line) <= width else line[:width] + '…'}")


def _print_reasons(console: Console, result: RunResult, verdict: Verdict) -> None:
    reasons = group_reasons(result.cases, verdict)
    for reason, count in reasons[:REASONS_SHOWN]:
        _line(console, f"{WORDS[verdict]}: {_counted(count, 'case')}: {reason}")
    left = sum(count for _, count in reasons[REASONS_SHOWN:])
    if left:
        _line(console, f"{WORDS[verdict]}: {_counted(left, 'case')} for other reasons")


def _print_counts(console: Console, result: RunResult) -> None:
    text = Text()
    for name, count in result.summary().items():
        verdict = Verdict(name)
        text.append(", " if text else "")
        text.append(f"{count} {WORDS[verdict]}", style=STYLES[verdict] if count else "dim")
    exchanges = sum(case.exchanges for case in result.cases)
    text.append(f"; {_counted(exchanges, 'exchange')}, seed {result.seed}")
    console.print(text, soft_wrap=True)


def _print_verdict(console: Console, result: RunResult) -> None:
    status = exit_status(result)
    if status == COULD_NOT_RUN:
        _line(console, f"could not be judged: {trouble(result)}", style="bold red")
    elif status == CONFORMS:
        _line(console, "conforms", style="bold green")
    else:
        failed = sum(case.verdict is Verdict.FAILED for case in result.cases)
        _line(console, f"does not conform: {_counted(failed, 'case')} failed", style="bold red")


def _line(console: Console, text: str, *, style: str = "") -> None:
    """Print without wrapping, so that a line can be searched for and a command copied."""
    console.print(Text(printable(text), style=style), soft_wrap=True)


def _some(names: Sequence[str], most: int) -> str:
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
