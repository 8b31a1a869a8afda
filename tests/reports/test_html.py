from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

from conformance.reports.html import render_html, write_html
from conformance.verdict import CellState, RunResult, Verdict
from tests.reports.conftest import case, run

VOID = {"meta"}


class Balance(HTMLParser):
    """Keeps the stack of open elements, and everything that could load or run something."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loads: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        self.loads += [name for name, _ in attrs if name in ("src", "href") or name.startswith("on")]
        if tag in ("script", "link", "img", "iframe"):
            self.loads.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def read(text: str) -> Balance:
    reader = Balance()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    return reader


def test_the_file_is_well_formed_and_loads_nothing(everything: RunResult) -> None:
    assert read(render_html(everything)).loads == []


def test_the_text_of_a_server_stays_text(everything: RunResult) -> None:
    text = render_html(everything)
    assert "<script>" not in text
    assert "\x1b" not in text
    assert "\x00" not in text
    assert "<script>&\"' \\x1b[31m\\x00 [bold] \\ud800 ünï \U0001f600" in "".join(read(text).text)


def test_everything_is_told(everything: RunResult) -> None:
    text = " ".join(read(render_html(everything)).text)
    for told in everything.cases:
        assert told.id.isprintable() is False or told.id in text
    for word in ("KOM-207", "KOM-602", "html-400", "NO_SUCH_ORDER", "2. captureOrder 201", "no second merchant", "1/2"):
        assert word in text
    assert "the target has no second merchant" in text


def test_the_verdict_is_that_of_the_exit_status(everything: RunResult) -> None:
    def verdict(result: RunResult) -> str:
        found = re.search(r'<p class="verdict (\w+)">([^<]*)', render_html(result))
        assert found is not None
        return f"{found[1]}: {found[2]}"

    assert verdict(run(case())) == "passed: conforms"
    assert verdict(run(case(verdict=Verdict.FAILED))) == "failed: does not conform"
    assert verdict(run()).startswith("error: could not be judged: nothing was exchanged")
    assert verdict(everything).startswith("error: could not be judged: 1 case")


def test_a_run_without_coverage_or_findings_says_so() -> None:
    text = render_html(run(case()))
    assert "None." in text
    assert "Coverage of the contract" not in text


def test_a_cell_tells_why_it_is_open(everything: RunResult, tmp_path: Path) -> None:
    write_html(everything, tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert f'<span class="{CellState.EXCLUDED.value}" title="excluded: only the service itself">' in text
