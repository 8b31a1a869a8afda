"""``explain``: what a code in a report means for the merchant's money, and what to do about it."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Callable, Iterable, Iterator
from difflib import get_close_matches
from typing import TYPE_CHECKING

import click

from conformance.exceptions import UsageError

if TYPE_CHECKING:
    from conformance.contract.contract import Contract
    from conformance.contract.deviation import Deviation
    from conformance.contract.error_table import ErrorRow
    from conformance.contract.requirement import FindingCode, Requirement

__all__ = ["command", "explain", "index"]

Section = tuple[str, str]
"""A label and a paragraph; the label is empty for the heading."""

_WIDEST = 100
_RETRY = {
    "never": "do not repeat the request",
    "fix": "correct the request first",
    "later": "repeat after a while",
    "schedule": "repeat after 5 seconds, 5 minutes and 5 hours, and only a GET or a request with an idempotency key",
    "rate_limit": "slow down, then repeat",
}


@click.command(
    name="explain",
    short_help="Explain a code of a report; with none, list them all.",
    epilog="\b\nExample:\n  klarna-conformance explain KOM-207",
)
@click.argument("code", required=False)
def command(code: str | None) -> None:
    """Explain CODE: a finding (KOM-207), a requirement, a deviation, a row of the error table or an error code.

    With no CODE, list everything that can be explained.
    """
    from conformance.contract.contract import load_contract  # noqa: PLC0415 - heavy

    contract = load_contract()
    if code is None:
        for line in index(contract):
            click.echo(line)
        return
    width = min(shutil.get_terminal_size().columns, _WIDEST)
    for number, sections in enumerate(explain(contract, code)):
        if number:
            click.echo()
        for label, text in sections:
            click.echo(_paragraph(label, text, width))


def index(contract: Contract) -> Iterator[str]:
    """List every name with its title, one a line, by kind: findings, requirements, deviations, error rows."""
    for finding in contract.findings.values():
        yield f"{finding.code}  {finding.title}"
    for requirement in contract.requirements.values():
        yield f"{requirement.id}  {requirement.keyword.value.upper()} {requirement.text}"
    for deviation in contract.deviations.values():
        yield f"{deviation.id}  {deviation.title}"
    for row in _rows(contract):
        yield f"{row.id}  {row.status} {row.code or row.body.value}: {row.precondition}"


def explain(contract: Contract, name: str) -> list[list[Section]]:
    """Explain everything that goes by a name, whatever its case; an error code has as many parts as rows.

    Raises UsageError, with the nearest names, for a name that nothing goes by.
    """
    wanted = name.strip().casefold()
    found = [
        *(_finding(contract, finding) for key, finding in contract.findings.items() if key.casefold() == wanted),
        *(_requirement(contract, one) for key, one in contract.requirements.items() if key.casefold() == wanted),
        *(_deviation(one) for key, one in contract.deviations.items() if key.casefold() == wanted),
        *(_row(contract, row) for row in _rows(contract) if wanted in (row.id.casefold(), row.code.casefold() or None)),
    ]
    if not found:
        names = {
            key.casefold(): key
            for key in (
                *contract.findings,
                *contract.requirements,
                *contract.deviations,
                *(row.id for row in _rows(contract)),
                *(row.code for row in _rows(contract) if row.code),
            )
        }
        near = [names[key] for key in get_close_matches(wanted, names, n=3)]
        hint = f"did you mean {' or '.join(near)}?" if near else "run 'klarna-conformance explain' for the list"
        raise UsageError(f"nothing goes by the name {name[:80]!r}; {hint}")
    return found


def _rows(contract: Contract) -> Iterable[ErrorRow]:
    return (*contract.errors.rows, *contract.errors.unrouted)


def _finding(contract: Contract, finding: FindingCode) -> list[Section]:
    requirement = contract.requirements[finding.requirement]
    return [
        ("", f"{finding.code} {finding.title}"),
        ("means", finding.means),
        ("costs", finding.costs),
        ("requirement", f"{requirement.id}, {_strength(requirement)}: {requirement.text}"),
        ("source", f"{requirement.source} ({requirement.truth.value})"),
        ("provoked", finding.provoked),
        ("fix", finding.fix),
        *_listed("deviations", contract.deviations, lambda key: finding.code in contract.deviations[key].codes),
    ]


def _requirement(contract: Contract, requirement: Requirement) -> list[Section]:
    return [
        ("", f"{requirement.id} {_strength(requirement)}"),
        ("text", requirement.text),
        ("source", f"{requirement.source} ({requirement.truth.value})"),
        *_listed("measured by", contract.findings, lambda key: contract.findings[key].requirement == requirement.id),
    ]


def _deviation(deviation: Deviation) -> list[Section]:
    return [
        ("", f"{deviation.id} {deviation.title}"),
        ("documented", deviation.documented),
        ("observed", deviation.observed),
        ("evidence", f"{deviation.evidence} ({deviation.truth.value})"),
        ("explains", ", ".join(deviation.codes)),
        ("operations", ", ".join(sorted(deviation.operations))),
    ]


def _row(contract: Contract, row: ErrorRow) -> list[Section]:
    everywhere = len(row.operations) == len(contract.operations)
    sections = [
        ("", f"{row.id}: {row.status} {row.code or f'({row.body.value} body without a code)'}"),
        ("when", row.precondition),
        ("messages", " | ".join(row.messages)),
        ("operations", "all" if everywhere else ", ".join(sorted(row.operations)) or "none: no path was recognised"),
        ("retry", _RETRY[row.retry.value]),
        ("provoked", f"by the {row.provoked_by.value}"),
        ("source", f"{row.source} ({row.truth.value})"),
        ("tolerated", ", ".join(f"{status} {code}".strip() for status, code in sorted(row.tolerated))),
    ]
    return [(label, text) for label, text in sections if text]


def _listed(label: str, names: Iterable[str], wanted: Callable[[str], bool]) -> list[Section]:
    found = [name for name in names if wanted(name)]
    return [(label, ", ".join(found))] if found else []


def _strength(requirement: Requirement) -> str:
    return f"{requirement.keyword.value.upper()}, level {requirement.level.value}"


def _paragraph(label: str, text: str, width: int) -> str:
    """Fold a paragraph behind its label, unless the terminal is too narrow to fold anything sensibly."""
    words = " ".join(text.split())
    if not label:
        return words
    indent = 14
    first = f"{label + ':':<{indent}}"
    return textwrap.fill(
        words,
        width=max(width, indent + 20),
        initial_indent=first,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
