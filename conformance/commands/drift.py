"""``drift``: what changed between two recordings, a recording and a server, or two descriptions of the API."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from conformance.commands.credentials import is_loopback
from conformance.commands.destination import destinations
from conformance.commands.sandbox import SandboxUse, credentials_for, gently, plan, sandbox_options, server_url
from conformance.exceptions import RecordingError, UsageError

if TYPE_CHECKING:
    from conformance.recordings.drift import DriftResult

__all__ = ["command"]

FILE = click.Path(dir_okay=False, path_type=Path)
INPUT = click.Path(exists=True, dir_okay=False, path_type=Path)
_AGE = re.compile(r"([1-9][0-9]{0,4})d", re.ASCII)


@click.command(
    name="drift",
    short_help="Tell what changed between two recordings, a recording and a server, or two descriptions.",
    epilog="""\b
Example:
  klarna-conformance drift cassettes/monday cassettes/tuesday --summary "$GITHUB_STEP_SUMMARY"
  klarna-conformance drift cassettes/monday --target playground-eu --order-id ID
  klarna-conformance drift old-openapi.yaml new-openapi.yaml""",
)
@click.argument("before", metavar="A", type=click.Path(exists=True, path_type=Path))
@click.argument("after", metavar="[B]", required=False, type=click.Path(exists=True, path_type=Path))
@click.option("--target", metavar="NAME|URL", help="Play the cases of A to this server, in place of B.")
@click.option("--control-url", metavar="URL", help="The control interface of a simulator, to prepare orders with.")
@click.option("--order-id", "order_ids", multiple=True, metavar="ID", help="An existing order of the target.")
@click.option("--keep", type=click.Path(file_okay=False, path_type=Path), metavar="DIR", help="Keep what B answered.")
@click.option("--ignore", "ignore_file", type=INPUT, metavar="FILE", help="Drift that is accepted, in YAML.")
@click.option("--previous", type=INPUT, metavar="FILE", help="An earlier --json report, for when drift was first seen.")
@click.option("--stale", metavar="DAYS", help="Name the cases that were not validated for so long, such as 30d.")
@click.option("--summary", "summary_file", type=FILE, metavar="FILE", help="Append a summary in Markdown.")
@click.option("--json", "json_file", type=FILE, metavar="FILE", help="Write the JSON report.")
@sandbox_options
def command(
    *,
    before: Path,
    after: Path | None,
    target: str | None,
    control_url: str | None,
    order_ids: tuple[str, ...],
    keep: Path | None,
    ignore_file: Path | None,
    previous: Path | None,
    stale: str | None,
    summary_file: Path | None,
    json_file: Path | None,
    sandbox: SandboxUse,
) -> None:
    """Compare A with B, case by case, and say of every difference whom it hurts.

    A and B are recordings (files or directories) or two OpenAPI descriptions. With --target, B is recorded now: the
    cases of A are played to the server. Ids, times and correlation ids are replaced by roles, so that only what the
    service does is compared. With A alone, --stale tells how old it is.

    A difference is additive, tolerated, breaking, documentation wrong (both sides agree against the contract) or
    service wrong (B breaks the contract where A did not).

    Exit status: 0 nothing breaking that is not ignored, 1 drift, or an entry of the ignore list that does not hold,
    2 nothing could be compared.
    """
    age = None if stale is None else _age(stale)
    files = destinations(json=json_file, summary=summary_file)
    if after is not None and target is not None:
        raise UsageError("compare A with B or with --target, not with both")
    if after is None and target is None and age is None:
        raise UsageError("nothing to compare A with: give B, --target, or --stale to see how old A is")
    if target is None:
        other = sandbox.given()
        given = {"--control-url": control_url, "--order-id": order_ids, "--keep": keep, other: other}
        for name, value in given.items():
            if value:
                raise UsageError(f"{name} needs --target")

    from conformance.recordings.ignore_list import IgnoreList, render_ignore_list  # noqa: PLC0415 - heavy
    from conformance.reports.drift_report import append_summary, lines, write_drift_json  # noqa: PLC0415 - heavy
    from conformance.reports.terminal import printable  # noqa: PLC0415 - heavy

    accepted = IgnoreList() if ignore_file is None else IgnoreList.load(ignore_file)
    if target is not None:
        from conformance.commands.reporting import watch  # noqa: PLC0415 - heavy
        from conformance.recordings.pseudonym import PUBLIC_SALT, SALT_VARIABLE  # noqa: PLC0415 - heavy
        from conformance.suites.drifting import cases_of, compare_with_server  # noqa: PLC0415 - heavy
        from conformance.suites.run import ServerOptions  # noqa: PLC0415 - heavy

        base_url = server_url(target)
        username, password = credentials_for(base_url, sandbox, None, None)
        salt = os.environ.get(SALT_VARIABLE) or PUBLIC_SALT
        if keep is not None and salt == PUBLIC_SALT and not is_loopback(base_url):
            raise UsageError(f"--keep writes a recording: set {SALT_VARIABLE} to a secret text first")
        server = ServerOptions(
            base_url=base_url, username=username, password=password, control_url=control_url, order_ids=order_ids
        )
        server = plan(gently(cases_of(before, server), sandbox, target), whole=sandbox.dry_run)
        if sandbox.dry_run:
            return
        with watch(server.seed) as listener:
            result = compare_with_server(before, server, keep, salt=salt, listener=listener)
    else:
        result = _compared(before, after or before)
    if not any(case.compared for case in result.cases):
        raise RecordingError(f"nothing was compared: {result.before} and {result.after} have no case in common")
    now = datetime.now(UTC)
    result = _dated(accepted.applied(result, now.date()), previous)
    old = () if age is None else result.stale(now, age)
    if after is not None or target is not None:
        for line in lines(result):
            click.echo(printable(line))
    for case, when in old:
        click.echo(printable(f"stale  {case}  last validated {'never' if when is None else when.date().isoformat()}"))
    if age is not None:
        click.echo(f"{len(old)} of {len(result.cases)} cases were not validated for {age.days} days")
    if "json" in files:
        write_drift_json(result, files["json"], old)
    if "summary" in files:
        append_summary(result, files["summary"])
    if entries := render_ignore_list(result.drifts(), now.date()):
        click.echo("\nto accept this, say why and put it into the file of --ignore:\n")
        click.echo(entries, nl=False)
    click.get_current_context().exit(1 if result.fails else 0)


def _age(text: str) -> timedelta:
    found = _AGE.fullmatch(text)
    if found is None:
        raise UsageError(f"--stale takes a number of days such as 30d, not {text!r}")
    return timedelta(days=int(found[1]))


def _compared(before: Path, after: Path) -> DriftResult:
    from conformance.recordings.spec_drift import (  # noqa: PLC0415 - heavy
        compare_descriptions,
        is_description,
        read_description,
    )

    names = (str(before), str(after))
    kinds = (is_description(before), is_description(after))
    if all(kinds):
        return compare_descriptions(read_description(before), read_description(after), names)
    if any(kinds):
        raise UsageError("a description can only be compared with another description")

    from conformance.contract.contract import load_contract  # noqa: PLC0415 - heavy
    from conformance.recordings.compare import compare_takes  # noqa: PLC0415 - heavy
    from conformance.recordings.take import read_takes  # noqa: PLC0415 - heavy

    contract = load_contract()
    first = read_takes(before, contract)
    return compare_takes(first, first if after == before else read_takes(after, contract), contract, names)


def _dated(result: DriftResult, previous: Path | None) -> DriftResult:
    """Carry over from an earlier report when each difference was seen first."""
    if previous is None:
        return result

    from conformance.reports.drift_report import first_seen_before  # noqa: PLC0415 - heavy

    try:
        known = first_seen_before(json.loads(previous.read_bytes()))
    except ValueError:
        raise UsageError(f"{previous}: is no JSON report of an earlier run") from None
    cases = tuple(
        replace(
            case,
            drifts=tuple(
                replace(
                    drift,
                    first_seen=known.get((drift.case, drift.path, drift.drift_class.value), drift.first_seen),
                )
                for drift in case.drifts
            ),
        )
        for case in result.cases
    )
    return replace(result, cases=cases)
