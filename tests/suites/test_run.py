"""A run covers what can be covered, repeats with its seed, and says clearly what it cannot do."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from dataclasses import replace

import pytest

from conformance.contract.contract import load_contract
from conformance.contract.requirement import Level
from conformance.exceptions import TargetError, UsageError
from conformance.exchange import Request, Response
from conformance.simulator.service import Simulator
from conformance.simulator.socket_door import ServerThread
from conformance.suites import run as run_module
from conformance.suites.case import Case, level_of, requirements_of
from conformance.suites.control import EmbeddedControl
from conformance.suites.conversation import Conversation
from conformance.suites.coverage import Coverage
from conformance.suites.expectations import CODES
from conformance.suites.health import Health
from conformance.suites.matrix import matrix_cases
from conformance.suites.preparation import DEEP_STATES, STATES, keeps_state
from conformance.suites.run import CaseOutcome, ServerOptions, ServerRun, run_server_suite, select_cases
from conformance.suites.target import Credentials, EmbeddedTarget, Target, reach
from conformance.suites.wire import Limits
from conformance.verdict import CaseResult, CellState, RunResult, Verdict
from tests.suites.raw_server import RawServer, saying

USERNAME, PASSWORD = "K100001_conformance", "conformance-secret"


@pytest.fixture(scope="module", params=["documented", "observed"])
def whole(request: pytest.FixtureRequest) -> RunResult:
    return run_server_suite(ServerOptions(profile="quick", behaviour=request.param, seed=7))


def test_the_simulator_conforms(whole: RunResult) -> None:
    unexplained = [
        f"{case.id}: {finding.code} {finding.message}"
        for case in whole.cases
        for finding in case.findings
        if not finding.known
    ]
    assert unexplained == []
    assert {case.verdict for case in whole.cases} <= {Verdict.PASSED, Verdict.KNOWN}


def test_everything_that_can_be_exchanged_is(whole: RunResult) -> None:
    assert [cell for cell in whole.operations if cell.state is not CellState.COVERED] == []
    assert len(whole.operations) == 18
    assert [cell for cell in whole.errors if cell.state is CellState.NOT_MEASURED] == []
    excluded = [cell for cell in whole.errors if cell.state is CellState.EXCLUDED]
    assert all(cell.why for cell in excluded)
    assert {cell.status for cell in excluded} <= {400, 401}


def test_every_case_exchanged_something(whole: RunResult) -> None:
    assert all(case.exchanges and case.requirements and case.level for case in whole.cases)


def without_times(result: RunResult) -> RunResult:
    return replace(result, cases=tuple(replace(case, duration_s=0.0) for case in result.cases))


def test_a_seed_repeats_a_run_and_a_case_needs_no_company() -> None:
    some = ServerOptions(profile="quick", behaviour="observed", seed=3, cases=("refundOrder/part_captured/*",))
    first, second = run_server_suite(some), run_server_suite(some)
    assert without_times(first) == without_times(second)
    alone = run_server_suite(replace(some, cases=("refundOrder/part_captured/valid",)))
    among = [case for case in without_times(first).cases if case.id == "refundOrder/part_captured/valid"]
    assert without_times(alone).cases == tuple(among)
    assert alone.cases[0].verdict is Verdict.KNOWN


def test_an_old_order_takes_a_clock() -> None:
    class Timeless(EmbeddedControl):
        def now(self) -> None:
            return None

    def make(_case_id: str) -> Target:
        target = EmbeddedTarget(Simulator(load_contract()))
        target.control = Timeless(target.simulator)
        return target

    only = ServerOptions(profile="quick", cases=("extendAuthorizationTime/old/valid",))
    (case,) = run_server_suite(only, targets=make).cases
    assert case.verdict is Verdict.NOT_MEASURED
    assert "the target's clock" in case.why


def test_a_commit_is_asked_all_but_what_is_thorough() -> None:
    quick, full = (matrix_cases(load_contract(), profile) for profile in ("quick", "default"))
    assert [case.id for case in full if not case.thorough] == [case.id for case in quick]
    assert len(quick) < len(full)


def test_ids_are_unique_and_say_what_they_are_about() -> None:
    cases = matrix_cases(load_contract(), "deep")
    ids = [case.id for case in cases]
    assert len(ids) == len(set(ids)) > 1_000
    assert all(re.fullmatch(r"[A-Za-z]+/[a-z_]+/[a-zA-Z0-9_.-]+", each) for each in ids)
    # A sequence is about none of them more than about the others.
    about = {case.operation for case in cases if "/sequence/" not in case.id}
    assert about == {operation.id for operation in load_contract().operations}
    assert {case.state for case in cases} >= set(STATES) | set(DEEP_STATES)


def test_every_server_finding_has_a_case_that_is_made_for_it() -> None:
    used = {code for case in matrix_cases(load_contract()) for code in case.codes}
    judged = {code for code in load_contract().findings if "100" < code.removeprefix("KOM-") < "800"}
    assert judged - used == set()
    assert {code for codes in CODES.values() for code in codes} <= set(load_contract().findings)


def test_a_case_has_the_level_and_requirements_of_its_findings() -> None:
    contract = load_contract()
    assert level_of(("KOM-501", "KOM-102"), contract) is Level.RESILIENT
    assert requirements_of(("KOM-501", "KOM-102", "KOM-501"), contract) == ("OM-IDEM-01", "OM-SURFACE-02")


def test_what_keeps_an_order_as_it_is() -> None:
    contract = load_contract()
    kept = {operation.id for operation in contract.operations if keeps_state(contract, operation.id)}
    assert {operation.id for operation in contract.operations} - kept == {
        "captureOrder",
        "refundOrder",
        "updateAuthorization",
        "cancelOrder",
        "releaseRemainingAuthorization",
    }


# --- options ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (ServerOptions(profile="huge"), "no profile 'huge'; there are quick, default, deep"),
        (ServerOptions(profile="quick", behaviour="odd"), "no behaviour 'odd'"),
        (ServerOptions(profile="quick", base_url="http://127.0.0.1:1"), "needs credentials"),
        (
            ServerOptions(profile="quick", cases=("captureOrder/part-captured/valid",)),
            "no case matches 'captureOrder/part-captured/valid'; did you mean captureOrder/part_captured/valid?",
        ),
        (ServerOptions(profile="quick", cases=("getOrder/*", "@@@")), "no case matches '@@@'"),
        (
            ServerOptions(profile="quick", base_url="nonsense", username="a", password="b"),
            "not an http or https address",
        ),
    ],
)
def test_bad_options_are_one_clear_line(options: ServerOptions, complaint: str) -> None:
    with pytest.raises(UsageError) as caught:
        run_server_suite(options)
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_glob_picks_in_the_order_of_the_cases() -> None:
    cases = matrix_cases(load_contract())
    picked = select_cases(cases, ["cancelOrder/fresh/valid", "getOrder/fresh/*"])
    assert [case.id for case in picked][-1] == "cancelOrder/fresh/valid" or picked[0].operation == "getOrder"
    assert select_cases(cases, []) == cases


def test_options_hide_the_credentials() -> None:
    assert "hidden" not in repr(ServerOptions(username="hidden", password="hidden"))
    assert "hidden" not in repr(Credentials("hidden", "hidden"))


def test_a_missing_schemathesis_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "schemathesis", None)
    with pytest.raises(UsageError, match=r"install klarna-conformance\[server\], or use --profile quick"):
        run_server_suite(ServerOptions(profile="default"))


class Told:
    def __init__(self) -> None:
        self.total = 0
        self.results: list[CaseResult] = []

    def started(self, total: int) -> None:
        self.total = total

    def finished(self, result: CaseResult) -> None:
        self.results.append(result)


def test_a_listener_hears_of_every_case() -> None:
    told = Told()
    result = run_server_suite(ServerOptions(profile="quick", cases=("getOrder/*/valid",)), told)
    assert told.total == len(told.results) == len(result.cases) > 10
    assert tuple(told.results) == result.cases
    assert result.target == {"kind": "simulator", "behaviour": "documented"}


# --- verdicts --------------------------------------------------------------------------------------------------


def case_of(play: object) -> Case:
    return Case("x/y/z", "getOrder", "fresh", "z", play, ("KOM-101",))  # type: ignore[arg-type]  # any callable does


def test_a_case_that_exchanges_nothing_is_an_error() -> None:
    with ServerRun(ServerOptions(profile="quick")) as run:
        result = run.play(case_of(lambda conversation: None)).result
    assert (result.verdict, result.why) == (Verdict.ERROR, "the case exchanged nothing")


def test_a_fault_of_the_suite_ends_one_case() -> None:
    def broken(conversation: Conversation) -> None:
        raise ValueError("oops")

    with ServerRun(ServerOptions(profile="quick")) as run:
        result = run.play(case_of(broken)).result
    assert (result.verdict, result.why) == (Verdict.ERROR, "the suite itself failed: ValueError: oops")


def test_a_run_that_ends_at_its_first_failure_says_what_it_left_out() -> None:
    globs = ("captureOrder/fresh/*", "cancelOrder/fresh/*")
    options = ServerOptions(profile="quick", cases=globs, fault="capture-above-by-one", seed=3)
    told = Told()
    whole, cut = run_server_suite(options), run_server_suite(replace(options, fail_fast=True), told)
    played = len(told.results)
    verdicts = [case.verdict for case in cut.cases]
    assert verdicts[:played].count(Verdict.FAILED) == 1
    assert verdicts[played - 1] is Verdict.FAILED
    assert without_times(cut).cases[:played] == without_times(whole).cases[:played]
    assert set(verdicts[played:]) == {Verdict.NOT_MEASURED}
    assert {case.why for case in cut.cases[played:]} == {"the run was to end at its first failure"}
    assert [(case.id, case.number) for case in cut.cases] == [(case.id, case.number) for case in whole.cases]


def test_a_control_interface_that_refuses_is_an_error() -> None:
    def refused(conversation: Conversation) -> None:
        raise TargetError("the control interface answers no")

    with ServerRun(ServerOptions(profile="quick")) as run:
        assert run.play(case_of(refused)).result.verdict is Verdict.ERROR


# --- servers at an address -------------------------------------------------------------------------------------


@pytest.fixture
def server() -> Iterator[ServerThread]:
    with ServerThread(Simulator(load_contract())) as running:
        yield running


def at(url: str, *globs: str, **others: object) -> ServerOptions:
    options = ServerOptions(base_url=url, username=USERNAME, password=PASSWORD, profile="quick", cases=globs)
    return replace(options, **others)  # type: ignore[arg-type]  # the names are those of the options


def test_a_server_on_a_socket_is_judged_like_the_embedded_one(server: ServerThread) -> None:
    globs = ("captureOrder/part_captured/*", "*/other_merchant/valid", "*/fresh/server-faults", "*/unknown_order/*")
    result = run_server_suite(at(server.base_url, *globs, control_url=server.control_url))
    assert {case.verdict for case in result.cases} == {Verdict.PASSED}
    assert result.target == {"kind": "url", "base_url": server.base_url}


def test_a_prefix_is_kept(server: ServerThread) -> None:
    options = at(f"{server.base_url}/gateway/", "getOrder/*/valid", control_url=server.control_url)
    assert {case.verdict for case in run_server_suite(options).cases} == {Verdict.PASSED}


def test_simultaneous_requests_travel_on_connections_of_their_own(server: ServerThread) -> None:
    result = run_server_suite(at(server.base_url, "*/same-moment", control_url=server.control_url))
    assert {case.verdict for case in result.cases} == {Verdict.PASSED}
    assert all(case.exchanges >= 10 for case in result.cases)


def test_given_orders_go_a_long_way(server: ServerThread) -> None:
    ids = tuple(server.simulator.create_order({"order_amount": 10_000}) for _ in range(3))
    result = run_server_suite(at(server.base_url, "*/fresh/*", "*/part_captured/*", order_ids=ids))
    verdicts = result.summary()
    assert verdicts["failed"] == verdicts["error"] == 0
    assert verdicts["passed"] > 100
    why = {case.why for case in result.cases if case.verdict is Verdict.NOT_MEASURED}
    assert "only a control interface can provoke it" in why
    assert "no order in state fresh was given" in why


@pytest.mark.parametrize("status", ["PART_CAPTURED", "CAPTURED", "CANCELLED", "EXPIRED", "CLOSED", "RELEASED"])
def test_given_orders_serve_in_the_state_that_they_are_in(server: ServerThread, status: str) -> None:
    order_id = server.simulator.create_order({"status": status})
    states = {
        "PART_CAPTURED": "part_captured",
        "CAPTURED": "fully_captured",
        "CANCELLED": "cancelled",
        "EXPIRED": "expired",
        "CLOSED": "closed",
        "RELEASED": "released",
    }
    result = run_server_suite(at(server.base_url, f"getOrder/{states[status]}/valid", order_ids=(order_id,)))
    assert result.cases[0].verdict is Verdict.PASSED


def test_orders_that_do_not_exist_measure_nothing(server: ServerThread) -> None:
    unknown = "00000000-0000-4000-8000-000000000001"
    result = run_server_suite(at(server.base_url, "getOrder/fresh/valid", order_ids=(unknown,)))
    assert (result.cases[0].verdict, result.cases[0].why) == (
        Verdict.NOT_MEASURED,
        "no order in state fresh was given",
    )


def test_without_any_order_what_needs_none_is_still_asked(server: ServerThread) -> None:
    result = run_server_suite(at(server.base_url, "*/no-credentials", "*/unknown_order/*", "*/malformed-order-id"))
    assert {case.verdict for case in result.cases} == {Verdict.PASSED}
    assert len(result.cases) == 3 * 18
    assert all(case.exchanges for case in result.cases)


def test_a_run_of_given_orders_starts_with_what_leaves_them_alone(server: ServerThread) -> None:
    with ServerRun(at(server.base_url, "*/fresh/valid")) as run:
        order = [case.operation for case in run.cases()]
    assert order[0] == "getOrder"
    assert order[-1] == "cancelOrder"
    assert order.index("captureOrder") > order.index("acknowledgeOrder")


def test_nobody_at_the_address() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(TargetError, match=r"cannot be reached: no connection: connection refused"):
        run_server_suite(at(f"http://127.0.0.1:{port}"))


def test_wrong_credentials_are_told_at_once(server: ServerThread) -> None:
    with pytest.raises(TargetError, match=r"refuses the credentials \(401\)") as caught:
        run_server_suite(at(server.base_url, password="wrong-password"))
    assert "wrong-password" not in str(caught.value)


@pytest.mark.parametrize("document", [b"[]", b"not json", b'{"ledger": 1}'])
def test_a_server_of_nonsense_fails_and_harms_nobody(document: bytes) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(document)}\r\n\r\n".encode()
    with RawServer(saying(head + document, again=True)) as raw:
        order_id = "00000000-0000-4000-8000-000000000001"
        result = run_server_suite(at(raw.url, "getOrder/fresh/valid", order_ids=(order_id,)))
    assert result.cases[0].verdict in (Verdict.FAILED, Verdict.NOT_MEASURED)
    assert result.cases[0].exchanges


def test_an_interrupted_run_keeps_what_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    played = ServerRun.play

    def interrupted(run: ServerRun, case: Case) -> CaseOutcome:
        if case.id.endswith("fully_captured/valid"):
            raise KeyboardInterrupt
        return played(run, case)

    monkeypatch.setattr(ServerRun, "play", interrupted)
    result = run_server_suite(ServerOptions(profile="quick", cases=("getOrder/*/valid",)))
    verdicts = [case.verdict for case in result.cases]
    assert verdicts[:2] == [Verdict.PASSED, Verdict.PASSED]
    assert set(verdicts[2:]) == {Verdict.ERROR}
    assert {case.why for case in result.cases[2:]} == {"interrupted"}


def test_a_server_of_endless_answers_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def talk(connection: socket.socket, request: bytes) -> bool:
        connection.sendall(b"HTTP/1.1 404 No\r\n\r\n" + b"x" * 200)
        return True

    limits = Limits(read_s=1, total_s=1, body_bytes=100)
    monkeypatch.setattr(run_module, "reach", lambda *a, **k: reach(*a, **k, limits=limits))
    with RawServer(talk) as raw:
        result = run_server_suite(
            at(raw.url, "getOrder/unknown_order/*", "get/unknown_order/*", "*/fresh/no-credentials")
        )
    assert result.cases[-1].verdict is Verdict.ERROR
    assert "5 times in a row: the body is longer than 100 bytes" in result.cases[-1].why


def test_a_server_that_hangs_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = iter([b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"])

    def talk(connection: socket.socket, request: bytes) -> bool:
        connection.sendall(next(answered, b""))
        return True

    monkeypatch.setattr(run_module, "reach", lambda *a, **k: reach(*a, **k, limits=Limits(read_s=0.05, total_s=0.1)))
    with RawServer(talk) as raw:
        order_ids = tuple(f"00000000-0000-4000-8000-00000000000{digit}" for digit in range(8))
        result = run_server_suite(at(raw.url, "getOrder/*/valid", order_ids=order_ids))
    assert {case.verdict for case in result.cases} == {Verdict.ERROR}
    assert "gave no answer 5 times in a row" in result.cases[-1].why
    assert "KOM-115" in {finding.code for finding in result.cases[0].findings}


@pytest.mark.parametrize(
    "body", [b"[" * 200_000, b'{"order_id":"\xff\xfe"}', b"9" * 50_000, b'{"a":' * 50_000, b"x" * (17 * 1024 * 1024)]
)
def test_a_monstrous_body_is_a_finding(body: bytes) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with RawServer(saying(head + body, again=True)) as raw:
        target = reach(raw.url, Credentials("a", "b"))
        with ServerRun(at(raw.url), targets=lambda _: target) as run:
            play = case_of(lambda conversation: conversation.call("getOrder", {"order_id": conversation.new_id()}))
            result = run.play(play).result
        target.close()
    assert {finding.code for finding in result.findings} & {"KOM-110", "KOM-111"}


# --- health and coverage ---------------------------------------------------------------------------------------


def test_an_answer_restores_confidence() -> None:
    from conformance.exchange import Exchange  # noqa: PLC0415

    health = Health(patience=2)
    health.note(Exchange(Request("GET", "/"), failure="x"))
    health.note(Exchange(Request("GET", "/"), Response(200)))
    assert health.silent == 0


def test_coverage_counts_only_what_travelled() -> None:
    coverage = Coverage(load_contract(), control=False)
    assert {cell.state for cell in coverage.cells()} == {CellState.NOT_MEASURED}
    coverage.note([("getOrder", 404, "NO_SUCH_ORDER")], [("getOrder", 200)])
    by_cell = {(cell.operation, cell.status, cell.error_code): cell for cell in coverage.cells()}
    assert by_cell["getOrder", 404, "NO_SUCH_ORDER"].state is CellState.COVERED
    assert by_cell["getOrder", 503, "TEMPORARILY_UNAVAILABLE"].why == "only a control interface can provoke it"
    assert by_cell["getOrder", 400, "INVALID_ORDER_ID"].state is CellState.EXCLUDED
    assert [cell.operation for cell in coverage.operations() if cell.state is CellState.COVERED] == ["getOrder"]


def test_coverage_gives_the_reason_of_the_operation() -> None:
    coverage = Coverage(load_contract(), complete=False, unmeasured={"cancelOrder": ["no order was given"]})
    why = {cell.operation: cell.why for cell in coverage.operations()}
    assert why["cancelOrder"] == "no order was given"
    assert why["getOrder"] == "the selected cases do not bring it about"
