from __future__ import annotations

import asyncio
import http.client
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from conformance.clients import patience
from conformance.clients.adapter import AdapterError
from conformance.clients.call import Call, Hello, NeverReturned, Outcome, Returned
from conformance.clients.patience import GaveUpError, Patience
from conformance.clients.run import ClientOptions, run_client_suite
from conformance.verdict import CaseResult, Verdict
from tests.clients.test_run import ApiError, Small, codes, judged


def call(number: str = "1", session: str = "s") -> Call:
    return Call(number, session, "http://127.0.0.1:1", "u", "p", "getOrder", {"order_id": "o"}, timeout_s=0.05)


class Fake:
    """An adapter that answers after so many seconds, per call."""

    def __init__(self, **after_s: float) -> None:
        self.after_s = after_s
        self.abandoned: list[str] = []

    async def start(self) -> Hello:
        return Hello("fake")

    async def call(self, call: Call) -> Outcome:
        if call.id == "dies":
            raise AdapterError("it died")
        await asyncio.sleep(self.after_s.get(call.id, 0.0))
        return Returned(call.id)

    async def abandon(self, call: Call) -> None:
        self.abandoned.append(call.id)

    async def close(self) -> None:
        return


def outcomes(adapter: Fake, *calls: Call, arrivals: Callable[[], list[float]] | None = None, **given: Any) -> Any:
    async def work() -> tuple[Patience, list[Outcome]]:
        waits = Patience(adapter, grace_s=0.05)
        begun = time.monotonic()
        plain = call(given.pop("plain", "plain"))
        return waits, [await waits.outcome(one, arrivals or (lambda: [begun]), lambda: plain, **given) for one in calls]

    return asyncio.run(work())


def test_what_comes_back_in_time_is_handed_on() -> None:
    adapter = Fake()
    waits, (outcome,) = outcomes(adapter, call())
    assert outcome == Returned("1")
    assert adapter.abandoned == []
    assert waits.session("s") == "s"


def test_a_call_that_arrived_and_does_not_come_back_is_given_up_with_its_session() -> None:
    adapter = Fake(hangs=60)
    waits, (_, hung) = outcomes(adapter, call(), call("hangs", "lane"))
    assert isinstance(hung, NeverReturned)
    assert hung.waited_s >= 0.1
    assert adapter.abandoned == ["hangs"]
    assert (waits.session("lane"), waits.session("other"), waits.hangs) == ("lane~1", "other", 1)


def test_a_session_is_replaced_each_time() -> None:
    waits, _ = outcomes(Fake(a=60, b=60), call(), call("a", "lane"), call("b", "lane~1"))
    assert waits.session("lane") == "lane~2"


def test_a_call_in_a_queue_is_waited_for() -> None:
    adapter = Fake(queued=0.5)
    _, (outcome,) = outcomes(adapter, call("queued"), arrivals=list)
    assert outcome == Returned("queued")


def test_who_is_still_trying_is_waited_for() -> None:
    begun = time.monotonic()

    def arrivals() -> list[float]:
        # Requests keep coming, each pause twice as long as the one before.
        return [at for at in (begun, begun + 0.08, begun + 0.24, begun + 0.56) if at <= time.monotonic()]

    _, (outcome,) = outcomes(Fake(tries=0.9), call("tries"), arrivals=arrivals)
    assert outcome == Returned("tries")


def test_what_the_server_takes_is_no_silence_of_the_client() -> None:
    _, (outcome,) = outcomes(Fake(slow=0.3), call("slow"), delay_s=2.0)
    assert outcome == Returned("slow")


def test_an_adapter_that_proves_itself_is_not_to_blame() -> None:
    waits, (outcome,) = outcomes(Fake(hangs=60), call("hangs"))
    assert isinstance(outcome, NeverReturned)
    assert waits.hangs == 1


@pytest.mark.parametrize(("plain", "abandoned"), [("dies", ["hangs"]), ("silent", ["hangs", "silent"])])
def test_an_adapter_that_hands_over_nothing_is_in_error(plain: str, abandoned: list[str]) -> None:
    adapter = Fake(hangs=60, silent=60)
    with pytest.raises(AdapterError, match="handed over nothing, of this call or any other"):
        outcomes(adapter, call("hangs"), plain=plain)
    assert adapter.abandoned == abandoned


def test_there_is_an_end_to_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "MOST_HANGS", 1)
    with pytest.raises(GaveUpError, match="did not come back from 1 calls"):
        outcomes(Fake(a=60), call(), call("a"), call("b"))


# --- whole runs -----------------------------------------------------------------------------------------------------

for_ever = threading.Event()


class Waits(Small):
    """Waits for ever when an answer is not what it hoped for."""

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        try:
            return super().send(method, path, body, **headers)
        except (OSError, http.client.HTTPException, ApiError):
            for_ever.wait(60)


def test_a_call_that_never_comes_back_is_held_against_the_client() -> None:
    expected = {
        "broken/getOrder/cut-body": ("KOM-853", Verdict.WARNING, "answered in part"),
        "retry/getOrder/never-recovers": ("KOM-853", Verdict.WARNING, "answered with 503"),
        "retry/captureOrder-without-key/late-reply": ("KOM-854", Verdict.FAILED, "not answered in time"),
        "retry/captureOrder-with-key/never-recovers": ("KOM-854", Verdict.FAILED, "answered with 503"),
    }
    results = judged(Waits, *expected, grace_s=0.2)
    for case, (code, verdict, told) in expected.items():
        assert results[case].verdict is verdict
        assert codes(results[case]) == {code}
        finding = results[case].findings[0]
        assert told in finding.message
        assert "the user saw nothing: the call had not come back" in "\n".join(finding.story)


class OneLane(Waits):
    """Waits for ever for what was refused, and has one object for all that is not said to need its own."""

    hello: ClassVar = {"features": {"concurrency": 1}}


def test_cases_that_share_a_client_object_get_another_one_after_a_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "_limit_s", lambda *_: 0.5)
    refused = "errors/captureOrder/404-NO_SUCH_ORDER/json"
    results = judged(OneLane, "amounts/captureOrder/one", refused, "exact/write/captureOrder", grace_s=0.2)
    assert codes(results.pop(refused)) == {"KOM-854"}
    assert {case.verdict for case in results.values()} == {Verdict.PASSED}


def test_what_is_left_when_a_client_hung_too_often_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "MOST_HANGS", 0)
    result = judged(Waits, "request/getOrder")["request/getOrder"]
    assert result.verdict is Verdict.NOT_MEASURED
    assert result.why.startswith("not tried: the client did not come back from 0 calls")


# One call after the other, as most adapters are written; reads an order with nothing but a socket.
SERIAL = """
import base64, json, socket, sys, time
from urllib.parse import urlsplit
def say(message): print(json.dumps(message), flush=True)
for line in sys.stdin:
    message = json.loads(line)
    if message["type"] == "hello":
        say({"type": "hello", "protocol": 1, "name": "n", "operations": ["getOrder", "getCaptures"]})
    elif message["type"] == "bye":
        break
    elif message["operation"] == "noSuchOperation":
        say({"type": "result", "id": message["id"], "outcome": "unsupported"})
    else:
        where = urlsplit(message["base_url"])
        wire = socket.create_connection((where.hostname, where.port))
        path = "/ordermanagement/v1/orders/" + message["path"]["order_id"]
        pair = base64.b64encode(f"{message['username']}:{message['password']}".encode()).decode()
        head = ("GET " + path + " HTTP/1.1", "Host: x", "Connection: close", "Authorization: Basic " + pair, "", "")
        wire.sendall("\\r\\n".join(head).encode())
        answer = b""
        while data := wire.recv(65536):
            answer += data
        if %s:
            time.sleep(60)
        say({"type": "result", "id": message["id"], "outcome": "could_not_try", "why": "lazy"})
"""


def serial(hangs_when: str, *cases: str) -> dict[str, CaseResult]:
    options = ClientOptions(adapter=(sys.executable, "-S", "-c", SERIAL % hangs_when), cases=cases, grace_s=0.3)
    return {result.id: result for result in run_client_suite(options).cases}


def test_an_adapter_that_is_stuck_in_a_hanging_call_is_replaced_and_the_others_are_played(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("conformance.clients.process_adapter.PROBE_S", 0.3)
    results = serial("b' 200 ' in answer and b'Pay later' not in answer", "broken/getOrder/cut-body", "ids/getOrder/*")
    (hung, *others) = (results.pop("broken/getOrder/cut-body"), *results.values())
    assert codes(hung) == {"KOM-853"}
    assert others
    assert {result.why for result in others} == {"could not try: lazy"}


def test_an_adapter_that_never_hands_over_anything_is_in_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conformance.clients.process_adapter.PROBE_S", 0.3)
    monkeypatch.setattr(patience, "_limit_s", lambda *_: 0.4)
    (result,) = serial("True", "ids/getOrder/plus").values()
    assert result.verdict is Verdict.ERROR
    assert "handed over nothing" in result.why
