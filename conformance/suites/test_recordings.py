"""Judges every cassette anew: by the contract of today, whether its case still exists, and that nobody edited it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from conformance.contract.contract import Contract
from conformance.contract.files import cassette_directory
from conformance.recordings.check import check_paths
from conformance.recordings.reader import find_sources
from conformance.suites.catalogue import is_case
from conformance.verdict import Verdict


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one item of each cassette, named after it."""
    if "cassette" not in metafunc.fixturenames:
        return
    directory = metafunc.config.getoption("--conformance-cassettes")
    sources = list(find_sources([directory or cassette_directory()]))
    metafunc.parametrize("cassette", [pytest.param(source.path, id=source.label) for source in sources])


def test_recording(cassette: Path, klarna_contract: Contract, noted: Callable[[str, str], None]) -> None:
    """One cassette: whole, unedited, not expired, of a case that exists, and nothing in it against the contract."""
    checked = check_paths([cassette], klarna_contract, is_case=is_case)
    if trouble := checked.trouble():
        pytest.fail(trouble, pytrace=False)
    for note in checked.notes():
        noted("note", note)
    broken = [case for case in checked.cases() if case.verdict is Verdict.FAILED]
    if broken:
        lines = [f"{finding.code} {finding.message}" for case in broken for finding in case.findings]
        pytest.fail("\n".join([broken[0].id, *lines[:10], "", *broken[0].findings[0].story]), pytrace=False)
