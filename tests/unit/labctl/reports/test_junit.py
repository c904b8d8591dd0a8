"""JUnit XML."""

from pathlib import Path
from xml.etree.ElementTree import Element, fromstring

import pytest

from labctl.reports.junit import clean, junit
from tests.unit.labctl.reports.stories import fault, report_of


def _suite(text: str) -> Element:
    suite = fromstring(text).find("testsuite")
    assert suite is not None
    return suite


def test_each_check_is_a_test_case(tmp_path: Path) -> None:
    suite = _suite(junit(report_of(tmp_path, lines=[fault()])))
    results = {
        case.get("name"): next((part.tag for part in case if part.tag != "system-out"), "passed")
        for case in suite.iter("testcase")
    }
    assert results == {
        "exactly the queued writes are lost": "passed",
        "none of the saved ones is lost": "failure",
        "none is stale": "error",
        "the fault redis:kill took effect": "passed",
        "every acknowledged write is accounted for": "passed",
        "the run ended as expected": "failure",
    }
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("6", "2", "1")


def test_a_failure_says_what_was_measured(tmp_path: Path) -> None:
    failure = _suite(junit(report_of(tmp_path))).find("testcase/failure")
    assert failure is not None
    assert failure.get("message") == "expected 0 lost, measured 1 lost"


def test_settings_and_figures_are_properties(tmp_path: Path) -> None:
    properties = {
        one.get("name"): one.get("value") for one in _suite(junit(report_of(tmp_path))).iter("property")
    }
    assert properties["setting.coalescing_window_ms"] == "500"
    assert properties["measured.queue_size"] == "5"
    assert properties["lost"] == "2"


def test_a_run_that_was_cut_off_passes_nothing_as_a_whole(tmp_path: Path) -> None:
    suite = _suite(junit(report_of(tmp_path, ended=False)))
    last = suite.findall("testcase")[-1]
    error = last.find("error")
    assert error is not None
    assert "CUT OFF" in (error.get("message") or "")


@pytest.mark.parametrize("forbidden", ["\x00", "\x1b", "\x0b", "\ufffe", "\uffff", "\ud800"])
def test_what_xml_forbids_becomes_a_question_mark(tmp_path: Path, forbidden: str) -> None:
    assert clean(f"a{forbidden}b\t\n\U0001f600") == "a?b\t\n\U0001f600"
    if forbidden != "\ud800":
        suite = _suite(junit(report_of(tmp_path, lines=[fault(name=f"a{forbidden}]]>&<b")])))
        assert any(case.get("name") == "the fault a?]]>&<b took effect" for case in suite.iter("testcase"))
