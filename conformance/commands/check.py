"""``check``: judges recorded traffic, from whatever tool it comes."""

from __future__ import annotations

from pathlib import Path

import click

from conformance.commands.destination import destinations

__all__ = ["command"]

FILE = click.Path(dir_okay=False, path_type=Path)


@click.command(
    name="check",
    short_help="Judge recorded traffic: vcrpy, Ruby VCR, HAR.",
    epilog="\b\nExample:\n  klarna-conformance check tests/cassettes session.har --json report.json",
)
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=click.Path(path_type=Path))
@click.option("--json", "json_file", type=FILE, metavar="FILE", help="Write the JSON report.")
@click.option("--junit", "junit_file", type=FILE, metavar="FILE", help="Write a JUnit report.")
def command(*, paths: tuple[Path, ...], json_file: Path | None, junit_file: Path | None) -> None:
    """Judge the recordings at PATH: cassettes of vcrpy and Ruby VCR, and HAR files.

    A directory is searched for .yml, .yaml, .json and .har files; those that are no recordings are skipped, and
    named. Exchanges with other APIs are counted, not judged. Within a file each answer is held against all that went
    before.

    A cassette of this suite that was edited, has expired, or records a case that is gone does not count; one that was
    recorded under another contract is judged by the present one, and noted.

    Exit status: 0 conforms, 1 an exchange failed, 2 a file could not be read, a cassette does not count, or nothing
    could be judged.
    """
    files = destinations(json=json_file, junit=junit_file)

    from conformance.contract.contract import load_contract  # noqa: PLC0415 - heavy
    from conformance.recordings.check import CheckedFile, check_paths  # noqa: PLC0415 - heavy
    from conformance.reports.exit_status import COULD_NOT_RUN, exit_status  # noqa: PLC0415 - heavy
    from conformance.reports.json_report import write_json  # noqa: PLC0415 - heavy
    from conformance.reports.junit import write_junit  # noqa: PLC0415 - heavy
    from conformance.reports.terminal import printable  # noqa: PLC0415 - heavy
    from conformance.suites.catalogue import is_case  # noqa: PLC0415 - heavy

    def tell(file: CheckedFile) -> None:
        for line in file.lines():
            # A line is a line: the name of a file may hold a line break.
            click.echo(printable(line).replace("\n", "\\n"))

    contract = load_contract()
    checked = check_paths(paths, contract, tell, is_case=is_case)
    result = checked.run_result(contract)
    writers = {"json": write_json, "junit": write_junit}
    for name, path in files.items():
        writers[name](result, path)
    click.echo(printable(checked.totals()))
    status = exit_status(result)
    if trouble := checked.trouble():
        click.echo(f"klarna-conformance: {printable(' '.join(trouble.split()))}", err=True)
        status = COULD_NOT_RUN
    click.get_current_context().exit(status)
