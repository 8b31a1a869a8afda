from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from conformance.clients import scenario
from conformance.clients.scenario import UNSET, client_cases
from conformance.contract.contract import Contract
from conformance.contract.document import read_document
from conformance.contract.files import spec_directory
from conformance.exceptions import ContractError
from conformance.simulator.toxic import TOXICS, Toxic


def test_every_case_has_an_id_of_its_own_and_the_order_never_changes(contract: Contract) -> None:
    ids = [case.id for case in client_cases(contract)]
    assert len(set(ids)) == len(ids) > 1_500
    assert ids == [case.id for case in client_cases(contract)]
    assert not [name for name in ids if any(sign in name for sign in "{}*?[] ")]


@pytest.mark.parametrize(
    "name",
    [
        "request/getOrder",
        "ids/get/percent-s",
        "credentials/five-hundred-bytes",
        "errors/captureOrder/403-CAPTURE_NOT_ALLOWED/json",
        "errors/cancelOrder/401-html/html",
        "retry/captureOrder-with-key/lost-reply",
        "retry/refundOrder-without-key/late-reply-kept",
        "security/certificate/captureOrder",
    ],
)
def test_ids_stay_as_they_are(name: str, contract: Contract) -> None:
    assert name in {case.id for case in client_cases(contract)}


def test_every_documented_refusal_is_met_on_every_operation_in_every_form(contract: Contract) -> None:
    cases = {case.id for case in client_cases(contract)}
    shapes = ("json", "extra-fields", "singular-message", "no-messages", "html", "spring", "nothing")
    for row in contract.errors.rows:
        for operation in row.operations:
            for shape in shapes if row.code else ("html", "spring", "nothing"):
                name = f"errors/{operation}/{row.status}-{row.code or row.body.value}/{shape}"
                assert (name in cases) or not row.truth.binds, name


def test_every_operation_is_called(contract: Contract) -> None:
    cases = {case.id for case in client_cases(contract)}
    assert {f"request/{operation.id}" for operation in contract.operations} <= cases
    assert {
        f"retry/{operation.id}-without-key/lost-reply-kept" for operation in contract.operations if operation.writes
    } <= cases


def test_bodies_fit_the_description(contract: Contract) -> None:
    for case in client_cases(contract):
        for step in case.steps:
            described = contract.operations[step.operation].body
            assert step.body is not UNSET
            if case.id.startswith("request/") and described is not None:
                assert contract.operations.validator(described).is_valid(step.body), case.id


def test_every_toxic_of_every_script_exists(contract: Contract) -> None:
    used = set()
    for case in client_cases(contract):
        for step in case.steps:
            for given in step.script:
                if given is not None:
                    ((kind, parameters),) = given.items()
                    Toxic(kind, parameters)
                    used.add(kind)
    # A plain compression is no fault; every other toxic is put to use.
    assert used == set(TOXICS) - {"gzip"}


def test_keys_and_warmth_come_from_the_axes(contract: Contract) -> None:
    cases = {case.id: case for case in client_cases(contract)}
    with_key = cases["retry/captureOrder-with-key/late-reply-kept"]
    without = cases["retry/captureOrder-without-key/late-reply"]
    assert (with_key.has_key, without.has_key) == (True, False)
    assert (with_key.steps[0].warm, without.steps[0].warm) == (True, False)
    assert with_key.steps[0].timeout_s == 1
    assert with_key.waits
    assert not cases["request/getOrder"].waits
    assert not cases["errors/getOrder/404-NO_SUCH_ORDER/json"].waits
    assert cases["errors/getOrder/503-TEMPORARILY_UNAVAILABLE/json"].waits


def test_amounts_take_the_place_of_the_usual_ones(contract: Contract) -> None:
    cases = {case.id: case for case in client_cases(contract)}
    assert cases["amounts/captureOrder/zero"].steps[0].body["captured_amount"] == 0
    body = cases["amounts/updateAuthorization/two-to-the-31"].steps[0].body
    assert body["order_amount"] == 2**31
    assert "order_lines" not in body


# --- mistakes -----------------------------------------------------------------------------------------------------


@pytest.fixture
def edited(tmp_path: Path, contract: Contract, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Expand the scenarios after a change to their text."""

    def expand(old: str, new: str) -> None:
        text = (spec_directory() / "scenarios.yaml").read_text("utf-8")
        assert old in text
        (tmp_path / "scenarios.yaml").write_text(text.replace(old, new, 1), "utf-8")
        if not (tmp_path / "schemas").exists():
            shutil.copytree(spec_directory() / "schemas", tmp_path / "schemas")
        document = read_document("scenarios.yaml", "scenarios.schema.json", tmp_path)
        list(scenario._Expansion(document, contract).cases())

    return expand


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("  acknowledgeOrder: {order: {}}\n", "", "does not say how acknowledgeOrder is called"),
        ("  acknowledgeOrder:", "  acknowledgeOrders:", "acknowledgeOrders.*is no operation"),
        ("requirement: OM-CLIENT-01", "requirement: OM-CLIENT-99", "OM-CLIENT-99 is no requirement"),
        ("id: request/{operation}", "id: request/{operations}", "operations} is no axis"),
        ("id: ids/{operation}/{text}", "id: ids/{operation}", "comes twice"),
        ("user: either, may_refuse: true}]", "user: perhaps}]", "user"),
        ("level: core", "level: cor", "level"),
        ("documented, shape: fitting", "documented, shape: some", "shape"),
    ],
)
def test_a_slip_in_the_scenarios_is_named(edited: Any, old: str, new: str, reason: str) -> None:
    with pytest.raises(ContractError, match=reason) as caught:
        edited(old, new)
    assert caught.value.line is not None
