"""What a run means to the shell and to CI."""

from __future__ import annotations

from collections import Counter

from conformance.verdict import RunResult, Verdict

__all__ = ["CONFORMS", "COULD_NOT_RUN", "FINDINGS", "exit_status", "trouble"]

CONFORMS = 0
FINDINGS = 1
COULD_NOT_RUN = 2


def exit_status(result: RunResult) -> int:
    """Give 2 when the suite could not do its work, else 1 when a case failed, else 0.

    A run that exchanged nothing could not do its work. Warnings, known deviations and what could not be measured do
    not fail a run: the reports name them.
    """
    if trouble(result):
        return COULD_NOT_RUN
    return FINDINGS if any(case.verdict is Verdict.FAILED for case in result.cases) else CONFORMS


def trouble(result: RunResult) -> str:
    """Say in one line why the suite could not do its work; empty when it could."""
    errors = [case for case in result.cases if case.verdict is Verdict.ERROR]
    if errors:
        counted = "1 case" if len(errors) == 1 else f"{len(errors)} cases"
        return f"{counted} could not be judged; the first is {errors[0].id}: {errors[0].why or 'no reason was given'}"
    if not any(case.exchanges for case in result.cases):
        reasons = Counter(case.why for case in result.cases if case.why)
        reason = reasons.most_common(1)[0][0] if reasons else "no case was run"
        return f"nothing was exchanged, so nothing was judged: {reason}"
    return ""
