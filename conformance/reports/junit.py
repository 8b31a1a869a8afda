"""The JUnit report, which every CI system can show."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

from conformance.reports.artifact import write_artifact
from conformance.verdict import CaseResult, Reported, RunResult, Verdict

__all__ = ["render_junit", "write_junit"]

# Everything outside the Char production of XML 1.0: such a character makes the whole document unreadable.
_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_junit(result: RunResult, path: Path) -> None:
    """Write the report; the file is there whole or not at all."""
    write_artifact(path, render_junit(result))


def render_junit(result: RunResult) -> str:
    """Render one test suite with a test case for each case.

    ``failed`` is a failure, ``error`` an error, ``not_measured`` is skipped with its reason; ``known`` and
    ``warning`` pass with their findings in ``system-out``. Times are seconds.
    """
    summary = result.summary()
    name = result.suite.get("name", "klarna-conformance")
    counts = {
        "tests": str(len(result.cases)),
        "failures": str(summary[Verdict.FAILED]),
        "errors": str(summary[Verdict.ERROR]),
        "skipped": str(summary[Verdict.NOT_MEASURED]),
        "time": f"{sum(case.duration_s for case in result.cases):.3f}",
    }
    root = ET.Element("testsuites", {"name": _legal(name), **counts})
    suite = ET.SubElement(root, "testsuite", {"name": _legal(name), **counts})
    properties = ET.SubElement(suite, "properties")
    facts = [
        *((f"suite.{key}", value) for key, value in result.suite.items()),
        *((f"target.{key}", value) for key, value in result.target.items()),
        ("seed", str(result.seed)),
        *((f"note.{number}", note) for number, note in enumerate(result.notes, 1)),
    ]
    for key, value in facts:
        ET.SubElement(properties, "property", {"name": _legal(key), "value": _legal(value)})
    for case in result.cases:
        _append(suite, case)
    ET.indent(root)
    body = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}\n'


def _append(suite: ET.Element, case: CaseResult) -> None:
    element = ET.SubElement(
        suite,
        "testcase",
        {
            "classname": _legal(case.id.partition("/")[0]),
            "name": _legal(case.id),
            "time": f"{case.duration_s:.3f}",
        },
    )
    story = "\n\n".join(_told(finding) for finding in case.findings)
    if case.verdict is Verdict.FAILED:
        blamed = next((finding for finding in case.findings if not finding.known), None)
        short = f"{blamed.code} {blamed.message}" if blamed else case.why or "failed without a finding"
        failure = ET.SubElement(element, "failure", {"type": blamed.code if blamed else "", "message": _legal(short)})
        failure.text = _legal(story or short)
        return
    if case.verdict is Verdict.ERROR:
        error = ET.SubElement(element, "error", {"type": "error", "message": _legal(case.why or "no reason was given")})
        error.text = _legal(story or case.why)
    elif case.verdict is Verdict.NOT_MEASURED:
        ET.SubElement(element, "skipped", {"message": _legal(case.why or "no reason was given")})
    if story and case.verdict is not Verdict.ERROR:
        ET.SubElement(element, "system-out").text = _legal(f"verdict: {case.verdict.value}\n\n{story}")


def _told(finding: Reported) -> str:
    lines = [f"{finding.code} ({finding.severity.value}) {finding.message}"]
    if finding.requirement:
        lines.append(f"requirement: {finding.requirement}")
    if finding.known:
        lines.append(f"known deviation: {finding.known}")
    lines.extend(finding.story)
    if finding.curl:
        lines.append(finding.curl)
    return "\n".join(lines)


def _legal(text: str) -> str:
    """Show a character that XML cannot carry as its escape."""
    return _ILLEGAL.sub(lambda found: found.group().encode("unicode_escape").decode("ascii"), text)
