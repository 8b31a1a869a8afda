"""What the real service is on record with is known, and told from what is not."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from conformance.contract.contract import load_contract
from conformance.exchange import Exchange
from conformance.judge.deviations import PREDICATES, TOLERATED, TOPICS
from conformance.verdict import Verdict
from tests.judge.conversation import ORDER, Conversation, captured, order
from tests.judge.stories import (
    HALF,
    Story,
    altered,
    codes,
    judged,
    raw,
)


def test_every_deviation_is_recognised_in_one_way() -> None:
    ways = [*PREDICATES, *TOPICS, *TOLERATED]
    assert sorted(ways) == sorted(load_contract().deviations)


GOOD = f"/{ORDER}/cancel"


def html(status: int, headers: dict[str, str] | None = None, path: str = "/%7B%7D/cancel") -> Story:
    page = f"<html><h1>HTTP Status {status}</h1></html>".encode()
    given = {"Content-Type": "text/html;charset=utf-8", **(headers or {})}
    return lambda c: [c.exchange("POST", path, status, answered=page, headers=given)]


def spring(status: int = 404) -> Story:
    body = {"timestamp": "2021-09-17T09:20:11.771Z", "status": 404, "error": "Not Found", "message": "", "path": "/x"}
    return lambda c: [c.exchange("GET", "/", status, answered=body)]


@pytest.mark.parametrize("body", [b"", b"<html>404</html>", b"no"])
def test_a_path_that_no_operation_has_may_be_refused_in_any_form(body: bytes) -> None:
    for status in (403, 404, 405):
        assert codes(raw(body, status, "text/html", path="/")) == []
    assert codes(spring()) == []


def test_a_server_may_say_in_its_own_way_that_it_has_no_such_method() -> None:
    page = {"Content-Type": "text/html"}

    def refusals(c: Conversation) -> Iterable[Exchange]:
        return [c.exchange("BREW", f"/{ORDER}", status, answered=b"<html>", headers=page) for status in (405, 501)]

    assert codes(refusals) == []
    assert codes(lambda c: [c.exchange("GET", f"/{ORDER}", 501, answered=b"<html>", headers=page)]) == ["KOM-101"]


def test_a_router_may_refuse_in_its_own_way_what_is_no_part_of_a_path() -> None:
    def refused(part: str, status: int) -> Story:
        return lambda c: [c.exchange("GET", f"/{part}", status, answered=b"no", headers={"Content-Type": "text/plain"})]

    def found(part: str) -> Story:
        return lambda c: [c.exchange("GET", f"/{part}", 200, answered=order())]

    for part in ("a%0D%0Ab", "a%2Fb", f"{ORDER}%00", f"{ORDER}%20", "..%5C", "%2525"):
        assert codes(refused(part, 404)) == codes(refused(part, 400)) == []
        assert "KOM-209" in codes(found(part))
    assert "KOM-201" in codes(refused("0", 404))


@pytest.mark.parametrize(
    ("story", "deviation"),
    [
        (html(400), "DEV-HTML-400"),
        (html(401, {"WWW-Authenticate": 'Basic realm="x"'}, path=f"/{ORDER}/cancel"), "DEV-HTML-401"),
        (html(503, path=f"/{ORDER}/cancel"), "DEV-GATEWAY-HTML"),
        (lambda c: altered(c, order(status="CANCELLED")), "DEV-CANCELLED-REMAINING"),
        (
            lambda c: [c.capture(50, more={"shipping_info": [{"tracking_number": 1245, "tracking_url": "x"}]})],
            "DEV-NUMBER-AS-TEXT",
        ),
        (
            lambda c: [c.read(HALF), c.refund(100, more={"reference": "r"}), c.read(captured(400, refunded=100))],
            "DEV-REFUND-REFERENCE",
        ),
        (
            lambda c: [
                c.exchange("GET", f"/{ORDER}", 404, answered={"error_code": "NO_SUCH_ORDER", "error_message": "x"})
            ],
            "DEV-ERROR-MESSAGE-SINGULAR",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_listed_deviations_are_known(story: Story, deviation: str) -> None:
    judgements = judged(story, credentials_visible=False)
    assert {finding.known for judgement in judgements for finding in judgement.findings} == {deviation}
    assert Verdict.KNOWN in {judgement.verdict for judgement in judgements}
    assert Verdict.FAILED not in {judgement.verdict for judgement in judgements}


@pytest.mark.parametrize(
    "story",
    [html(403, path=GOOD), html(404, path=GOOD), html(400, path=GOOD), html(200, path=GOOD)],
    ids=["403", "404", "400", "200"],
)
def test_a_page_that_is_not_listed_is_a_failure(story: Story) -> None:
    assert Verdict.FAILED in {judgement.verdict for judgement in judged(story, credentials_visible=False)}
