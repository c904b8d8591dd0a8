"""A report to paste into a pull request."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from labctl.render.text import sentences
from labctl.render.text.figures import duration, figure
from labctl.render.text.markdown import escape as markdown_escape
from labctl.render.text.markdown import visible
from labctl.render.text.marks import UNICODE
from labctl.reports import words
from labctl.reports.run_report import RunReport

#: More lost writes than these are counted, not listed: a comment has at most 65,536 characters.
_LISTED: Final = 50
#: Rows of tables beyond this are left out; the rest of the text is short.
_MOST_CHARACTERS: Final = 60_000
#: A cell or line longer than this is cut.
_LONGEST: Final = 300
_SIGNS: Final = {"expected": "✅", "unexpected": "❌", "inconclusive": "⚠️"}


def markdown(report: RunReport) -> str:
    """The report of a run in GitHub's Markdown."""
    return "\n".join(_within(_lines(report))) + "\n"


def _within(lines: Iterable[str]) -> Iterator[str]:
    """Leaves rows of tables out once the text is as long as a comment may be."""
    size, is_cut = 0, False
    for line in lines:
        if size + len(line) > _MOST_CHARACTERS and line.startswith("|"):
            is_cut = True
            continue
        if is_cut:
            yield "\nMore rows are left out here: a comment can't be any longer."
            is_cut = False
        size += len(line) + 1
        yield line


def _lines(report: RunReport) -> Iterator[str]:
    document, about = report.record.document, report.journal.environment
    kind, word, conclusion = words.outcome_of(report)
    yield "<!-- labctl report -->"
    yield f"## {_SIGNS[kind]} {escape(document['title'] or about.scenario)}: {word}"
    yield ""
    yield escape(conclusion)
    for warning in report.warnings():
        yield f"\n> **{escape(warning)}**"
    yield ""
    took = f" · took {duration(document['seconds'])}" if document["seconds"] is not None else ""
    when = about.started_at[:19].replace("T", " ")
    yield f"{_code(f'labctl {about.command}')} · {escape(about.runtime)} · {escape(when)} UTC{took}"
    yield from _verdict(report)
    yield from _checks(report)
    yield from _faults(report)
    figures = [(escape(label), escape(value)) for label, value in words.figures_of(report)]
    yield from _part("Figures", ("figure", "value"), figures, right=(1,))
    yield from _lost(report)
    yield from _made_on(report)


def _verdict(report: RunReport) -> Iterator[str]:
    verdict = report.shown_verdict
    if verdict is None:
        return
    yield f"\n### Verdict\n\n{escape(words.validity_of(report, verdict))}\n"
    fates = sentences.shown_fates(verdict)
    counts = [figure(verdict.acknowledged), *(figure(verdict.fates.get(fate, 0)) for fate, *_ in fates)]
    yield from _table(("acknowledged", *(word for _, word, _ in fates)), [counts], right=range(len(counts)))
    yield ""
    for sentence in words.verdict_sentences(verdict):
        yield f"- {escape(sentence)}"


def _checks(report: RunReport) -> Iterator[str]:
    rows = [
        (
            f"{UNICODE.of_check(check['passed'])} {sentences.CHECKS[check['passed']]}",
            *map(escape, (check["claim"], check["expected"], check["actual"])),
        )
        for check in report.record.document["checks"]
    ]
    yield from _part("Checks", ("", "prediction", "expected", "measured"), rows)


def _faults(report: RunReport) -> Iterator[str]:
    rows = [
        (
            escape(fault.fault),
            f"{fault.at:.2f} s",
            escape(words.bite(fault)),
            "<br>".join(escape(f"{p.what}: {p.before} → {p.after}") for p in fault.proofs),
        )
        for fault in report.record.faults
    ]
    yield from _part("Faults", ("fault", "at", "", "receipt"), rows)


def _lost(report: RunReport) -> Iterator[str]:
    total = words.lost_total(report)
    if not total:
        return
    listed = report.lost[:_LISTED]
    which = f", {figure(len(listed))} of them listed" if len(listed) < total else ""
    yield f"\n<details><summary>Lost writes ({figure(total)}{which})</summary>\n"
    rows = [(f"{write.acknowledged_at:.3f}", *map(escape, words.lost_row(write))) for write in listed]
    yield from _table(("acknowledged at (s)", *words.LOST_COLUMNS), rows, right=(0,))
    yield "\n</details>"


def _made_on(report: RunReport) -> Iterator[str]:
    yield "\n<details><summary>Settings, versions, machine</summary>\n"
    for title, fields in words.made_on(report):
        told = ", ".join(f"{escape(name)} {escape(value)}" for name, value in fields)
        yield f"- **{title}**: {told}"
    yield f"- **Run**: {_code(report.journal.run)}"
    yield "\n</details>"


def _part(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()
) -> Iterator[str]:
    if rows:
        yield f"\n### {title}\n"
        yield from _table(columns, rows, right=right)


def _table(
    columns: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()
) -> Iterator[str]:
    yield f"| {' | '.join(columns)} |"
    yield f"|{'|'.join('--:' if n in right else '---' for n in range(len(columns)))}|"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def escape(text: str) -> str:
    """Text on one line that Markdown shows as it is, cut if it is very long."""
    shown = visible(text.replace("\n", " ")).strip()
    return markdown_escape(shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}…")


def _code(text: str) -> str:
    """Text as code. A backtick in it would end it."""
    shown = visible(text.replace("\n", " ")).replace("`", "'").replace("|", "¦")
    return f"`{shown}`"
