from __future__ import annotations

from pathlib import Path

import pytest

import conformance
from conformance.contract.files import cassette_directory, spec_directory, spec_path
from conformance.exceptions import ContractError


def _directory(path: Path) -> Path:
    path.mkdir(parents=True)
    return path


def test_in_a_checkout_the_data_lies_beside_the_package(tmp_path: Path) -> None:
    package = _directory(tmp_path / "conformance")
    beside = _directory(tmp_path / "specs")
    assert spec_directory(package) == beside


def test_in_a_wheel_the_data_lies_inside_the_package(tmp_path: Path) -> None:
    package = _directory(tmp_path / "conformance")
    inside = _directory(package / "specs")
    _directory(tmp_path / "specs")
    assert spec_directory(package) == inside


def test_cassettes_are_found_by_the_same_rule(tmp_path: Path) -> None:
    package = _directory(tmp_path / "conformance")
    beside = _directory(tmp_path / "cassettes")
    assert cassette_directory(package) == beside
    inside = _directory(package / "cassettes")
    assert cassette_directory(package) == inside


def test_a_missing_directory_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=r"specs: the directory is missing; reinstall"):
        spec_directory(tmp_path / "conformance")


def test_a_missing_file_is_one_clear_line(tmp_path: Path) -> None:
    package = _directory(tmp_path / "conformance")
    _directory(package / "specs")
    with pytest.raises(ContractError, match=r"errors\.yaml: the file is missing"):
        spec_path("errors.yaml", package)


def test_the_real_package_finds_its_files() -> None:
    root = Path(conformance.__file__).parent
    assert spec_path("schemas/report.schema.json").is_file()
    assert spec_directory().parent in (root, root.parent)
