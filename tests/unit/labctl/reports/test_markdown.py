"""The report for a pull request."""

from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from labctl.reports.markdown import escape, markdown
from scenarios.journal.lines import EventLine
from tests.unit.labctl.reports.stories import fault, report_of
from tests.unit.labctl.reports.test_page import HOSTILE


def test_it_tells_outcome_checks_and_loss(tmp_path: Path) -> None:
    text = markdown(report_of(tmp_path, lines=[fault()]))
    assert "## ❌ Data loss: NOT AS EXPECTED" in text
    assert "| ✗ FAILED | none of the saved ones is lost | 0 lost | 1 lost |" in text
    assert "| 3 | 1 | 0 | 0 | 0 | 2 |" in text
    assert "| redis:kill | 1.00 s | took effect | pid: 4711 → none<br>queue: 5 → 0 |" in text


def test_it_is_never_longer_than_a_comment_may_be(tmp_path: Path) -> None:
    checks = [
        EventLine(
            name="Checked",
            event={"claim": f"{n} {'*' * 200}", "expected": "x", "actual": "x", "passed": True},
        )
        for n in range(200)
    ]
    text = markdown(report_of(tmp_path, lost=300, lines=checks))
    assert len(text) < 65_536
    assert "More rows are left out here" in text
    assert "**Versions**" in text
    assert text.count("<details>") == text.count("</details>") == 2


def test_a_long_list_of_losses_is_cut_and_says_so(tmp_path: Path) -> None:
    text = markdown(report_of(tmp_path, lost=300))
    assert "Lost writes (300, 50 of them listed)" in text
    assert text.count("WillBeLost-") < 100
    assert len(text) < 65_536


@pytest.mark.parametrize(
    "text",
    [
        *HOSTILE[:3],
        "# heading",
        "- item",
        "1. item",
        "> quote",
        "a | b",
        "**bold** _soft_ `code`",
        "[link](https://example.org)",
        "https://example.org www.example.org",
        "@someone #12",
        "\\",
    ],
)
def test_text_shows_as_it_is(text: str) -> None:
    rendered = MarkdownIt("gfm-like", {"html": True, "linkify": False}).renderInline(escape(text))
    whole = MarkdownIt("commonmark", {"html": True}).render(escape(text))
    for output in (rendered, whole.removeprefix("<p>").removesuffix("</p>\n")):
        assert "<" not in output
        assert output.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"') == text


@pytest.mark.parametrize("text", ["write_behind", "1.36 ms", "12:30:59", "a: b (c), d-e = f!", "95 %"])
def test_plain_text_stays_readable(text: str) -> None:
    assert escape(text) == text


def test_a_run_that_was_cut_off_says_so(tmp_path: Path) -> None:
    text = markdown(report_of(tmp_path, ended=False))
    assert "CUT OFF" in text.splitlines()[1]
    assert "> **The run was cut off" in text
