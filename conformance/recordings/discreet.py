"""A judge that sees everything and repeats nothing: verdicts on what really travelled, words from the redacted form."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from conformance.contract.contract import Contract
from conformance.exchange import Exchange
from conformance.judge.finding import Finding, Judgement
from conformance.judge.judge import Judge
from conformance.recordings.policy import Kind
from conformance.recordings.redaction import Redactor

__all__ = ["DiscreetJudge"]


class DiscreetJudge:
    """Judges the traffic of real people.

    Two judges hear each exchange, one as it is and one redacted. The first decides; its messages quote what it saw,
    so those of the second are reported.
    """

    def __init__(self, contract: Contract, redactor: Redactor, *, credentials_visible: bool = True) -> None:
        self._contract = contract
        self._redactor = redactor
        self._judge = Judge(contract, credentials_visible=credentials_visible)
        # What stands for credentials is in another header, so this one cannot see them.
        self._speaker = Judge(contract, credentials_visible=False)

    def clock_is(self, now: datetime) -> None:
        """Tell both judges the target's present time (aware)."""
        self._judge.clock_is(now)
        self._speaker.clock_is(now)

    @property
    def undisturbed(self) -> bool:
        """Whether nobody else is at work on the orders, so that no conflict excuses a refusal."""
        return self._judge.undisturbed

    @undisturbed.setter
    def undisturbed(self, value: bool) -> None:
        self._judge.undisturbed = self._speaker.undisturbed = value

    def forget(self, order_id: str, field: str, capture_id: str = "") -> None:
        """Let both judges expect nothing of a field until it is read."""
        self._judge.forget(order_id, field, capture_id)
        self._speaker.forget(order_id, field, capture_id)

    def feed(self, exchange: Exchange) -> Judgement:
        """Judge an exchange; findings and the error code hold nothing of it but stand-ins."""
        judgement = self._judge.feed(exchange)
        spoken = self._speaker.feed(self._redactor.exchange(exchange))
        if judgement.cell is not None:
            operation, status, code = judgement.cell
            judgement = replace(judgement, cell=(operation, status, self._code(code)))
        if not judgement.findings:
            return judgement
        left = list(spoken.findings)
        return replace(judgement, findings=tuple(self._said(finding, left) for finding in judgement.findings))

    def _said(self, finding: Finding, left: list[Finding]) -> Finding:
        for index, other in enumerate(left):
            if other.code == finding.code:
                del left[index]
                return replace(finding, message=other.message, error_code=self._code(finding.error_code))
        title = self._contract.findings[finding.code].title
        return replace(
            finding, message=f"{title} (its details name somebody)", error_code=self._code(finding.error_code)
        )

    def _code(self, code: str) -> str:
        return self._redactor.value(code, Kind.WORDS)
