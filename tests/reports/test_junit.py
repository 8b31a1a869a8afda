from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

from conformance.reports.junit import render_junit, write_junit
from conformance.verdict import RunResult, Verdict
from tests.reports.conftest import case, finding, run


def parsed(result: RunResult) -> dict[str, ET.Element]:
    root = ET.fromstring(render_junit(result).encode())  # noqa: S314 - our own text
    return {element.attrib["name"]: element for element in root.iter("testcase")}


def children(element: ET.Element) -> list[str]:
    return [child.tag for child in element]


def test_each_verdict_has_its_element(everything: RunResult) -> None:
    by_verdict: dict[Verdict, list[str]] = {}
    for shown, told in zip(parsed(everything).values(), everything.cases, strict=True):
        by_verdict[told.verdict] = children(shown)
    assert by_verdict == {
        Verdict.PASSED: [],
        Verdict.FAILED: ["failure"],
        Verdict.WARNING: ["system-out"],
        Verdict.KNOWN: ["system-out"],
        Verdict.NOT_MEASURED: ["skipped"],
        Verdict.ERROR: ["error"],
    }


def test_the_counts_are_those_of_the_elements(everything: RunResult) -> None:
    root = ET.fromstring(render_junit(everything).encode())  # noqa: S314 - our own text
    suite = root.find("testsuite")
    assert suite is not None
    for element in (root, suite):
        assert {key: element.attrib[key] for key in ("tests", "failures", "errors", "skipped", "time")} == {
            "tests": "7",
            "failures": "2",
            "errors": "1",
            "skipped": "1",
            "time": "1.750",
        }


def test_a_failure_blames_what_nothing_explains(everything: RunResult) -> None:
    failure = parsed(everything)["captureOrder/part_captured/above-remaining"].find("failure")
    assert failure is not None
    assert failure.attrib["type"] == "KOM-207"
    assert failure.attrib["message"] == "KOM-207 captured beyond what remains"
    told = failure.text or ""
    assert "known deviation: spring-404" in told
    assert "requirement: OM-MONEY-01" in told
    assert "2. captureOrder 201" in told
    assert "-X POST http://127.0.0.1/orders/1/captures" in told


def test_a_reason_is_told(everything: RunResult) -> None:
    skipped = parsed(everything)["cancelOrder/x/y"].find("skipped")
    assert skipped is not None
    assert skipped.attrib["message"] == "no second merchant"


def test_what_xml_cannot_carry_is_shown_as_an_escape(everything: RunResult) -> None:
    text = render_junit(everything)
    ET.fromstring(text.encode())  # noqa: S314 - our own text
    assert "\\x00" in text
    assert "\\ud800" in text
    assert "\\x1b[31m" in text
    assert "\U0001f600" in text
    assert "<script>" not in text


def test_verdicts_without_findings_still_have_words() -> None:
    silent = parsed(
        run(case("a/b/c", Verdict.FAILED), case("d/e/f", Verdict.ERROR), case("g/h/i", Verdict.NOT_MEASURED))
    )
    messages = [next(iter(element)).attrib["message"] for element in silent.values()]
    assert messages == ["failed without a finding", "no reason was given", "no reason was given"]


def test_an_error_with_findings_tells_them() -> None:
    shown = parsed(run(case("a/b/c", Verdict.ERROR, why="broke", findings=(finding(requirement="", curl=""),))))[
        "a/b/c"
    ]
    assert children(shown) == ["error"]
    assert "KOM-207 (must)" in (shown[0].text or "")


def test_the_run_is_described(everything: RunResult, tmp_path: Path) -> None:
    write_junit(everything, tmp_path / "junit.xml")
    root = ET.parse(tmp_path / "junit.xml").getroot()  # noqa: S314 - our own text
    properties = {element.attrib["name"]: element.attrib["value"] for element in root.iter("property")}
    assert properties["seed"] == "7"
    assert properties["target.kind"] == "simulator"
    assert properties["note.1"] == "the target has no second merchant"
