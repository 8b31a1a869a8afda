"""A server that decides otherwise where no source decides is not blamed for it."""

from __future__ import annotations

import pytest

from tests.suites.choices import decisions, forms
from tests.suites.wrong_servers import Choices, judged

CHOICES: Choices = {**decisions.CHOICES, **forms.CHOICES}
# The answers made up here have one correlation id and words of their own, and the ledger behind them stays as it is.
_OF_THE_DISGUISE = frozenset({"KOM-112", "KOM-204", "KOM-316"})
# A warning: no recording has an address that is not absolute.
_WARNED_OF = frozenset({"KOM-118"})


@pytest.mark.parametrize("choice", CHOICES)
def test_nobody_is_blamed(choice: str) -> None:
    make, cases = CHOICES[choice]
    for pattern in cases:
        results = judged(make, pattern).cases
        assert results
        blamed = [
            (each.id, finding.code, finding.message)
            for each in results
            for finding in each.findings
            if not finding.known
        ]
        assert [told for told in blamed if told[1] not in _OF_THE_DISGUISE | _WARNED_OF] == []
