"""The wheel carries everything that the suite needs away from its checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parent.parent


def run(*command: str, cwd: Path, path: Path | None = None) -> str:
    # Coverage would measure the copy under test as if it were a second package.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("COVERAGE", "PYTHON"))}
    if path is not None:
        environment["PYTHONPATH"] = str(path)
    done = subprocess.run(
        [sys.executable, *command], cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the sdist and the wheel that was built from it, as a release would be."""
    target = tmp_path_factory.mktemp("built")
    run("-m", "build", "--no-isolation", "--outdir", str(target), str(CHECKOUT), cwd=target)
    return target


@pytest.fixture(scope="module")
def installed(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("installed")
    (wheel,) = built.glob("*.whl")
    options = ("--no-deps", "--no-index", "--no-compile", "--quiet", "--disable-pip-version-check")
    run("-m", "pip", "install", *options, "--target", str(target), str(wheel), cwd=target)
    return target


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    return tmp_path


def test_the_specs_are_found_in_the_installation(installed: Path, empty: Path) -> None:
    program = (
        "import conformance; from conformance.contract.files import spec_path;"
        "print(conformance.__file__, spec_path('errors.yaml'), sep='\\n')"
    )
    package, errors = run("-c", program, cwd=empty, path=installed).splitlines()
    assert Path(package).parent == installed / "conformance"
    assert Path(errors) == installed / "conformance" / "specs" / "errors.yaml"


def test_the_commands_work_far_from_the_checkout(installed: Path, empty: Path) -> None:
    assert run("-m", "conformance", "explain", "KOM-207", cwd=empty, path=installed).startswith("KOM-207 ")
    cases = run("-m", "conformance", "cases", "--profile", "quick", cwd=empty, path=installed).splitlines()
    assert len(cases) > 100
    assert all(case.count("/") >= 2 for case in cases)


def test_a_run_far_from_the_checkout_conforms_and_leaves_nothing(installed: Path, empty: Path) -> None:
    shown = run(
        "-m", "conformance", "test-server", "--profile", "quick", "--case", "getOrder/*", cwd=empty, path=installed
    )
    assert shown.splitlines()[-1] == "conforms"
    assert list(empty.iterdir()) == []


def test_the_wheel_holds_the_package_and_nothing_of_the_workshop(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.partition("/")[0] for name in names} == {"conformance", "klarna_conformance-0.1.0.dist-info"}
    assert {"conformance/py.typed", "klarna_conformance-0.1.0.dist-info/licenses/LICENSE"} <= set(names)
    data = {
        path.relative_to(CHECKOUT).as_posix()
        for folder in ("specs", "cassettes")
        for path in (CHECKOUT / folder).rglob("*")
        if path.is_file()
    }
    assert "specs/errors.yaml" in data
    carried = {name.removeprefix("conformance/") for name in names}
    assert data == {name for name in carried if name.startswith(("specs/", "cassettes/"))}


def test_the_sdist_can_be_tested(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"tests/test_wheel.py", "conftest.py", "constraints.txt", "specs/errors.yaml", ".ci/run"} <= names


def test_the_pins_name_no_registry() -> None:
    lines = (CHECKOUT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert lines
    for line in lines:
        pin, _, marker = line.partition(" ; ")
        assert pin.count("==") == 1, line
        assert "://" not in line, line
        assert "#" not in line, line
        assert not marker or any(word in marker for word in ("python", "platform", "os_name")), line
