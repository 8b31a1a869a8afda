from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from conformance.contract.contract import load_contract
from conformance.contract.document import read_document
from conformance.contract.error_table import ErrorTable
from conformance.exceptions import ContractError


def test_a_refusal_that_only_the_description_has_is_found_there(specs: Path) -> None:
    path = specs / "errors.yaml"
    text = path.read_text(encoding="utf-8")
    both = "operations: [extendDueDate, getOptionsForExtendDueDate]"
    assert both in text
    path.write_text(text.replace(both, "operations: [extendDueDate]", 1), encoding="utf-8")
    with pytest.raises(ContractError, match="the error table has no row for NO_SUCH_ORDER") as caught:
        load_contract(specs)
    error = caught.value
    assert error.file == "order-management.yaml"
    assert error.field.endswith('/extend-due-date-options"].get.responses["404"]')
    lines = (specs / "order-management.yaml").read_text(encoding="utf-8").splitlines()
    assert error.line is not None
    assert "404" in lines[error.line - 1]


@pytest.mark.parametrize("name", ["errors", "lifecycle", "requirements", "findings", "deviations", "order-management"])
def test_a_key_given_twice_is_a_mistake_in_every_file(specs: Path, name: str) -> None:
    path = specs / f"{name}.yaml"
    text = path.read_text(encoding="utf-8")
    first = next(line for line in text.splitlines() if line and line[0] not in "#- ")
    path.write_text(f"{text}\n{first.partition(':')[0]}: again\n", encoding="utf-8")
    with pytest.raises(ContractError, match="is given twice") as caught:
        load_contract(specs)
    assert (str(caught.value.file), caught.value.line) == (path.name, text.count("\n") + 2)


@pytest.mark.parametrize("name", ["errors", "lifecycle", "requirements", "findings", "deviations", "order-management"])
def test_a_missing_file_is_named(specs: Path, name: str) -> None:
    (specs / f"{name}.yaml").unlink()
    with pytest.raises(ContractError, match=rf"^{name}\.yaml: cannot be read: "):
        load_contract(specs)


def test_a_set_that_holds_a_write_among_reads_is_a_mistake(specs: Path) -> None:
    document = read_document("errors.yaml", "errors.schema.json", specs)
    document.value["sets"]["reads"].append("cancelOrder")
    with pytest.raises(ContractError, match=r"errors\.yaml:\d+: sets\.reads: cancelOrder is a write too"):
        ErrorTable.from_document(document)


def test_a_set_of_something_unheard_of_is_a_mistake(specs: Path) -> None:
    document = read_document("errors.yaml", "errors.schema.json", specs)
    document.value["sets"]["bodies"].append("chargeOrder")
    with pytest.raises(ContractError, match=r"sets\.bodies: chargeOrder is neither a read nor a write"):
        ErrorTable.from_document(document)


def test_a_directory_that_is_none_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="is no directory of specs"):
        load_contract(tmp_path / "absent")


def test_the_own_contract_is_loaded_once() -> None:
    assert load_contract() is load_contract()


def test_another_directory_with_the_same_files_is_the_same_contract(specs: Path) -> None:
    copy, own = load_contract(specs), load_contract()
    assert copy is not own
    assert copy.digest == own.digest
    assert copy.findings == own.findings
    assert copy.lifecycle == own.lifecycle
    assert copy.errors.rows == own.errors.rows


def test_the_digest_is_that_of_the_files_in_the_order_of_their_names(specs: Path) -> None:
    tools = {"faults.yaml", "scenarios.yaml"}
    content = b"".join(path.read_bytes() for path in sorted(specs.glob("*.yaml")) if path.name not in tools)
    assert load_contract(specs).digest == hashlib.sha256(content).hexdigest()
    for name in tools:
        (specs / name).write_text("# another tool of the suite\n", encoding="utf-8")
    assert load_contract(specs).digest == load_contract().digest
    with (specs / "findings.yaml").open("ab") as file:
        file.write(b"# a remark\n")
    assert load_contract(specs).digest != load_contract().digest
