"""``serve``: the simulator on two ports, for clients in any language."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from conformance.commands.credentials import from_environment
from conformance.commands.destination import destinations
from conformance.exceptions import UsageError

if TYPE_CHECKING:
    from conformance.simulator.service import Simulator

__all__ = ["command"]

FILE = click.Path(dir_okay=False, path_type=Path)
LARGEST_SEED = 2**63 - 1
PORT = click.IntRange(0, 65535)


@click.command(
    name="serve",
    short_help="Run the simulator on a socket.",
    epilog="\b\nExample:\n  klarna-conformance serve --port 8080 --control-port 8081",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=PORT, default=0, help="The port of the API.  [default: any that is free]")
@click.option("--control-port", type=PORT, default=0, help="The port of the control interface.  [default: any]")
@click.option("--seed", type=click.IntRange(0, LARGEST_SEED), default=0, show_default=True, help="Decides the ids.")
@click.option(
    "--behaviour",
    type=click.Choice(["documented", "observed"]),
    default="documented",
    show_default=True,
    help="Which to follow where documentation and recordings differ.",
)
@click.option(
    "--rate-limit", type=click.IntRange(min=1), metavar="N", help="Requests a second for a merchant.  [default: none]"
)
@click.option("--fault", metavar="ID", help="Be wrong in one way; the command faults lists them.")
@click.option(
    "--cassettes",
    type=click.Path(exists=True, path_type=Path),
    metavar="DIR",
    help="Replay these recordings in place of the simulator.",
)
@click.option("--judge", is_flag=True, help="Judge whatever calls, and report when interrupted.")
@click.option(
    "--list", "list_file", type=FILE, metavar="FILE", help="With --judge: write the table of reserved orders."
)
@click.option("--json", "json_file", type=FILE, metavar="FILE", help="With --judge: write the JSON report.")
@click.option("--real-time", is_flag=True, help="Let time pass; otherwise it moves only by POST /clock.")
def command(
    *,
    host: str,
    port: int,
    control_port: int,
    seed: int,
    behaviour: str,
    rate_limit: int | None,
    fault: str | None,
    cassettes: Path | None,
    judge: bool,
    list_file: Path | None,
    json_file: Path | None,
    real_time: bool,
) -> None:
    """Run the simulator until interrupted; one line with its URLs tells that it is ready.

    It knows the merchant K100001_conformance with password conformance-secret, and a second one,
    K100002_conformance with conformance-other-secret. KLARNA_USERNAME and KLARNA_PASSWORD in the environment
    replace the first.

    The control interface takes orders (POST /orders), moves time (POST /clock), provokes faults (POST /faults) and
    tells what happened (GET /exchanges, GET /ledger/ID). It asks nobody for credentials: keep it on loopback.

    With --judge, run your own tests against the URL: when interrupted it tells what the wire and the ledger show, and
    its exit status is that of test-client. The table that --list writes names orders that bring their own faults: one
    call on one of them is one case.

    With --fault it is wrong on purpose, so that checks can be seen to bite.

    With --cassettes it answers from recordings instead, to any credentials; a request that was not recorded gets
    status 599 and an account of what differs. GET /unplayed on the control port tells what nobody asked for, POST
    /reset rewinds.
    """
    if not judge and (list_file or json_file):
        raise UsageError("--list and --json tell of a run with --judge")
    if cassettes is not None and judge:
        raise UsageError("--judge needs the simulator; leave out --cassettes")
    if cassettes is not None and fault is not None:
        raise UsageError("--fault is the simulator's; leave out --cassettes")
    files = destinations(list=list_file, json=json_file)
    if cassettes is not None:
        _replay(cassettes, host, port, control_port)
        return
    replaced = from_environment()

    from conformance.contract.contract import load_contract  # noqa: PLC0415 - heavy
    from conformance.simulator.clock import Clock  # noqa: PLC0415 - heavy
    from conformance.simulator.merchant import DEFAULT_MERCHANTS, Merchant  # noqa: PLC0415 - heavy
    from conformance.simulator.service import Simulator  # noqa: PLC0415 - heavy
    from conformance.simulator.socket_door import run_server  # noqa: PLC0415 - heavy

    first, *others = DEFAULT_MERCHANTS
    if replaced is not None:
        first = Merchant(*replaced, merchant_id=first.merchant_id)
    options: dict[str, Any] = {
        "seed": seed,
        "behaviour": behaviour,
        "merchants": (first, *others),
        "rate_limit": rate_limit,
        "clock": Clock(follows=real_time),
    }
    simulator = _faulty(fault, options) if fault is not None else Simulator(load_contract(), **options)

    def ready(base_url: str, control_url: str) -> None:
        # A script that reads the line through a pipe must get it now, not when the buffer is full.
        print(f"API {base_url} control {control_url} username {first.username}", flush=True)  # noqa: T201 - as said

    if judge:
        click.get_current_context().exit(_judge(simulator, host, port, control_port, seed, files, ready))
    run_server(simulator, host, port, control_port, ready)


def _faulty(fault_id: str, options: Mapping[str, Any]) -> Simulator:
    """Make a simulator with a fault that a single caller's connections can show."""
    from conformance.contract.contract import load_contract  # noqa: PLC0415 - heavy
    from conformance.simulator.faults.fault import FaultClass  # noqa: PLC0415 - heavy
    from conformance.simulator.faults.faulty_simulator import FaultySimulator  # noqa: PLC0415 - heavy
    from conformance.simulator.faults.zoo import fault_named  # noqa: PLC0415 - heavy

    contract = load_contract()
    fault = fault_named(fault_id, contract)
    if fault.fault_class is FaultClass.CONCURRENCY:
        raise UsageError(f"{fault_id} takes requests of the same moment; this door handles one at a time")
    return FaultySimulator(contract, fault, **options)


def _judge(
    simulator: Simulator,
    host: str,
    port: int,
    control_port: int,
    seed: int,
    files: Mapping[str, Path],
    ready: Callable[[str, str], None],
) -> int:
    """Serve until interrupted, then report; returns the exit status."""
    from conformance.clients.watch import Watch  # noqa: PLC0415 - heavy
    from conformance.commands.reporting import deliver  # noqa: PLC0415 - heavy
    from conformance.reports.artifact import write_artifact  # noqa: PLC0415 - heavy
    from conformance.simulator.socket_door import ServerThread  # noqa: PLC0415 - heavy

    stop = threading.Event()
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with ServerThread(simulator, host, port, control_port) as server:
            watch = Watch(server, simulator.contract, seed=seed)
            watch.reserve()
            if "list" in files:
                write_artifact(files["list"], watch.table())
            ready(server.base_url, server.control_url)
            # Where a signal does not end a wait, it is noticed between two of them.
            while not stop.wait(1.0):
                pass
        result = watch.result()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return deliver(result, {name: path for name, path in files.items() if name == "json"})


def _replay(cassettes: Path, host: str, port: int, control_port: int) -> None:
    from conformance.contract.contract import load_contract  # noqa: PLC0415 - heavy
    from conformance.recordings.pseudonym import PUBLIC_SALT, SALT_VARIABLE  # noqa: PLC0415 - heavy
    from conformance.recordings.redaction import redactor_for  # noqa: PLC0415 - heavy
    from conformance.recordings.replay import CassetteControl, CassetteService, load_cassettes  # noqa: PLC0415 - heavy
    from conformance.simulator.socket_door import run_server  # noqa: PLC0415 - heavy

    contract = load_contract()
    redactor = redactor_for(contract, os.environ.get(SALT_VARIABLE) or PUBLIC_SALT)
    service = CassetteService(load_cassettes([cassettes]), contract, redactor)
    for note in service.notes:
        click.echo(f"klarna-conformance: {note}", err=True)

    def ready(base_url: str, control_url: str) -> None:
        print(f"API {base_url} control {control_url} cassettes {len(service.cassettes)}", flush=True)  # noqa: T201 - as above

    run_server(service, host, port, control_port, ready, control=CassetteControl(service))
