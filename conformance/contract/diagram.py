"""Draws the lifecycle table as a page of documentation, so that the picture cannot drift from the machine.

``python -m conformance.contract.diagram`` prints the page; it is committed as ``docs/lifecycle.md``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from conformance.contract.contract import Contract, load_contract
from conformance.contract.lifecycle import Cell, Effect

__all__ = ["page"]

_CONDITIONS = {
    "nothing_remains": "nothing remains authorised",
    "nothing_captured": "nothing is captured",
    "otherwise": "",
}


def page(contract: Contract) -> str:
    """Return the whole page as Markdown: the diagram, the states, the table and the guards."""
    return "\n".join(
        [
            "# The lifecycle of an order",
            "",
            "Generated from `specs/lifecycle.yaml` by `python -m conformance.contract.diagram`; do not edit by hand.",
            "",
            *_diagram(contract),
            "",
            *_states(contract),
            "",
            *_table(contract),
            "",
            *_guards(contract),
            "",
        ]
    )


def _diagram(contract: Contract) -> Iterator[str]:
    yield "```mermaid"
    yield "stateDiagram-v2"
    yield "    [*] --> AUTHORIZED"
    drawn: set[str] = set()
    for cell in contract.lifecycle.cells.values():
        if not cell.allowed:
            continue
        for condition, target in _targets(cell):
            label = f"{cell.operation} ({condition})" if condition else cell.operation
            line = f"    {cell.state} --> {target}: {label}"
            if line not in drawn:
                drawn.add(line)
                yield line
    yield "    AUTHORIZED --> EXPIRED: expires_at passes"
    yield "    PART_CAPTURED --> EXPIRED: expires_at passes"
    for state in contract.lifecycle.states.values():
        if state.terminal:
            yield f"    {state.id} --> [*]"
    yield "```"


def _targets(cell: Cell) -> Iterator[tuple[str, str]]:
    # An authorised order has no captures by definition, and every other state that may change has some.
    nothing_captured = "nothing_captured" in cell.effect.to
    for condition, target in cell.effect.to.items():
        if nothing_captured and (condition == "nothing_captured") != (cell.state == "AUTHORIZED"):
            continue
        if target != cell.state:
            yield _CONDITIONS[condition], target


def _states(contract: Contract) -> Iterator[str]:
    yield "## States"
    yield ""
    yield "| state | `status` may show | terminal | sure | meaning |"
    yield "|---|---|---|---|---|"
    for state in contract.lifecycle.states.values():
        terminal = "yes" if state.terminal else ""
        yield f"| {state.id} | {', '.join(state.shows)} | {terminal} | {state.truth} | {state.means} |"


def _table(contract: Contract) -> Iterator[str]:
    yield "## Operations in each state"
    yield ""
    yield "✓ allowed, ✗ refused with the row of the error table; (i) inferred, and so never held against a server."
    yield ""
    states = list(contract.lifecycle.states)
    yield f"| operation | {' | '.join(states)} | effect |"
    yield f"|---|{'---|' * len(states)}---|"
    for operation in contract.operations:
        cells = [contract.lifecycle.cell(operation.id, state) for state in states]
        marks = " | ".join(_mark(cell, contract) for cell in cells)
        yield f"| `{operation.id}` | {marks} | {_effect(cells[0].effect)} |"


def _mark(cell: Cell, contract: Contract) -> str:
    inferred = "" if cell.truth.binds else " (i)"
    if cell.allowed:
        return f"✓{inferred}"
    row = contract.errors.row(cell.error)
    return f"✗ {row.status} {row.code}{inferred}"


def _effect(effect: Effect) -> str:
    words = [f"`{name}` {change} `{operand}`" for name, (change, operand) in effect.amounts.items()]
    words += [f"adds to `{effect.adds}`"] if effect.adds else []
    words += [f"replaces `{effect.replaces}`"] if effect.replaces else []
    words += [f"overwrites `{name}`" for name in effect.overwrites]
    words += [f"appends to `{effect.appends}`"] if effect.appends else []
    words += [f"moves `{effect.moves}`"] if effect.moves else []
    return "; ".join(words)


def _guards(contract: Contract) -> Iterator[str]:
    yield "## Guards"
    yield ""
    yield "| operation | guard | refused with | sure |"
    yield "|---|---|---|---|"
    for operation in contract.operations:
        guards = {
            guard: None
            for state in contract.lifecycle.states
            for guard in contract.lifecycle.cell(operation.id, state).guards
        }
        for guard in guards:
            row = contract.errors.row(guard.error)
            sure = f"{guard.truth}, at the service's discretion" if guard.discretionary else str(guard.truth)
            asked = contract.lifecycle.guards[guard.guard]
            yield f"| `{operation.id}` | {asked} | {row.status} {row.code} | {sure} |"


if __name__ == "__main__":
    sys.stdout.write(page(load_contract()))
