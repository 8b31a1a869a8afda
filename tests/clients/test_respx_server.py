from __future__ import annotations

import sys
from typing import Any

import httpx
import pytest

from conformance.clients.broken import ZOO, Mutation
from conformance.clients.reference import connect, connect_async
from conformance.clients.respx_server import WIRE_ONLY, RespxServer
from conformance.clients.run import ClientOptions, run_client_suite
from conformance.contract.contract import Contract
from conformance.exceptions import UsageError
from conformance.simulator.service import Simulator
from conformance.simulator.toxic import TOXICS
from conformance.verdict import CaseResult, Verdict
from tests.clients.test_run import Small, codes

CASES = (
    "request/*",
    "credentials/*",
    "results/captureOrder/*",
    "challenge/*",
    "errors/refundOrder/*/json",
    "retry/captureOrder-*",
    "retry/getOrder/*",
    "slow/*",
    "broken/getOrder/*",
    "exact/*",
    "connection/getOrder/*",
    "security/*",
)


def mocked(made: Any, *cases: str, **options: Any) -> dict[str, CaseResult]:
    result = run_client_suite(ClientOptions(client=made, cases=cases, mocked=True, **options))
    return {case.id: case for case in result.cases}


@pytest.mark.parametrize("made", [connect, connect_async], ids=["sync", "async"])
def test_a_right_client_passes_all_that_can_be_asked_without_a_socket(made: Any) -> None:
    results = mocked(made, *CASES)
    verdicts = {name: (case.verdict, case.why) for name, case in results.items() if case.verdict != Verdict.PASSED}
    assert {verdict for verdict, _ in verdicts.values()} == {Verdict.NOT_MEASURED}
    assert all(why.startswith("not without a socket: ") for _, why in verdicts.values())
    assert {"broken/getOrder/cut-body", "slow/getOrder/drip", "security/injection/captureOrder"} < set(verdicts)
    assert {"security/limits/gzip-bomb", "connection/getOrder/died-idle"} < set(verdicts)
    assert "retry/captureOrder-with-key/lost-reply-kept" in verdicts
    assert "security/certificate/getOrder" in verdicts
    assert not verdicts.keys() & {"slow/getOrder/never", "retry/captureOrder-with-key/late-reply"}


KINDS = ("path", "results", "errors", "numbers", "text")
FOUND = [
    mutation
    for mutation in ZOO.values()
    if mutation.kind in KINDS or mutation.killed_by.startswith("security/redirect")
]


@pytest.mark.parametrize("mutation", FOUND, ids=lambda mutation: mutation.id)
def test_broken_clients_are_found_through_the_mock_too(mutation: Mutation) -> None:
    result = mocked(mutation.connect, mutation.killed_by)[mutation.killed_by]
    assert result.verdict in {Verdict.FAILED, Verdict.WARNING}


def test_every_toxic_that_is_left_out_exists() -> None:
    assert WIRE_ONLY.keys() < TOXICS.keys()


class Plain:
    """A client on httpx whose time limit is to be set by a test."""

    limit: float | None = 1.0

    def __init__(self, base_url: str, username: str, password: str) -> None:
        self.http = httpx.Client(base_url=base_url, auth=(username, password), timeout=self.limit)

    def get_order(self, order_id: str) -> Any:
        return self.http.get(f"/ordermanagement/v1/orders/{order_id}").raise_for_status().json()

    def capture_order(self, order_id: str, body: Any) -> None:
        self.http.post(f"/ordermanagement/v1/orders/{order_id}/captures", json=body).raise_for_status()


class Unlimited(Plain):
    limit = None


class Patient(Plain):
    limit = 3.8


NEVER = "slow/getOrder/never"


def test_how_long_a_client_waits_is_known_without_waiting() -> None:
    (right, long) = (mocked(made, NEVER)[NEVER] for made in (Plain, Patient))
    assert right.verdict is Verdict.PASSED
    assert codes(long) == {"KOM-850"}
    # What the client itself takes comes on top of what would have been waited.
    assert float(long.findings[0].message.rpartition(" waited ")[2].removesuffix(" s")) >= 3.8


def test_a_client_without_a_limit_in_httpx_may_have_one_elsewhere() -> None:
    result = mocked(Unlimited, NEVER)[NEVER]
    assert result.verdict is Verdict.NOT_MEASURED
    assert result.why.startswith("the client gives httpx no time limit")
    latency = "slow/getOrder/latency"
    assert mocked(Unlimited, latency)[latency].verdict is Verdict.PASSED


def test_lost_replies_and_resets_are_what_httpx_raises() -> None:
    results = mocked(Plain, "retry/captureOrder-without-key/lost-re*", "retry/captureOrder-without-key/late-reply")
    measured = {name: case for name, case in results.items() if not name.endswith("-kept")}
    assert len(measured) == 5
    assert {case.verdict for case in measured.values()} == {Verdict.PASSED}


def test_a_client_that_does_not_use_httpx_is_told_so() -> None:
    with pytest.raises(UsageError, match="no request of this client came through httpx"):
        mocked(Small, "request/getOrder")


def test_an_adapter_needs_a_socket() -> None:
    with pytest.raises(UsageError, match="an adapter needs a socket"):
        run_client_suite(ClientOptions(adapter=("true",), mocked=True))


def test_the_command_that_repeats_a_finding_names_the_mock() -> None:
    result = mocked(Patient, NEVER)[NEVER]
    assert "--via respx --case 'slow/getOrder/never'" in result.findings[0].curl


def test_without_the_extra_it_says_what_to_install(contract: Contract, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "respx", None)
    with (
        pytest.raises(UsageError, match=r"pip install 'klarna-conformance\[mocks\]'"),
        RespxServer(Simulator(contract)),
    ):
        pass


def test_nothing_leaves_for_anywhere_else(contract: Contract) -> None:
    with RespxServer(Simulator(contract)) as server:
        with pytest.raises(httpx.ConnectError, match="is not mocked"):
            httpx.get("http://127.0.0.2:1/x")
        assert httpx.post(f"{server.other_origin_url}/x", content=iter([b"a"])).status_code == 404
        assert httpx.get(f"{server.base_url}/nowhere").status_code == 401
    assert [request.framing for request in server.stray] == ["chunked"]
    assert [request.operation for request in server.wire()] == [""]
