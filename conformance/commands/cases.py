"""``cases``: the ids that ``--case`` can pick from, one a line."""

from __future__ import annotations

import click

__all__ = ["command"]


@click.command(
    name="cases",
    short_help="List the ids of the cases.",
    epilog="\b\nExample:\n  klarna-conformance cases --profile quick --case 'captureOrder/*'",
)
@click.option(
    "--profile",
    type=click.Choice(["quick", "default", "deep"]),
    default="default",
    show_default=True,
    help="Whose cases.",
)
@click.option("--case", "cases", multiple=True, metavar="GLOB", help="Only ids that match; may be repeated.")
def command(*, profile: str, cases: tuple[str, ...]) -> None:
    """List the ids of the cases that test-server judges a server with, in the order in which they run."""
    from conformance.suites.run import ServerOptions, ServerRun  # noqa: PLC0415 - heavy

    with ServerRun(ServerOptions(profile=profile, cases=cases)) as run:
        for case in run.cases():
            click.echo(case.id)
