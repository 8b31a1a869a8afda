"""Every case of the matrix as a pytest item."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from conformance.contract.contract import load_contract
from conformance.suites.case import Case
from conformance.suites.conftest import parametrize
from conformance.suites.matrix import matrix_cases

if TYPE_CHECKING:
    from conformance.suites.conftest import Judged


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make an item of each case."""
    parametrize(metafunc, matrix_cases(load_contract()))


def test_server_matrix(case: Case, judged: Judged) -> None:
    """Put one question to the server."""
    judged(case)
