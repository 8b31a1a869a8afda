from __future__ import annotations

import http.client
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import jsonschema_rs
import pytest

from conformance.clients.adapter import AdapterError
from conformance.clients.broken import ZOO
from conformance.clients.reference import connect
from conformance.clients.run import REFERENCE, ClientOptions, run_client_suite, select_client_cases
from conformance.clients.scenario import client_cases
from conformance.clients.secret import authorization
from conformance.contract.contract import Contract
from conformance.contract.files import spec_directory
from conformance.exceptions import UsageError
from conformance.reports.json_report import as_json
from conformance.verdict import CaseResult, RunResult, Verdict


class ApiError(Exception):
    """What a small client raises."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(f"{status} {body.get('error_code')}")
        self.status = status
        self.error_code = body.get("error_code")
        self.error_messages = body.get("error_messages") or [body.get("error_message") or ""]
        self.correlation_id = body.get("correlation_id")


class Small:
    """A client of three operations that does nothing wrong, written without any library."""

    resends = 0

    def __init__(self, base_url: str, username: str, password: str, timeout_s: float) -> None:
        where = urlsplit(base_url)
        kind = http.client.HTTPSConnection if where.scheme == "https" else http.client.HTTPConnection
        self.connection = kind(where.hostname or "", where.port, timeout=timeout_s)
        self.headers = {"Authorization": authorization(username, password)}

    def close(self) -> None:
        self.connection.close()

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        content = None if body is None else json.dumps(body)
        media = {} if body is None else {"Content-Type": "application/json"}
        try:
            self.connection.request(
                method, f"/ordermanagement/v1/orders/{path}", content, self.headers | media | headers
            )
            answer = self.connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException):
            self.connection.close()
            raise
        if not 200 <= answer.status < 300:
            try:
                parsed = json.loads(text)
            except ValueError:
                parsed = {}
            parsed.setdefault("correlation_id", answer.getheader("Klarna-Correlation-Id"))
            raise ApiError(answer.status, parsed)
        made = answer.getheader("Capture-Id") or (answer.getheader("Location") or "").rpartition("/")[2]
        return json.loads(text) if text else {"capture_id": made or None}

    def get_order(self, order_id: str) -> Any:
        return self.send("GET", quote(order_id, safe=""))

    def capture_order(self, order_id: str, body: Any, idempotency_key: str | None = None) -> Any:
        key = {} if idempotency_key is None else {"Klarna-Idempotency-Key": idempotency_key}
        return self.send("POST", f"{quote(order_id, safe='')}/captures", body, **key)

    def cancel_order(self, order_id: str) -> Any:
        self.send("POST", f"{quote(order_id, safe='')}/cancel")


def judged(made: Any, *cases: str, **options: Any) -> dict[str, CaseResult]:
    result = run_client_suite(ClientOptions(client=made, cases=cases, **options))
    return {case.id: case for case in result.cases}


def codes(result: CaseResult) -> set[str]:
    return {finding.code for finding in result.findings}


@pytest.fixture(scope="module")
def reference() -> RunResult:
    return run_client_suite(ClientOptions())


def test_the_reference_client_passes_everything(reference: RunResult, contract: Contract) -> None:
    assert [case.id for case in reference.cases] == [case.id for case in client_cases(contract)]
    assert [
        (case.id, case.verdict, case.findings, case.why)
        for case in reference.cases
        if case.verdict is not Verdict.PASSED
    ] == []
    assert all(case.exchanges for case in reference.cases)


def test_the_report_fits_its_schema(reference: RunResult) -> None:
    schema = json.loads((spec_directory() / "schemas/report.schema.json").read_text("utf-8"))
    jsonschema_rs.validator_for(schema).validate(as_json(reference))
    assert reference.target["python"] == REFERENCE


def test_a_client_that_never_retries_is_fine_and_what_it_lacks_is_not_measured() -> None:
    results = judged(Small)
    bad = {name: (case.verdict, [finding.message for finding in case.findings]) for name, case in results.items()
           if case.verdict not in (Verdict.PASSED, Verdict.NOT_MEASURED)}  # fmt: skip
    # It reads whatever comes, without a limit: that is worth a warning.
    assert set(bad) <= {"security/limits/huge-body", "security/limits/gzip-bomb"}, bad
    assert results["request/refundOrder"].verdict is Verdict.NOT_MEASURED
    assert results["request/refundOrder"].why == "the client has no refundOrder"
    assert results["retry/captureOrder-with-key/lost-reply"].verdict is Verdict.PASSED
    assert results["retry/cancelOrder-with-key/lost-reply-kept"].verdict is Verdict.NOT_MEASURED
    assert "takes no idempotency key" in results["retry/cancelOrder-with-key/lost-reply-kept"].why


class Resending(Small):
    """Sends a write again when its connection is lost, as some stacks do."""

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        try:
            return super().send(method, path, body, **headers)
        except (OSError, http.client.HTTPException):
            return super().send(method, path, body, **headers)


def test_three_witnesses_find_a_double_capture_and_the_report_tells_how_to_see_it_again() -> None:
    name = "retry/captureOrder-without-key/lost-reply"
    result = judged(Resending, name, seed=7)[name]
    assert result.verdict is Verdict.FAILED
    assert codes(result) == {"KOM-841", "KOM-847"}
    told = {finding.code: finding for finding in result.findings}
    assert told["KOM-841"].message.startswith(
        "wire: captureOrder without an idempotency key was sent again, probably by"
    )
    assert told["KOM-847"].message.startswith("ledger: one call, 2 entries of kind capture, together 2000 minor units")
    story = "\n".join(told["KOM-847"].story)
    assert "the user called captureOrder" in story
    assert "closed without a reply, the work done" in story
    assert "the ledger got capture 1000, capture 1000; the user saw success" in story
    assert "costs: The customer is charged or refunded twice." in story
    assert f"--case '{name}' --seed 7" in told["KOM-847"].curl
    assert "conformance-secret" not in story + told["KOM-847"].curl


def test_with_a_key_the_same_client_is_right() -> None:
    name = "retry/captureOrder-with-key/lost-reply"
    assert judged(Resending, name)[name].verdict is Verdict.PASSED


def wrong(change: Callable[[Small, str, str, Any], Any]) -> Any:
    class Wrong(Small):
        def send(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
            return change(self, method, path, body)

    return Wrong


def send(client: Small, method: str, path: str, body: Any = None) -> Any:
    return Small.send(client, method, path, body)


def swallow(client: Small, method: str, path: str, body: Any) -> Any:
    try:
        return send(client, method, path, body)
    except ApiError as error:
        return {"capture_id": None, "error": error.error_code}


@pytest.mark.parametrize(
    ("change", "case", "code"),
    [
        (lambda c, m, p, b: send(c, "GET", p.partition("/")[0]), "request/captureOrder", "KOM-801"),
        (lambda c, m, p, b: send(c, m, p, b and b | {"captured_amount": 1.5}), "request/captureOrder", "KOM-809"),
        (lambda c, m, p, b: send(c, m, p.replace("%2F", "/"), b), "ids/captureOrder/slash", "KOM-802"),
        (lambda c, m, p, b: send(c, m, p, b) and None, "request/getOrder", "KOM-824"),
        (swallow, "errors/captureOrder/403-CAPTURE_NOT_ALLOWED/nothing", "KOM-821"),
        (lambda c, m, p, b: send(c, m, p, b).clear() or 1 // 0, "request/captureOrder", "KOM-822"),
        (
            lambda c, m, p, b: send(c, m, p.replace("%2F", "/").rpartition("../")[2], b),
            "security/traversal/captureOrder",
            "KOM-875",
        ),
    ],
)
def test_a_defect_is_found_by_its_case(change: Any, case: str, code: str) -> None:
    result = judged(wrong(change), case)[case]
    assert result.verdict is Verdict.FAILED
    assert code in codes(result)


# --- selection and options ------------------------------------------------------------------------------------------


def test_cases_are_picked_by_glob_and_level(contract: Contract) -> None:
    every = client_cases(contract)
    picked = select_client_cases(every, ("request/get*", "exact/*"), ("core",))
    assert picked
    assert all(case.id.startswith("request/get") for case in picked)
    assert select_client_cases(every) == every


@pytest.mark.parametrize(
    ("globs", "levels", "reason"),
    [
        (("requst/getOrder",), (), "did you mean request/getOrder"),
        (("zzz",), (), "no case matches 'zzz'$"),
        ((), ("current",), "no level"),
    ],
)
def test_what_picks_nothing_is_a_mistake(globs: Any, levels: Any, reason: str, contract: Contract) -> None:
    with pytest.raises(UsageError, match=reason):
        select_client_cases(client_cases(contract), globs, levels)


def test_one_client_at_a_time() -> None:
    with pytest.raises(UsageError, match="give one of them"):
        run_client_suite(ClientOptions(adapter=("x",), python="a:b"))


def test_known_failures_are_marked(tmp_path: Path) -> None:
    known = tmp_path / "known.yaml"
    known.write_text(
        "- {case: 'retry/captureOrder-without-key/lost-reply', comment: 'next release'}\n- {case: gone, comment: x}\n",
        "utf-8",
    )
    name = "retry/captureOrder-without-key/lost-reply"
    results = judged(Resending, name, known_failing=known)
    assert results[name].verdict is Verdict.KNOWN
    assert results["known-failing/gone"].verdict is Verdict.FAILED


class Listener:
    def __init__(self) -> None:
        self.total = 0
        self.done: list[str] = []

    def started(self, total: int) -> None:
        self.total = total

    def finished(self, result: CaseResult) -> None:
        self.done.append(result.id)


def test_a_listener_hears_of_every_case() -> None:
    listener = Listener()
    result = run_client_suite(ClientOptions(client=Small, cases=("request/*",)), listener)
    assert listener.total == len(result.cases) == 18
    assert sorted(listener.done) == sorted(case.id for case in result.cases)


# --- adapters that fail ---------------------------------------------------------------------------------------------

ADAPTER = """
import json, os, sys
def say(message): print(json.dumps(message), flush=True)
for line in sys.stdin:
    message = json.loads(line)
    kind, number = message["type"], message.get("id")
    if kind == "hello":
        say({"type": "hello", "protocol": 1, "name": "n", "operations": %s, "features": %s})
    elif kind == "bye":
        break
    else:
        %s
"""


def adapter(statements: str, operations: Any = ("getOrder", "cancelOrder"), features: Any = None) -> tuple[str, ...]:
    code = ADAPTER % (json.dumps(list(operations)), repr(features or {}), statements)
    return (sys.executable, "-S", "-c", code)


def test_of_cases_under_way_together_only_the_culprit_is_in_error() -> None:
    # Nothing is answered until a crash is under way as well, so that all are under suspicion at first.
    lazy = "say({'type': 'result', 'id': number, 'outcome': 'could_not_try', 'why': 'lazy'})"
    crashes = f"""
        if message["operation"] == "cancelOrder":
            os._exit(9)
        elif message["session"].startswith("alone"):
            {lazy}"""
    result = run_client_suite(
        ClientOptions(adapter=adapter(crashes), cases=("ids/getOrder/*", "ids/cancelOrder/slash"), patience_s=120)
    )
    verdicts = {case.id: case.verdict for case in result.cases}
    assert {verdict for name, verdict in verdicts.items() if "getOrder" in name} == {Verdict.NOT_MEASURED}
    assert {verdict for name, verdict in verdicts.items() if "cancelOrder" in name} == {Verdict.ERROR}
    assert {case.why for case in result.cases if case.verdict is Verdict.NOT_MEASURED} == {"could not try: lazy"}
    assert all("exit status 9" in case.why for case in result.cases if case.verdict is Verdict.ERROR)


def test_an_adapter_that_always_fails_is_given_up() -> None:
    result = run_client_suite(ClientOptions(adapter=adapter("os._exit(9)"), cases=("errors/getOrder/4*",)))
    assert {case.verdict for case in result.cases} == {Verdict.ERROR}
    assert any(case.why.startswith("not tried: the adapter failed 20 times in a row") for case in result.cases)


def test_an_adapter_may_take_one_call_at_a_time_and_lack_keys() -> None:
    once = "say({'type': 'result', 'id': number, 'outcome': 'unsupported'})"
    features = {"concurrency": 1, "idempotency_key": False}
    result = run_client_suite(
        ClientOptions(adapter=adapter(once, ("captureOrder",), features), cases=("retry/captureOrder-*/cut-head",))
    )
    whys = {case.id: case.why for case in result.cases}
    assert whys["retry/captureOrder-with-key/cut-head"] == "the client takes no idempotency key"
    assert whys["retry/captureOrder-without-key/cut-head"] == "the client has no captureOrder"


def test_a_result_that_is_too_long_for_its_answer_is_an_error_of_that_case_alone() -> None:
    long = "'x' * 5_000_000 if number.startswith('ids/getOrder/plus') else {}"
    says = f"say({{'type': 'result', 'id': number, 'outcome': 'returned', 'value': {long}}})"
    result = run_client_suite(ClientOptions(adapter=adapter(says), cases=("ids/getOrder/p*",)))
    bad = {case.id: case.why for case in result.cases if case.verdict is Verdict.ERROR}
    assert bad.keys() == {"ids/getOrder/plus"}
    assert "for an answer of ordinary size" in bad["ids/getOrder/plus"]


def test_an_adapter_that_does_not_greet_ends_the_run() -> None:
    with pytest.raises(AdapterError, match="exit status 0"):
        run_client_suite(ClientOptions(adapter=("true",), cases=("request/*",)))


def test_certificates_mean_something_only_to_who_trusts_their_authority() -> None:
    name = "security/certificate/getOrder-expired"
    result = judged(Small, name)[name]
    assert result.verdict is Verdict.NOT_MEASURED
    assert result.why.startswith("the client does not trust the authority that it is given: ")
    assert judged(connect, name)[name].verdict is Verdict.PASSED
    assert codes(
        judged(ZOO["host-unchecked"].connect, "security/certificate/*other_name")[
            "security/certificate/captureOrder-other_name"
        ]
    ) == {"KOM-821", "KOM-871"}


class DeadConnection(Small):
    """Meets a dead connection on its first call, and sends nothing."""

    dead = True

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        if DeadConnection.dead:
            DeadConnection.dead = False
            raise ConnectionError("the other side closed")
        return super().send(method, path, body, **headers)


class NeverSends(Small):
    """Cannot send at all, as some stacks cannot send PATCH."""

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        raise ConnectionError("no such method")


def test_a_connection_that_another_case_left_dead_is_not_held_against_a_client() -> None:
    assert judged(DeadConnection, "request/captureOrder")["request/captureOrder"].verdict is Verdict.PASSED


def test_a_client_that_never_sends_is_blamed() -> None:
    result = judged(NeverSends, "request/captureOrder")["request/captureOrder"]
    assert result.verdict is Verdict.FAILED
    assert codes(result) == {"KOM-801"}
