"""Every case of the client suite as a pytest item, once a client is named."""

from __future__ import annotations

import shlex

import pytest

from conformance.clients.run import ClientOptions, run_client_suite
from conformance.clients.scenario import client_cases
from conformance.contract.contract import load_contract
from conformance.exceptions import ConformanceError
from conformance.suites.conftest import EXCHANGED, told
from conformance.verdict import CaseResult, Verdict

NAMED = "not measured: no client is named (--conformance-client or --conformance-adapter)"
LEVELS = ("core", "resilient", "exact")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make an item of each case."""
    options = metafunc.config.option
    if options.conformance_client is None and options.conformance_adapter is None:
        metafunc.parametrize("case_id", [pytest.param(None, id="none", marks=pytest.mark.skip(reason=NAMED))])
        return
    metafunc.parametrize(
        "case_id",
        [
            pytest.param(case.id, id=case.id, marks=[getattr(pytest.mark, case.level)] if case.level in LEVELS else [])
            for case in client_cases(load_contract())
        ],
    )


@pytest.fixture(scope="session")
def client_results(request: pytest.FixtureRequest) -> dict[str, CaseResult]:
    """The results of all cases of the session: waiting for a client takes no time when many cases wait together."""
    given = request.config.option
    wanted = [
        item.callspec.params["case_id"]
        for item in request.session.items
        if isinstance(item, pytest.Function) and item.function.__name__ == "test_client_scenario"
    ]
    adapter = None if given.conformance_adapter is None else tuple(shlex.split(given.conformance_adapter))
    options = ClientOptions(
        adapter=adapter,
        python=given.conformance_client,
        # Ids hold no sign that a glob would take for anything else.
        cases=tuple(str(name) for name in wanted) if len(wanted) < len(client_cases(load_contract())) else (),
        seed=request.config.getoption("--conformance-seed"),
    )
    try:
        result = run_client_suite(options)
    except ConformanceError as error:
        pytest.exit(str(error), returncode=2)
    return {case.id: case for case in result.cases}


def test_client_scenario(case_id: str, client_results: dict[str, CaseResult], pytestconfig: pytest.Config) -> None:
    """Put one question to the client."""
    result = client_results[case_id]
    pytestconfig.stash[EXCHANGED] = pytestconfig.stash.get(EXCHANGED, 0) + result.exchanges
    match result.verdict:
        case Verdict.NOT_MEASURED:
            pytest.skip(f"not measured: {result.why}")
        case Verdict.ERROR:
            pytest.fail(f"error: {result.why}", pytrace=False)
        case Verdict.FAILED:
            pytest.fail(told(result), pytrace=False)
