"""``record``: plays the cases and keeps them as cassettes, redacted before a byte is written."""

from __future__ import annotations

import os
from pathlib import Path

import click

from conformance.commands.credentials import is_loopback
from conformance.commands.sandbox import SandboxUse, credentials_for, gently, plan, sandbox_options, server_url
from conformance.exceptions import RecordingError, UsageError

__all__ = ["command"]

SIMULATOR = "simulator"
MODES = ("none", "once", "new_episodes", "all", "rewrite")
LARGEST_SEED = 2**63 - 1
_SHOWN = 5


@click.command(
    name="record",
    short_help="Record the cases of a server in cassettes.",
    epilog="\b\nExample:\n  klarna-conformance record --case 'captureOrder/*' --to cassettes",
)
@click.option(
    "--target", default=SIMULATOR, show_default=True, metavar="simulator|NAME|URL", help="Whose answers to record."
)
@click.option("--control-url", metavar="URL", help="The control interface of a simulator, to prepare orders with.")
@click.option(
    "--order-id", "order_ids", multiple=True, metavar="ID", help="An existing order to work on; may be repeated."
)
@click.option("--case", "cases", multiple=True, metavar="GLOB", help="Only cases whose id matches; may be repeated.")
@click.option(
    "--to",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    metavar="DIR",
    help="Where the cassettes go, one for each case.",
)
@click.option(
    "--record-mode",
    "mode",
    type=click.Choice(MODES),
    default="once",
    show_default=True,
    help="When a cassette is written, as in pytest-recording.",
)
@click.option("--smallest", is_flag=True, help="Keep the fewest cassettes that show every success and every refusal.")
@click.option("--seed", type=click.IntRange(0, LARGEST_SEED), default=0, show_default=True, help="Repeats a recording.")
@click.option(
    "--profile",
    type=click.Choice(["quick", "default", "deep"]),
    default="quick",
    show_default=True,
    help="Whose cases.",
)
@click.option(
    "--behaviour",
    type=click.Choice(["documented", "observed"]),
    default="documented",
    show_default=True,
    help="How the embedded simulator answers.",
)
@sandbox_options
def command(
    *,
    target: str,
    control_url: str | None,
    order_ids: tuple[str, ...],
    cases: tuple[str, ...],
    directory: Path,
    mode: str,
    smallest: bool,
    seed: int,
    profile: str,
    behaviour: str,
    sandbox: SandboxUse,
) -> None:
    """Play the cases of a server and keep each in a cassette that pytest-recording and vcrpy can replay.

    Names, addresses, credentials and free texts are replaced by stand-ins before anything is written. What the
    stand-ins are follows from KLARNA_REDACTION_SALT in the environment; a server needs one, the simulator does not.
    Credentials come from KLARNA_USERNAME and KLARNA_PASSWORD in the environment.

    A cassette is written whole or not at all. A case that could not be played gets none, and is named.

    Exit status: 0 recorded, 1 a recorded case failed, 2 something could not be recorded.
    """
    username = password = ""
    base_url = None
    if target != SIMULATOR:
        base_url = server_url(target)
        username, password = credentials_for(base_url, sandbox, None, None)
    elif sandbox.given():
        raise UsageError(f"{sandbox.given()} needs a --target other than the simulator")

    from conformance.commands.reporting import watch  # noqa: PLC0415 - heavy
    from conformance.recordings.pseudonym import PUBLIC_SALT, SALT_VARIABLE  # noqa: PLC0415 - heavy
    from conformance.reports.terminal import printable  # noqa: PLC0415 - heavy
    from conformance.suites.recording import RecordMode, RecordOptions, record  # noqa: PLC0415 - heavy
    from conformance.suites.run import ServerOptions  # noqa: PLC0415 - heavy
    from conformance.verdict import Verdict  # noqa: PLC0415 - heavy

    salt = os.environ.get(SALT_VARIABLE) or PUBLIC_SALT
    if salt == PUBLIC_SALT and not sandbox.dry_run and base_url is not None and not is_loopback(base_url):
        raise UsageError(f"set {SALT_VARIABLE} to a secret text: with the public salt anybody can try out who is meant")
    server = ServerOptions(
        base_url=base_url,
        username=username,
        password=password,
        control_url=control_url,
        order_ids=order_ids,
        seed=seed,
        profile=profile,
        cases=cases,
        behaviour=behaviour,
    )
    server = plan(gently(server, sandbox, target), whole=sandbox.dry_run)
    if sandbox.dry_run:
        return
    options = RecordOptions(server, directory, RecordMode(mode), smallest=smallest, salt=salt)
    with watch(seed) as listener:
        done = record(options, listener)
    click.echo(
        f"{len(done.written)} cassettes written to {printable(str(directory))}, {len(done.kept)} kept, "
        f"{len(done.removed)} removed, {len(done.unrecorded)} cases without one"
    )
    failed = [result.id for result in done.results if result.verdict is Verdict.FAILED]
    for case_id in failed[:_SHOWN]:
        click.echo(f"failed        {printable(case_id)}")
    for case_id, why in done.unrecorded[:_SHOWN]:
        click.echo(f"not recorded  {printable(case_id)}: {printable(why)}")
    for note in done.notes:
        click.echo(printable(note))
    # That a sandbox does not offer everything is no failure of the recording.
    unmeasured = {result.id for result in done.results if result.verdict is Verdict.NOT_MEASURED}
    lacking = [each for each in done.unrecorded if server.sandbox is None or each[0] not in unmeasured]
    if lacking or not (done.written or done.kept):
        missing = f"{len(lacking)} cases were not recorded" if lacking else "nothing was recorded"
        raise RecordingError(missing)
    click.get_current_context().exit(1 if failed else 0)
