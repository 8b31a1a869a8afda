"""The committed picture of the lifecycle is the one that the table gives."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from conformance.contract.contract import load_contract
from conformance.contract.diagram import page

DIAGRAM = Path(__file__).parents[2] / "conformance" / "contract" / "diagram.py"
PAGE = Path(__file__).parents[2] / "docs" / "lifecycle.md"


def test_the_committed_page_is_the_generated_one() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(load_contract())


def test_the_module_prints_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(DIAGRAM), run_name="__main__")
    assert capsys.readouterr().out == PAGE.read_text(encoding="utf-8")


def test_every_operation_and_every_state_is_on_the_page() -> None:
    contract, text = load_contract(), PAGE.read_text(encoding="utf-8")
    assert all(f"| `{operation.id}` |" in text for operation in contract.operations)
    assert all(f"| {state} |" in text for state in contract.lifecycle.states)


def test_what_is_inferred_is_marked() -> None:
    line = next(line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `cancelOrder`"))
    assert line.count("(i)") == 1
    assert "✗ 403 CANCEL_NOT_ALLOWED" in line
