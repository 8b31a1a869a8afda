"""What the judge says of an exchange, in values that every driver and report shares."""

from __future__ import annotations

from dataclasses import dataclass

from conformance.contract.operation import Operation
from conformance.verdict import Severity, Verdict

__all__ = ["Finding", "Judgement"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken rule.

    ``code`` is stable (``KOM-207``); ``severity`` follows the keyword of ``requirement``. ``known`` is the id of the
    deviation that explains the finding, empty when none does.
    """

    code: str
    severity: Severity
    requirement: str
    message: str
    operation: str = ""
    status: int | None = None
    error_code: str = ""
    known: str = ""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one exchange came to.

    ``foreign`` marks traffic of other APIs, which is counted and not judged. ``cell`` is the (operation, status,
    error code) that was exchanged, None when no operation took the request or no answer came.
    """

    operation: Operation | None
    foreign: bool
    order_id: str
    findings: tuple[Finding, ...]
    cell: tuple[str, int, str] | None

    @property
    def verdict(self) -> Verdict:
        """The worst thing said: failed before warning before known before passed."""
        unexplained = [finding for finding in self.findings if not finding.known]
        if any(finding.severity is Severity.MUST for finding in unexplained):
            return Verdict.FAILED
        if unexplained:
            return Verdict.WARNING
        return Verdict.KNOWN if self.findings else Verdict.PASSED
