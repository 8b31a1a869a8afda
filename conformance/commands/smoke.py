"""``smoke``: judges an adapter before the client, so that no client is blamed for what stands in front of it."""

from __future__ import annotations

import click

__all__ = ["command"]


@click.command(
    name="smoke",
    short_help="Judge an adapter before the client behind it.",
    epilog="\b\nExample:\n  klarna-conformance smoke --adapter 'node adapter.mjs'",
)
@click.option("--adapter", metavar="CMD", required=True, help="A command that speaks the adapter protocol.")
def command(*, adapter: str) -> None:
    """Check that an adapter speaks the protocol: greeting, good and bad calls, many calls at once, goodbye.

    Exit status: 0 it does, 1 a check failed, 2 the adapter could not be run.
    """
    from conformance.clients.process_adapter import command_of  # noqa: PLC0415 - heavy
    from conformance.clients.smoke import smoke  # noqa: PLC0415 - heavy
    from conformance.reports.terminal import printable  # noqa: PLC0415 - heavy

    checks = smoke(command_of(adapter))
    for check in checks:
        told = f"{check.name}: {check.why}" if check.why else check.name
        click.echo(printable(f"{'passed' if check.passed else 'FAILED'}  {told}"))
    click.get_current_context().exit(0 if all(check.passed for check in checks) else 1)
