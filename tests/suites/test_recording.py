from __future__ import annotations

import shutil
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from conformance.contract.contract import load_contract
from conformance.contract.error_table import Party
from conformance.contract.files import cassette_directory
from conformance.exceptions import UsageError
from conformance.exchange import Exchange, Request
from conformance.recordings.check import check_paths
from conformance.recordings.reader import find_sources, read_recording
from conformance.simulator.merchant import DEFAULT_MERCHANTS
from conformance.simulator.service import Simulator
from conformance.simulator.socket_door import ServerThread
from conformance.suites.catalogue import is_case
from conformance.suites.recording import Recorded, RecordMode, RecordOptions, record
from conformance.suites.run import ServerOptions
from conformance.suites.target import EmbeddedTarget
from conformance.verdict import CaseResult, Verdict

CASES = ("captureOrder/fresh/valid", "captureOrder/fresh/above-remaining", "getOrder/other_merchant/valid")
INSTALLED = any(entry.name == "klarna_conformance" for entry in entry_points(group="pytest11"))
PLUGINS = () if INSTALLED else ("-p", "conformance.pytest_plugin")
# What follows the files of the contract: their digest, and the seal over it.
FOLLOWING = ("  contract: ", "  content: ")


def recorded(
    directory: Path, *, mode: RecordMode = RecordMode.ONCE, cases: tuple[str, ...] = CASES, seed: int = 0
) -> Recorded:
    return record(RecordOptions(ServerOptions(profile="quick", cases=cases, seed=seed), directory, mode))


def names(directory: Path) -> dict[str, bytes]:
    return {path.relative_to(directory).as_posix(): path.read_bytes() for path in directory.rglob("*.yaml")}


def test_a_case_becomes_a_cassette_that_stands_up(tmp_path: Path) -> None:
    done = recorded(tmp_path)
    assert sorted(names(tmp_path)) == [f"{case}.yaml" for case in sorted(CASES)]
    assert (len(done.written), done.kept, done.removed, done.unrecorded) == (3, (), (), ())
    assert [result.verdict for result in done.results] == [Verdict.PASSED] * 3
    checked = check_paths([tmp_path], load_contract(), is_case=is_case)
    assert checked.trouble() == ""
    assert {case.verdict for case in checked.cases()} == {Verdict.PASSED}


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    for name, seed in (("one", 0), ("two", 0), ("three", 1)):
        recorded(tmp_path / name, seed=seed)
    assert names(tmp_path / "one") == names(tmp_path / "two")
    assert names(tmp_path / "one").keys() == names(tmp_path / "three").keys()
    assert names(tmp_path / "one") != names(tmp_path / "three")


def test_no_two_cassettes_speak_of_the_same_order(tmp_path: Path) -> None:
    recorded(tmp_path)
    orders = [
        {each.exchange.request.target.split("/")[6] for each in read_recording(source.path).interactions}
        for source in find_sources([tmp_path])
    ]
    assert sum(map(len, orders)) == len(set().union(*orders))


def test_modes_decide_what_is_written(tmp_path: Path) -> None:
    none = recorded(tmp_path, mode=RecordMode.NONE)
    assert {case for case, _ in none.unrecorded} == set(CASES)
    assert names(tmp_path) == {}
    assert none.results == ()
    recorded(tmp_path, cases=CASES[:1])
    path = tmp_path / f"{CASES[0]}.yaml"
    old = path.read_bytes()
    path.write_bytes(old + b"\n")
    once = recorded(tmp_path)
    assert once.kept == (path,)
    assert len(once.written) == 2
    assert path.read_bytes() == old + b"\n"
    assert recorded(tmp_path, mode=RecordMode.NONE).kept != ()
    every = recorded(tmp_path, mode=RecordMode.ALL)
    assert len(every.written) == 3
    assert path.read_bytes() == old


def test_new_episodes_replace_what_lacks_a_request(tmp_path: Path) -> None:
    recorded(tmp_path)
    short, whole = (tmp_path / f"{case}.yaml" for case in CASES[:2])
    text = short.read_text()
    short.write_text(text[: text.rindex("- request:")])
    done = recorded(tmp_path, mode=RecordMode.NEW_EPISODES)
    assert done.written == (short,)
    assert whole in done.kept
    assert short.read_text() == text
    short.unlink()
    assert recorded(tmp_path, mode=RecordMode.NEW_EPISODES).written == (short,)


def test_rewriting_removes_our_own_leftovers_only(tmp_path: Path) -> None:
    recorded(tmp_path, cases=CASES[:1])
    foreign = tmp_path / "foreign.yaml"
    foreign.write_text("interactions: []\n")
    other = tmp_path / "other.yaml"
    other.write_text("a: 1\n")
    done = recorded(tmp_path, mode=RecordMode.REWRITE, cases=CASES[1:2])
    assert done.removed == (tmp_path / f"{CASES[0]}.yaml",)
    assert foreign.exists()
    assert other.exists()


def test_a_smallest_set_is_made_as_a_whole(tmp_path: Path) -> None:
    options = RecordOptions(ServerOptions(profile="quick", cases=("getOrder/fresh/*",)), tmp_path, smallest=True)
    with pytest.raises(UsageError, match="all or rewrite"):
        record(options)


def test_a_smallest_set_shows_everything_in_the_fewest_cassettes(tmp_path: Path) -> None:
    cases = (
        "captureOrder/fresh/*",
        "refundOrder/fully_captured/*together*",
        "refundOrder/fresh/valid",
        "getOrder/fresh/*",
    )
    heard: list[int] = []

    class Told:
        def started(self, total: int) -> None:
            heard.append(total)

        def finished(self, result: CaseResult) -> None:
            heard.append(result.exchanges)

    server = ServerOptions(profile="quick", cases=cases)
    done = record(RecordOptions(server, tmp_path, RecordMode.REWRITE, smallest=True), Told())
    assert heard[0] == len(heard) - 1 == len(done.results)
    assert 1 < len(done.written) < len(done.results)

    def cells(directory: Path) -> set[tuple[str, int, str]]:
        """What a request can bring about; an answer about size alone is left out of a small set."""
        contract = load_contract()
        return {
            cell
            for cell in check_paths([directory], contract).cells
            if cell[1] < 400
            or (cell[1] != 413 and any(row.provoked_by is Party.CLIENT for row in contract.errors.at(*cell)))
        }

    record(RecordOptions(server, tmp_path / "all"))
    everything = cells(tmp_path / "all")
    shutil.rmtree(tmp_path / "all")
    assert {cell[1:] for cell in cells(tmp_path)} == {cell[1:] for cell in everything}


def test_a_case_without_answers_gets_no_cassette(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def dies(_self: object, request: Request) -> Exchange:
        return Exchange(request, failure="connection closed without an answer")

    monkeypatch.setattr(EmbeddedTarget, "send", dies)
    done = recorded(tmp_path, cases=CASES[:1])
    assert [case for case, _ in done.unrecorded] == [CASES[0]]
    assert names(tmp_path) == {}


def test_the_cassettes_that_ship_are_what_the_command_records(tmp_path: Path) -> None:
    """They can be made again at any time, so a difference is a change that nobody meant, or forgot to record."""
    shipped = cassette_directory()
    cases = tuple(read_header_case(source.path) for source in find_sources([shipped]))
    recorded(tmp_path, cases=cases)
    for path in sorted(tmp_path.rglob("*.yaml")):
        name = path.relative_to(tmp_path)
        assert steady(path) == steady(shipped / name), f"record {name} again"


def read_header_case(path: Path) -> str:
    header = read_recording(path).header
    assert header is not None
    assert header.recorded_against.startswith("simulator")
    return header.case.replace("[", "[[]")


def steady(path: Path) -> list[str]:
    return [line for line in path.read_text().splitlines() if not line.startswith(FOLLOWING)]


def test_the_cassettes_that_ship_show_every_success() -> None:
    checked = check_paths([cassette_directory()], load_contract())
    shown = {cell[:2] for cell in checked.cells}
    assert {(each.id, each.success.status) for each in load_contract().operations} <= shown
    assert sum(path.stat().st_size for path in cassette_directory().rglob("*.yaml")) < 500_000


def test_a_server_is_recorded_without_naming_it(tmp_path: Path) -> None:
    simulator = Simulator(load_contract())
    first = DEFAULT_MERCHANTS[0]
    with ServerThread(simulator) as server:
        options = ServerOptions(
            base_url=server.base_url,
            username=first.username,
            password=first.password,
            control_url=server.control_url,
            profile="quick",
            cases=CASES[:1],
        )
        done = record(RecordOptions(options, tmp_path, salt="our own"))
    text = done.written[0].read_text()
    header = read_recording(done.written[0]).header
    assert header is not None
    assert header.recorded_against == "a private server"
    assert header.expires is not None
    assert "our own" not in repr(RecordOptions(options, tmp_path, salt="our own"))
    for word in ("127.0.0.1", first.username, first.password, "Zo", "customer@"):
        assert word not in text


def test_what_cannot_be_played_gets_no_cassette(tmp_path: Path) -> None:
    simulator = Simulator(load_contract())
    first = DEFAULT_MERCHANTS[0]
    with ServerThread(simulator) as server:
        options = ServerOptions(
            base_url=server.base_url, username=first.username, password=first.password, profile="quick", cases=CASES[:1]
        )
        done = record(RecordOptions(options, tmp_path))
    assert done.written == ()
    assert [case for case, _ in done.unrecorded] == [CASES[0]]
    assert names(tmp_path) == {}


def test_the_catalogue_knows_what_there_is() -> None:
    assert is_case("captureOrder/fresh/valid")
    assert is_case("captureOrder/schemathesis/anything")
    assert not is_case("captureOrder/fresh/never-heard-of")


SHIPPED_CASE = next(iter(sorted(cassette_directory().rglob("*.yaml"))))


def test_pytest_judges_cassettes(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent.parent.parent))
    directory = tmp_path / "tapes"
    directory.mkdir()
    text = SHIPPED_CASE.read_text()
    (directory / "good.yaml").write_text(text)
    (directory / "edited.yaml").write_text(text.replace("method: GET", "method: PUT", 1))
    (directory / "torn.yaml").write_text(text[: len(text) // 2] + "\n]")
    done = pytester.runpytest_subprocess(
        *PLUGINS,
        "-p",
        "no:cacheprovider",
        "--pyargs",
        "conformance.suites.test_recordings",
        f"--conformance-cassettes={directory}",
    )
    done.assert_outcomes(passed=1, failed=2)
    done.stdout.fnmatch_lines_random(
        ["*edited.yaml: was edited after it was recorded*", "*torn.yaml:* is no valid YAML*"]
    )
