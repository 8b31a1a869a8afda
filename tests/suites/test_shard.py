"""Every case is in exactly one part, and always in the same."""

from __future__ import annotations

import pytest

from conformance.exceptions import UsageError
from conformance.suites.run import ServerOptions, ServerRun, run_server_suite
from conformance.suites.shard import Shard
from conformance.verdict import CellState


@pytest.mark.parametrize(
    "text", ["", "1", "0/2", "3/2", "1/0", "1/1001", "1/-2", "1/2/3", " 1/2", "²/3", "01/2", "a/b"]
)
def test_what_is_no_shard_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no shard"):
        Shard.parse(text)


def test_a_shard_is_written_as_it_is_read() -> None:
    assert str(Shard.parse("2/5")) == "2/5"
    assert Shard.parse("1000/1000") == Shard(1000, 1000)


def test_the_split_never_changes() -> None:
    ids = [f"captureOrder/fresh/{number}" for number in range(8)]
    assert [next(n for n in (1, 2, 3) if Shard(n, 3).holds(each)) for each in ids] == [1, 3, 3, 3, 1, 3, 2, 1]


def test_parts_are_disjoint_and_whole_and_of_like_size() -> None:
    whole = [case.id for case in ServerRun(ServerOptions(profile="quick")).cases()]
    parts = [
        [case.id for case in ServerRun(ServerOptions(profile="quick", shard=Shard(number, 4))).cases()]
        for number in (1, 2, 3, 4)
    ]
    assert sorted(each for part in parts for each in part) == sorted(whole)
    assert all(len(part) > len(whole) / 6 for part in parts)


def test_a_part_says_what_it_is_and_blames_nobody_for_the_rest() -> None:
    result = run_server_suite(ServerOptions(profile="quick", cases=("acknowledgeOrder/*",), shard=Shard(1, 2)))
    assert result.suite["shard"] == "1/2"
    assert result.suite["cases"] == "acknowledgeOrder/*"
    uncovered = [cell for cell in result.operations if cell.state is not CellState.COVERED]
    assert {cell.state for cell in uncovered} == {CellState.NOT_MEASURED}
    assert {cell.why for cell in uncovered} == {"not brought about in this shard; another may do so"}


def test_cases_keep_their_place_in_the_whole() -> None:
    whole = run_server_suite(ServerOptions(profile="quick", cases=("acknowledgeOrder/fresh/*",)))
    part = run_server_suite(ServerOptions(profile="quick", cases=("acknowledgeOrder/fresh/*",), shard=Shard(2, 2)))
    assert 0 < len(part.cases) < len(whole.cases)
    assert {case.id: case.number for case in part.cases}.items() <= {c.id: c.number for c in whole.cases}.items()
    assert all(case.number for case in whole.cases)
