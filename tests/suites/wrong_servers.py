"""Servers with one fault each, so that every check of the drivers can be seen to go red."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from conformance.contract.contract import load_contract
from conformance.exchange import Exchange, Headers, Request, Response
from conformance.simulator.service import Simulator
from conformance.suites.control import ControlPort
from conformance.suites.run import ServerOptions, run_server_suite
from conformance.suites.target import Credentials, EmbeddedTarget, Target, TargetFactory
from conformance.verdict import RunResult, Severity, Verdict

Handle = Callable[[Request], Response]
Answer = Callable[[Request, Handle], Response]


class WrongTarget:
    """A simulator behind a function that may change what goes in and what comes out."""

    kind = "simulator"
    prefix = ""
    salt = ""
    waits = False

    def __init__(self, answer: Answer) -> None:
        self._target = EmbeddedTarget(Simulator(load_contract()))
        self._answer = answer
        self.base_url = self._target.base_url
        self.credentials: Credentials = self._target.credentials
        self.other = self._target.other
        self.control: ControlPort | None = self._target.control

    def send(self, request: Request) -> Exchange:
        return Exchange(request, self._answer(request, self._target.simulator.handle))

    def send_together(self, requests: Sequence[Request]) -> list[Exchange]:
        return [self.send(request) for request in requests]

    def close(self) -> None:
        self._target.close()


def wrong(make: Callable[[], Answer]) -> TargetFactory:
    """Make a factory of servers with the fault, each with a memory of its own."""

    def fresh(_case_id: str) -> Target:
        return WrongTarget(make())

    return fresh


def stateless(answer: Answer) -> Callable[[], Answer]:
    return lambda: answer


def asks(request: Request, method: str, ending: str) -> bool:
    return request.method == method and request.target.partition("?")[0].endswith(ending)


def reads_order(request: Request) -> bool:
    path = request.target.partition("?")[0].split("/")
    return request.method == "GET" and len(path) == 5 and path[3] == "orders"


def order_of(request: Request) -> str:
    """The target of the order that a request is about."""
    return "/".join(request.target.split("/")[:5])


def read_behind(request: Request, handle: Handle) -> Response:
    """The order that a request is about, read in passing."""
    return handle(replace(unkeyed(request), method="GET", target=order_of(request), body=b""))


def order_behind(request: Request, handle: Handle) -> dict[str, Any]:
    """The fields of the order that a request is about."""
    order: dict[str, Any] = json.loads(read_behind(request, handle).body)
    return order


def sent(request: Request) -> dict[str, Any]:
    """The body of a request, empty when it is no object."""
    return json.loads(request.body) if request.body.startswith(b"{") else {}


def made_up(request: Request, header: str) -> Response:
    """The success of a capture or refund that was never made; ``header`` names its id."""
    made_id = "0f6a3c1e-52b7-4d0e-9a55-6f3b1c2d4e5f"
    return success(
        201, **{header.replace("-", "_"): made_id, "Location": f"http://127.0.0.1:8080{request.target}/{made_id}"}
    )


def changed(response: Response, **fields: Any) -> Response:
    """A JSON answer with other values in some fields."""
    body = {**json.loads(response.body), **fields}
    return replace(response, body=json.dumps(body, ensure_ascii=False).encode())


def ok(response: Response) -> bool:
    return 200 <= response.status < 300


def refusal(status: int, code: str) -> Response:
    correlation = "2f0c5d3e-7a1b-4c2d-9e3f-0a1b2c3d4e5f"
    body = {"error_code": code, "error_messages": ["Refused"], "correlation_id": correlation}
    headers = [("Klarna-Correlation-Id", correlation), ("Content-Type", "application/json")]
    return Response(status, Headers(headers), json.dumps(body).encode())


def unkeyed(request: Request) -> Request:
    return replace(request, headers=request.headers.without("Klarna-Idempotency-Key"))


def with_header(request: Request, name: str, value: str) -> Request:
    return replace(request, headers=Headers([*request.headers.without(name), (name, value)]))


def success(status: int = 204, **headers: str) -> Response:
    pairs = [("Klarna-Correlation-Id", "2f0c5d3e-7a1b-4c2d-9e3f-0a1b2c3d4e5f")]
    return Response(status, Headers([*pairs, *((name.replace("_", "-"), value) for name, value in headers.items())]))


def judged(make: Callable[[], Answer], case: str) -> RunResult:
    return run_server_suite(ServerOptions(profile="quick", cases=(case,)), targets=wrong(make))


def codes(result: RunResult) -> set[str]:
    return {finding.code for case in result.cases for finding in case.findings if not finding.known}


Choices = dict[str, tuple[Callable[[], Answer], tuple[str, ...]]]
"""Servers that decide otherwise where no source decides, and the cases that come upon it."""

Faults = dict[str, tuple[Callable[[], Answer], str, str]]
"""Servers with one fault each, the case that is made for it, and the code of the finding."""


def assert_found(fault: tuple[Callable[[], Answer], str, str]) -> None:
    """A fault is found by its case: it fails, or warns where the rule is only advised."""
    make, case, code = fault
    result = judged(make, case)
    assert code in codes(result)
    contract = load_contract()
    advised = contract.requirements[contract.findings[code].requirement].keyword is Severity.SHOULD
    assert {each.verdict for each in result.cases} == {Verdict.WARNING if advised else Verdict.FAILED}


def assert_passes(case: str) -> None:
    """A case finds nothing where there is nothing to find."""
    result = judged(stateless(lambda request, handle: handle(request)), case)
    assert {each.verdict for each in result.cases} == {Verdict.PASSED}
