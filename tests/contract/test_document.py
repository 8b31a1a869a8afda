from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from conformance.contract.document import load_document, read_document
from conformance.exceptions import ContractError

SCHEMA = """{
  "type": "object", "additionalProperties": false, "required": ["rows"],
  "properties": {"rows": {"type": "array", "items": {
    "type": "object", "additionalProperties": false, "required": ["id"],
    "properties": {"id": {"type": "string"}, "retry": {"enum": ["never", "fix"]}, "when": {"format": "date-time"}}}}}
}"""


def _load(tmp_path: Path, text: str | bytes) -> Any:
    (tmp_path / "data.yaml").write_bytes(text.encode() if isinstance(text, str) else text)
    return load_document("data.yaml", directory=tmp_path)


def _mistake(tmp_path: Path, text: str | bytes, schema: str | None = None) -> ContractError:
    (tmp_path / "data.yaml").write_bytes(text.encode() if isinstance(text, str) else text)
    if schema is not None:
        (tmp_path / "schemas").mkdir()
        (tmp_path / "schemas" / "data.schema.json").write_text(schema, encoding="utf-8")
    with pytest.raises(ContractError) as caught:
        load_document("data.yaml", None if schema is None else "data.schema.json", tmp_path)
    assert str(caught.value).startswith("data.yaml")
    return caught.value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("NO", "NO"),
        ("yes", "yes"),
        ("on", "on"),
        ("Off", "Off"),
        ("n", "n"),
        ("2024-01-01", "2024-01-01"),
        ("2024-03-31T22:00:00.000Z", "2024-03-31T22:00:00.000Z"),
        ("12:30:45", "12:30:45"),
        ("1_000", "1_000"),
        ("0o17", "0o17"),
        ("+46701", 46701),
        ("007", 7),
        ("-12", -12),
        ("9223372036854775807", 9223372036854775807),
        ("9" * 41, "9" * 41),
        ("1.5", 1.5),
        (".5", 0.5),
        ("2.", 2.0),
        ("1e3", 1000.0),
        (".inf", ".inf"),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ('"null"', "null"),
        ("'12'", "12"),
        ("<<", "<<"),
    ],
)
def test_plain_scalars_are_read_by_the_core_schema(tmp_path: Path, text: str, value: object) -> None:
    read = _load(tmp_path, f"country: {text}\n")["country"]
    assert read == value
    assert type(read) is type(value)


def test_an_empty_value_is_null(tmp_path: Path) -> None:
    assert _load(tmp_path, "a:\nb: []\nc: {}\n") == {"a": None, "b": [], "c": {}}


def test_aliases_stand_for_what_was_anchored(tmp_path: Path) -> None:
    read = _load(tmp_path, "a: &words [x, y]\nb: *words\nc: &one z\nd: *one\n")
    assert read == {"a": ["x", "y"], "b": ["x", "y"], "c": "z", "d": "z"}


def test_text_survives_byte_for_byte(tmp_path: Path) -> None:
    assert _load(tmp_path, 'name: "\\u00e4 \U0001f600 e\\u0301"\n')["name"] == "\u00e4 \U0001f600 e\u0301"


@pytest.mark.parametrize(
    ("text", "line", "field", "reason"),
    [
        ("a: 1\nb:\n  c: 2\n  d: 3\n  c: 4\n", 5, "b.c", "is given twice"),
        ("a: 1\nb: [1, {x: 1, x: 2}]\n", 2, "b[1].x", "is given twice"),
        ("a: 1\n? [x]\n: 2\n", 2, "", "has a key that is not a string"),
        ("rows:\n  200: x\n", 2, "rows", "has a key that is not a string; put it in quotes"),
        ("a: 1\nb: *nothing\n", 2, "b", "names the anchor 'nothing' that is not complete"),
        ("a: &self [1, *self]\n", 1, "a[1]", "names the anchor 'self' that is not complete"),
        ("a: ! 12\n", 1, "a", "carries the tag !; the files hold plain data only"),
        ("a: 1\nb: !!binary aGk=\n", 2, "b", "carries the tag tag:yaml.org,2002:binary"),
        ("a: !!python/object:os.system []\n", 1, "a", "carries the tag"),
        ("a: 1\n---\nb: 2\n", 2, "", "holds more than one document"),
        ("", 1, "", "the file is empty"),
        ("# nothing\n", 2, "", "the file is empty"),
        ("a: 1\nb: [1, 2\nc: 3\n", 3, "", "is not YAML: "),
        ("a: 1\n\tb: 2\n", 2, "", "is not YAML: "),
        (b"a: 1\nb: \xff\n", 2, "", "is not UTF-8 text"),
    ],
)
def test_what_is_wrong_with_the_writing_is_named_by_place(
    tmp_path: Path, text: str | bytes, line: int, field: str, reason: str
) -> None:
    error = _mistake(tmp_path, text)
    assert (error.line, error.field) == (line, field)
    assert reason in error.reason


def test_a_control_character_is_named_by_line(tmp_path: Path) -> None:
    error = _mistake(tmp_path, "# \u00e4\u00e4\u00e4\na: 1\nb: x\x00\n")
    assert (error.line, error.reason) == (3, "is not YAML: it holds a control character")


def test_deep_nesting_is_refused(tmp_path: Path) -> None:
    error = _mistake(tmp_path, "[" * 5000 + "]" * 5000)
    assert error.reason == "is nested deeper than 64 levels"


def test_repeated_expansion_is_refused(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    error = _mistake(tmp_path, "\n".join(lines))
    assert error.reason == "holds more than 1000000 values"


def test_a_large_file_is_refused_without_being_parsed(tmp_path: Path) -> None:
    assert _mistake(tmp_path, b"#" * 4_000_001).reason == "is larger than 4000000 bytes"


def test_a_missing_file_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=r"^absent\.yaml: cannot be read: No such file or directory$"):
        load_document("absent.yaml", directory=tmp_path)


@pytest.mark.parametrize(
    ("text", "line", "field", "reason"),
    [
        ("rows:\n  - id: a\n  - id: b\n    retri: fix\n", 4, "rows[1].retri", "is not a field that belongs here"),
        ("rows:\n  - id: a\n  - retry: fix\n", 3, "rows[1]", "lacks the field 'id'"),
        ("rows:\n  - id: a\n    retry: often\n", 3, "rows[0].retry", '"often" is not one of'),
        ("rows:\n  - id: a\n    when: never\n", 3, "rows[0].when", '"never" is not a "date-time"'),
        ("rows:\n  - id: 12\n", 2, "rows[0].id", '12 is not of type "string"'),
        ('rows: []\n"odd key": 1\n', 2, '["odd key"]', "is not a field that belongs here"),
        ("# top\n[]\n", 2, "", '[] is not of type "object"'),
    ],
)
def test_a_breach_of_the_schema_is_named_by_place(
    tmp_path: Path, text: str, line: int, field: str, reason: str
) -> None:
    error = _mistake(tmp_path, text, SCHEMA)
    assert (error.line, error.field) == (line, field)
    assert reason in error.reason


@pytest.mark.parametrize("schema", ["{", '{"type": "no such type"}'])
def test_a_schema_that_is_none_is_named(tmp_path: Path, schema: str) -> None:
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "data.schema.json").write_text(schema, encoding="utf-8")
    (tmp_path / "data.yaml").write_text("a: 1", encoding="utf-8")
    with pytest.raises(ContractError, match=r"^schemas/data\.schema\.json: is no usable JSON Schema: "):
        load_document("data.yaml", "data.schema.json", tmp_path)


def test_a_place_that_does_not_exist_gets_the_line_of_what_holds_it(tmp_path: Path) -> None:
    (tmp_path / "data.yaml").write_text("a: 1\nb:\n  - x\n", encoding="utf-8")
    document = read_document("data.yaml", directory=tmp_path)
    assert document.mistake(("b", 7), "x").line == 2
    assert document.mistake(("b", "c"), "x").line == 2
    assert document.mistake(("a", "c"), "x").line == 1
    assert document.mistake((), "x").line == 1
    assert document.mistake(("b", 0, "c"), "x").line == 3
    assert str(document.mistake(("b", 0), "is odd")) == "data.yaml:3: b[0]: is odd"


def test_an_error_that_names_only_a_field_is_given_its_line(tmp_path: Path) -> None:
    (tmp_path / "data.yaml").write_text("a: 1\npaths:\n  /orders/{order_id}:\n    get:\n      tags: [x]\n", "utf-8")
    document = read_document("data.yaml", directory=tmp_path)
    error = document.located(ContractError("other", None, "paths[/orders/{order_id}].get.tags[0]", "is odd"))
    assert str(error) == "data.yaml:5: paths[/orders/{order_id}].get.tags[0]: is odd"
