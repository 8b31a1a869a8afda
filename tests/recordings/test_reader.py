from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from conformance.exceptions import RecordingError
from conformance.recordings import reader
from conformance.recordings.reader import find_sources, read_recording
from conformance.recordings.recording import Format, NotARecordingError

Write = Callable[..., Path]


@pytest.mark.parametrize(
    ("content", "layout"),
    [
        ('{"log": {"entries": []}}', Format.HAR),
        ("log: {entries: []}", Format.HAR),
        ('{"interactions": [], "version": 1}', Format.VCRPY),
        ("interactions: []\nversion: 1\n", Format.VCRPY),
        ("---\nhttp_interactions: []\nrecorded_with: VCR 2.0.0\n", Format.RUBY_VCR),
        ('\ufeff{"http_interactions": []}', Format.RUBY_VCR),
    ],
)
@pytest.mark.parametrize("name", ["a.har", "a.json", "a.yml", "a.txt", "a"])
def test_layouts_are_known_by_content_not_by_name(write: Write, content: str, layout: Format, name: str) -> None:
    path = write(content, name)

    recording = read_recording(path)

    assert (recording.path, recording.format, recording.interactions) == (path, layout, ())


@pytest.mark.parametrize(
    "content",
    [
        "",
        "# nothing",
        "---\n",
        "x",
        "[]",
        "{}",
        "null",
        "- request: {}\n  response: {}\n",
        "services: {web: {image: x}}",
        '{"log": "x"}',
        '{"log": {"level": "debug"}}',
        '{"interactions": null}',
        "a: [1",
        '{"a": ',
        "%PDF-1.4\n\x00",
        "a: 1\n---\nb: 1\n",
        "{% if x %}",
        "<html></html>",
    ],
)
def test_what_is_no_recording_is_told_apart(write: Write, content: str) -> None:
    path = write(content)

    with pytest.raises(NotARecordingError) as caught:
        read_recording(path)

    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        b"interactions:\n- [",
        b"http_interactions:\n\t- x",
        b'{"log": {"entries": [',
        b"interactions: []\nx: \xff",
        b'{"interactions": [\xff',
        b"interactions: {}",
        b"http_interactions: x",
        b'{"log": {"entries": {}}}',
        b"interactions: []\ninteractions: []",
        b'{"interactions": [], "interactions": []}',
    ],
)
def test_a_broken_recording_is_not_taken_for_something_else(write: Write, content: bytes) -> None:
    path = write(content)

    with pytest.raises(RecordingError) as caught:
        read_recording(path)

    assert not isinstance(caught.value, NotARecordingError)
    assert str(caught.value).startswith(str(path))


def test_files_have_a_largest_size(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write("interactions: []")
    monkeypatch.setattr(reader, "MAX_FILE", path.stat().st_size)
    assert read_recording(path).format is Format.VCRPY

    monkeypatch.setattr(reader, "MAX_FILE", path.stat().st_size - 1)
    with pytest.raises(RecordingError, match="is larger than 15 bytes"):
        read_recording(path)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.yml"
    os.mkfifo(pipe)

    with pytest.raises(RecordingError, match="is no regular file"):
        read_recording(pipe)


def test_paths_that_cannot_be_opened(tmp_path: Path) -> None:
    circle = tmp_path / "circle.yml"
    circle.symlink_to(circle)

    for path in (tmp_path / "absent.yml", circle, Path("/dev/null"), tmp_path):
        with pytest.raises(RecordingError, match=f"{path}: "):
            read_recording(path)


def test_directories_are_searched_by_suffix_in_order(write: Write, tmp_path: Path) -> None:
    for name in ("b/z.yml", "b/a.YAML", "b/c/m.json", "a.har", "b/notes.txt", "b/.hidden.yml", "b/x.yml.bak"):
        write("x", name)

    found = list(find_sources([tmp_path]))

    assert [source.label for source in found] == ["a.har", "b/.hidden.yml", "b/a.YAML", "b/z.yml", "b/c/m.json"]
    assert all(source.path == tmp_path / source.label and not source.named for source in found)


def test_a_file_is_found_once_however_often_it_is_named(write: Write, tmp_path: Path) -> None:
    path = write("x", "d/a.txt")
    other = write("x", "d/b.yml")
    (tmp_path / "d" / "link.yml").symlink_to(other)
    (tmp_path / "d" / "back").symlink_to(tmp_path)

    found = list(find_sources([path, path, tmp_path / "d", tmp_path / "d" / ".." / "d"]))

    assert [(source.path, source.label, source.named) for source in found] == [
        (path, "a.txt", True),
        (other, "b.yml", False),
    ]


def test_what_is_absent_is_left_to_the_reader(tmp_path: Path) -> None:
    (source,) = find_sources([tmp_path / "absent"])

    assert source.named
    with pytest.raises(RecordingError, match="No such file"):
        read_recording(source.path)


def test_a_directory_that_cannot_be_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "closed").mkdir()

    def scan(path: str) -> object:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(os, "scandir", scan)

    with pytest.raises(RecordingError, match="closed: Permission denied"):
        list(find_sources([tmp_path / "closed"]))
