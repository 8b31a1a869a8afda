from __future__ import annotations

import copy
import shutil
from pathlib import Path
from typing import Any

import pytest

from conformance.contract.document import load_document
from conformance.contract.files import spec_directory
from conformance.contract.operations import Operations


@pytest.fixture
def specs(tmp_path: Path) -> Path:
    """Return a copy of the real specs directory, to be spoiled at will."""
    return Path(shutil.copytree(spec_directory(), tmp_path / "specs"))


@pytest.fixture(scope="session")
def described() -> Any:
    """Return the description as it is, not to be spoiled."""
    return load_document("order-management.yaml")


@pytest.fixture
def document(described: Any) -> Any:
    """Return a copy of the description, to be spoiled at will."""
    return copy.deepcopy(described)


@pytest.fixture(scope="session")
def operations(described: Any) -> Operations:
    return Operations.from_document(described)
