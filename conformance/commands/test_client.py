"""``test-client``: judges a client in any language, or the bundled reference client when none is named."""

from __future__ import annotations

import secrets
from pathlib import Path

import click

from conformance.commands.destination import destinations
from conformance.exceptions import UsageError

__all__ = ["command"]

LARGEST_SEED = 2**63 - 1
FILE = click.Path(dir_okay=False, path_type=Path)


@click.command(
    name="test-client",
    short_help="Judge a client in any language; with no client named, the bundled one.",
    epilog="""\b
Example:
  klarna-conformance test-client --adapter 'node adapter.mjs' --known-failing known.yaml
  klarna-conformance test-client --python shop.klarna:Client --case 'retry/*'""",
)
@click.option("--adapter", metavar="CMD", help="A command that speaks the adapter protocol.")
@click.option("--python", metavar="MODULE:OBJECT", help="A Python client: a factory or a callable.")
@click.option(
    "--via",
    type=click.Choice(["socket", "respx"]),
    default="socket",
    help="With --python: over a socket, or, for clients on httpx, mocked in place of one.",
)
@click.option("--case", "cases", multiple=True, metavar="GLOB", help="Only cases whose id matches; may be repeated.")
@click.option(
    "--level",
    "levels",
    multiple=True,
    type=click.Choice(["core", "resilient", "exact", "security"]),
    help="Only cases of this level; may be repeated.",
)
@click.option("--seed", type=click.IntRange(0, LARGEST_SEED), help="Repeats a run. Default: random, and printed.")
@click.option("--known-failing", type=FILE, metavar="FILE", help="Failures that are known, as a YAML list.")
@click.option("--update-known-failing", is_flag=True, help="Print such a list of what fails now, and judge no further.")
@click.option("--json", "json_file", type=FILE, metavar="FILE", help="Write the JSON report.")
@click.option("--junit", "junit_file", type=FILE, metavar="FILE", help="Write a JUnit report.")
@click.option("--html", "html_file", type=FILE, metavar="FILE", help="Write a self-contained HTML report.")
@click.option("--summary", "summary_file", type=FILE, metavar="FILE", help="Append a matrix in Markdown.")
@click.option("--list", "list_only", is_flag=True, help="List the ids of the cases and judge nothing.")
def command(
    *,
    adapter: str | None,
    python: str | None,
    via: str,
    cases: tuple[str, ...],
    levels: tuple[str, ...],
    seed: int | None,
    known_failing: Path | None,
    update_known_failing: bool,
    json_file: Path | None,
    junit_file: Path | None,
    html_file: Path | None,
    summary_file: Path | None,
    list_only: bool,
) -> None:
    """Judge a client of the API against a server that misbehaves on purpose.

    The verdicts come from three witnesses: what the client sent, what moved in the ledger, and what its user saw.
    What a client does not have is not measured, and never passed.

    Exit status: 0 conforms, 1 a case failed, 2 the suite could not do its work.
    """
    if adapter is not None and python is not None:
        raise UsageError("--adapter and --python name one client each; give one of them")
    if known_failing is not None and update_known_failing:
        raise UsageError("--update-known-failing starts a new list; leave out --known-failing")
    files = destinations(json=json_file, junit=junit_file, html=html_file, summary=summary_file)

    from conformance.clients.process_adapter import command_of  # noqa: PLC0415 - heavy
    from conformance.clients.run import ClientOptions, run_client_suite, select_client_cases  # noqa: PLC0415 - heavy
    from conformance.commands.reporting import deliver, watch  # noqa: PLC0415 - heavy

    options = ClientOptions(
        adapter=None if adapter is None else command_of(adapter),
        python=python,
        cases=cases,
        levels=levels,
        seed=secrets.randbelow(2**32) if seed is None else seed,
        known_failing=known_failing,
        mocked=via == "respx",
    )
    if list_only:
        from conformance.clients.scenario import client_cases  # noqa: PLC0415 - heavy
        from conformance.contract.contract import load_contract  # noqa: PLC0415 - heavy

        for case in select_client_cases(client_cases(load_contract()), cases, levels):
            click.echo(case.id)
        return
    if update_known_failing:
        from conformance.clients.known_failing import render_start  # noqa: PLC0415 - heavy

        click.echo(render_start(run_client_suite(options).cases), nl=False)
        return
    with watch(options.seed) as listener:
        result = run_client_suite(options, listener)
    if summary_file is not None:
        from conformance.reports.markdown import append_matrix  # noqa: PLC0415 - heavy

        append_matrix([result], summary_file)
    reports = {name: path for name, path in files.items() if name != "summary"}
    click.get_current_context().exit(deliver(result, reports))
