from __future__ import annotations

import pytest

from conformance import cli
from conformance.commands.explain import explain, index
from conformance.contract.contract import load_contract
from conformance.exceptions import UsageError

CONTRACT = load_contract()


def labels(name: str) -> list[list[str]]:
    return [[label for label, _ in sections] for sections in explain(CONTRACT, name)]


def test_a_finding_is_explained_whole() -> None:
    (sections,) = explain(CONTRACT, "kom-207")
    told = dict(sections)
    finding = CONTRACT.findings["KOM-207"]
    requirement = CONTRACT.requirements[finding.requirement]
    assert told[""] == f"KOM-207 {finding.title}"
    assert (told["means"], told["costs"], told["fix"]) == (finding.means, finding.costs, finding.fix)
    assert told["provoked"] == finding.provoked
    assert requirement.text in told["requirement"]
    assert requirement.keyword.value.upper() in told["requirement"]
    assert requirement.source in told["source"]
    assert requirement.truth.value in told["source"]


def test_a_requirement_names_what_measures_it() -> None:
    for requirement in CONTRACT.requirements.values():
        (sections,) = explain(CONTRACT, requirement.id)
        measured = dict(sections)["measured by"].split(", ")
        assert measured == [
            code for code, finding in CONTRACT.findings.items() if finding.requirement == requirement.id
        ]


def test_a_deviation_gives_its_evidence() -> None:
    for deviation in CONTRACT.deviations.values():
        (sections,) = explain(CONTRACT, deviation.id)
        told = dict(sections)
        assert deviation.evidence in told["evidence"]
        assert told["explains"] == ", ".join(deviation.codes)


def test_every_row_of_the_error_table_is_explained() -> None:
    for row in (*CONTRACT.errors.rows, *CONTRACT.errors.unrouted):
        told = [dict(sections) for sections in explain(CONTRACT, row.id)]
        assert any(
            part[""].startswith(f"{row.id}: {row.status} ") and part["when"] == row.precondition for part in told
        )


def test_an_error_code_has_as_many_parts_as_rows() -> None:
    rows = [row for row in CONTRACT.errors.rows if row.code == "NOT_ALLOWED"]
    assert len(rows) > 1
    assert len(explain(CONTRACT, "NOT_ALLOWED")) == len(rows)


def test_an_unknown_name_is_told_its_neighbours() -> None:
    with pytest.raises(UsageError, match=r"nothing goes by the name 'KOM-2077'; did you mean KOM-207"):
        explain(CONTRACT, "KOM-2077")
    with pytest.raises(UsageError, match="run 'klarna-conformance explain' for the list"):
        explain(CONTRACT, "~")
    with pytest.raises(UsageError, match="nothing goes by the name ''"):
        explain(CONTRACT, "")


def test_the_index_holds_everything_and_everything_in_it_is_explained() -> None:
    names = [line.partition("  ")[0] for line in index(CONTRACT)]
    assert set(names) >= {*CONTRACT.findings, *CONTRACT.requirements, *CONTRACT.deviations}
    assert all(labels(name) for name in names)


def test_the_command_prints_one_explanation(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    assert cli.run(["explain", "KOM-207"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("KOM-207 ")
    assert lines[1].startswith("means:        ")
    assert all(len(line) <= 60 for line in lines[1:])


def test_the_command_parts_several_explanations(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["explain", "NOT_ALLOWED"]) == 0
    assert capsys.readouterr().out.count("\n\n") == len(explain(CONTRACT, "NOT_ALLOWED")) - 1


def test_the_command_lists_everything(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["explain"]) == 0
    assert capsys.readouterr().out.splitlines() == [" ".join(line.split("\n")) for line in index(CONTRACT)]


def test_the_command_refuses_an_unknown_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["explain", "KOM-999"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("klarna-conformance: nothing goes by the name 'KOM-999'; did you mean ")
