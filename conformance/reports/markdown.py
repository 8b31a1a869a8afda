"""A matrix of clients and scenarios in Markdown, for a summary that many people read and few look behind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from conformance.verdict import CaseResult, RunResult, Verdict

__all__ = ["append_matrix", "render_matrix"]

_MARKS: Mapping[Verdict, str] = {
    Verdict.ERROR: "💥",
    Verdict.FAILED: "❌",
    Verdict.WARNING: "⚠️",
    Verdict.KNOWN: "🔵",
    Verdict.PASSED: "✅",
    Verdict.NOT_MEASURED: "⚪",
}
_MOST_FINDINGS = 20


def append_matrix(results: Sequence[RunResult], path: Path) -> None:
    """Add the matrix to a file, as a step of a workflow adds to the summary of its job."""
    with path.open("a", encoding="utf-8") as file:
        file.write(render_matrix(results))


def render_matrix(results: Sequence[RunResult]) -> str:
    """Render one column a client and one row a group of cases, and below what was found, worst first.

    A cell shows the worst verdict of its cases and how many of those that could be measured passed.
    """
    columns = [(_name(result), _grouped(result.cases)) for result in results]
    rows = list(dict.fromkeys(row for _, groups in columns for row in groups))
    lines = [
        "## Conformance of clients to Klarna's Order Management API",
        "",
        f"| scenario | {' | '.join(name for name, _ in columns)} |",
        f"|---|{'---|' * len(columns)}",
    ]
    for row in rows:
        cells = " | ".join(_verdict(groups.get(row, ())) for _, groups in columns)
        lines.append(f"| {_cell(row)} | {cells} |")
    lines += ["", " · ".join(f"{mark} {verdict.value.replace('_', ' ')}" for verdict, mark in _MARKS.items()), ""]
    for result in results:
        lines += _found(result)
    return "\n".join(lines) + "\n"


def _grouped(cases: Iterable[CaseResult]) -> dict[str, list[CaseResult]]:
    groups: dict[str, list[CaseResult]] = {}
    for case in cases:
        groups.setdefault("/".join(case.id.split("/")[:2]), []).append(case)
    return groups


def _verdict(cases: Sequence[CaseResult]) -> str:
    if not cases:
        return ""
    worst = next(verdict for verdict in _MARKS if any(case.verdict is verdict for case in cases))
    measured = [case for case in cases if case.verdict is not Verdict.NOT_MEASURED]
    passed = sum(case.verdict is Verdict.PASSED for case in measured)
    return f"{_MARKS[worst]} {passed}/{len(measured)}" if measured else _MARKS[worst]


def _found(result: RunResult) -> list[str]:
    messages: dict[str, tuple[str, str, int]] = {}
    for case in result.cases:
        for finding in case.findings:
            if not finding.known:
                message, first, count = messages.get(finding.code, (finding.message, case.id, 0))
                messages[finding.code] = (message, first, count + 1)
    if not messages:
        return []
    lines = [f"### {_name(result)}", "", "| code | times | first in | what was seen |", "|---|---:|---|---|"]
    for code, (message, first, count) in sorted(messages.items())[:_MOST_FINDINGS]:
        lines.append(f"| {code} | {count} | {_cell(first)} | {_cell(message)} |")
    return [*lines, ""]


def _name(result: RunResult) -> str:
    target = result.target
    return _cell(" ".join(part for part in (target.get("name") or target["kind"], target.get("version")) if part))


def _cell(text: str) -> str:
    """Keep what a client said from breaking the table or becoming markup."""
    flat = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "".join(f"\\{sign}" if sign in "\\|`*_[]" else sign for sign in flat)[:600]
