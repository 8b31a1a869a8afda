"""Every broken client must be found by the case that is meant for it, and the reference client by none."""

from __future__ import annotations

import pytest

from conformance.clients.broken import ZOO, Mutation
from conformance.clients.run import ClientOptions, run_client_suite
from conformance.verdict import Verdict


def verdict_on(mutation: Mutation) -> Verdict:
    (result,) = run_client_suite(ClientOptions(client=mutation.connect, cases=(mutation.killed_by,))).cases
    return result.verdict


# A machine that stalls makes a client seem to wait that does not; it does not stall at every turn.
TURNS = 4


@pytest.mark.parametrize("mutation", ZOO.values(), ids=list(ZOO))
def test_the_case_meant_for_it_finds_it(mutation: Mutation) -> None:
    assert any(verdict_on(mutation) in {Verdict.FAILED, Verdict.WARNING} for _ in range(TURNS))


def test_the_reference_client_passes_all_of_these_cases() -> None:
    meant = tuple(sorted({mutation.killed_by for mutation in ZOO.values()}))
    results = run_client_suite(ClientOptions(cases=meant)).cases
    assert {result.id: result.verdict for result in results} == dict.fromkeys(meant, Verdict.PASSED)
