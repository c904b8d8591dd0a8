"""The page: whole in itself, and safe whatever a run was told to call its products."""

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from labctl.reports.page import html
from labctl.reports.run_report import MOST_LISTED, LostWrite, read_report
from scenarios.events import Measured, TableShown
from scenarios.journal.reader import open_journal
from tests.journals import write_journal
from tests.unit.labctl.reports.stories import events, fault, report_of, samples, story

HOSTILE = [
    "</script><script>document.title='owned'</script>",
    "<img src=x onerror=document.title='owned'>",
    "<!--<script>",
    "\u202eevil\u2066 \u200bname",
    "\x1b[31mred\x07",
    "'\"`{{ 7 * 7 }}{% if %}\u2028",
    "x" * 255,
    "שלום",
]


class _Elements(HTMLParser):
    """What a browser would make of a page: its elements, and the text in each kind."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text: dict[str, list[str]] = {}
        self._open = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._open = True
        self.found.append((tag, dict(attrs)))
        self.text.setdefault(tag, []).append("")

    def handle_endtag(self, tag: str) -> None:
        self._open = False

    def handle_data(self, data: str) -> None:
        if self._open:
            self.text[self.found[-1][0]][-1] += data

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for found, attributes in self.found if found == tag]


def _data(page: str) -> Any:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def test_only_its_own_script_and_style_may_run(tmp_path: Path) -> None:
    elements = _Elements(html(report_of(tmp_path)))
    policy = next(one["content"] for one in elements.of("meta") if one.get("http-equiv")) or ""
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    (_, script), (style,) = elements.text["script"], elements.text["style"]
    for kind, text in (("script", script), ("style", style)):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy


def test_it_names_nothing_that_would_be_loaded(tmp_path: Path) -> None:
    elements = _Elements(html(report_of(tmp_path)))
    loading = {"link", "img", "iframe", "object", "embed", "audio", "video", "source", "base", "form"}
    assert not loading & {tag for tag, _ in elements.found}
    attributes = {name for _, given in elements.found for name in given}
    assert not attributes & {"src", "href", "style", "onclick", "onload", "srcset", "action"}
    assert "url(" not in elements.text["style"][0]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_what_others_wrote_stays_text(tmp_path: Path, hostile: str) -> None:
    calm = _Elements(html(report_of(tmp_path / "calm", "Calm", title="Calm", lines=[fault(name="calm")])))
    page = html(report_of(tmp_path / "hostile", hostile, title=hostile, lines=[fault(name=hostile)]))
    elements = _Elements(page)
    assert [tag for tag, _ in elements.found] == [tag for tag, _ in calm.found]
    assert [set(given) for _, given in elements.found] == [set(given) for _, given in calm.found]
    assert not set(page) & set("\x1b\x07\u202e\u2066\u200b\u2028")
    row = next(row for row in _data(page)["lost"] if row[2] == "gone-0")
    assert len(row[1]) >= len(hostile)


def test_a_reader_sees_the_loss_without_a_script(tmp_path: Path) -> None:
    page = html(report_of(tmp_path))
    assert re.search(r'class="loss"><dt>LOST</dt><dd><span class="count">2</span>', page)
    assert "WillBeLost-1" in page.partition('id="data"')[0]


def test_a_run_that_was_cut_off_says_so_first(tmp_path: Path) -> None:
    page = html(report_of(tmp_path, ended=False))
    assert page.index("The run was cut off") < page.index("CUT OFF</strong>") < page.index("Verdict")
    assert "AS EXPECTED" not in page


def test_the_size_of_a_page_has_an_end(tmp_path: Path) -> None:
    report = report_of(tmp_path)
    gone = LostWrite(
        str(uuid4()), "WillBeLost-12345", 1_795_666_881_105_819, "queued at the crash", 1.5, 1, True
    )
    report = replace(report, lost=[gone] * MOST_LISTED)
    page = html(report)
    assert len(page.encode()) < 3_000_000
    assert len(_data(page)["lost"]) == MOST_LISTED


def test_a_list_that_is_cut_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labctl.reports.run_report.MOST_LISTED", 5)
    page = html(report_of(tmp_path, lost=7))
    assert "7 acknowledged writes lost. 5 of them are listed here" in page
    assert len(_data(page)["lost"]) == 5


def test_tables_are_shown_even_if_nothing_was_measured(tmp_path: Path) -> None:
    history, found = story()
    told = [event for event in events() if not isinstance(event, Measured)]
    assert any(isinstance(event, TableShown) for event in told)
    page = html(read_report(open_journal(write_journal(tmp_path, history, found, events=told))))
    assert ('<h2 id="figures">' in page, "<h3>What is gone</h3>" in page) == (False, True)


def test_a_table_that_leaves_points_out_says_so(tmp_path: Path) -> None:
    few, many = tmp_path / "few", tmp_path / "many"
    assert "One point in" not in html(report_of(few))
    page = html(report_of(many, lines=samples(120)))
    assert "One point in 2." in page


def test_receipts_are_shown(tmp_path: Path) -> None:
    page = html(report_of(tmp_path, lines=[fault(bit=None)]))
    assert '<th scope="row">pid</th><td>4711</td><td>none</td>' in page
    assert "UNKNOWN whether it took effect: it never stopped" in page
