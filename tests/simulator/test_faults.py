from __future__ import annotations

import base64
import json
import socket
import threading
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import pytest

from conformance.contract.contract import load_contract
from conformance.contract.document import Document, read_document
from conformance.exceptions import ContractError, UsageError
from conformance.exchange import Headers, Request, Response
from conformance.simulator.control import Control
from conformance.simulator.faults.call import Call, answered_json
from conformance.simulator.faults.changes import asked, with_json
from conformance.simulator.faults.fault import Behaviour, Fault, FaultClass
from conformance.simulator.faults.faulty_simulator import FaultySimulator
from conformance.simulator.faults.zoo import fault_named, faults, read_faults
from conformance.simulator.merchant import DEFAULT_MERCHANTS
from conformance.simulator.service import Simulator
from conformance.simulator.socket_door import ServerThread

CONTRACT = load_contract()
FAULTS = faults(CONTRACT)
ALL = tuple(operation.id for operation in CONTRACT.operations)
MERCHANT = DEFAULT_MERCHANTS[0]
AUTHORIZATION = "Basic " + base64.b64encode(f"{MERCHANT.username}:{MERCHANT.password}".encode()).decode()
ORDERS = "/ordermanagement/v1/orders"


def asking(method: str, path: str, body: Any = None, **headers: str) -> Request:
    raw = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    fields = {"Authorization": AUTHORIZATION, "Content-Type": "application/json"}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request(method, ORDERS + path, Headers({**fields, **named}), raw)


def capture(order_id: str, amount: int, key: str = "") -> Request:
    headers = {"Klarna_Idempotency_Key": key} if key else {}
    return asking("POST", f"/{order_id}/captures", {"captured_amount": amount}, **headers)


def faulty(fault_id: str, **options: Any) -> FaultySimulator:
    return FaultySimulator(CONTRACT, FAULTS[fault_id], **options)


def with_behaviour(behave: Behaviour, *operations: str) -> FaultySimulator:
    return FaultySimulator(CONTRACT, Fault("own", FaultClass.MONEY, operations or ALL, "", "", "", behave))


def read(simulator: Simulator, order_id: str) -> Any:
    return answered_json(simulator.handle(asking("GET", f"/{order_id}")))


# --- the data ---------------------------------------------------------------------------------------------------


def test_the_zoo_is_large_and_spread_over_classes_and_operations() -> None:
    assert len(FAULTS) >= 80
    assert {fault.fault_class for fault in FAULTS.values()} == set(FaultClass)
    assert {operation for fault in FAULTS.values() for operation in fault.operations} == set(ALL)


@pytest.mark.parametrize("fault_id", FAULTS)
def test_each_fault_breaks_a_rule_that_binds(fault_id: str) -> None:
    fault = FAULTS[fault_id]
    assert CONTRACT.requirements[fault.requirement].truth.binds
    assert fault.operations or fault.unrouted
    assert fault.title
    assert fault.costs.endswith(".")


def test_no_two_faults_say_the_same() -> None:
    assert len({(fault.title, fault.operations) for fault in FAULTS.values()}) == len(FAULTS)


def test_a_fault_is_found_by_its_id() -> None:
    assert fault_named("capture-race", CONTRACT) is not None
    with pytest.raises(UsageError, match="did you mean capture-race"):
        fault_named("capture-rase", CONTRACT)
    with pytest.raises(UsageError, match=r"no fault 'xyz'$"):
        fault_named("xyz", CONTRACT)


def changed(change: Callable[[list[dict[str, Any]]], object]) -> Document:
    document = read_document("faults.yaml", "faults.schema.json")
    value = json.loads(json.dumps(document.value))
    change(value["faults"])
    return Document(document.name, document.text, value)


MISTAKES: Mapping[str, tuple[Callable[[list[dict[str, Any]]], object], str]] = {
    "twice": (lambda given: given.append(given[0]), "is given twice"),
    "no behaviour": (lambda given: given[0].update(id="no-such-fault"), "no such behaviour"),
    "not listed": (lambda given: given.pop(), "which is not listed"),
    "no rule": (lambda given: given[0].update(requirement="OM-NONE-01"), "no rule that binds"),
    "no operation": (lambda given: given[0].update(operations=["getEverything"]), "getEverything is no operation"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_the_data_is_named(mistake: str) -> None:
    change, words = MISTAKES[mistake]
    with pytest.raises(ContractError, match=words):
        read_faults(changed(change), CONTRACT)


# --- around the service ------------------------------------------------------------------------------------------


def test_only_the_operations_of_a_fault_are_touched() -> None:
    simulator = with_behaviour(lambda call: call.refuse(418, "TEAPOT", "no"), "captureOrder")
    order_id = simulator.create_order({"order_amount": 1_000})
    assert simulator.handle(asking("GET", f"/{order_id}")).status == 200
    refused = simulator.handle(capture(order_id, 100))
    assert refused.status == 418
    body = answered_json(refused)
    assert body["error_code"] == "TEAPOT"
    assert body["error_messages"] == ["no"]
    assert body["correlation_id"] == refused.headers.get("Klarna-Correlation-Id")


def test_a_fault_of_no_operation_sees_what_none_takes() -> None:
    simulator = faulty("debug-page-for-unknown")
    order_id = simulator.create_order({})
    assert b"Traceback" in simulator.handle(asking("GET", "/a/b/c")).body
    assert b"Traceback" not in simulator.handle(asking("GET", f"/{order_id}")).body


def test_the_history_keeps_what_was_asked_and_what_was_answered() -> None:
    simulator = faulty("capture-answers-200")
    order_id = simulator.create_order({"order_amount": 1_000})
    request = capture(order_id, 100, "k")
    response = simulator.handle(request)
    assert response.status == 200
    (exchange,) = simulator.exchanges
    assert exchange.request is request
    assert exchange.response is response
    assert simulator.ledger(order_id)["entries"][-1]["idempotency_key"] == "k"


def test_the_control_interface_works_on_a_faulty_simulator() -> None:
    simulator = faulty("ledger-books-captures-twice")
    control = Control(simulator)
    made = control.handle(Request("POST", "/orders", body=b'{"order_amount": 1000}'))
    order_id = json.loads(made.body)["order_id"]
    simulator.handle(capture(order_id, 100))
    assert json.loads(control.handle(Request("GET", f"/ledger/{order_id}")).body)["captured"] == 200
    assert read(simulator, order_id)["captured_amount"] == 100


def test_a_reset_forgets_what_the_fault_remembers() -> None:
    simulator = faulty("capture-other-when-read-again")
    shown = []
    for _ in range(2):
        order_id = simulator.create_order({"order_amount": 1_000})
        made = simulator.handle(capture(order_id, 100)).headers.get("Capture-Id")
        for _ in range(2):
            single = simulator.handle(asking("GET", f"/{order_id}/captures/{made}"))
            shown.append(answered_json(single)["captured_amount"])
        simulator.reset()
    assert shown == [100, 99, 100, 99]


def test_a_behaviour_that_fails_is_a_500_and_leaves_the_order_alone() -> None:
    def fail(call: Call) -> Response:
        with call.pretending(captured_amount=999):
            raise ValueError(call.operation)

    simulator = with_behaviour(fail, "captureOrder")
    order_id = simulator.create_order({"order_amount": 1_000})
    assert simulator.handle(capture(order_id, 100)).status == 500
    assert read(simulator, order_id)["captured_amount"] == 0


def test_the_order_of_another_merchant_is_stored_and_not_the_callers() -> None:
    seen: list[tuple[bool, bool]] = []

    def look(call: Call) -> Response:
        seen.append((call.order is not None, call.stored is not None))
        with call.pretending(captured_amount=1):
            return call.proceed()

    simulator = with_behaviour(look)
    theirs = simulator.create_order({"merchant": DEFAULT_MERCHANTS[1].username})
    mine = simulator.create_order({})
    for order_id in (theirs, mine, "00000000-0000-4000-8000-000000000000"):
        simulator.handle(asking("GET", f"/{order_id}"))
    simulator.handle(asking("GET", f"/{mine}", Authorization="Basic !!!"))
    assert seen == [(False, True), (True, True), (False, False), (False, True)]


def test_a_body_that_stays_the_same_stays_so_to_the_letter() -> None:
    simulator = with_behaviour(asked(lambda sent, _call: dict(sent)), "captureOrder")
    order_id = simulator.create_order({})
    padded = b'{"captured_amount": 1' + b" " * 1_000_000 + b"}"
    assert simulator.handle(asking("POST", f"/{order_id}/captures", padded)).status == 413


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"captured_amount": true}', b'{"captured_amount": "1"}'])
def test_a_call_knows_an_amount_only_when_there_is_one(body: bytes) -> None:
    amounts: list[int | None] = []

    def look(call: Call) -> Response:
        amounts.append(call.amount)
        return call.proceed()

    simulator = with_behaviour(look, "captureOrder")
    order_id = simulator.create_order({})
    simulator.handle(asking("POST", f"/{order_id}/captures", body))
    simulator.handle(capture(order_id, 7))
    assert amounts == [None, 7]


def test_an_answer_that_is_no_json_has_no_value() -> None:
    assert answered_json(Response(200, body=b"{")) is None
    assert answered_json(Response(204)) is None
    assert with_json(Response(200), [1]).headers.get("Content-Length") == "3"


# --- races -------------------------------------------------------------------------------------------------------


def test_rivals_of_one_moment_are_decided_on_the_same_order() -> None:
    simulator = faulty("capture-race")
    order_id = simulator.create_order({"order_amount": 1_000})
    requests = [capture(order_id, 600, key) for key in "abcd"]
    assert [answer.status for answer in simulator.handle_together(requests)] == [201] * 4
    assert read(simulator, order_id)["captured_amount"] == 2_400
    assert simulator.handle(capture(order_id, 600)).status == 403


def test_the_correct_simulator_decides_on_one_after_the_other() -> None:
    simulator = Simulator(CONTRACT)
    order_id = simulator.create_order({"order_amount": 1_000})
    requests = [capture(order_id, 600, key) for key in "abcd"]
    assert [answer.status for answer in simulator.handle_together(requests)] == [201, 403, 403, 403]


def test_threads_that_overlap_are_rivals() -> None:
    simulator = faulty("capture-key-race", hesitation=0.2)
    order_id = simulator.create_order({"order_amount": 1_000})
    barrier = threading.Barrier(3)
    answers: list[Response] = []

    def send() -> None:
        barrier.wait()
        answers.append(simulator.handle(capture(order_id, 100, "one-key")))

    threads = [threading.Thread(target=send) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({answer.headers.get("Capture-Id") for answer in answers}) == 3
    assert read(simulator, order_id)["captured_amount"] == 300


def test_calls_one_after_the_other_are_no_rivals() -> None:
    simulator = faulty("capture-key-race")
    order_id = simulator.create_order({"order_amount": 1_000})
    for _ in range(3):
        simulator.handle(capture(order_id, 100, "one-key"))
    assert read(simulator, order_id)["captured_amount"] == 100


# --- doors -------------------------------------------------------------------------------------------------------


def received(url: str, request: Request) -> bytes:
    """Send a request and read until the other side closes."""
    parts = urlsplit(url)
    head = f"{request.method} {request.target} HTTP/1.1\r\nHost: x\r\n" + "".join(
        f"{name}: {value}\r\n" for name, value in request.headers
    )
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as caller:
        caller.sendall(head.encode() + b"Content-Length: %d\r\n\r\n" % len(request.body) + request.body)
        pieces = []
        while piece := caller.recv(65_536):
            pieces.append(piece)
    return b"".join(pieces)


def test_a_door_hangs_up_where_the_fault_does() -> None:
    simulator = faulty("connection-closed")
    order_id = simulator.create_order({"order_amount": 1_000, "captured_amount": 100})
    capture_id = read(simulator, order_id)["captures"][0]["capture_id"]
    with ServerThread(simulator) as server:
        answer = received(server.base_url, asking("POST", f"/{order_id}/captures/{capture_id}/trigger-send-out"))
    assert answer == b""


def test_a_door_breaks_off_where_the_fault_does() -> None:
    simulator = faulty("answer-cut-short")
    order_id = simulator.create_order({"order_amount": 1_000, "captured_amount": 100, "refunds": [50]})
    refund_id = read(simulator, order_id)["refunds"][0]["refund_id"]
    with ServerThread(simulator) as server:
        answer = received(server.base_url, asking("GET", f"/{order_id}/refunds/{refund_id}"))
    head, _, body = answer.partition(b"\r\n\r\n")
    announced = next(line for line in head.split(b"\r\n") if line.startswith(b"Content-Length: "))
    assert 0 < len(body) < int(announced.removeprefix(b"Content-Length: "))
