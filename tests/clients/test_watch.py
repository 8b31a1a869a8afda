from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.clients.watch import Reserved, Watch
from conformance.contract.contract import load_contract
from conformance.simulator.script import Script
from conformance.simulator.service import Simulator
from conformance.simulator.socket_door import ServerThread
from conformance.simulator.toxic import Toxic
from conformance.verdict import CaseResult, Verdict
from tests.simulator.caller import BASE
from tests.simulator.raw_caller import AUTHORIZATION, RawCaller, capture_bytes, read_bytes

LAST = "Connection: close"
KEY = "Klarna-Idempotency-Key: 8e0f4a6e-0a4c-4f0a-9d0e-1f1c2f3b4c5d"
JSON_ONLY = "Accept: application/json"


@pytest.fixture
def raw() -> Iterator[RawCaller]:
    with ServerThread(Simulator(load_contract())) as server:
        yield RawCaller(server)


@pytest.fixture
def watch(raw: RawCaller) -> Watch:
    return Watch(raw.server, load_contract())


def only(watch: Watch) -> CaseResult:
    (case,) = watch.result().cases
    return case


def codes(case: CaseResult) -> list[str]:
    return sorted({finding.code for finding in case.findings})


def of(watch: Watch, name: str) -> Reserved:
    return next(each for each in watch.reserve() if each.case.id == name)


def test_reserved_orders_are_the_same_for_everybody(raw: RawCaller, watch: Watch) -> None:
    reserved = watch.reserve()
    assert len(reserved) > 100
    assert len({each.order_id for each in reserved}) == len(reserved)
    with ServerThread(Simulator(load_contract())) as other:
        again = Watch(other, load_contract()).reserve()
    assert [each.order_id for each in again] == [each.order_id for each in reserved]
    for each in reserved[:3]:
        assert raw.server.simulator.ledger(each.order_id)["entries"]


def test_the_table_tells_what_a_tester_needs(watch: Watch) -> None:
    reserved = watch.reserve()
    title, *rows = watch.table().splitlines()
    assert title.split("\t")[:3] == ["order_id", "operation", "case"]
    assert len(rows) == len(reserved)
    assert all(len(row.split("\t")) == 6 for row in rows)
    lost = next(row for row in rows if "lost-reply-kept" in row and "captureOrder" in row).split("\t")
    assert lost[4] == "read the order first; captureOrder: close_after; good"


def test_a_good_call_passes(raw: RawCaller, watch: Watch) -> None:
    raw.ask(capture_bytes(raw.order(), 100, LAST, JSON_ONLY))
    case = only(watch)
    assert (case.verdict, case.findings, case.exchanges) == (Verdict.PASSED, (), 1)
    assert "1 requests are judged and 0 were" in watch.result().notes[0]


def test_a_capture_booked_twice_is_found(raw: RawCaller, watch: Watch) -> None:
    reserved = of(watch, "retry/captureOrder-without-key/lost-reply")
    for _ in range(2):
        raw.ask(capture_bytes(reserved.order_id, 100, LAST))
    case = only(watch)
    assert case.id == reserved.case.id
    assert case.verdict is Verdict.FAILED
    assert codes(case) == ["KOM-841", "KOM-847"]
    assert any("the ledger holds capture 100, capture 100" in line for line in case.findings[0].story)
    assert AUTHORIZATION not in repr(case)


def test_a_retry_with_the_same_key_passes(raw: RawCaller, watch: Watch) -> None:
    reserved = of(watch, "retry/captureOrder-without-key/lost-reply")
    for _ in range(2):
        raw.ask(capture_bytes(reserved.order_id, 100, LAST, KEY))
    assert only(watch).verdict is Verdict.PASSED
    assert raw.captured(reserved.order_id) == 1


def test_two_calls_that_both_succeed_are_two(raw: RawCaller, watch: Watch) -> None:
    order_id = raw.order()
    for _ in range(2):
        raw.ask(capture_bytes(order_id, 100, LAST))
    assert only(watch).verdict is Verdict.PASSED


def test_more_movements_than_calls_are_found(raw: RawCaller, watch: Watch) -> None:
    order_id = raw.order(None, Toxic("close_after"))
    for _ in range(3):
        raw.ask(capture_bytes(order_id, 100, LAST))
    case = only(watch)
    assert "KOM-847" in codes(case)
    assert "2 calls, 3 entries of kind capture" in " ".join(finding.message for finding in case.findings)


def test_a_refusal_repeated_is_found_on_a_reserved_order(raw: RawCaller, watch: Watch) -> None:
    reserved = next(
        each for each in watch.reserve() if "refused-403" in each.case.id and each.case.operation == "captureOrder"
    )
    plain = raw.order(order_amount=50)
    for _ in range(2):
        raw.ask(capture_bytes(reserved.order_id, 100, LAST))
        raw.ask(capture_bytes(plain, 100, LAST))
    by_id = {case.id: case for case in watch.result().cases}
    assert "KOM-843" in codes(by_id[reserved.case.id])
    # On an order of one's own a second refusal may be a second call of the same test.
    assert by_id[f"serve/{plain}/captureOrder"].verdict is Verdict.PASSED


def test_requests_against_the_contract_are_found(raw: RawCaller, watch: Watch) -> None:
    order_id = raw.order()
    raw.ask(capture_bytes(order_id, -5, LAST))
    assert codes(only(watch)) == ["KOM-801"]
    assert "captured_amount is against the description" in only(watch).findings[0].message


def test_a_path_that_leads_nowhere_is_found(raw: RawCaller, watch: Watch) -> None:
    order_id = raw.order()
    raw.ask(read_bytes(f"{order_id}/captured", LAST))
    raw.ask(b"no request at all\r\n\r\n")
    cases = watch.result().cases
    assert [codes(case) for case in cases] == [["KOM-801"], ["KOM-801"]]
    assert "leads to no operation" in cases[0].findings[0].message
    assert "is no HTTP request" in cases[1].findings[0].message


def test_garbage_and_other_mistakes_of_the_wire_are_found(raw: RawCaller, watch: Watch) -> None:
    order_id = raw.order()
    raw.ask(read_bytes(order_id) + b"{}" + read_bytes(order_id, LAST))
    assert "KOM-810" in codes(only(watch))


def test_a_body_that_is_no_json_is_found(raw: RawCaller, watch: Watch) -> None:
    order_id = raw.order()
    head = f"POST {BASE}/{order_id}/captures HTTP/1.1\r\nAuthorization: {AUTHORIZATION}\r\n{LAST}\r\n"
    raw.ask(f"{head}Content-Type: application/json\r\nContent-Length: 3\r\n\r\n<a>".encode())
    assert codes(only(watch)) == ["KOM-808"]


def test_an_order_that_is_not_there_moves_nothing(raw: RawCaller, watch: Watch) -> None:
    raw.ask(capture_bytes("8e0f4a6e-0a4c-4f0a-9d0e-1f1c2f3b4c5d", 1, LAST))
    assert only(watch).verdict is Verdict.PASSED


def test_a_challenge_round_is_no_retry(raw: RawCaller, watch: Watch) -> None:
    order_id = raw.order()
    raw.server.script(order_id, Script((Toxic("challenge"),)))
    raw.ask(capture_bytes(order_id, 100, LAST, credentials=False))
    raw.ask(capture_bytes(order_id, 100, LAST))
    assert only(watch).verdict is Verdict.PASSED


@pytest.mark.parametrize(("number", "calls", "status"), [(signal.SIGINT, 2, 1), (signal.SIGTERM, 1, 0)])
def test_serve_judges_what_calls(tmp_path: Path, number: signal.Signals, calls: int, status: int) -> None:
    table, report = tmp_path / "orders.tsv", tmp_path / "report.json"
    command = [sys.executable, "-m", "conformance", "serve", "--judge", "--list", str(table), "--json", str(report)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("KLARNA_")}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        found = re.search(r"API (http://\S+) control", process.stdout.readline())
        assert found is not None
        rows = [line.split("\t") for line in table.read_text(encoding="utf-8").splitlines()]
        order_id = next(row[0] for row in rows if row[2] == "retry/captureOrder-without-key/lost-reply")
        for _ in range(calls):
            _send(found[1], capture_bytes(order_id, 100, LAST))
        process.send_signal(number)
        told = process.stdout.read()
        assert process.wait(20) == status
    cases = json.loads(report.read_text(encoding="utf-8"))["cases"]
    assert [case["id"] for case in cases] == ["retry/captureOrder-without-key/lost-reply"]
    assert ("KOM-847" in told) == (calls > 1)


def _send(url: str, sent: bytes) -> None:
    import socket  # noqa: PLC0415 - used here alone

    host, _, port = url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as line:
        line.sendall(sent)
        while line.recv(1_000):
            pass
