from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from conformance.contract.contract import Contract
from conformance.exchange import Exchange, Headers, Response
from conformance.judge.judge import Judge
from conformance.recordings.check import check_paths
from conformance.recordings.discreet import DiscreetJudge
from conformance.recordings.redaction import redactor_for
from conformance.reports.html import render_html
from conformance.reports.json_report import render_json
from conformance.reports.junit import render_junit
from tests.recordings.sample import ORDER, asked, conversation

Write = Callable[..., Path]
CANARY = "Anastasia4711"
CANARIES = ("nastasia", "4711", "qzcanary")


def broken() -> list[Exchange]:
    """Answers that are wrong in ways that a judge quotes."""
    read = conversation()[0]
    assert read.response is not None
    order = json.loads(read.response.body)
    wrong = [
        order | {"status": CANARY, "locale": CANARY, "created_at": CANARY},
        order | {"billing_address": {"given_name": [CANARY], "email": 4711_4711}},
        order | {"klarna_reference": CANARY, "purchase_country": CANARY},
        order | {"klarna_reference": f"{CANARY}-2"},
    ]
    answers = [Response(200, read.response.headers, json.dumps(body).encode()) for body in wrong]
    error = {"error_code": "QZCANARY_CODE", "error_messages": [CANARY], "correlation_id": CANARY}
    answers.append(Response(404, read.response.headers, json.dumps(error).encode()))
    answers.append(Response(201, Headers([("Capture-Id", CANARY), ("Location", f"/{CANARY}")]), CANARY.encode()))
    return [Exchange(asked("GET", ORDER), answer) for answer in answers]


def test_it_finds_what_a_judge_finds_and_quotes_nothing(contract: Contract) -> None:
    plain, discreet = Judge(contract), DiscreetJudge(contract, redactor_for(contract))
    quoted = 0
    for exchange in broken():
        wanted, found = plain.feed(exchange), discreet.feed(exchange)
        assert [each.code for each in found.findings] == [each.code for each in wanted.findings]
        assert [each.severity for each in found.findings] == [each.severity for each in wanted.findings]
        quoted += sum(word in repr(wanted).lower() for word in CANARIES)
        assert not [word for word in CANARIES if word in repr(found).lower()]
    assert quoted > 3


def test_a_finding_that_only_the_plain_form_shows_gets_its_title(contract: Contract) -> None:
    class Silent:
        def feed(self, exchange: Exchange) -> object:
            return replace(Judge(contract).feed(exchange), findings=())

    discreet = DiscreetJudge(contract, redactor_for(contract))
    discreet._speaker = Silent()  # type: ignore[assignment]  # a judge that sees nothing
    found = discreet.feed(broken()[0]).findings
    assert found
    assert all(each.message.endswith("(its details name somebody)") for each in found)


@pytest.mark.parametrize("render", [render_json, render_junit, render_html])
def test_reports_on_a_foreign_recording_give_nobody_away(
    write: Write, contract: Contract, render: Callable[..., str]
) -> None:
    interactions = []
    for exchange in broken():
        assert exchange.response is not None
        interactions.append(
            {
                "request": {
                    "method": "GET",
                    "uri": f"https://{CANARY}.example{ORDER}?email={CANARY}",
                    "headers": {"Authorization": [CANARY]},
                    "body": CANARY,
                },
                "response": {
                    "status": {"code": exchange.response.status, "message": CANARY},
                    "headers": {name: [value] for name, value in exchange.response.headers},
                    "body": {"string": exchange.response.body.decode()},
                },
            }
        )
    checked = check_paths([write({"interactions": interactions})], contract)
    said = [line for file in checked.files for line in file.lines()]
    result = checked.run_result(contract)
    assert any(case.findings for case in result.cases)
    text = "\n".join([render(result), *said]).lower()
    assert not [word for word in CANARIES if word in text]


def test_both_judges_know_what_time_it_is(contract: Contract) -> None:
    discreet = DiscreetJudge(contract, redactor_for(contract))
    discreet.clock_is(datetime(2026, 1, 15, tzinfo=UTC))
    assert discreet._judge._now == discreet._speaker._now == datetime(2026, 1, 15, tzinfo=UTC)
