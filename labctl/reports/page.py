"""One page that needs nothing but itself: no network, no other file."""

import base64
import hashlib
import json
from collections.abc import Sequence
from importlib.metadata import version
from importlib.resources import files
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from labctl.render.text import sentences
from labctl.render.text.figures import duration, figure
from labctl.render.text.markdown import visible
from labctl.render.text.marks import UNICODE
from labctl.render.text.shell import prompted
from labctl.reports import words
from labctl.reports.charts import Chart, charts_of
from labctl.reports.run_report import RunReport
from labctl.reports.story import Band, Step
from scenarios.judge.verdict import Verdict
from service.page import UPLOT

#: The table behind a chart has about so many rows: enough to read its course.
_ROWS_BEHIND: Final = 50
#: Rows of the list of lost writes that are there without JavaScript, and in print.
_ROWS_AT_FIRST: Final = 50
#: Characters that would end the element that the data is in, or start a comment there.
_UNSAFE: Final = {ord(char): f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}
_CHECK_KINDS: Final[dict[bool | None, str]] = {True: "passed", False: "failed", None: "unclear"}


def html(report: RunReport) -> str:
    """The page of a run."""
    library, licence = _uplot("uPlot.iife.min.js"), _uplot("uPlot.LICENSE")
    script = f"/*\nuPlot {UPLOT}\n{licence}*/\n{library}\n{_asset('page.js')}"
    style = f"{_uplot('uPlot.min.css')}\n{_asset('page.css')}"
    policy = (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    charts = charts_of(report)
    page: str = _template().render(
        csp=Markup(policy),
        style=Markup(style),
        script=Markup(script),
        data=Markup(_data(report, charts)),
        charts=[_chart(chart) for chart in charts],
        **_content(report),
    )
    return page


def _content(report: RunReport) -> dict[str, Any]:
    document = report.record.document
    kind, word, conclusion = words.outcome_of(report)
    verdict = report.shown_verdict
    return {
        "about": report.journal.environment,
        "title": document["title"] or report.journal.environment.scenario,
        "summary": document["summary"],
        "seconds": document["seconds"],
        "outcome": {"kind": kind, "word": word, "conclusion": conclusion},
        "warnings": list(report.warnings()),
        "verdict": _verdict(report, verdict) if verdict is not None else None,
        "checks": [_check(check) for check in document["checks"]],
        "faulty": any(band.kind == "fault" for band in report.story.bands(report.until)),
        "faults": [
            {
                "fault": fault.fault,
                "at": fault.at,
                "kind": _CHECK_KINDS[fault.bit],
                "word": words.bite(fault),
                "proofs": fault.proofs,
            }
            for fault in report.record.faults
        ],
        "steps": [_step(step) for step in report.story.steps],
        "lost": {
            "total": words.lost_total(report),
            "sentence": words.lost_sentence(report),
            "columns": words.LOST_COLUMNS,
            "first": [
                (write.acknowledged_at, *words.lost_row(write)) for write in report.lost[:_ROWS_AT_FIRST]
            ],
        },
        "figures": words.figures_of(report),
        "tables": list(document["tables"].values()),
        "made_on": list(words.made_on(report)),
        "version": version("write-behind-lab"),
        "uplot": UPLOT,
    }


def _verdict(report: RunReport, verdict: Verdict) -> dict[str, Any]:
    fates = [
        {"kind": "", "word": "acknowledged", "count": verdict.acknowledged, "meaning": "promised to be kept"}
    ]
    for fate, word, meaning in sentences.shown_fates(verdict):
        count = verdict.fates.get(fate, 0)
        kind = "zero" if not count else "loss" if fate == "lost" else ""
        fates.append({"kind": kind, "word": word, "count": count, "meaning": meaning})
    return {
        "validity": words.validity_of(report, verdict),
        "fates": fates,
        "sentences": words.verdict_sentences(verdict),
    }


def _check(check: dict[str, Any]) -> dict[str, Any]:
    passed: bool | None = check["passed"]
    return {
        **check,
        "kind": _CHECK_KINDS[passed],
        "mark": UNICODE.of_check(passed),
        "word": sentences.CHECKS[passed],
    }


def _step(step: Step) -> dict[str, Any]:
    return {
        "number": step.number,
        "title": step.title,
        "at": step.at,
        "command": prompted(step.command),
        "lines": step.lines,
    }


def _chart(chart: Chart) -> dict[str, Any]:
    every = max(1, len(chart.x) // _ROWS_BEHIND)
    columns = (chart.x, *(series.values for series in chart.series))
    rows = [["-" if cell is None else figure(cell) for cell in row] for row in zip(*columns, strict=True)]
    return {
        "key": chart.key,
        "title": chart.title,
        "caption": chart.caption,
        "summary": chart.summary(),
        "x_label": chart.x_label,
        "unit": chart.unit,
        "series": chart.series,
        "rows": rows[::every],
        "every": every,
    }


def _data(report: RunReport, charts: Sequence[Chart]) -> str:
    """What the script draws, as JSON that no text in it can break out of."""
    # Groups and reasons are few, and repeated for each write.
    texts: dict[str, int] = {}
    lost = [
        (
            round(write.acknowledged_at, 3),
            *map(visible, (label, product, version)),
            *(texts.setdefault(visible(text), len(texts)) for text in repeated),
        )
        for write in report.lost
        for label, product, version, *repeated in (words.lost_row(write),)
    ]
    document = {
        "until": round(report.until, 3),
        "bands": list(map(_band, report.story.bands(report.until))),
        "charts": [
            {
                "key": chart.key,
                "unit": chart.unit,
                "log": chart.log,
                "timed": chart.timed,
                "x": chart.x,
                "x_label": chart.x_label,
                "series": [
                    {"label": visible(series.label), "values": series.values, "style": series.style}
                    for series in chart.series
                ],
            }
            for chart in charts
        ],
        "texts": list(texts),
        "lost": lost,
    }
    return json.dumps(document, separators=(",", ":"), allow_nan=False).translate(_UNSAFE)


def _band(band: Band) -> dict[str, Any]:
    return {
        "kind": band.kind,
        "start": round(band.start, 3),
        "end": round(band.end, 3),
        "label": visible(band.label),
        "odd": band.number % 2 == 1,
    }


def _template() -> Any:
    environment = Environment(
        loader=PackageLoader("labctl.reports", "assets"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "figure": figure,
        "duration": duration,
        "seconds": lambda at: f"{at:.2f} s",
        "moment": lambda iso: iso[:19].replace("T", " "),
    }
    return environment.get_template("page.html.j2")


def _finalize(value: Any) -> Any:
    """Text that someone else may have written shows what is in it."""
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    return visible(value)


def _asset(name: str) -> str:
    return (files("labctl.reports") / "assets" / name).read_text("utf-8")


def _uplot(name: str) -> str:
    """A file of the library that draws the charts; the lab's own page has the only copy."""
    return (files("service.page") / name).read_text("utf-8")


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
