from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from conformance.cli import run
from conformance.contract.contract import Contract
from conformance.contract.files import spec_path
from conformance.recordings.check import CheckedFile, CheckResult, check_paths
from conformance.verdict import CellState, Severity, Verdict

Write = Callable[..., Path]

ORDER = "7a1f8b5c-0d3e-4a6b-9c2d-1e4f5a6b7c8d"
CAPTURE = "11111111-2222-4333-8444-555555555555"
HOST = "https://api.example.test"
PATH = f"/ordermanagement/v1/orders/{ORDER}"
FOREIGN = {
    "request": {"method": "GET", "uri": f"{HOST}/checkout/v3/orders/1", "headers": {}, "body": None},
    "response": {"status": {"code": 418}, "headers": {}, "body": {"string": "tea"}},
}


def interaction(
    number: int,
    method: str,
    path: str,
    status: int,
    *,
    sent: Any = None,
    answered: Any = None,
    headers: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Write down an exchange as vcrpy does, its answer with the headers that every answer needs."""
    given = {"Klarna-Correlation-Id": f"00000000-0000-4000-8000-{number:012d}", **(headers or {})}
    if answered is not None:
        given["Content-Type"] = "application/json"
    return {
        "request": {
            "method": method,
            "uri": HOST + path,
            "headers": {"Authorization": ["<REDACTED>"], "Content-Type": ["application/json"]},
            "body": None if sent is None else json.dumps(sent),
        },
        "response": {
            "status": {"code": status, "message": ""},
            "headers": {name: [value] for name, value in given.items()},
            "body": {"string": "" if answered is None else json.dumps(answered)},
        },
    }


def capture(number: int, amount: int) -> dict[str, Any]:
    made = {"Capture-Id": CAPTURE, "Location": f"{HOST}{PATH}/captures/{CAPTURE}"}
    return interaction(number, "POST", f"{PATH}/captures", 201, sent={"captured_amount": amount}, headers=made)


def refusal(number: int, method: str, path: str, status: int, code: str, **more: Any) -> dict[str, Any]:
    body = {
        "error_code": code,
        "error_messages": ["no"],
        "correlation_id": f"00000000-0000-4000-8000-{number:012d}",
    }
    return interaction(number, method, path, status, answered=body, **more)


def order(captured: int, *, amount: int = 1000) -> dict[str, Any]:
    captures = [
        {
            "capture_id": CAPTURE,
            "klarna_reference": "R-1",
            "captured_amount": captured,
            "captured_at": "2024-05-01T10:00:00.000Z",
            "refunded_amount": 0,
            "order_lines": [],
            "shipping_info": [],
        }
    ]
    return {
        "order_id": ORDER,
        "status": "AUTHORIZED" if not captured else "PART_CAPTURED" if captured < amount else "CAPTURED",
        "fraud_status": "ACCEPTED",
        "order_amount": amount,
        "original_order_amount": amount,
        "captured_amount": captured,
        "refunded_amount": 0,
        "remaining_authorized_amount": amount - captured,
        "purchase_currency": "EUR",
        "purchase_country": "DE",
        "locale": "de-DE",
        "klarna_reference": "R",
        "created_at": "2024-05-01T09:00:00.000Z",
        "expires_at": "2024-05-29T00:00:00.000Z",
        "order_lines": [],
        "captures": captures if captured else [],
        "refunds": [],
    }


def read(number: int, captured: int) -> dict[str, Any]:
    return interaction(number, "GET", PATH, 200, answered=order(captured))


def cassette(*interactions: dict[str, Any]) -> dict[str, Any]:
    return {"version": 1, "interactions": list(interactions)}


def check(contract: Contract, *paths: Path) -> CheckResult:
    return check_paths(paths, contract)


def codes(result: CheckResult) -> list[list[str]]:
    return [[finding.code for finding in case.findings] for case in result.cases()]


def test_an_exchange_is_a_case(write: Write, contract: Contract) -> None:
    path = write(cassette(read(1, 0), FOREIGN, capture(2, 100), read(3, 100)), "c.json")

    result = check(contract, path)

    assert [case.id for case in result.cases()] == [
        "c.json#1/getOrder",
        "c.json#3/captureOrder",
        "c.json#4/getOrder",
    ]
    assert [case.verdict for case in result.cases()] == [Verdict.PASSED] * 3
    assert [case.level for case in result.cases()] == ["core"] * 3
    assert result.files[0].foreign == 1
    assert result.trouble() == ""
    assert result.totals() == "3 exchanges judged in 1 recording, 1 foreign: 3 passed"
    assert result.notes() == ("1 exchange with other APIs not judged",)
    assert list(result.files[0].lines()) == [
        f"passed        getOrder 200  {path}#1",
        f"passed        captureOrder 201  {path}#3",
        f"passed        getOrder 200  {path}#4",
    ]


def test_an_answer_is_held_against_what_went_before(write: Write, contract: Contract) -> None:
    wrong = check(contract, write(cassette(read(1, 0), capture(2, 100), read(3, 700)), "wrong.json"))
    alone = check(contract, write(cassette(read(3, 700)), "alone.json"))

    assert [case.verdict for case in alone.cases()] == [Verdict.PASSED]
    assert [case.verdict for case in wrong.cases()] == [Verdict.PASSED, Verdict.PASSED, Verdict.FAILED]
    failed = wrong.cases()[2]
    finding = failed.findings[0]
    assert finding.code == "KOM-309"
    assert finding.severity is Severity.MUST
    assert finding.requirement in failed.requirements
    assert (finding.operation, finding.status, finding.known, finding.curl) == ("getOrder", 200, "", "")
    assert finding.story == (
        f"1. GET {PATH} -> 200",
        f"2. POST {PATH}/captures -> 201",
        f"3. GET {PATH} -> 200",
    )
    assert f"    {finding.code} MUST  {finding.message}" in list(wrong.files[0].lines())


def test_no_file_is_judged_by_another(write: Write, contract: Contract) -> None:
    first = write(cassette(read(1, 0), capture(2, 100)), "1.json")
    second = write(cassette(read(1, 700)), "2.json")

    assert codes(check(contract, first, second)) == [[], [], []]


def test_a_known_deviation_is_neither_passed_nor_failed(write: Write, contract: Contract) -> None:
    page = interaction(1, "POST", "/ordermanagement/v1/orders/%7B%7D/cancel", 400)
    page["response"]["headers"]["Content-Type"] = ["text/html;charset=utf-8"]
    page["response"]["body"]["string"] = "<!doctype html><html><body>HTTP Status 400 Bad Request</body></html>"

    result = check(contract, write(cassette(page), "c.json"))

    assert [case.verdict for case in result.cases()] == [Verdict.KNOWN]
    assert result.cases()[0].findings[0].known == "DEV-HTML-400"
    assert list(result.files[0].lines())[1].endswith("  [known: DEV-HTML-400]")


def test_a_path_without_operation_is_judged_all_the_same(write: Write, contract: Contract) -> None:
    result = check(contract, write(cassette(interaction(1, "PUT", PATH, 200)), "c.json"))

    assert result.cases()[0].id == "c.json#1/unrouted"
    assert result.cases()[0].verdict is Verdict.FAILED
    assert codes(result) == [["KOM-116"]]


def test_an_exchange_without_answer_is_not_measured(write: Write, contract: Contract) -> None:
    lost = capture(2, 100)
    lost["response"] = None
    path = write(cassette(read(1, 0), lost, read(3, 100)), "c.json")

    result = check(contract, path)

    assert [case.verdict for case in result.cases()] == [Verdict.PASSED, Verdict.NOT_MEASURED, Verdict.PASSED]
    assert result.cases()[1].why == "the recording holds no answer"
    assert result.cases()[1].exchanges == 0
    assert list(result.files[0].lines())[1:3] == [
        f"not_measured  captureOrder  {path}#2",
        "    the recording holds no answer",
    ]
    assert result.trouble() == ""


def test_nothing_is_concluded_after_a_write_that_is_not_known(write: Write, contract: Contract) -> None:
    unknown = capture(2, 100)
    unknown["request"]["headers"]["Content-Encoding"] = ["br"]
    unknown["request"]["body"] = "\x01\x02"

    result = check(contract, write(cassette(read(1, 0), unknown, read(3, 700)), "c.json"))

    assert [case.verdict for case in result.cases()] == [Verdict.PASSED, Verdict.NOT_MEASURED, Verdict.PASSED]
    assert "body of the request" in result.cases()[1].why


def test_a_read_that_is_not_known_keeps_the_history(write: Write, contract: Contract) -> None:
    unknown = read(3, 100)
    unknown["response"]["headers"]["Content-Encoding"] = ["br"]
    unknown["response"]["body"]["string"] = "\x01\x02"

    result = check(contract, write(cassette(read(1, 0), capture(2, 100), unknown, read(4, 700)), "c.json"))

    assert [case.verdict for case in result.cases()][2:] == [Verdict.NOT_MEASURED, Verdict.FAILED]


def test_stories_stay_short(write: Write, contract: Contract) -> None:
    reads = [read(number, 0) for number in range(1, 30)]

    result = check(contract, write(cassette(*reads, interaction(30, "GET", PATH, 201)), "c.json"))

    (finding, *_) = result.cases()[-1].findings
    assert [line.split(".")[0] for line in finding.story] == [str(number) for number in range(21, 31)]


def test_files_of_one_name_keep_ids_of_their_own(write: Write, contract: Contract, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        write(cassette(read(1, 0)), f"{folder}/c.json")

    result = check(contract, tmp_path / "a", tmp_path / "b")

    ids = [case.id for case in result.cases()]
    assert ids == ["c.json#1/getOrder", f"{(tmp_path / 'b' / 'c.json').as_posix()}#1/getOrder"]


def test_a_file_that_is_no_recording_is_skipped_in_a_directory_only(
    write: Write, contract: Contract, tmp_path: Path
) -> None:
    other = write("services: {}", "compose.yml")
    write(cassette(read(1, 0)), "c.json")

    within = check(contract, tmp_path)
    named = check(contract, other)

    assert [case.verdict for case in within.cases()] == [Verdict.PASSED]
    assert within.trouble() == ""
    assert within.notes()[0].startswith(f"skipped {other}: is no recording")
    assert [line.split()[0] for file in within.files for line in file.lines()] == ["passed", "skipped"]
    assert [case.verdict for case in named.cases()] == [Verdict.ERROR]
    assert named.trouble().startswith(f"{other}: is no recording")
    assert list(named.files[0].lines()) == [f"error         {named.trouble()}"]


def test_a_broken_recording_does_not_hide_the_others(write: Write, contract: Contract, tmp_path: Path) -> None:
    write("interactions: [", "a.yml")
    write("http_interactions: [", "b.yml")
    write(cassette(read(1, 0)), "c.json")

    result = check(contract, tmp_path)

    assert [case.verdict for case in result.cases()] == [Verdict.ERROR, Verdict.ERROR, Verdict.PASSED]
    assert result.trouble().startswith("2 files cannot be read; the first: ")


def test_files_are_told_one_by_one(write: Write, contract: Contract, tmp_path: Path) -> None:
    told: list[CheckedFile] = []
    for name in ("a.json", "b.json"):
        write(cassette(read(1, 0)), name)

    result = check_paths([tmp_path], contract, told.append)

    assert tuple(told) == result.files
    assert [file.label for file in told] == ["a.json", "b.json"]


NO_ANSWER = {**FOREIGN, "request": {"method": "GET", "uri": HOST + PATH}, "response": None}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (cassette(), "1 recording with 0 exchanges, none with the Order Management API"),
        (cassette(FOREIGN), "1 recording with 1 exchange, none with the Order Management API"),
        (cassette(NO_ANSWER), "the recording holds no answer in 1 exchange"),
        ({}, "no recording was found"),
    ],
)
def test_a_run_that_judged_nothing_did_not_pass(
    write: Write, contract: Contract, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: Any, reason: str
) -> None:
    write(content, "c.json")

    assert check(contract, tmp_path).trouble() == f"nothing was judged: {reason}"
    assert run(["check", str(tmp_path)]) == 2
    assert capsys.readouterr().err == f"klarna-conformance: nothing was judged: {reason}\n"


def test_coverage_says_what_was_recorded(write: Write, contract: Contract) -> None:
    row = refusal(2, "GET", PATH, 404, "NO_SUCH_ORDER")

    result = check(contract, write(cassette(read(1, 0), row), "c.json")).run_result(contract)

    covered = [cell for cell in result.operations if cell.state is CellState.COVERED]
    assert [(cell.operation, cell.status, cell.why) for cell in covered] == [("getOrder", 200, "")]
    assert len(result.operations) == 18
    open_cells = [cell for cell in result.operations if cell.state is not CellState.COVERED]
    assert {(cell.state, cell.why) for cell in open_cells} == {
        (CellState.NOT_MEASURED, "the recordings hold no such exchange")
    }
    errors = [
        (cell.operation, cell.status, cell.error_code) for cell in result.errors if cell.state is CellState.COVERED
    ]
    assert errors == [("getOrder", 404, "NO_SUCH_ORDER")]
    assert len(result.errors) == len(list(contract.errors.cells()))


def test_the_report_keeps_to_its_schema(write: Write, contract: Contract, tmp_path: Path) -> None:
    write(cassette(read(1, 0), capture(2, 100), read(3, 700), FOREIGN), "c.json")
    write("interactions: [", "broken.yml")
    write("a: b", "other.yml")
    report = tmp_path / "out" / "report.json"
    report.parent.mkdir()

    status = run(["check", str(tmp_path), "--json", str(report), "--junit", str(tmp_path / "out" / "report.xml")])

    assert status == 2
    value = json.loads(report.read_text())
    schema = json.loads(spec_path("schemas/report.schema.json").read_text())
    assert list(jsonschema_rs.validator_for(schema).iter_errors(value)) == []
    assert value["suite"] == {
        "name": "klarna-conformance",
        "version": value["suite"]["version"],
        "contract": contract.digest,
    }
    assert value["target"] == {"kind": "recording"}
    assert value["summary"] == {
        "passed": 2, "failed": 1, "warning": 0, "known": 0, "not_measured": 0, "error": 1,
    }  # fmt: skip
    assert (tmp_path / "out" / "report.xml").stat().st_size > 0


def test_the_command_passes_and_fails(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    good = write(cassette(read(1, 0), FOREIGN), "good.json")
    bad = write(cassette(interaction(1, "GET", PATH, 201)), "bad.json")

    assert run(["check", str(good)]) == 0
    assert capsys.readouterr().out == (
        f"passed        getOrder 200  {good}#1\n1 exchange judged in 1 recording, 1 foreign: 1 passed\n"
    )
    assert run(["check", str(good), str(bad)]) == 1
    told = capsys.readouterr()
    assert "failed        getOrder 201" in told.out
    assert told.err == ""


def test_an_unreadable_file_outweighs_a_failure(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    bad = write(cassette(interaction(1, "GET", PATH, 201)), "bad.json")
    absent = bad.with_name("absent.yml")

    assert run(["check", str(bad), str(absent)]) == 2
    told = capsys.readouterr()
    assert "failed        getOrder 201" in told.out
    assert told.err == f"klarna-conformance: {absent}: No such file or directory\n"


@pytest.mark.parametrize("arguments", [["check"], ["check", ".", "--json", "/no/such/place/r.json"]])
def test_bad_usage_is_one_line(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    assert run(arguments) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.count("\n") == 1


def test_help_shows_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "--help"]) == 0
    assert "klarna-conformance check tests/cassettes session.har" in capsys.readouterr().out


def test_names_and_contents_cannot_steer_the_terminal(
    write: Write, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    bad = interaction(1, "GET", PATH, 200, answered={**order(0), "locale": "\x1b[2J"})
    (tmp_path / "d").mkdir()
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/d/\xff\x1b\n.json")).write_text(json.dumps(cassette(bad)))
    report = tmp_path / "report.json"

    run(["check", str(tmp_path / "d"), "--json", str(report), "--junit", str(tmp_path / "report.xml")])

    told = capsys.readouterr()
    assert "\x1b" not in told.out + told.err
    assert json.loads(report.read_bytes())["cases"][0]["id"] == "\\udcff\x1b\n.json#1/getOrder"
    assert all(line.startswith(("passed", "failed", "1 exchange", "    KOM-")) for line in told.out.splitlines())


def test_no_secret_and_no_body_reaches_a_report(
    write: Write, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    bad = interaction(1, "POST", f"{PATH}/captures?token=hidden-1", 200, sent={"note": "hidden-2"})
    bad["request"]["uri"] = bad["request"]["uri"].replace("https://", "https://user:hidden-3@")
    bad["request"]["headers"]["Authorization"] = ["Basic hidden-4"]
    path = write(cassette(bad), "c.json")

    assert run(["check", str(path), "--json", str(tmp_path / "r.json"), "--junit", str(tmp_path / "r.xml")]) == 1

    told = capsys.readouterr()
    for text in (told.out, told.err, (tmp_path / "r.json").read_text(), (tmp_path / "r.xml").read_text()):
        assert "hidden-" not in text
