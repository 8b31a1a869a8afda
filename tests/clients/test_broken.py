from __future__ import annotations

import pytest

from conformance.clients import broken
from conformance.clients.broken import ZOO, Mutation
from conformance.clients.reference import Client
from conformance.clients.scenario import client_cases
from conformance.contract.contract import load_contract

KINDS = {
    "path",
    "encoding",
    "media",
    "credentials",
    "numbers",
    "results",
    "errors",
    "retry",
    "transport",
    "text",
    "security",
}


def test_the_zoo_is_large_and_of_every_kind() -> None:
    assert len(ZOO) >= 45
    assert {mutation.kind for mutation in ZOO.values()} == KINDS


@pytest.mark.parametrize("mutation", ZOO.values(), ids=str)
def test_each_says_what_it_does_wrongly_and_what_that_costs(mutation: Mutation) -> None:
    assert mutation.defect.endswith(".")
    assert mutation.costs.endswith(".")
    assert mutation.defect != mutation.costs


def test_each_is_meant_for_a_case_that_exists() -> None:
    cases = {case.id for case in client_cases(load_contract())}
    assert {mutation.id: mutation.killed_by for mutation in ZOO.values() if mutation.killed_by not in cases} == {}


def test_no_scenario_is_without_a_broken_client() -> None:
    scenario_of = {case.id: case.scenario for case in client_cases(load_contract())}
    assert set(scenario_of.values()) - {scenario_of.get(mutation.killed_by) for mutation in ZOO.values()} == set()


@pytest.mark.parametrize("identity", ZOO)
def test_each_can_be_had_by_name_and_closes(identity: str) -> None:
    factory = getattr(broken, identity.replace("-", "_"))
    with factory("http://127.0.0.1:9", "K1_user", "secret", timeout_s=1.0) as client:
        assert isinstance(client, Client)
        assert type(client) is not Client
        assert "secret" not in repr(client)


def test_no_other_name_is_a_client() -> None:
    with pytest.raises(AttributeError, match="no_such_client"):
        broken.no_such_client  # noqa: B018 - the lookup is what is tested
