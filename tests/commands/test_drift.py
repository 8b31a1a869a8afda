from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from conformance import cli
from conformance.contract.files import spec_directory
from conformance.exchange import Exchange, Response
from conformance.reports.drift_report import first_seen_before
from tests.recordings.sample import cassette, conversation

OLD = datetime.now(UTC).replace(microsecond=0) - timedelta(days=40)
NEW = OLD + timedelta(days=39)
Record = Callable[..., Path]


def without_locale(exchanges: list[Exchange]) -> list[Exchange]:
    changed = []
    for each in exchanges:
        assert each.response is not None
        body = each.response.body.replace(b'"locale":"de-DE",', b'"loyalty":{"points":4},')
        changed.append(Exchange(each.request, Response(each.response.status, each.response.headers, body)))
    return changed


@pytest.fixture
def record(tmp_path: Path) -> Record:
    def write(
        name: str, when: datetime, exchanges: list[Exchange] | None = None, case: str = "captureOrder/x|y/z"
    ) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(cassette(exchanges, recorded_at=when, case=case))
        return path

    return write


def test_no_drift_is_status_0(record: Record, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["drift", str(record("a.yaml", OLD)), str(record("b.yaml", NEW))]) == 0
    assert "1 cases, 3 steps compared: no drift" in capsys.readouterr().out


def test_drift_is_told_to_people_and_programs(
    record: Record, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, after = record("a.yaml", OLD), record("b.yaml", NEW, without_locale(conversation()))
    summary, report = tmp_path / "summary.md", tmp_path / "report.json"
    summary.write_text("# Before\n")
    command = ["drift", str(before), str(after), "--summary", str(summary), "--json", str(report)]
    assert cli.run(command) == 1
    told = capsys.readouterr().out
    assert "breaking             captureOrder/x|y/z  getOrder/body/locale: string is gone" in told
    assert "additive             captureOrder/x|y/z  getOrder/body/loyalty: object is new" in told
    markdown = summary.read_text()
    assert markdown.startswith("# Before\n")
    assert "## Drift found" in markdown
    assert "captureOrder/x\\|y/z" in markdown
    assert NEW.date().isoformat() in markdown
    document = json.loads(report.read_text())
    assert [(drift["path"], drift["class"], drift["times"]) for drift in document["drifts"]] == [
        ("getOrder/body/locale", "breaking", 2),
        ("getOrder/body/loyalty", "additive", 2),
    ]
    assert document["cases"][0]["last_validated"] == OLD.isoformat().replace("+00:00", "Z")
    assert document["summary"]["breaking"] == 1

    ignore = tmp_path / "ignore.yaml"
    ignore.write_text(told.partition("the file of --ignore:\n\n")[2])
    assert cli.run([*command, "--ignore", str(ignore)]) == 0
    assert "(ignored: say why: string is gone)" in capsys.readouterr().out
    assert "🔵" in summary.read_text()
    assert cli.run(["drift", str(before), str(before), "--ignore", str(ignore)]) == 1
    assert "matches nothing any more" in capsys.readouterr().out


def test_when_a_difference_was_seen_first_is_carried_over(record: Record, tmp_path: Path) -> None:
    before, after = record("a.yaml", OLD), record("b.yaml", NEW, without_locale(conversation()))
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    cli.run(["drift", str(before), str(after), "--json", str(first)])
    document = json.loads(first.read_text())
    document["drifts"][0]["first_seen"] = "2026-01-01T00:00:00Z"
    document["drifts"][1]["first_seen"] = None
    first.write_text(json.dumps(document))
    cli.run(["drift", str(before), str(after), "--json", str(second), "--previous", str(first)])
    seen = [drift["first_seen"] for drift in json.loads(second.read_text())["drifts"]]
    assert seen == ["2026-01-01T00:00:00Z", NEW.isoformat().replace("+00:00", "Z")]


@pytest.mark.parametrize(
    "document",
    [7, {}, {"drifts": 7}, {"drifts": [7, {}, {"case": "a", "path": "b", "class": "c", "first_seen": "soon"}]}],
)
def test_an_earlier_report_may_be_anything(document: object) -> None:
    assert first_seen_before(document) == {}


def test_what_is_old_is_named(record: Record, capsys: pytest.CaptureFixture[str]) -> None:
    record("dir/a.yaml", OLD, case="one")
    directory = record("dir/b.yaml", NEW, case="two").parent
    assert cli.run(["drift", str(directory), "--stale", "30d"]) == 0
    told = capsys.readouterr().out
    assert f"stale  one  last validated {OLD.date().isoformat()}" in told
    assert "1 of 2 cases were not validated for 30 days" in told
    assert "stale  two" not in told


def test_descriptions_are_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ours = spec_directory() / "order-management.yaml"
    other = tmp_path / "other.yaml"
    other.write_text(ours.read_text("utf-8").replace("operationId: acknowledgeOrder", "operationId: ack", 1), "utf-8")
    assert cli.run(["drift", str(ours), str(ours)]) == 0
    assert cli.run(["drift", str(ours), str(other)]) == 0
    assert "18 cases" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["{a}"], "nothing to compare A with"),
        (["{a}", "{a}", "--target", "playground-eu"], "not with both"),
        (["{a}", "{a}", "--budget", "5"], "--budget needs --target"),
        (["{a}", "{a}", "--order-id", "x"], "--order-id needs --target"),
        (["{a}", "{a}", "--stale", "30"], "a number of days such as 30d"),
        (["{a}", "{spec}"], "only be compared with another description"),
        (["{a}", "--target", "https://api.klarna.com"], "live service"),
        (["{a}", "--target", "nowhere"], "nor an http or https address"),
        (["{a}", "--target", "http://127.0.0.1:1", "--dry-run"], "no recording is of a case of this suite"),
        (["{a}", "{a}", "--previous", "{a}"], "is no JSON report"),
        (["{dir}", "{other}"], "nothing was compared"),
        (["{a}", "{b}.gone"], "does not exist"),
    ],
)
def test_what_cannot_be_compared_is_one_line(
    record: Record, capsys: pytest.CaptureFixture[str], arguments: list[str], reason: str
) -> None:
    for name in ("one", "two"):
        record(f"dir/{name}.yaml", OLD, case=name)
        record(f"other/{name}.yaml", OLD, case=f"other {name}")
    places = {
        "a": record("a.yaml", OLD),
        "b": record("b.yaml", NEW),
        "dir": record("dir/one.yaml", OLD, case="one").parent,
        "other": record("other/one.yaml", OLD, case="other one").parent,
        "spec": spec_directory() / "order-management.yaml",
    }
    assert cli.run(["drift", *(word.format(**places) for word in arguments)]) == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert reason in said
