"""What the commands that ask a server share: which server, whose credentials, and how gently it is asked."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from conformance.commands.credentials import is_loopback, read_credentials
from conformance.exceptions import UsageError
from conformance.suites.region import SANDBOXES, refuse_live, sandbox_url

if TYPE_CHECKING:
    from conformance.suites.run import ServerOptions

__all__ = ["CUSTOMER_TOKEN", "SandboxUse", "credentials_for", "gently", "plan", "sandbox_options", "server_url"]

CUSTOMER_TOKEN = "KLARNA_CUSTOMER_TOKEN"  # noqa: S105 - the name of a variable, not a token
_FASTEST = 49
_INPUT = click.Path(exists=True, dir_okay=False, path_type=Path)
_FILE = click.Path(dir_okay=False, path_type=Path)


@dataclass(frozen=True, slots=True)
class SandboxUse:
    """The options by which a server that others share is asked, as they were given."""

    ca_file: Path | None = None
    credentials_file: Path | None = None
    order_hook: str | None = None
    order_currency: str | None = None
    budget: int | None = None
    rate: int | None = None
    dry_run: bool = False

    def given(self) -> str:
        """Name an option that was given; empty when none was."""
        for option in _OPTIONS:
            name = str(option[0])
            if getattr(self, str(option[1]), None):
                return name
        return ""


_OPTIONS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("--ca-file", "ca_file", {"type": _INPUT, "metavar": "FILE", "help": "Trust the authority in this PEM file too."}),
    (
        "--credentials",
        "credentials_file",
        {
            "type": _INPUT,
            "metavar": "FILE",
            "help": "Read username and password from a file that nobody else can read: two lines, or KEY=value.",
        },
    ),
    (
        "--order-hook",
        "order_hook",
        {"metavar": "CMD", "help": "A command that makes an order and prints its id; the wish is JSON on its input."},
    ),
    ("--order-currency", "order_currency", {"metavar": "CODE", "help": "What new orders are made in."}),
    ("--budget", "budget", {"type": click.IntRange(min=1), "metavar": "N", "help": "Send no more requests than this."}),
    (
        "--rate",
        "rate",
        {"type": click.IntRange(1, _FASTEST), "metavar": "N", "help": "Requests a second.  [default: 40]"},
    ),
    ("--dry-run", "dry_run", {"is_flag": True, "help": "Print the plan and what it costs, and send nothing."}),
)


def sandbox_options(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of ``SandboxUse``; it gets them as its argument ``sandbox``."""

    @functools.wraps(function)
    def collected(**given: Any) -> None:
        function(sandbox=SandboxUse(**{name: given.pop(name) for _, name, _ in _OPTIONS}), **given)

    decorated: Callable[..., None] = collected
    for flag, name, settings in reversed(_OPTIONS):
        decorated = click.option(flag, name, **settings)(decorated)
    return decorated


def server_url(target: str) -> str:
    """Return the address that the name of a sandbox, or an address, stands for.

    Raises UsageError for what is neither, and for the live service.
    """
    if target in SANDBOXES:
        return sandbox_url(target)
    try:
        parts = urlsplit(target)
        host = parts.hostname
    except ValueError:
        host = None
    if not host or parts.scheme not in ("http", "https"):
        raise UsageError(f"--target is neither {', '.join(SANDBOXES)} nor an http or https address")
    refuse_live(target)
    return target


def gently(options: ServerOptions, use: SandboxUse, target: str = "", resume: Path | None = None) -> ServerOptions:
    """Add to a run how its server is asked; ``target`` is the name that the user gave it.

    A server without a control interface counts as shared when it has the name of a sandbox, is not on this machine,
    or is to make its orders itself.
    """
    from conformance.suites.order_source import CURRENCIES  # noqa: PLC0415 - heavy
    from conformance.suites.pace import RATE  # noqa: PLC0415 - heavy
    from conformance.suites.sandbox import Sandbox  # noqa: PLC0415 - heavy

    if use.order_hook and options.control_url:
        raise UsageError("--control-url prepares its own orders; leave out --order-hook")
    options = replace(options, ca_file=use.ca_file)
    token = os.environ.get(CUSTOMER_TOKEN, "")
    asked = bool(token or use.order_hook or use.budget or use.rate or use.dry_run or resume)
    if options.base_url is None or options.control_url:
        if use.budget or use.rate or use.dry_run or resume:
            raise UsageError("a plan, a budget and a pace are for servers without a control interface")
        return options
    if not (asked or target in SANDBOXES or not is_loopback(options.base_url)):
        return options
    return replace(
        options,
        sandbox=Sandbox(
            name=target if target in SANDBOXES else "",
            customer_token="" if use.order_hook else token,
            order_hook=use.order_hook or "",
            currency=use.order_currency or CURRENCIES.get(target, ""),
            budget=use.budget,
            resume=resume,
            rate=float(use.rate or RATE),
        ),
    )


def credentials_for(base_url: str, use: SandboxUse, username: str | None, password: str | None) -> tuple[str, str]:
    """Choose the credentials of a run; a plan needs none."""
    if use.dry_run:
        return "", ""
    return read_credentials(base_url, username, password, use.credentials_file)


def plan(options: ServerOptions, *, whole: bool = False) -> ServerOptions:
    """Plan a run on a shared server and print the plan; other runs need none. Sends nothing."""
    if options.sandbox is None:
        return options

    from conformance.contract.contract import load_contract  # noqa: PLC0415 - heavy
    from conformance.suites.planner import plan_server_run  # noqa: PLC0415 - heavy

    made = plan_server_run(options, load_contract())
    for line in made.lines(whole=whole):
        click.echo(line)
    return replace(options, sandbox=replace(options.sandbox, plan=made.ids))
