from __future__ import annotations

import pytest
import yaml

from conformance.exceptions import RecordingError
from conformance.recordings import yaml_document
from conformance.recordings.node import Block
from conformance.recordings.yaml_document import parse_yaml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("a: no", {"a": "no"}),
        ("a: on", {"a": "on"}),
        ("a: true", {"a": "true"}),
        ("a: 2021-09-17", {"a": "2021-09-17"}),
        ("a: 2021-09-17 13:22:25 Z", {"a": "2021-09-17 13:22:25 Z"}),
        ("a: 0755", {"a": "0755"}),
        ("a: 1_000", {"a": "1_000"}),
        ("a: 12:30", {"a": "12:30"}),
        ("a: .inf", {"a": ".inf"}),
        ("a: " + "9" * 10_000, {"a": "9" * 10_000}),
        ("a: =", {"a": "="}),
        ("a:", {"a": None}),
        ("a: ~", {"a": None}),
        ("a: null", {"a": None}),
        ("a: !!null x", {"a": None}),
        ("a: 'null'", {"a": "null"}),
        ("a: ''", {"a": ""}),
        ("a: !!str null", {"a": "null"}),
        ("a: !!int 5", {"a": "5"}),
        ("a: |-\n  one\n   two", {"a": "one\n two"}),
        ('a: "\\u00e9\\t"', {"a": "é\t"}),
        ("NO: 1", {"NO": "1"}),
        ("~: 1", {"~": "1"}),
        (":string: x", {":string": "x"}),
        ("<<: x", {"<<": "x"}),
        ('!binary "SG9zdA==": x', {"Host": "x"}),
        ("a: !binary |-\n  w6kg\n  /w==", {"a": b"\xc3\xa9 \xff"}),
        ("a: !!binary ''", {"a": b""}),
        ("[1, [2, {b: c}], []]", ["1", ["2", {"b": "c"}], []]),
        ("a: &x [1]\nb: *x", {"a": ["1"], "b": ["1"]}),
        ("a: &x 1\nb: &x 2\nc: *x", {"a": "1", "b": "2", "c": "2"}),
        ("- &x k\n- *x : v", ["k", {"k": "v"}]),
        ("\ufeffa: b", {"a": "b"}),
    ],
)
def test_text_stays_text(text: str, value: object) -> None:
    assert parse_yaml(text.encode(), "f.yml") == value


@pytest.mark.parametrize(
    "tag",
    [
        "!!python/unicode",
        "!!python/object/apply:os.system",
        "!ruby/object:Gem::Installer",
        "!ruby/sym",
        "!<tag:example,2000:x>",
    ],
)
def test_no_tag_has_a_meaning(tag: str) -> None:
    assert parse_yaml(f"a: {tag} 'echo 1'".encode(), "f.yml") == {"a": "echo 1"}
    assert parse_yaml(f"a: {tag}\n  b: c".encode(), "f.yml") == {"a": {"b": "c"}}
    assert parse_yaml(f"a: {tag}\n- c".encode(), "f.yml") == {"a": ["c"]}


def test_mappings_know_their_line() -> None:
    value = parse_yaml(b"a:\n- b: 1\n-\n  c: 2\n", "f.yml")

    assert isinstance(value, Block)
    items = value["a"]
    assert isinstance(items, list)
    assert [item.line for item in items if isinstance(item, Block)] == [2, 4]


@pytest.mark.parametrize(
    ("data", "line", "reason"),
    [
        (b"a: 1\nb: [1", 3, "no valid YAML"),
        (b"a: 1\nb: '", 2, "no valid YAML"),
        (b"a: 1\n\t\tb: 2", 2, "no valid YAML"),
        (b"a: 1\nb: \xff", 2, "no valid YAML"),
        (b"a: 1\nb: '\x01'", 2, "no valid YAML"),
        (b"%YAML 9.9\n---\na", 1, "no valid YAML"),
        (b'a: "\\ud800"', 1, "no valid YAML"),
        (b"\x00\x01\x02\x03", 1, "no valid YAML"),
        (b"a: 1\n--- \nb: 1", 2, "a second one begins"),
        (b"a: 1\na: 2", 2, "a key stands twice"),
        (b"a: 1\n!binary YQ==: 2", 2, "a key stands twice"),
        (b"a: 1\n? [b]\n: c", 2, "a key is no text"),
        (b"a: 1\n? {b: c}\n: c", 2, "a key is no text"),
        (b"- &x [1]\n- *x : v", 2, "a key is no text"),
        (b"a: 1\nb: !binary 'x'", 2, "base64"),
        (b"a: 1\nb: !binary 'a\xc3\xa9=='", 2, "base64"),
        (b"a: 1\nb: *c", 2, "alias"),
        (b"a: 1\nb: &b [1, *b]", 2, "alias"),
        (b"a: &b 1\nb: &b [1, *b]", 2, "alias"),
        (b"a:\n " + b"[" * 65, 2, "nested deeper"),
        (b"{a:\n" * 200_000, 65, "nested deeper"),
        (b"- " * 200_000, 1, "nested deeper"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(data: bytes, line: int, reason: str) -> None:
    with pytest.raises(RecordingError) as caught:
        parse_yaml(data, "f.yml")

    assert str(caught.value).startswith(f"f.yml:{line}: ")
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_deepest_nesting_is_read() -> None:
    depth = yaml_document.MAX_DEPTH

    value = parse_yaml(b"[" * depth + b"]" * depth, "f.yml")

    for _ in range(depth - 1):
        assert isinstance(value, list)
        (value,) = value
    assert value == []


def test_aliases_cannot_unfold_without_end() -> None:
    laughs = "a0: &a0 [ha, ha, ha, ha, ha, ha, ha, ha, ha, ha]\n"
    laughs += "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10))

    with pytest.raises(RecordingError, match=r"f\.yml:\d+: its aliases unfold"):
        parse_yaml(laughs.encode(), "f.yml")


def test_a_long_text_cannot_be_repeated_without_end() -> None:
    text = "a: &a " + "x" * 1_000_000 + "\nb: [" + ", ".join(["*a"] * 250) + "]"

    with pytest.raises(RecordingError, match="its aliases unfold"):
        parse_yaml(text.encode(), "f.yml")


def test_number_of_values_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_document, "MAX_NODES", 10)

    assert parse_yaml(b"[1, 2, 3, 4, 5, 6, 7, 8, 9]", "f.yml") == list("123456789")
    with pytest.raises(RecordingError, match="more than 10 values"):
        parse_yaml(b"[1, 2, 3, 4, 5, 6, 7, 8, 9, 0]", "f.yml")


def test_the_parser_without_libyaml_reads_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_document, "LOADER", yaml.SafeLoader)

    assert parse_yaml(b"a: [no, ~, !binary YQ==]", "f.yml") == {"a": ["no", None, b"a"]}
    with pytest.raises(RecordingError, match=r"f\.yml:2: is no valid YAML"):
        parse_yaml(b"a: 1\nb: \x01", "f.yml")
    with pytest.raises(RecordingError, match=r"f\.yml(:\d)?: is no valid YAML"):
        parse_yaml(b"a: 1\nb: \xff", "f.yml")
