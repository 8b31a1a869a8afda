"""Where the data lives: beside the package in a checkout, inside it once installed."""

from __future__ import annotations

from pathlib import Path

from conformance.exceptions import ContractError

__all__ = ["cassette_directory", "spec_directory", "spec_path"]

_PACKAGE = Path(__file__).resolve().parent.parent


def spec_directory(package: Path = _PACKAGE) -> Path:
    """Find ``specs/`` for whoever loads the contract; raises ContractError when the installation lacks it."""
    return _directory("specs", package)


def cassette_directory(package: Path = _PACKAGE) -> Path:
    """Find ``cassettes/``, the recordings that ship with the suite; raises ContractError when they are missing."""
    return _directory("cassettes", package)


def spec_path(name: str, package: Path = _PACKAGE) -> Path:
    """Return the path of one file under ``specs/``, by its name relative to it (``schemas/report.schema.json``).

    Raises ContractError when the file is missing.
    """
    path = spec_directory(package) / name
    if not path.is_file():
        raise ContractError(path, None, "", "the file is missing; reinstall the package or complete the checkout")
    return path


def _directory(name: str, package: Path) -> Path:
    # An installed package is asked first, so that a directory that happens to lie beside it is never taken for ours.
    for parent in (package, package.parent):
        if (parent / name).is_dir():
            return parent / name
    raise ContractError(
        package / name, None, "", "the directory is missing; reinstall the package or complete the checkout"
    )
