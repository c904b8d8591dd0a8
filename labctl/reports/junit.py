"""JUnit XML, as continuous integration reads it: one test case a check."""

import re
from collections.abc import Iterator
from typing import Final
from xml.etree.ElementTree import Comment, Element, SubElement, indent, tostring

from labctl.render.text import sentences
from labctl.reports import words
from labctl.reports.run_report import RunReport
from scenarios.events import Checked

#: What XML 1.0 forbids even as an entity.
_FORBIDDEN: Final = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ELEMENTS: Final[dict[bool | None, str]] = {False: "failure", None: "error"}


def junit(report: RunReport) -> str:
    """The report of a run: its checks, the validity of its verdict, and its outcome, each a test case."""
    about, document = report.journal.environment, report.record.document
    seconds = f"{document['seconds'] if document['seconds'] is not None else report.until:.3f}"
    cases = list(_cases(report))
    counts = {
        "tests": str(len(cases)),
        "failures": str(sum(case.passed is False for case in cases)),
        "errors": str(sum(case.passed is None for case in cases)),
    }
    suites = Element("testsuites", {"name": "labctl", **counts, "time": seconds})
    suites.append(Comment(" labctl report "))
    suite = SubElement(
        suites,
        "testsuite",
        {
            "name": clean(about.scenario),
            **counts,
            "skipped": "0",
            "time": seconds,
            "timestamp": clean(about.started_at[:19]),
        },
    )
    properties = SubElement(suite, "properties")
    for name, value in _properties(report):
        SubElement(properties, "property", {"name": clean(name), "value": clean(value)})
    for number, case in enumerate(cases):
        _case(suite, about.scenario, case, seconds if number == len(cases) - 1 else "0.000")
    indent(suites)
    text: bytes = tostring(suites, encoding="utf-8", xml_declaration=True)
    return text.decode() + "\n"


def _cases(report: RunReport) -> Iterator[Checked]:
    for check in report.record.document["checks"]:
        yield Checked(check["claim"], check["expected"], check["actual"], check["passed"])
    for fault in report.record.faults:
        yield Checked(f"the fault {fault.fault} took effect", "took effect", words.bite(fault), fault.bit)
    verdict = report.shown_verdict
    if verdict is not None:
        reasons = "; ".join(verdict.reasons) or words.validity_of(report, verdict)
        yield Checked(
            "every acknowledged write is accounted for",
            "valid",
            f"{verdict.validity}: {reasons}",
            {"valid": True, "invalid": False, "unknown": None}[verdict.validity],
        )
    kind, word, conclusion = words.outcome_of(report)
    told = " ".join([word, conclusion, *report.warnings()])
    passed = {"expected": True, "unexpected": False, "inconclusive": None}[kind]
    yield Checked("the run ended as expected", "AS EXPECTED", told, passed)


def _case(suite: Element, scenario: str, check: Checked, seconds: str) -> None:
    names = {"classname": clean(f"labctl.{scenario}"), "name": clean(check.claim), "time": seconds}
    case = SubElement(suite, "testcase", names)
    if check.passed is True:
        SubElement(case, "system-out").text = clean(sentences.check(check))
        return
    kind = _ELEMENTS[check.passed]
    message = clean(sentences.check(check))
    SubElement(case, kind, {"type": sentences.CHECKS[check.passed], "message": message}).text = message


def _properties(report: RunReport) -> Iterator[tuple[str, str]]:
    about = report.journal.environment
    yield from {
        "run": about.run,
        "command": f"labctl {about.command}",
        "state": report.state,
        "runtime": about.runtime,
    }.items()
    verdict = report.shown_verdict
    if verdict is not None:
        yield "acknowledged", str(verdict.acknowledged)
        for fate, count in verdict.fates.items():
            yield fate, str(count)
    for key, figure in report.record.document["measured"].items():
        yield f"measured.{key}", "" if figure["value"] is None else str(figure["value"])
    for title, fields in words.parts_of(about).items():
        # "option.rate", "machine.cpus".
        part = title.lower().removesuffix("s")
        for name, value in fields.items():
            yield f"{part}.{name}", str(value)


def clean(text: str) -> str:
    """The text with `?` for every character that XML can't hold."""
    return _FORBIDDEN.sub("?", text)
