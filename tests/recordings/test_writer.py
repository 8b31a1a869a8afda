from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from conformance.exceptions import RecordingError
from conformance.recordings.reader import find_sources
from conformance.recordings.writer import cassette_path, write_cassette

CHECKOUT = Path(__file__).parent.parent.parent


def left_over(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.rglob("*") if path.is_file())


def test_it_is_there_whole(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "c.yaml"
    write_cassette(path, "text ½\n")
    assert path.read_bytes() == "text ½\n".encode()
    assert left_over(tmp_path) == ["c.yaml"]


@pytest.mark.parametrize("step", ["fsync", "open", "replace", "mkdir"])
@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), KeyboardInterrupt()])
def test_what_stood_there_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, error: BaseException
) -> None:
    path = tmp_path / "a.yaml"
    write_cassette(path, "old")

    def fail(*_: Any, **__: Any) -> Any:
        raise error

    target = {"fsync": (os, "fsync"), "open": (os, "open"), "replace": (Path, "replace"), "mkdir": (Path, "mkdir")}
    with monkeypatch.context() as patched:
        patched.setattr(*target[step], fail)
        if isinstance(error, OSError):
            with pytest.raises(RecordingError, match=r"a\.yaml: no space left on device: .* untouched"):
                write_cassette(path, "new")
        else:
            with pytest.raises(KeyboardInterrupt):
                write_cassette(path, "new")
    assert path.read_text() == "old"
    assert left_over(tmp_path) == ["a.yaml"]


LIMITED = """
import resource, signal, sys
from pathlib import Path
from conformance.recordings.writer import write_cassette
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, 5_000))
try:
    write_cassette(Path(sys.argv[1]), "new" * 5_000)
except Exception as error:
    print(type(error).__name__, error)
"""
ENDLESS = """
import sys
from pathlib import Path
from conformance.recordings.writer import write_cassette
print("begun", flush=True)
while True:
    for sign in "ab":
        write_cassette(Path(sys.argv[1]), sign * 300_000)
"""


def test_no_room_in_the_middle_of_a_file_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    write_cassette(path, "old")
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(path)], capture_output=True, text=True, check=True, cwd=CHECKOUT
    )
    assert (
        done.stdout
        == f"RecordingError {path}: file too large: the cassette was not written, what stood there is untouched\n"
    )
    assert path.read_text() == "old"
    assert left_over(tmp_path) == ["a.yaml"]


def test_a_writer_that_is_killed_leaves_a_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    with subprocess.Popen(
        [sys.executable, "-c", ENDLESS, str(path)], stdout=subprocess.PIPE, text=True, cwd=CHECKOUT
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        while not path.exists():
            assert process.poll() is None
        process.kill()
    assert path.read_text() in ("a" * 300_000, "b" * 300_000)
    assert not [found for found in find_sources([tmp_path]) if found.path != path]


def test_a_directory_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").mkdir()
    with pytest.raises(RecordingError, match=r"a\.yaml: is a directory"):
        write_cassette(tmp_path / "a.yaml", "x")
    (tmp_path / "file").write_text("")
    with pytest.raises(RecordingError, match=r"not a directory|file exists"):
        write_cassette(tmp_path / "file" / "a.yaml", "x")


def test_two_writers_never_mix(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    texts = [sign * 200_000 for sign in "abcdefgh"]
    start = threading.Barrier(len(texts))

    def write(text: str) -> None:
        start.wait()
        for _ in range(5):
            write_cassette(path, text)

    threads = [threading.Thread(target=write, args=(text,)) for text in texts]
    for thread in threads:
        thread.start()
    seen = set()
    while any(thread.is_alive() for thread in threads):
        if path.exists():
            seen.add(path.read_text())
    for thread in threads:
        thread.join()
    assert seen | {path.read_text()} <= set(texts)
    assert left_over(tmp_path) == ["a.yaml"]


def test_directories_that_cannot_be_synchronised_do_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.open

    def no_directories(name: Any, flags: int, *mode: int) -> int:
        if os.path.isdir(name):  # noqa: PTH112 - as os.open sees it
            raise PermissionError(errno.EACCES, "no")
        return real(name, flags, *mode)

    monkeypatch.setattr(os, "open", no_directories)
    write_cassette(tmp_path / "a.yaml", "x")
    assert (tmp_path / "a.yaml").read_text() == "x"


def test_ids_become_paths_that_do_not_meet(tmp_path: Path) -> None:
    assert cassette_path(tmp_path, "getOrder/fresh/valid") == tmp_path / "getOrder" / "fresh" / "valid.yaml"
    assert cassette_path(tmp_path, "a/b/c.d.e").name == "c.d.e.yaml"
    hostile = ["../../etc/passwd", "a b", "a:b", "a\x00b", "x" * 300, "x" * 301, "..", ""]
    made = [cassette_path(tmp_path, case_id) for case_id in hostile]
    assert len(set(made)) == len(hostile)
    assert all(tmp_path in path.resolve().parents and len(path.name) < 120 for path in made)
