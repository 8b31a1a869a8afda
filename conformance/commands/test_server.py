"""``test-server``: judges a server, or the embedded simulator when none is named."""

from __future__ import annotations

import secrets
from pathlib import Path

import click

from conformance.commands.destination import destinations
from conformance.commands.sandbox import SandboxUse, credentials_for, gently, plan, sandbox_options, server_url
from conformance.exceptions import UsageError
from conformance.suites.shard import Shard

__all__ = ["command"]

LARGEST_SEED = 2**63 - 1
FILE = click.Path(dir_okay=False, path_type=Path)


@click.command(
    name="test-server",
    short_help="Judge a server; with no --base-url, the embedded simulator.",
    epilog="""\b
Example:
  klarna-conformance test-server --base-url http://127.0.0.1:8080 \\
    --control-url http://127.0.0.1:8081 --junit report.xml""",
)
@click.option("--base-url", metavar="URL", help="Where the server answers. Default: the embedded simulator.")
@click.option(
    "--target", metavar="NAME", help="A sandbox in place of --base-url: playground-eu, playground-na, playground-oc."
)
@click.option("--username", help="For loopback targets only; otherwise KLARNA_USERNAME in the environment.")
@click.option("--password", help="For loopback targets only; otherwise KLARNA_PASSWORD in the environment.")
@click.option("--control-url", metavar="URL", help="The control interface of a simulator, to prepare orders with.")
@click.option(
    "--order-id", "order_ids", multiple=True, metavar="ID", help="An existing order to work on; may be repeated."
)
@click.option("--seed", type=click.IntRange(0, LARGEST_SEED), help="Repeats a run. Default: random, and printed.")
@click.option(
    "--profile",
    type=click.Choice(["quick", "default", "deep"]),
    default="default",
    show_default=True,
    help="How much is tried.",
)
@click.option(
    "--shard", metavar="K/N", help="Only the K-th of N parts of the cases; the command merge puts reports together."
)
@click.option(
    "--examples",
    metavar="URL",
    envvar="KLARNA_CONFORMANCE_EXAMPLES",
    show_envvar=True,
    help="Share failing examples through redis://host:port/number.",
)
@click.option("--case", "cases", multiple=True, metavar="GLOB", help="Only cases whose id matches; may be repeated.")
@click.option("--fail-fast", is_flag=True, help="Send nothing more after the first case that fails.")
@click.option(
    "--behaviour",
    type=click.Choice(["documented", "observed"]),
    help="How the embedded simulator answers.  [default: documented]",
)
@click.option("--fault", metavar="ID", help="Give the embedded simulator a fault; the command faults lists them.")
@click.option("--json", "json_file", type=FILE, metavar="FILE", help="Write the JSON report.")
@click.option("--junit", "junit_file", type=FILE, metavar="FILE", help="Write a JUnit report.")
@click.option("--html", "html_file", type=FILE, metavar="FILE", help="Write a self-contained HTML report.")
@click.option("--resume", type=FILE, metavar="FILE", help="Keep what was done here, and go on from it.")
@sandbox_options
def command(
    *,
    base_url: str | None,
    target: str | None,
    username: str | None,
    password: str | None,
    control_url: str | None,
    order_ids: tuple[str, ...],
    seed: int | None,
    profile: str,
    shard: str | None,
    examples: str | None,
    cases: tuple[str, ...],
    fail_fast: bool,
    behaviour: str | None,
    fault: str | None,
    json_file: Path | None,
    junit_file: Path | None,
    html_file: Path | None,
    resume: Path | None,
    sandbox: SandboxUse,
) -> None:
    """Judge a server, or the embedded simulator when no --base-url is given.

    A server needs credentials, and either a control interface that prepares orders (--control-url), orders that exist
    already (--order-id), a customer token in KLARNA_CUSTOMER_TOKEN, or a command that makes orders (--order-hook).
    What cannot be reached is reported as not measured, never as passed.

    A sandbox is asked at most 49 times a second, in an order in which few orders serve many cases; orders made for a
    run are cancelled, released or refunded at its end. The live service is refused.

    Exit status: 0 conforms, 1 a case failed, 2 the suite could not do its work.
    """
    files = destinations(json=json_file, junit=junit_file, html=html_file)
    part = None if shard is None else Shard.parse(shard)
    if part is not None and seed is None:
        raise UsageError("--shard needs --seed: all parts of a run share one")
    if target is not None:
        if base_url is not None:
            raise UsageError("--target names a server, and so does --base-url: give one of them")
        base_url = server_url(target)
        if click.get_current_context().get_parameter_source("profile") is click.core.ParameterSource.DEFAULT:
            profile = "quick"
    if base_url is None:
        if resume is not None or sandbox.given():
            raise UsageError(f"{sandbox.given() or '--resume'} needs --target or --base-url")
        _refuse_without_target(username, password, control_url, order_ids)
        user, secret = "", ""
    else:
        if behaviour is not None:
            raise UsageError("--behaviour is the embedded simulator's; a server behaves as it does")
        if fault is not None:
            raise UsageError("--fault is the embedded simulator's; a server has its own")
        if control_url is not None and order_ids:
            raise UsageError("--control-url prepares its own orders; leave out --order-id")
        server_url(base_url)
        user, secret = credentials_for(base_url, sandbox, username, password)

    from conformance.commands.reporting import deliver, watch  # noqa: PLC0415 - heavy
    from conformance.suites.journal import read_seed  # noqa: PLC0415 - heavy
    from conformance.suites.run import ServerOptions, run_server_suite  # noqa: PLC0415 - heavy

    if seed is None and resume is not None:
        seed = read_seed(resume)
    options = ServerOptions(
        base_url=base_url,
        username=user,
        password=secret,
        control_url=control_url,
        order_ids=order_ids,
        seed=secrets.randbelow(2**32) if seed is None else seed,
        profile=profile,
        cases=cases,
        behaviour=behaviour or "documented",
        fault=fault or "",
        shard=part,
        examples=examples or "",
        fail_fast=fail_fast,
    )
    options = plan(gently(options, sandbox, target or "", resume), whole=sandbox.dry_run)
    if sandbox.dry_run:
        return
    with watch(options.seed) as listener:
        result = run_server_suite(options, listener)
    click.get_current_context().exit(deliver(result, files))


def _refuse_without_target(
    username: str | None, password: str | None, control_url: str | None, order_ids: tuple[str, ...]
) -> None:
    """An option that would be ignored is a misunderstanding: say so."""
    given = {
        "--username": username is not None,
        "--password": password is not None,
        "--control-url": control_url is not None,
        "--order-id": bool(order_ids),
    }
    for name, is_given in given.items():
        if is_given:
            raise UsageError(f"{name} needs --base-url: the embedded simulator has its own")
