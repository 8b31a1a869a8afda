from __future__ import annotations

from conformance.suites.sequence_cases import MOVES, lives, sequence_cases


def test_every_three_moves_stand_in_a_row_in_some_life() -> None:
    found = {life[place : place + 3] for life in lives() for place in range(len(life) - 2)}
    assert len(found) == len(MOVES) ** 3


def test_a_life_is_short_and_ends_soon_after_a_release() -> None:
    release = MOVES.index(("releaseRemainingAuthorization", None))
    for life in lives():
        assert 3 <= len(life) <= 14
        # The first two moves are those of the life before.
        assert release not in life[2:-3]


def test_a_commit_has_the_time_for_the_first_of_them() -> None:
    cases = list(sequence_cases())
    quick = [case for case in cases if not case.thorough]
    assert cases[: len(quick)] == quick

    assert 10 <= len(quick) < len(cases)
