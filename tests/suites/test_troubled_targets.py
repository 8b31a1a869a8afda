"""What a run makes of a target in trouble: of its ledger, its limits, its end, and the story that is told of it."""

from __future__ import annotations

import json
import uuid

from conformance.exchange import Exchange, Headers, Request, Response
from conformance.suites.run import ServerOptions, run_server_suite
from conformance.verdict import Verdict
from tests.suites.careless.everyday import wrong_success
from tests.suites.wrong_servers import Answer, Handle, WrongTarget, codes, judged, ok, reads_order, refusal, stateless


def test_ledger_that_disagrees_is_found() -> None:
    class Booked:
        def __init__(self, control: object) -> None:
            self._control = control

        def __getattr__(self, name: str) -> object:
            return getattr(self._control, name)

        def ledger(self, order_id: str) -> dict[str, object]:
            return {"order_id": order_id, "captured": 7, "refunded": 0, "authorised": 10_000}

    def make(_case_id: str) -> WrongTarget:
        target = WrongTarget(lambda request, handle: handle(request))
        target.control = Booked(target.control)  # type: ignore[assignment]  # the other methods are passed on
        return target

    result = run_server_suite(ServerOptions(profile="quick", cases=("captureOrder/fresh/one",)), targets=make)
    assert "KOM-316" in codes(result)


def test_a_passing_failure_is_repeated_and_forgiven() -> None:
    def once() -> Answer:
        failed: set[str] = set()

        def answer(request: Request, handle: Handle) -> Response:
            place = f"{request.method} {request.target}"
            if place in failed:
                return handle(request)
            failed.add(place)
            return Response(429, Headers([("Retry-After", "0")]))

        return answer

    (case,) = judged(once, "captureOrder/fresh/one").cases
    assert not [finding for finding in case.findings if finding.code == "KOM-206"]
    assert case.exchanges > 6


def test_a_rate_limit_that_stays_measures_nothing() -> None:
    def limited(request: Request, handle: Handle) -> Response:
        correlation = str(uuid.uuid4())
        told = {"error_code": "TOO_MANY_REQUESTS", "error_messages": [], "correlation_id": correlation}
        headers = [("Klarna-Correlation-Id", correlation), ("Content-Type", "application/json")]
        headers += [("X-Ratelimit-Limit", "1"), ("X-Ratelimit-Remaining", "0"), ("X-Ratelimit-Reset", "1")]
        return Response(429, Headers(headers), json.dumps(told).encode())

    (case,) = judged(stateless(limited), "getOrder/fresh/valid").cases
    assert (case.verdict, case.findings) == (Verdict.NOT_MEASURED, ())
    assert "429" in case.why


def test_a_target_that_dies_ends_the_run_and_keeps_what_was_found() -> None:
    alive = 40

    class Dying(WrongTarget):
        def send(self, request: Request) -> Exchange:
            nonlocal alive
            alive -= 1
            return super().send(request) if alive > 0 else Exchange(request, failure="connection refused")

    def make(_case_id: str) -> Dying:
        return Dying(wrong_success)

    result = run_server_suite(ServerOptions(profile="quick", cases=("captureOrder/*/valid",)), targets=make)
    verdicts = [case.verdict for case in result.cases]
    assert Verdict.FAILED in verdicts
    assert verdicts[-1] is Verdict.ERROR
    assert "5 times in a row: connection refused" in result.cases[-1].why
    assert "KOM-102" in codes(result)
    assert result.cases[-1].exchanges == 0


def test_the_story_of_a_finding_can_be_repeated() -> None:
    (case,) = judged(stateless(wrong_success), "captureOrder/fresh/one").cases
    finding = next(finding for finding in case.findings if finding.code == "KOM-102")
    assert "/captures" in finding.story[-1]
    assert finding.story[-1].endswith("-> 200")
    assert finding.curl.count("\n") == len(finding.story) - 1
    assert "conformance-secret" not in finding.curl
    assert '-u "$KLARNA_USERNAME:$KLARNA_PASSWORD"' in finding.curl
    assert finding.requirement == "OM-SURFACE-02"


def test_an_order_that_was_made_and_is_not_found_is_a_finding() -> None:
    def without_old_orders(request: Request, handle: Handle) -> Response:
        response = handle(request)
        old = ok(response) and reads_order(request) and json.loads(response.body)["created_at"] < "2025-06"
        return refusal(404, "NO_SUCH_ORDER") if old else response

    result = judged(stateless(without_old_orders), "getOrder/[fo]*/valid")
    verdicts = {each.id: each.verdict for each in result.cases}
    assert verdicts["getOrder/fresh/valid"] is Verdict.PASSED
    assert verdicts["getOrder/old/valid"] is Verdict.FAILED
    assert "KOM-408" in codes(result)


def test_where_no_order_can_be_read_nothing_is_measured() -> None:
    result = judged(stateless(lambda _request, _handle: refusal(404, "NO_SUCH_ORDER")), "getOrder/[fo]*/valid")
    assert {each.verdict for each in result.cases} == {Verdict.NOT_MEASURED}
