"""The command line: finds the command, and turns whatever goes wrong into one line and exit status 2.

Exit status: 0 conforms, 1 findings, 2 the suite could not do its work.
"""

from __future__ import annotations

import importlib
import io
import os
import sys
import traceback
from collections.abc import Sequence

import click

from conformance import __version__
from conformance.exceptions import ConformanceError

__all__ = ["COULD_NOT_RUN", "cli", "main", "run"]

PROGRAM = "klarna-conformance"
COULD_NOT_RUN = 2

# Command to module. A module is imported when its command is named or listed, and imports what is heavy when run.
COMMANDS = {
    "test-server": "conformance.commands.test_server",
    "test-client": "conformance.commands.test_client",
    "smoke": "conformance.commands.smoke",
    "serve": "conformance.commands.serve",
    "check": "conformance.commands.check",
    "record": "conformance.commands.record",
    "drift": "conformance.commands.drift",
    "explain": "conformance.commands.explain",
    "cases": "conformance.commands.cases",
    "faults": "conformance.commands.faults",
    "merge": "conformance.commands.merge",
}


class LazyGroup(click.Group):
    """Imports a command only when it is asked for, so that ``--help`` answers at once."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click hands it over
        """List the commands in the order of the table, which is the order of use."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - as above
        """Import one command; None tells click that there is no such command."""
        module = COMMANDS.get(cmd_name)
        if module is None:
            return None
        command: click.Command = importlib.import_module(module).command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Add the nearest command to the complaint about an unknown one."""
        from difflib import get_close_matches  # noqa: PLC0415 - needed on the error path only

        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            near = get_close_matches(args[0], COMMANDS, n=1)
            ctx.fail(f"No such command {args[0]!r}." + (f" Did you mean {near[0]!r}?" if near else ""))
        return super().resolve_command(ctx, args)


@click.command(
    cls=LazyGroup,
    name=PROGRAM,
    no_args_is_help=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="\b\nExample:\n  klarna-conformance test-server --profile quick",
)
@click.version_option(__version__, prog_name=PROGRAM, message="%(prog)s %(version)s")
def cli() -> None:
    """Judge servers, clients and recorded traffic of Klarna's Order Management API.

    Exit status: 0 conforms, 1 findings, 2 the suite could not run (with one line on standard error).
    """


def main() -> None:
    """Run the command line and leave the process; the console script and ``python -m conformance`` call it."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A log that knows ASCII only shows an escape; it does not end the run.
        sys.stdout.reconfigure(errors="backslashreplace")
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit status; nothing but KeyboardInterrupt's own line escapes as text.

    Never raises for what a user, a target or this suite did: each ends in one line on standard error and status 2.
    """
    try:
        # Not cli.main(): it answers a closed pipe and an interrupt by itself, in its own way.
        try:
            with cli.make_context(PROGRAM, list(arguments)) as context:
                cli.invoke(context)
            status = 0
        except click.exceptions.Exit as leave:
            status = leave.exit_code
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader went away. A second failed flush at interpreter exit would print a complaint, so stdout is swapped.
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - lives until the process ends
        return COULD_NOT_RUN
    except click.UsageError as error:
        where = error.ctx.command_path if error.ctx else PROGRAM
        message = error.format_message()
        return _complain(f"{message}{'' if message.endswith(('.', '?')) else '.'} Try '{where} --help'.")
    except click.ClickException as error:
        return _complain(error.format_message())
    except (KeyboardInterrupt, click.Abort):
        return _complain("interrupted")
    except ConformanceError as error:
        return _complain(str(error))
    except OSError as error:
        return _complain(_file_trouble(error))
    except Exception as error:  # noqa: BLE001 - a user gets one line for our mistakes too
        return _complain(
            f"internal error: {type(error).__name__}: {error} - please report it; "
            "set KLARNA_CONFORMANCE_DEBUG=1 for the traceback"
        )
    return status


def _complain(message: str) -> int:
    """Print one line, whatever the message holds, and the traceback if it was asked for."""
    if os.environ.get("KLARNA_CONFORMANCE_DEBUG") == "1" and sys.exc_info()[0] is not None:
        traceback.print_exc()
    line = " ".join(message.split())
    shown = "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode("ascii") for sign in line)
    click.echo(f"{PROGRAM}: {shown or 'failed without a message'}", err=True)
    return COULD_NOT_RUN


def _file_trouble(error: OSError) -> str:
    """Say which file it was first: the errno number helps nobody."""
    reason = error.strerror or str(error) or type(error).__name__
    return f"{error.filename}: {reason}" if error.filename is not None else reason
