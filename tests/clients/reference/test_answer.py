from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from conformance.clients.reference import errors
from conformance.clients.reference.answer import Answer, Body, Lost, read_answer
from conformance.clients.reference.call import Call
from conformance.exchange import Headers

READ = Call("getOrder", {"order_id": "o/1"})
LIST = Call("getCaptures", {"order_id": "o/1"})
CAPTURE = Call("captureOrder", {"order_id": "o/1"}, {"captured_amount": 1})
REFUND = Call("refundOrder", {"order_id": "o/1"}, {"refunded_amount": 1})
CANCEL = Call("cancelOrder", {"order_id": "o/1"})
BASE = "/ordermanagement/v1/orders/o%2F1/captures"


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_any_2xx_is_success(status: int) -> None:
    assert read_answer(CANCEL, Answer(status)) is None
    assert read_answer(CAPTURE, Answer(status, Headers({"Capture-Id": "c"}))) == {"capture_id": "c"}


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Capture-Id": "c-1"}, "c-1"),
        ({"capture-id": " c-1 ", "Location": "/elsewhere"}, "c-1"),
        ({"Location": f"https://api-na.klarna.com{BASE}/c-1"}, "c-1"),
        ({"location": f"{BASE}/c%2F1/"}, "c/1"),
        ({"Location": "captures/c-1"}, "c-1"),
        ({"Location": f"/prefix{BASE}/c-1?x=y"}, "c-1"),
    ],
)
def test_the_id_reaches_the_user(headers: dict[str, str], expected: str) -> None:
    assert read_answer(CAPTURE, Answer(201, Headers(headers))) == {"capture_id": expected}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Capture-Id": " "},
        {"Refund-Id": "r"},
        {"Location": BASE},
        {"Location": BASE.replace("1/", "2/") + "/c-1"},
        {"Location": BASE.replace("captures", "refunds") + "/c-1"},
        {"Location": "http://[broken"},
    ],
)
def test_a_missing_id_is_told_from_a_failed_capture(headers: dict[str, str]) -> None:
    with pytest.raises(errors.MissingIdError, match="do not repeat") as caught:
        read_answer(CAPTURE, Answer(201, Headers(headers)))
    assert caught.value.carried_out is True
    assert caught.value.status == 201


def test_a_refund_has_its_own_header() -> None:
    assert read_answer(REFUND, Answer(201, Headers({"Refund-Id": "r", "Capture-Id": "c"}))) == {"refund_id": "r"}


def test_documents_are_handed_out_as_they_are() -> None:
    order = {"status": "BRAND_NEW", "amount": 2**62, "unknown": {"é": "\u2028"}}
    assert read_answer(READ, Answer(200, body=json.dumps(order).encode())) == order
    assert read_answer(LIST, Answer(200, body=b"[]")) == []


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"{", b"\xff{}", b"[" * 100_000, b"null", b'{"a":' + b"9" * 5000 + b"}"]
)
def test_a_read_without_its_document_is_a_failure(body: bytes) -> None:
    with pytest.raises(errors.UnreadableAnswerError) as caught:
        read_answer(READ, Answer(200, Headers({"Klarna-Correlation-Id": "k"}), body))
    assert (caught.value.status, caught.value.correlation_id) == (200, "k")


def test_a_read_that_was_cut_is_a_failure_of_transport() -> None:
    with pytest.raises(errors.TransportError):
        read_answer(READ, Answer(200, body=b"{}", cut="the connection ended"))


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (302, errors.UnreadableAnswerError),
        (400, errors.RequestRefusedError),
        (401, errors.NotAuthenticatedError),
        (403, errors.NotAllowedError),
        (404, errors.NotFoundError),
        (409, errors.RequestRefusedError),
        (422, errors.RequestRefusedError),
        (429, errors.RateLimitedError),
        (500, errors.UnavailableError),
        (503, errors.UnavailableError),
        (504, errors.UnavailableError),
    ],
)
@pytest.mark.parametrize("body", [b"", b"{}", b"<html>no</html>", b"[]", b'"x"', b'{"error_messages": 7}', b"\xff"])
def test_every_other_status_is_a_failure_of_its_kind(status: int, kind: type[errors.KlarnaError], body: bytes) -> None:
    with pytest.raises(kind) as caught:
        read_answer(CANCEL, Answer(status, Headers({"klarna-correlation-id": "k"}), body))
    error = caught.value
    assert (error.status, error.error_code, error.error_messages, error.correlation_id) == (status, None, (), "k")
    assert type(error) is kind
    assert error.carried_out is (None if status >= 500 else False)


@pytest.mark.parametrize(
    ("fields", "messages"),
    [
        ({"error_messages": ["a", "b"]}, ("a", "b")),
        ({"error_messages": []}, ()),
        ({"error_messages": [], "error_message": "a"}, ("a",)),
        ({"error_message": "a", "more": {}}, ("a",)),
        ({"error_messages": ["a", None, 3]}, ("a",)),
        ({"message": "No message available", "path": "/x"}, ("No message available",)),
    ],
)
def test_all_that_an_error_tells_reaches_the_user(fields: dict[str, Any], messages: tuple[str, ...]) -> None:
    body = json.dumps({"error_code": "NOT_ALLOWED", "correlation_id": "k", **fields}).encode()
    with pytest.raises(errors.NotAllowedError) as caught:
        read_answer(CANCEL, Answer(403, body=body))
    error = caught.value
    assert (error.error_code, error.error_messages, error.correlation_id) == ("NOT_ALLOWED", messages, "k")
    assert "NOT_ALLOWED" in str(error)


def test_a_rate_limit_says_how_long() -> None:
    with pytest.raises(errors.RateLimitedError) as caught:
        read_answer(CANCEL, Answer(429, Headers({"Retry-After": "9"})))
    assert caught.value.retry_after_s == 9.0


@pytest.mark.parametrize(
    ("call", "lost", "carried_out"),
    [(CAPTURE, Lost("gone"), None), (READ, Lost("gone"), False), (CAPTURE, Lost("not trusted", is_final=True), False)],
)
def test_a_lost_answer_says_whether_the_work_may_be_done(call: Call, lost: Lost, carried_out: bool | None) -> None:
    with pytest.raises(errors.TransportError) as caught:
        read_answer(call, lost)
    assert caught.value.status is None
    assert caught.value.carried_out is carried_out


def collected(body: bytes, *, limit: int = 1000, encoding: str = "gzip") -> Answer:
    collecting = Body(limit, deadline=1.0)
    collecting.take(body, now=0.0)
    return collecting.answer(200, Headers({"Content-Encoding": encoding}))


def test_a_body_is_read_up_to_its_limit_in_size_and_time() -> None:
    body = Body(4, deadline=1.0)
    assert body.take(b"abcd", now=1.0)
    assert not body.take(b"e", now=1.0)
    assert "4 bytes" in body.answer(200, Headers()).cut
    late = Body(4, deadline=1.0)
    assert not late.take(b"a", now=1.5)
    assert "too long" in late.cut


def test_compressed_bodies_are_read_within_the_same_limit() -> None:
    assert collected(gzip.compress(b"{}")).body == b"{}"
    assert collected(gzip.compress(b"x" * 10_000_000), limit=20_000).cut
    assert collected(gzip.compress(b"{}")[:-9]).cut
    assert collected(b"no gzip at all").cut
    assert collected(b"{}", encoding="identity").body == b"{}"
