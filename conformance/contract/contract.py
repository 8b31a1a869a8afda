"""Everything that the suite holds against a server or a client, as one value with a digest to quote."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from conformance.contract.deviation import Deviation, deviations
from conformance.contract.document import Document, read_document
from conformance.contract.error_table import ErrorTable
from conformance.contract.files import spec_directory
from conformance.contract.lifecycle import Lifecycle
from conformance.contract.operation import Operation
from conformance.contract.operations import Operations
from conformance.contract.requirement import FindingCode, Requirement, finding_codes, requirements
from conformance.exceptions import ContractError

__all__ = ["Contract", "load_contract"]

_DESCRIPTION = "order-management.yaml"


# What a server is judged by; the zoo and the scenarios for clients are tools of the suite and change nothing in it.
_FILES = (
    "deviations.yaml",
    "errors.yaml",
    "findings.yaml",
    "lifecycle.yaml",
    "order-management.yaml",
    "requirements.yaml",
)


@dataclass(frozen=True, slots=True)
class Contract:
    """The contract that one release of the suite judges by.

    ``requirements``, ``findings`` and ``deviations`` are keyed by id or code. ``digest`` is the SHA-256 of the files
    in hexadecimal: two reports with the same digest were judged by the same contract.
    """

    operations: Operations
    errors: ErrorTable
    lifecycle: Lifecycle
    requirements: Mapping[str, Requirement]
    findings: Mapping[str, FindingCode]
    deviations: Mapping[str, Deviation]
    digest: str


def load_contract(directory: Path | None = None) -> Contract:
    """Load the suite's own contract (once in a process) or the one in another specs directory.

    Raises ContractError with file, line and field for whatever is wrong with it.
    """
    return _own_contract() if directory is None else _load(directory)


@functools.cache
def _own_contract() -> Contract:
    return _load(spec_directory())


def _load(directory: Path) -> Contract:
    if not directory.is_dir():
        raise ContractError(directory, None, "", "is no directory of specs")
    description = read_document(_DESCRIPTION, directory=directory)
    operations = _operations(description)
    errors_file = _read("errors", directory)
    lifecycle_file = _read("lifecycle", directory)
    requirements_file = _read("requirements", directory)
    _check_sets(errors_file, operations)
    errors = ErrorTable.from_document(errors_file)
    _check_answers(description, errors_file, errors, operations)
    _check_lifecycle_operations(lifecycle_file, operations)
    known = requirements(requirements_file)
    findings = finding_codes(_read("findings", directory), known)
    _check_measured(requirements_file, findings.values())
    return Contract(
        operations=operations,
        errors=errors,
        lifecycle=Lifecycle.from_document(lifecycle_file, errors),
        requirements=known,
        findings=findings,
        deviations=deviations(
            _read("deviations", directory), findings, frozenset(operation.id for operation in operations)
        ),
        digest=_digest(directory),
    )


def _operations(document: Document) -> Operations:
    try:
        return Operations.from_document(document.value)
    except ContractError as error:
        raise document.located(error) from error


def _read(noun: str, directory: Path) -> Document:
    return read_document(f"{noun}.yaml", f"{noun}.schema.json", directory)


def _check_sets(document: Document, operations: Iterable[Operation]) -> None:
    """The sets of the error table are written out for its readers; the API description decides who belongs to them."""
    described = {
        "writes": {operation.id for operation in operations if operation.writes},
        "reads": {operation.id for operation in operations if not operation.writes},
        "bodies": {operation.id for operation in operations if operation.body is not None},
    }
    for name, expected in described.items():
        wrong = expected.symmetric_difference(document.value["sets"][name])
        if wrong:
            reason = f"{min(wrong)} stands here or in the API description, but not in both"
            raise document.mistake(("sets", name), reason)


def _check_answers(
    description: Document, document: Document, errors: ErrorTable, operations: Iterable[Operation]
) -> None:
    """The API description and the error table name the same refusals, or a judge and a generator would disagree."""
    for operation in operations:
        described = {
            (status, code) for status, answer in operation.answers.items() if status >= 400 for code in answer.codes
        }
        for index, row in enumerate(errors.rows):
            if operation.id in row.operations and row.answer not in described:
                reason = f"the API description has no {row.status} {row.code or 'without a code'} on {operation.id}"
                raise document.mistake(("rows", index), reason)
        for status, code in sorted(described.difference(errors.answers(operation.id))):
            path = ("paths", operation.path, operation.method.lower(), "responses", str(status))
            raise description.mistake(path, f"the error table has no row for {code or 'a body without a code'}")


def _check_lifecycle_operations(document: Document, operations: Iterable[Operation]) -> None:
    described = {operation.id for operation in operations}
    given = document.value["operations"]
    for name in given:
        if name not in described:
            raise document.mistake(("operations", name), "is no operation of the API description")
    if missing := described.difference(given):
        raise document.mistake(("operations",), f"lacks {min(missing)}")


def _check_measured(document: Document, findings: Iterable[FindingCode]) -> None:
    cited = {finding.requirement for finding in findings}
    for index, given in enumerate(document.value["requirements"]):
        if given["id"] not in cited:
            raise document.mistake(("requirements", index), f"no finding code measures {given['id']}")


def _digest(directory: Path) -> str:
    digest = hashlib.sha256()
    for name in _FILES:
        digest.update((directory / name).read_bytes())
    return digest.hexdigest()
