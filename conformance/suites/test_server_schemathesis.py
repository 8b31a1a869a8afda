"""Every operation and phase of Schemathesis as a pytest item; the quick profile leaves them out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from conformance.contract.contract import load_contract
from conformance.exceptions import UsageError
from conformance.suites.case import Case
from conformance.suites.conftest import parametrize
from conformance.suites.schemathesis_driver import schemathesis_cases

if TYPE_CHECKING:
    from conformance.suites.conftest import Judged


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make an item of each operation and phase."""
    profile = metafunc.config.getoption("--conformance-profile")
    cases: list[Case] = []
    if profile != "quick":
        try:
            cases.extend(schemathesis_cases(load_contract(), profile))
        except UsageError as error:
            raise pytest.UsageError(str(error)) from None
    parametrize(metafunc, cases, "not measured: the quick profile leaves Schemathesis out")


def test_server_schemathesis(case: Case, judged: Judged) -> None:
    """Let Schemathesis ask about one operation."""
    judged(case)
