"""Holds an answer against the contract before it is given, so that no mock says what the service would never say."""

from __future__ import annotations

from conformance.contract.contract import Contract
from conformance.contract.operation import Route
from conformance.exchange import Exchange, Request, Response
from conformance.judge.deviations import explain
from conformance.judge.observation import observe
from conformance.judge.refusal import check_refusal
from conformance.judge.surface import check_surface

__all__ = ["breaches"]


def breaches(
    request: Request, response: Response, route: Route, contract: Contract, *, is_page: bool = False
) -> list[str]:
    """Return what the answer breaks by itself: status, headers, body, error table; a listed deviation breaks nothing.

    ``is_page`` marks an answer that the error table gives as a page in HTML, of which only the status can be held
    against the contract.
    """
    seen = observe(Exchange(request, response), route, response)
    remarks = list(check_surface(seen, contract))
    if not is_page:
        remarks += check_refusal(seen, contract)
    return [f"{remark.code}: {remark.message}" for remark in remarks if not explain(seen, remark, contract)]
