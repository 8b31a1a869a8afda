"""One answer as a case looks at it, and what a case knew of it beforehand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from conformance.exchange import Exchange
from conformance.judge.finding import Judgement
from conformance.judge.reading import read_json

__all__ = ["Expected", "Reply"]


@dataclass(frozen=True, slots=True)
class Expected:
    """What a case knows and the judge cannot: which rows of the error table fit the request.

    ``rows`` are row ids, any of which is right. ``code`` is the finding of another outcome, ``why`` the ground in
    words. ``success`` stands for a request that must not be refused. Where all rows are inferred, any refusal will do.
    """

    code: str
    why: str
    rows: tuple[str, ...] = ()
    success: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer as a case looks at it."""

    exchange: Exchange
    judgement: Judgement

    @property
    def status(self) -> int:
        """The status answered, 0 when no answer came."""
        return self.exchange.response.status if self.exchange.response else 0

    @property
    def ok(self) -> bool:
        """Whether the answer is a success."""
        return 200 <= self.status < 300

    def header(self, name: str) -> str:
        """Return a header of the answer, empty when it is not there."""
        response = self.exchange.response
        return (response.headers.get(name) or "") if response else ""

    def json(self) -> Any:
        """Return the parsed body, which is not to be changed; None when there is no JSON to parse."""
        return None if self.exchange.response is None else read_json(self.exchange.response.body).value
