"""Recordings written by hand, so that the readers are tested against the layouts and not against themselves."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conformance.contract.contract import Contract, load_contract

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file from text, bytes or a JSON-able value, and return its path."""

    def writer(content: Any, name: str = "recording.yml") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str):
            content = content.encode()
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        return path

    return writer


@pytest.fixture(scope="session")
def contract() -> Contract:
    return load_contract()
