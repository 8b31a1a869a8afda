"""Turns the cases of a run into pytest items, so that ``pytest --pyargs conformance`` judges a server."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence

import pytest

from conformance.contract.contract import load_contract
from conformance.exceptions import ConformanceError
from conformance.suites.case import Case, level_of
from conformance.suites.run import ServerOptions, ServerRun
from conformance.verdict import CaseResult, Verdict

Judged = Callable[[Case], None]

EXCHANGED = pytest.StashKey[int]()
"""How many exchanges the cases of this session came to; unset while no case has been played."""


def pytest_configure(config: pytest.Config) -> None:
    """Name the levels of the requirements, so that -m picks cases by level."""
    for level in ("core", "resilient", "exact", "current"):
        config.addinivalue_line("markers", f"{level}: a case about a requirement of the level {level}")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a session whose cases exchanged nothing: it judged nothing, and green would say otherwise."""
    if session.config.stash.get(EXCHANGED, None) == 0 and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = 2


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say why such a session fails."""
    if config.stash.get(EXCHANGED, None) == 0:
        terminalreporter.write_line("nothing was exchanged, so nothing was judged", red=True)


def options_of(config: pytest.Config, profile: str) -> ServerOptions:
    """Take the target from the command line of pytest and the credentials from the environment."""
    return ServerOptions(
        base_url=config.getoption("--conformance-target"),
        username=os.environ.get("KLARNA_USERNAME", ""),
        password=os.environ.get("KLARNA_PASSWORD", ""),
        control_url=config.getoption("--conformance-control-url"),
        seed=config.getoption("--conformance-seed"),
        profile=profile,
        behaviour=config.getoption("--conformance-behaviour"),
    )


def parametrize(metafunc: pytest.Metafunc, cases: Sequence[Case], otherwise: str = "") -> None:
    """Make one item of each case, under its id and marked with its level; without cases, one that says why."""
    contract = load_contract()
    if not cases:
        metafunc.parametrize("case", [pytest.param(None, id="none", marks=pytest.mark.skip(reason=otherwise))])
        return
    metafunc.parametrize(
        "case",
        [
            pytest.param(case, id=case.id, marks=getattr(pytest.mark, level_of(case.codes, contract).value))
            for case in cases
        ],
    )


@pytest.fixture(scope="session")
def server_run(pytestconfig: pytest.Config) -> Iterator[ServerRun]:
    """The target of the whole session."""
    try:
        run = ServerRun(options_of(pytestconfig, "quick"))
    except ConformanceError as error:
        pytest.exit(str(error), returncode=2)
    with run:
        yield run


@pytest.fixture
def noted(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Adds a property to the item's entry in the JUnit report.

    The fixture of pytest with that purpose warns of each item in reports of the usual form.
    """

    def note(name: str, value: str) -> None:
        request.node.user_properties.append((name, value))

    return note


@pytest.fixture
def judged(server_run: ServerRun, noted: Callable[[str, str], None], pytestconfig: pytest.Config) -> Judged:
    """Plays a case and lets pytest say what it came to."""

    def play(case: Case) -> None:
        result = server_run.play(case).result
        pytestconfig.stash[EXCHANGED] = pytestconfig.stash.get(EXCHANGED, 0) + result.exchanges
        for requirement in result.requirements:
            noted("requirement", requirement)
        for finding in result.findings:
            if finding.known:
                noted("known", f"{finding.code} {finding.known}")
            elif result.verdict is Verdict.WARNING:
                noted("warning", f"{finding.code} {finding.message}")
        match result.verdict:
            case Verdict.NOT_MEASURED:
                pytest.skip(f"not measured: {result.why}")
            case Verdict.ERROR:
                pytest.fail(f"error: {result.why}", pytrace=False)
            case Verdict.FAILED:
                pytest.fail(told(result), pytrace=False)

    return play


def told(result: CaseResult) -> str:
    """Write what was found, with the requests that show the first of it."""
    blamed = [finding for finding in result.findings if not finding.known]
    lines = [
        f"{finding.code} [{finding.requirement}] {finding.operation}: {finding.message}" for finding in blamed[:10]
    ]
    if len(blamed) > len(lines):
        lines.append(f"and {len(blamed) - len(lines)} more")
    return "\n".join([*lines, "", *blamed[0].story[-12:], "", *blamed[0].curl.splitlines()[-12:]])
