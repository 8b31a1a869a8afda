from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from conformance.contract.contract import load_contract
from conformance.contract.document import load_document
from conformance.contract.error_table import BodyKind, Party, Retry
from conformance.contract.requirement import Level
from conformance.contract.truth import Truth
from conformance.verdict import Severity

CONTRACT = load_contract()
# Keys of the sources that this contract draws on; whatever else is cited is a public standard.
SOURCES = re.compile(r"\b(SPEC2[34]|DOC-[A-Z]+|VCR-[A-Z]+|LOG-[A-Z0-9]+|RFC \d+|OWASP)\b")


def _codes(block: int, last: int) -> set[str]:
    return {f"KOM-{block}{number:02}" for number in range(1, last + 1)}


def _sentences() -> Iterator[tuple[str, str]]:
    for finding in CONTRACT.findings.values():
        for text in (finding.means, finding.costs, finding.provoked, finding.fix):
            yield finding.code, text
    for requirement in CONTRACT.requirements.values():
        yield requirement.id, requirement.text
    for deviation in CONTRACT.deviations.values():
        yield deviation.id, deviation.documented
        yield deviation.id, deviation.observed


def test_the_codes_are_the_ones_that_were_given_out() -> None:
    """A code is quoted in reports and known-failing files of others: it may be added to, and never go away."""
    blocks = [(1, 17), (2, 9), (3, 18), (4, 18), (5, 6), (6, 2), (7, 8)]
    assert set().union(*(_codes(block, last) for block, last in blocks)) <= set(CONTRACT.findings)
    assert list(CONTRACT.findings) == sorted(CONTRACT.findings)


def test_a_warning_is_what_the_real_service_may_do_otherwise() -> None:
    should = {
        code
        for code, finding in CONTRACT.findings.items()
        if CONTRACT.requirements[finding.requirement].keyword is Severity.SHOULD
    }
    assert {"KOM-204", "KOM-413", "KOM-506"} <= should
    assert should.isdisjoint(_codes(3, 16) | _codes(7, 8) | {"KOM-501", "KOM-504", "KOM-505"})


def test_a_must_rests_on_something_that_binds() -> None:
    musts = [rule for rule in CONTRACT.requirements.values() if rule.keyword is Severity.MUST]
    assert musts
    assert all(rule.truth.binds for rule in musts)


def test_every_level_has_its_rules() -> None:
    assert {rule.level for rule in CONTRACT.requirements.values()} == set(Level)


def test_every_requirement_names_a_source() -> None:
    assert [rule.id for rule in CONTRACT.requirements.values() if not SOURCES.search(rule.source)] == []


def test_every_deviation_names_its_evidence() -> None:
    for deviation in CONTRACT.deviations.values():
        assert re.search(r"facts \d", deviation.evidence), deviation.id
        if deviation.truth is Truth.OBSERVED:
            assert "VCR-" in deviation.evidence, deviation.id


def test_every_sentence_is_one() -> None:
    for name, text in _sentences():
        assert text[0].isupper() or text[0].isdigit() or "_" in text.split()[0] or text.startswith("error_"), name
        assert text.endswith("."), f"{name}: {text}"


def test_titles_tell_codes_apart() -> None:
    titles = [finding.title for finding in CONTRACT.findings.values()]
    assert len(set(titles)) == len(titles)


@pytest.mark.parametrize(
    ("statuses", "retry"),
    [({500, 502, 503, 504}, Retry.SCHEDULE), ({429}, Retry.RATE_LIMIT), ({401}, Retry.NEVER), ({413, 422}, Retry.FIX)],
)
def test_the_status_decides_whether_to_repeat(statuses: set[int], retry: Retry) -> None:
    rows = [row for row in CONTRACT.errors.rows if row.status in statuses]
    assert {row.status for row in rows} == statuses
    assert {row.retry for row in rows} == {retry}


def test_nobody_can_provoke_a_failure_of_the_service() -> None:
    for row in CONTRACT.errors.rows:
        if row.status >= 500 or row.status in (409, 429):
            assert row.provoked_by is Party.SERVER, row.id


def test_bodies_without_a_code_are_observed_and_never_documented() -> None:
    for row in CONTRACT.errors.rows:
        if row.body is not BodyKind.JSON:
            assert (row.code, row.truth, row.behaviour) == ("", Truth.OBSERVED, "observed"), row.id


def test_the_nine_documented_rows_are_complete() -> None:
    rows = load_document("errors.yaml")["summary_rows"]
    pairs = {(status, code) for row in rows for status in row["statuses"] for code in row["codes"]}
    assert len(rows) == 9
    assert pairs == {
        (502, "TEMPORARILY_UNAVAILABLE"),
        (503, "TEMPORARILY_UNAVAILABLE"),
        (504, "TEMPORARILY_UNAVAILABLE"),
        (500, "INTERNAL_SERVER_ERROR"),
        (500, "UNEXPECTED_ERROR"),
        (429, "TOO_MANY_REQUESTS"),
        (422, "UNPROCESSABLE_ENTITY"),
        (422, "INVALID_ADDRESS"),
        (413, "REQUEST_TOO_LARGE"),
        (409, "CONFLICT"),
        (403, "NOT_ALLOWED"),
        (403, "REFUND_NOT_ALLOWED"),
        (403, "CANCEL_NOT_ALLOWED"),
        (404, "NO_SUCH_ORDER"),
        (404, "NO_SUCH_CAPTURE"),
        (404, "NOT_FOUND"),
        (400, "NOT_FOUND"),
    }
    documented = {row.answer for row in CONTRACT.errors.rows if row.truth.binds}
    assert pairs <= documented
