"""Every walk through random histories as a pytest item; the quick profile leaves them out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from conformance.exceptions import UsageError
from conformance.suites.case import Case
from conformance.suites.conftest import parametrize
from conformance.suites.state_machine import walk_cases

if TYPE_CHECKING:
    from conformance.suites.conftest import Judged


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make an item of each walk."""
    profile = metafunc.config.getoption("--conformance-profile")
    cases: list[Case] = []
    if profile != "quick":
        try:
            cases.extend(walk_cases(profile))
        except UsageError as error:
            raise pytest.UsageError(str(error)) from None
    parametrize(metafunc, cases, "not measured: the quick profile leaves the walks out")


def test_server_walks(case: Case, judged: Judged) -> None:
    """Walk orders through random histories."""
    judged(case)
