"""``merge``: puts the reports of the parts of a run together."""

from __future__ import annotations

from pathlib import Path

import click

from conformance.commands.destination import destinations

__all__ = ["command"]

FILE = click.Path(dir_okay=False, path_type=Path)


@click.command(
    name="merge",
    short_help="Put the JSON reports of the parts of a run together.",
    epilog="\b\nExample:\n  klarna-conformance merge 1.json 2.json --json whole.json --junit whole.xml",
)
@click.argument("reports", nargs=-1, required=True, metavar="REPORT...", type=FILE)
@click.option("--json", "json_file", type=FILE, metavar="FILE", help="Write the JSON report of the whole.")
@click.option("--junit", "junit_file", type=FILE, metavar="FILE", help="Write a JUnit report.")
@click.option("--html", "html_file", type=FILE, metavar="FILE", help="Write a self-contained HTML report.")
def command(
    *, reports: tuple[Path, ...], json_file: Path | None, junit_file: Path | None, html_file: Path | None
) -> None:
    """Put the JSON reports of the parts of a run together: shards, or runs of different cases.

    A machine plays its part with test-server --seed 7 --shard 1/2 --json 1.json, the next with --shard 2/2.

    They must have judged the same target with the same seed and profile, by the same version of the suite and of its
    contract, and no case may occur twice. What one of them covered is covered.

    Exit status as for a run: 0 conforms, 1 a case failed, 2 a report cannot be used, or a shard is missing.
    """
    files = destinations(json=json_file, junit=junit_file, html=html_file)

    from conformance.commands.reporting import deliver  # noqa: PLC0415 - heavy
    from conformance.reports.exit_status import COULD_NOT_RUN  # noqa: PLC0415 - heavy
    from conformance.reports.merge import merge, missing, read_report  # noqa: PLC0415 - heavy

    parts = [read_report(path) for path in reports]
    status = deliver(merge(parts), files)
    absent = missing(parts)
    if absent:
        # What the others found is delivered all the same: a machine that died must not take their night with it.
        named = ", ".join(str(shard) for shard in absent[:10]) + (" and more" if len(absent) > 10 else "")
        click.echo(f"klarna-conformance: the run is not whole; missing: {named}", err=True)
        status = COULD_NOT_RUN
    click.get_current_context().exit(status)
