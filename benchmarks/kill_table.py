"""Writes the kill table from the results that are on file: for the documentation, and a short one for the README."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from conformance.simulator.faults.fault import Fault

PROFILES = ("quick", "default", "deep")
STOCK = "stock Schemathesis"
_PAGE = """# The kill table

Every fault of the zoo (`klarna-conformance faults` lists them) against the three profiles of the suite and against
stock Schemathesis, on one machine and by one command, `python -m benchmarks.kills`, which wrote this page. A fault
counts as killed when the run fails, or warns where the rule that the fault breaks is a SHOULD; for Schemathesis, when
it reports anything. A run ends at its first finding. A cell reads killed / shown: a tool that was not
shown every fault was shown a sample that is spread evenly over the classes.

{table}
## How it was measured

- Machine: {machine}; two runs at a time.
- Budget of a run: {budgets}. Seed 1.
- Time to the first finding, for the profiles from a start with everything imported; starting takes {started} on top.
  For Schemathesis it is the whole run of its program, which cannot be called otherwise. Survivors do not enter the
  median.
- False alarms: runs against the simulator without a fault in which anything was reported, warnings included; the
  profiles in both behaviours, Schemathesis in the documented one. Its idempotency keys come from a dictionary; where it
  draws one twice for one order, the first answer comes again whatever the body, and it takes that for acceptance
  (ST201). All its false alarms that were looked at are of this kind.
- Stock Schemathesis: `schemathesis run`, all phases and checks, on the same description, over a socket, with
  credentials, examples of real ids and dictionaries of 200 orders in four states; `benchmarks/stock.py` is the whole
  configuration.
- The faults and the suite have the same authors, so the profiles' figures say that every check bites, not how a fault
  of somebody else's making would fare. Schemathesis has no such advantage.

## Survivors
{survivors}"""
BEGIN, END = "<!-- kills:begin -->", "<!-- kills:end -->"


@dataclass(frozen=True, slots=True)
class Record:
    """One run: a tool against one fault (empty for none). ``seconds`` lead to the first finding, or to the end."""

    tool: str
    fault: str
    seed: int
    behaviour: str
    budget_s: float
    print: str
    killed: bool
    seconds: float
    exchanges: int
    codes: Sequence[str]
    cut_short: bool
    cpu_s: float = 0.0
    case: str = ""
    examples: int = 0


def write_tables(
    root: Path | None,
    *,
    machine: str,
    start_s: Mapping[str, float],
    zoo: Sequence[Fault],
    records: Sequence[Record],
) -> str:
    """Return the table by class; with a ``root`` also write docs/kill-table.md and the README's part."""
    table = _Table(zoo, records)
    if root is not None:
        document = root / "docs" / "kill-table.md"
        document.write_text(table.document(machine, start_s), encoding="utf-8")
        _into_readme(root / "README.md", table.short())
    return table.by_class()


def _into_readme(readme: Path, text: str) -> None:
    before, begin, rest = readme.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if begin and end:
        readme.write_text(f"{before}{begin}\n{text}{end}{after}", encoding="utf-8")


class _Table:
    def __init__(self, zoo: Sequence[Fault], records: Sequence[Record]) -> None:
        self.zoo = {fault.id: fault for fault in zoo}
        self.tools = [tool for tool in (*PROFILES, STOCK) if any(record.tool == tool for record in records)]
        self.runs = {
            tool: {record.fault: record for record in records if record.tool == tool and record.fault in self.zoo}
            for tool in self.tools
        }
        self.clean = {
            tool: [record for record in records if record.tool == tool and not record.fault] for tool in self.tools
        }

    def by_class(self) -> str:
        """Lay out who killed what, and how soon."""
        lines = [_row(("class", "faults", *self.tools)), _row(("---", *("---:" for _ in range(len(self.tools) + 1))))]
        classes = list(dict.fromkeys(fault.fault_class for fault in self.zoo.values()))
        for each in classes:
            members = [fault.id for fault in self.zoo.values() if fault.fault_class is each]
            lines.append(_row((each.value, str(len(members)), *(self._share(tool, members) for tool in self.tools))))
        every = list(self.zoo)
        lines.append(
            _row(("**all**", f"**{len(every)}**", *(f"**{self._share(tool, every)}**" for tool in self.tools)))
        )
        medians = [self._median(tool, "seconds") for tool in self.tools]
        lines.append(_row(("median time to the first finding", "", *medians)))
        lines.append(_row(("the same in CPU time", "", *(self._median(tool, "cpu_s") for tool in self.tools))))
        lines.append(_row(("false alarms / runs without a fault", "", *(self._alarms(tool) for tool in self.tools))))
        return "\n".join(lines) + "\n"

    def short(self) -> str:
        """Lay out what the README shows."""
        return (
            self.by_class() + "\nHow it was measured, and every survivor: [docs/kill-table.md](docs/kill-table.md).\n"
        )

    def document(self, machine: str, start_s: Mapping[str, float]) -> str:
        """Write the whole page."""
        started = ", ".join(f"{profile} {start_s[profile]:.1f} s" for profile in PROFILES)
        budgets = ", ".join(sorted({f"{tool} {self._budget(tool)}" for tool in self.tools}))
        return _PAGE.format(
            table=self.by_class(),
            machine=machine,
            budgets=budgets,
            started=started,
            survivors="".join(self._survivors(tool) for tool in self.tools),
        )

    def _share(self, tool: str, members: Iterable[str]) -> str:
        runs = [self.runs[tool][fault] for fault in members if fault in self.runs[tool]]
        return f"{sum(run.killed for run in runs)} / {len(runs)}" if runs else "not run"

    def _median(self, tool: str, field: str) -> str:
        times = [getattr(run, field) for run in self.runs[tool].values() if run.killed]
        return _seconds(statistics.median(times)) if times else "-"

    def _alarms(self, tool: str) -> str:
        runs = self.clean[tool]
        return f"{sum(run.killed for run in runs)} / {len(runs)}" if runs else "not run"

    def _budget(self, tool: str) -> str:
        run = next(iter(self.runs[tool].values()), None) or self.clean[tool][0]
        examples = f" and {run.examples} examples an operation" if run.examples else ""
        return f"{run.budget_s:.0f} s of CPU time{examples}"

    def _survivors(self, tool: str) -> str:
        alive = [
            self.zoo[fault] for fault in self.zoo if fault in self.runs[tool] and not self.runs[tool][fault].killed
        ]
        lines = [f"\n### {tool}: {len(alive)}\n\n"]
        for fault in alive:
            cut = ", ended at its budget" if self.runs[tool][fault.id].cut_short else ""
            lines.append(f"- `{fault.id}` ({fault.fault_class.value}{cut}): {fault.title}.\n")
        if not alive:
            lines.append("None of those shown.\n")
        return "".join(lines)


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _seconds(value: float) -> str:
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.1f} s"
