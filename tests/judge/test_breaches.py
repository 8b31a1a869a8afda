"""Each breach of a rule is named, under the code of the rule."""

from __future__ import annotations

import pytest

from tests.judge.breaches_of_form import ERRORS, SECURITY, SURFACE
from tests.judge.breaches_of_memory import KEYS, MONEY, STATE, TEXT
from tests.judge.conversation import AUTHORIZATION
from tests.judge.stories import codes, judged

ALL = {
    f"{code} {name}": (code, story)
    for block in (SURFACE, ERRORS, MONEY, STATE, KEYS, TEXT, SECURITY)
    for name, (code, story) in block.items()
}


@pytest.mark.parametrize("name", ALL)
def test_each_breach_is_named(name: str) -> None:
    code, story = ALL[name]
    assert code in codes(story)


def test_findings_never_show_the_credentials() -> None:
    everything = " ".join(finding.message for _, story in ALL.values() for j in judged(story) for finding in j.findings)
    assert "secret-secret" not in everything
    assert AUTHORIZATION.removeprefix("Basic ") not in everything
