from __future__ import annotations

import json

import pytest

from conformance.exceptions import RecordingError
from conformance.recordings import json_document
from conformance.recordings.json_document import looks_like_json, parse_json


@pytest.mark.parametrize(
    "data",
    [
        b"{}",
        b'{"a": 1}',
        b'\n\t {\r\n "a": 1}',
        b"[]",
        b"{",
        b'\xef\xbb\xbf{"a": 1}',
        '{"a": 1}'.encode("utf-16"),
        '{"a": 1}'.encode("utf-32-le"),
    ],
)
def test_json_is_known_by_its_beginning(data: bytes) -> None:
    assert looks_like_json(data)


@pytest.mark.parametrize("data", [b"", b"---\na: b", b"a: b", b"{a: b}", b"# {}", b'"a"', b"\xff\x00\x00"])
def test_everything_else_is_not_json(data: bytes) -> None:
    assert not looks_like_json(data)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": 1}', {"a": "1"}),
        ('{"a": -1.50e3}', {"a": "-1.50e3"}),
        ('{"a": ' + "9" * 10_000 + "}", {"a": "9" * 10_000}),
        ('{"a": [true, null, "\\u00e9"]}', {"a": [True, None, "é"]}),
        ('{"a": NaN}', {"a": "NaN"}),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_numbers_stay_text(text: str, value: object, encoding: str) -> None:
    assert parse_json(text.encode(encoding), "f.har") == value


@pytest.mark.parametrize(
    ("data", "place", "reason"),
    [
        (b'{"a": 1,\n"b": }', "f.har:2", "no valid JSON"),
        (b'{"a":\n"b', "f.har:2", "no valid JSON"),
        (b"{}\n{}", "f.har:2", "no valid JSON"),
        (b'{"a":\n"\xff"}', "f.har:2", "no valid JSON: not in utf-8"),
        (b'{"a": 1, "a": 2}', "f.har", "a key stands twice"),
        (b"[" * 200_000, "f.har", "nested too deeply"),
        (b'{"a":' * 200_000, "f.har", "nested too deeply"),
    ],
)
def test_what_is_wrong_is_named(data: bytes, place: str, reason: str) -> None:
    with pytest.raises(RecordingError) as caught:
        parse_json(data, "f.har")

    assert str(caught.value).startswith(f"{place}: ")
    assert reason in str(caught.value)


def test_a_lone_surrogate_survives() -> None:
    assert parse_json(json.dumps({"a": "\ud800"}).encode(), "f.har") == {"a": "\ud800"}


def test_number_of_values_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_document, "MAX_NODES", 10)

    assert parse_json(b'["' + b'[{,\\",' * 100 + b'", 2]', "f.har") == ['[{,",' * 100, "2"]
    with pytest.raises(RecordingError, match="more than 10 values"):
        parse_json(b"[" + b"1," * 10 + b"1]", "f.har")


@pytest.mark.parametrize("end", [b"", b"\\"])
def test_a_text_without_end_is_looked_at_once(monkeypatch: pytest.MonkeyPatch, end: bytes) -> None:
    monkeypatch.setattr(json_document, "MAX_NODES", 10)

    with pytest.raises(RecordingError, match="no valid JSON"):
        parse_json(b'["' + b'\\",' * 500_000 + end, "f.har")
