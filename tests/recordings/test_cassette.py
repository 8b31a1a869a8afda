from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import vcr  # type: ignore[import-untyped]  # vcrpy has no types
import yaml
from vcr.serialize import deserialize  # type: ignore[import-untyped]  # as above
from vcr.serializers import yamlserializer  # type: ignore[import-untyped]  # as above

from conformance.contract.contract import Contract
from conformance.exceptions import RecordingError
from conformance.exchange import Exchange, Headers, Request, Response
from conformance.recordings.cassette import BLOCK, cassette_text, redacted, restored, shortcomings
from conformance.recordings.check import check_paths
from conformance.recordings.reader import read_recording
from conformance.recordings.redaction import MARK, MERCHANT, UNUSABLE, redactor_for
from conformance.verdict import Verdict
from tests.recordings.sample import HOME, ORDER, TODAY, YESTERDAY, asked, cassette, conversation, header

Write = Callable[..., Path]


def test_what_is_written_is_read(write: Write, contract: Contract) -> None:
    recording = read_recording(write(cassette()))
    assert recording.header is not None
    assert recording.header.case == "captureOrder/fresh/valid"
    assert recording.header.recorded_at == datetime(2026, 1, 15, 9, tzinfo=UTC)
    assert recording.header.contract == contract.digest
    assert recording.header.expires is None
    assert recording.header.intact
    redactor = redactor_for(contract)
    wanted = [redacted(exchange, redactor) for exchange in conversation()]
    for interaction, exchange in zip(recording.interactions, wanted, strict=True):
        found = interaction.exchange
        assert found.request.method == exchange.request.method
        assert found.request.target == HOME + exchange.request.target
        assert found.request.body == exchange.request.body
        assert found.response is not None
        assert exchange.response is not None
        assert found.response.status == exchange.response.status
        assert found.response.body == exchange.response.body
        assert found.response.headers == exchange.response.headers


def test_the_same_exchanges_give_the_same_bytes() -> None:
    assert cassette() == cassette()


def test_vcrpy_loads_it(write: Write) -> None:
    requests, responses = deserialize(cassette(), yamlserializer)
    assert [request.method for request in requests] == ["GET", "POST", "GET"]
    assert requests[1].uri == f"{HOME}{ORDER}/captures"
    assert responses[1]["status"]["code"] == 201
    path = write(cassette(), "played.yaml")
    with vcr.use_cassette(str(path), record_mode="none") as played:
        assert len(played) == 3


def test_bodies_of_every_kind_survive(write: Write, contract: Contract) -> None:
    bodies = (b"", b"\xff\x00\x01", "½\u2028\x85\ufeff😀\r\n\t: #".encode(), b"null", b"123", b"~", b" lead")
    exchanges = [
        Exchange(Request("POST", ORDER, Headers([(MARK, "1")]), body), Response(599, Headers([(MARK, "1")]), body))
        for body in bodies
    ]
    text = cassette_text(header(redactor_for(contract), contract), exchanges)
    recording = read_recording(write(text))
    assert recording.header is not None
    assert recording.header.intact
    for interaction, body in zip(recording.interactions, bodies, strict=True):
        assert interaction.exchange.request.body == body
        assert interaction.exchange.response is not None
        assert interaction.exchange.response.body == body
    _, responses = deserialize(text, yamlserializer)
    assert [response["body"]["string"] for response in responses] == list(bodies)


def test_headers_speak_of_the_body_that_is_there(write: Write, contract: Contract) -> None:
    headers = Headers(
        [("content-length", "99"), ("Content-Encoding", "gzip"), ("Vary", "a"), ("vary", "b"), (MARK, "1")]
    )
    exchange = Exchange(Request("GET", f"{HOME}{ORDER}", Headers([(MARK, "1")])), Response(200, headers, b"{}"))
    text = cassette_text(header(redactor_for(contract), contract), [exchange])
    response = read_recording(write(text)).interactions[0].exchange.response
    assert response is not None
    assert response.headers.items == (("content-length", "2"), ("Vary", "a"), ("Vary", "b"), (MARK, "1"))


@pytest.mark.parametrize("answer", [None, Response(200), Response(200, Headers([(MARK, "1")]))])
def test_nothing_is_written_that_is_not_redacted_or_not_answered(contract: Contract, answer: Response | None) -> None:
    with pytest.raises(RecordingError, match=r"not been redacted|without an answer"):
        cassette_text(header(redactor_for(contract), contract), [Exchange(Request("GET", ORDER), answer, "x")])


def test_a_mark_on_the_wire_proves_nothing(contract: Contract) -> None:
    forged = Headers([(MARK, "1"), ("X-Customer", "Zoe")])
    exchange = Exchange(Request("GET", ORDER, forged), Response(200, forged))
    made = redacted(exchange, redactor_for(contract))
    assert made.request.headers.get("X-Customer") != "Zoe"
    assert made.response is not None
    assert made.response.headers.get("X-Customer") != "Zoe"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"captured_amount": 4000', '"captured_amount": 4001'),
        ("code: 201", "code: 200"),
        ("case: captureOrder/fresh/valid", "case: captureOrder/fresh/zero"),
        ("expires: never", "expires: '2030-01-01'"),
        ("version: 1", "version: 1\nextra: 2"),
    ],
)
def test_an_edit_is_found(write: Write, before: str, after: str) -> None:
    text = cassette()
    assert before in text
    recording = read_recording(write(text.replace(before, after, 1)))
    assert recording.header is not None
    assert not recording.header.intact


def test_a_new_layout_is_no_edit(write: Write) -> None:
    document = yaml.safe_load(cassette())
    recording = read_recording(write(yaml.safe_dump(document, indent=6, width=60, sort_keys=True)))
    assert recording.header is not None
    assert recording.header.intact


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ("recorded_at: '2026-01-15T09:00:00Z'", "recorded_at: lately", "is no time"),
        ("recorded_at: '2026-01-15T09:00:00Z'", "recorded_at: 2026-01-15T09:00:00", "without its zone"),
        ("expires: never", "expires: soon", "neither a date nor"),
        ("content: sha256:", "content: md5:", "no SHA-256"),
        ("  salt:", "  pepper:", "'salt' is missing"),
        ("  redaction: '1'", "  redaction: [1]", "is no text"),
    ],
)
def test_a_broken_block_is_named(write: Write, before: str, after: str, reason: str) -> None:
    path = write(cassette().replace(before, after, 1))
    with pytest.raises(RecordingError, match=reason):
        read_recording(path)


def test_a_time_needs_its_zone(contract: Contract) -> None:
    with pytest.raises(ValueError, match="time zone"):
        header(redactor_for(contract), contract, recorded_at=datetime(2026, 1, 15))  # noqa: DTZ001 - the point of it


def test_shortcomings_are_named(contract: Contract) -> None:
    redactor = redactor_for(contract)
    good = header(redactor, contract, expires=TODAY)
    assert shortcomings(good, contract.digest, TODAY, None) == ([], [])
    assert shortcomings(good, contract.digest, TODAY, True) == ([], [])
    faults, notes = shortcomings(
        header(redactor, contract, expires=YESTERDAY, contract="0" * 64, redaction="0", intact=False),
        contract.digest,
        TODAY,
        False,
    )
    assert [fault.split()[0] for fault in faults] == ["was", "expired", "records", "was"]
    assert len(notes) == 1
    assert "another contract" in notes[0]


def test_check_judges_it_and_says_what_is_wrong(write: Write, contract: Contract) -> None:
    write(cassette(), "good.yaml")
    bad = write(cassette(expires=YESTERDAY).replace("code: 201", "code: 200"), "bad.yaml")
    checked = check_paths([bad.parent], contract, today=TODAY, is_case=lambda case: False)
    assert [file.faults[-1:] for file in checked.files] == [
        (("records the case captureOrder/fresh/valid, which the suite does not have any more"),)
    ] * 2
    checked = check_paths([bad.parent], contract, today=TODAY, is_case=lambda case: True)
    by_label = {file.label: file for file in checked.files}
    assert by_label["good.yaml"].faults == ()
    assert len(by_label["bad.yaml"].faults) == 2
    assert any("edited" in line for line in by_label["bad.yaml"].lines())
    assert "edited" in checked.trouble()
    assert [case.verdict for case in checked.cases()].count(Verdict.ERROR) == 1
    assert [exchange.case.verdict for exchange in by_label["good.yaml"].exchanges] == [Verdict.PASSED] * 3
    checked = check_paths([bad.parent], contract, today=TODAY, is_case=lambda case: case == "other")
    assert checked.trouble().startswith("2 cassettes do not count")


def test_another_contract_is_noted_once(write: Write, contract: Contract) -> None:
    for name in ("a.yaml", "b.yaml"):
        path = write(cassette(contract="0" * 64), name)
    checked = check_paths([path.parent], contract, today=TODAY)
    assert checked.trouble() == ""
    assert [note for note in checked.notes() if note.startswith("2 cassettes: was recorded under another")]


def test_a_judge_can_tell_merchants_apart(contract: Contract) -> None:
    redactor = redactor_for(contract)
    made = restored(redacted(Exchange(asked("GET", ORDER)), redactor)).request
    assert (made.headers.get("Authorization") or "").startswith("Basic ")
    bad = restored(Exchange(Request("GET", ORDER, Headers([(MERCHANT, UNUSABLE)])))).request
    assert bad.headers.get("Authorization") == UNUSABLE
    assert restored(Exchange(Request("GET", ORDER))).request.headers.get("Authorization") is None


def test_the_block_is_where_vcrpy_overlooks_it() -> None:
    assert BLOCK not in ("metadata", "version", "interactions")
