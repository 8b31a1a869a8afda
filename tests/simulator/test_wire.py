from __future__ import annotations

import pytest

from conformance.contract.contract import Contract
from conformance.exchange import Headers, Request
from conformance.simulator import wire
from conformance.simulator.wire import Closed, WireLog, WireRequest, named_order

BASE = "/ordermanagement/v1/orders"


def record(target: str = f"{BASE}/one", method: str = "GET", *, connection: int = 1, body: bytes = b"") -> WireRequest:
    request = Request(method, target, Headers(), body)
    raw = f"{method} {target} HTTP/1.1\r\n\r\n".encode()
    return WireRequest(raw, body, connection, 1, 0.0, request)


@pytest.fixture
def log(contract: Contract) -> WireLog:
    return WireLog(contract.operations)


def test_requests_are_found_by_order(log: WireLog) -> None:
    sent = [
        record(),
        record(f"{BASE}/two"),
        record(f"{BASE}/one/captures", "POST"),
        record(),
        record(f"{BASE}//one"),
        record("/health"),
    ]
    for each in sent:
        log.add(each)
    assert log.requests() == tuple(sent)
    assert log.requests("one") == (sent[0], sent[2], sent[3])
    assert [(each.operation, each.attempt) for each in log.requests("one")] == [
        ("getOrder", 1),
        ("captureOrder", 1),
        ("getOrder", 2),
    ]
    assert log.requests("nobody") == ()
    assert log.requests(since=4) == (sent[4], sent[5])
    assert log.requests("one", since=1) == (sent[2], sent[3])
    assert [each.number for each in sent] == [1, 2, 3, 4, 5, 6]
    assert (sent[5].operation, sent[5].order_id, sent[5].attempt) == ("", "", 0)


def test_an_order_is_named_where_no_operation_is(log: WireLog) -> None:
    log.add(record(f"{BASE}/one/nowhere"))
    log.add(record(f"{BASE}/one", "DELETE"))
    assert [each.operation for each in log.requests("one")] == ["", ""]
    assert [each.attempt for each in log.requests("one")] == [0, 0]


def test_what_was_no_request_is_kept(log: WireLog) -> None:
    log.add(WireRequest(b"nonsense", b"", 1, 1, 0.0, None))
    (kept,) = log.requests()
    assert (kept.raw, kept.request, kept.had_credentials) == (b"nonsense", None, False)


@pytest.mark.parametrize("bound", ["_MOST_REQUESTS", "_MOST_BYTES"])
def test_old_requests_make_room(log: WireLog, monkeypatch: pytest.MonkeyPatch, bound: str) -> None:
    monkeypatch.setattr(wire, bound, {"_MOST_REQUESTS": 3, "_MOST_BYTES": 3 * 800}[bound])
    sent = [record(f"{BASE}/{name}", body=b"x" * 100) for name in ("one", "one", "two", "three", "four")]
    log.add(sent[0])
    assert log.requests("one") == (sent[0],)
    for each in sent[1:]:
        log.add(each)
    assert log.requests("one") == ()
    assert log.requests() == tuple(sent[2:])
    assert log.requests(since=4) == (sent[4],)
    assert log.requests(since=1) == tuple(sent[2:])
    log.add(record())
    assert [each.attempt for each in log.requests("one")] == [1]


def test_numbers_go_on_when_all_is_forgotten(log: WireLog) -> None:
    log.add(record())
    log.clear()
    assert log.requests() == ()
    log.add(record())
    (kept,) = log.requests("one")
    assert (kept.number, kept.attempt) == (2, 1)
    assert (log.connection(), log.connection()) == (1, 2)


def test_a_repetition_has_the_same_bytes_on_another_connection() -> None:
    assert record(connection=2).repeats(record())
    assert not record().repeats(record())
    assert not record(connection=2).repeats(record(f"{BASE}/two"))
    assert not record(connection=2, body=b"1").repeats(record())


def test_a_lost_answer_is_told_from_one_that_is_still_to_come() -> None:
    told = []
    for closed_how, bytes_sent in (("", 0), (Closed.BY_SERVER, 0), (Closed.BY_SERVER, 1)):
        request = record()
        request.closed_how, request.bytes_sent = closed_how, bytes_sent
        told.append(request.unanswered)
    assert told == [False, True, False]


@pytest.mark.parametrize(
    ("target", "order_id"),
    [
        (f"{BASE}/one/captures", "one"),
        (f"{BASE}/one?x", "one"),
        (f"{BASE}/one#x", "one"),
        (f"http://host//prefix{BASE}/o%2Fn%25e", "o/n%e"),
        (BASE, ""),
        ("*", ""),
    ],
)
def test_the_order_is_found_in_a_target(target: str, order_id: str) -> None:
    assert named_order(target) == order_id


def test_no_secret_is_shown() -> None:
    raw = (
        b"GET / HTTP/1.1\r\nAUTHORIZATION: Basic c2VjcmV0\r\n c2VjcmV0\r\nHost: a\r\n folded\r\n"
        b"proxy-authorization : Basic c2VjcmV0\r\n\r\n"
    )
    request = WireRequest(raw, b"", 1, 1, 0.0, None)
    shown = request.described(lambda _value: "somebody")
    assert shown["head"] == (
        "GET / HTTP/1.1\r\nAUTHORIZATION: somebody\r\n\r\nHost: a\r\n folded\r\nproxy-authorization : somebody\r\n\r\n"
    )
    assert "c2VjcmV0" not in repr(request)
