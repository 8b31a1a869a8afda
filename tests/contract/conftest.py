from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from conformance.contract.files import spec_directory


@pytest.fixture
def specs(tmp_path: Path) -> Path:
    """Return a copy of the real specs directory, to be spoiled at will."""
    return Path(shutil.copytree(spec_directory(), tmp_path / "specs"))
