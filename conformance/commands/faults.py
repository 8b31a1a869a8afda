"""``faults``: the ways in which the simulator can be wrong on purpose, and what each would cost a merchant."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from conformance.simulator.faults.fault import Fault

__all__ = ["command"]

CLASSES = ("surface", "error table", "money", "state", "idempotency", "fidelity", "security", "concurrency")


@click.command(
    name="faults",
    short_help="List the faults that serve and test-server can be given.",
    epilog="\b\nExample:\n  klarna-conformance faults --class money",
)
@click.option("--class", "classes", type=click.Choice(CLASSES), multiple=True, help="Of this class; may be repeated.")
@click.option("--json", "as_json", is_flag=True, help="Write JSON, every field of each fault included.")
def command(*, classes: tuple[str, ...], as_json: bool) -> None:
    """List the fault zoo: id, class, operations, what a merchant would lose, and the requirement that is broken."""
    from conformance.contract.contract import load_contract  # noqa: PLC0415 - heavy
    from conformance.simulator.faults.zoo import faults  # noqa: PLC0415 - heavy

    chosen = [fault for fault in faults(load_contract()).values() if not classes or fault.fault_class in classes]
    if as_json:
        click.echo(json.dumps([_fields(fault) for fault in chosen], ensure_ascii=False, indent=2))
        return
    for line in _lines(chosen):
        click.echo(line)


def _fields(fault: Fault) -> dict[str, object]:
    return {
        "id": fault.id,
        "class": fault.fault_class.value,
        "operations": list(fault.operations),
        "unrouted": fault.unrouted,
        "title": fault.title,
        "costs": fault.costs,
        "requirement": fault.requirement,
    }


def _lines(faults: Iterable[Fault]) -> Iterable[str]:
    """Yield a block for each fault; the first line of it can be searched for by id, class and requirement."""
    for fault in faults:
        where = ", ".join(fault.operations) or "requests that no operation takes"
        yield f"{fault.id}  ({fault.fault_class.value}, {fault.requirement})"
        yield f"  {fault.title}."
        yield f"  {fault.costs}"
        yield f"  {where}"
