"""The HTML report: one file without script, style sheet or picture from elsewhere, to send and to archive."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from pathlib import Path

from conformance.reports.artifact import write_artifact
from conformance.reports.exit_status import CONFORMS, FINDINGS, exit_status, trouble
from conformance.reports.grouping import FindingGroup, coverage_rows, group_findings
from conformance.verdict import CaseResult, CellState, RunResult, Verdict

__all__ = ["render_html", "write_html"]

_STYLE = """
:root{color-scheme:light dark}
body{font:16px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.25rem .6rem;
border-bottom:1px solid #8886}pre{overflow-x:auto;background:#8882;padding:.6rem}
.failed,.error{color:#c22}.warning{color:#a60}.known{color:#07a}.not_measured{color:#849}.passed{color:#283}
.covered{color:#283}.excluded{opacity:.6}summary{cursor:pointer}.verdict{font-size:1.4rem;font-weight:600}
@media(prefers-color-scheme:dark){.failed,.error{color:#f77}.warning{color:#fb5}.known{color:#5ce}
.not_measured{color:#d9f}.passed,.covered{color:#7d8}}
"""


def write_html(result: RunResult, path: Path) -> None:
    """Write the report; the file is there whole or not at all."""
    write_artifact(path, render_html(result))


def render_html(result: RunResult) -> str:
    """Render the verdict, the findings, the coverage and every case; all text of a server is escaped."""
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width,initial-scale=1">',
        # Even if an escape were missed, nothing in the file may run or call out.
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        f"<title>Conformance report</title><style>{_STYLE}</style></head><body>",
        "<h1>Conformance of Klarna Order Management</h1>",
        *_verdict(result),
        *_facts(result),
        *_findings(result),
        *_coverage(result),
        *_cases(result.cases),
        "</body></html>",
    ]
    return "\n".join(parts) + "\n"


def _verdict(result: RunResult) -> Iterable[str]:
    status = exit_status(result)
    word, kind = {CONFORMS: ("conforms", "passed"), FINDINGS: ("does not conform", "failed")}.get(
        status, (f"could not be judged: {trouble(result)}", "error")
    )
    yield f'<p class="verdict {kind}">{_text(word)}</p>'
    counts = "".join(
        f'<td class="{name}">{count}</td>' if count else f"<td>{count}</td>" for name, count in result.summary().items()
    )
    heads = "".join(f"<th>{_text(name.replace('_', ' '))}</th>" for name in result.summary())
    yield f"<table><thead><tr>{heads}</tr></thead><tbody><tr>{counts}</tr></tbody></table>"


def _facts(result: RunResult) -> Iterable[str]:
    facts = {
        **{f"suite {key}": value for key, value in result.suite.items()},
        **{f"target {key}": value for key, value in result.target.items()},
        "seed": str(result.seed),
        "exchanges": str(sum(case.exchanges for case in result.cases)),
    }
    yield "<h2>The run</h2><table><tbody>"
    for key, value in facts.items():
        yield f"<tr><th>{_text(key)}</th><td>{_text(value)}</td></tr>"
    yield "</tbody></table>"
    for note in result.notes:
        yield f"<p>{_text(note)}</p>"


def _findings(result: RunResult) -> Iterable[str]:
    groups = group_findings(result.cases)
    yield f"<h2>Findings ({len(groups)})</h2>"
    if not groups:
        yield "<p>None.</p>"
    for group in groups:
        yield from _group(group)


def _group(group: FindingGroup) -> Iterable[str]:
    finding = group.first
    kind = group.verdict.value
    yield f"<details{' open' if group.verdict is Verdict.FAILED else ''}><summary>"
    yield (
        f'<strong class="{kind}">{_text(kind)} {_text(finding.code)}</strong> {_text(", ".join(group.operations))}: '
        f"{_text(finding.message)} ({group.count}&times;)</summary>"
    )
    yield f"<p>Requirement {_text(finding.requirement or 'none')}, {_text(finding.severity.value.upper())}.</p>"
    if finding.known:
        yield f"<p>Known deviation: {_text(finding.known)}.</p>"
    if finding.story:
        yield f"<pre>{_text(chr(10).join(finding.story))}</pre>"
    if finding.curl:
        yield f"<pre>{_text(finding.curl)}</pre>"
    yield f"<p>Cases: {', '.join(f'<code>{_text(case)}</code>' for case in group.cases)}</p></details>"


def _coverage(result: RunResult) -> Iterable[str]:
    rows = coverage_rows(result)
    if not rows:
        return
    yield "<h2>Coverage of the contract</h2><table><thead><tr><th>operation</th><th>success</th>"
    yield "<th>documented errors</th><th>covered</th></tr></thead><tbody>"
    for row in rows:
        successes = " ".join(_cell(f"{cell.status}", cell.state, cell.why) for cell in row.successes)
        errors = ", ".join(
            _cell(f"{cell.status} {cell.error_code}".strip(), cell.state, cell.why) for cell in row.errors
        )
        reachable = len(row.errors) - row.count(CellState.EXCLUDED)
        yield (
            f"<tr><td>{_text(row.operation)}</td><td>{successes}</td><td>{errors}</td>"
            f"<td>{row.count(CellState.COVERED)}/{reachable}</td></tr>"
        )
    yield "</tbody></table>"


def _cell(label: str, state: CellState, why: str) -> str:
    told = f"{state.value.replace('_', ' ')}{': ' if why else ''}{why}"
    return f'<span class="{state.value}" title="{_text(told)}">{_text(label)}</span>'


def _cases(cases: tuple[CaseResult, ...]) -> Iterable[str]:
    yield f"<h2>Cases ({len(cases)})</h2><details><summary>All cases</summary><table><thead><tr><th>case</th>"
    yield "<th>verdict</th><th>level</th><th>requirements</th><th>seconds</th></tr></thead><tbody>"
    for case in cases:
        why = f": {_text(case.why)}" if case.why else ""
        codes = ", ".join(dict.fromkeys(_text(finding.code) for finding in case.findings))
        shown = f"{_text(case.verdict.value.replace('_', ' '))}{why}{' ' if codes else ''}{codes}"
        yield (
            f'<tr><td><code>{_text(case.id)}</code></td><td class="{case.verdict.value}">{shown}</td>'
            f"<td>{_text(case.level)}</td><td>{_text(', '.join(case.requirements))}</td>"
            f"<td>{case.duration_s:.3f}</td></tr>"
        )
    yield "</tbody></table></details>"


def _text(text: str) -> str:
    """Escape for text and for quoted attributes; control characters, which HTML forbids, are shown as escapes."""
    shown = "".join(
        sign if sign.isprintable() or sign in "\n\t" else sign.encode("unicode_escape").decode("ascii") for sign in text
    )
    return escape(shown, quote=True)
