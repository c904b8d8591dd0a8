"""report: an earlier run again, on the terminal or as a file."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from labctl.cli import completions
from labctl.cli.lab_command import output_command
from labctl.cli.session import Output
from labctl.commands.runs import list_runs
from labctl.render.text.figures import size
from labctl.runs.store import LAST, open_runs
from scenarios.events import (
    ChartShown,
    Checked,
    Event,
    FaultInjected,
    Measured,
    ScenarioFinished,
    ScenarioStarted,
    TableShown,
    VerdictReached,
)
from scenarios.experiment.journal import NAME as EXPERIMENT
from stack.errors import UsageError
from stack.spec.events import Advanced, StackNoted

if TYPE_CHECKING:
    from labctl.reports.run_report import RunReport

app = typer.Typer()

_RESULTS = (
    ScenarioStarted,
    FaultInjected,
    Measured,
    TableShown,
    ChartShown,
    Checked,
    VerdictReached,
    ScenarioFinished,
)


@output_command(app, quiet=True)
def report(
    output: Output,
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN",
            autocompletion=completions.runs,
            help="A run, the name of a demo for its newest run, or a journal's file.",
        ),
    ] = LAST,
    to: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Write a report: a page (.html), Markdown for a pull request (.md), JSON (.json), or JUnit "
            "XML (.xml). An earlier report of that name is replaced; any other file is left alone.",
        ),
    ] = None,
    listed: Annotated[bool, typer.Option("--list", help="List the recorded runs instead.")] = False,
) -> None:
    """Show an earlier run again, or write a report of it.

    By default the newest run, on the terminal: its figures, charts, checks and verdict.
    """
    if listed:
        if to is not None:
            raise UsageError("--list shows the runs; --output writes one", hint="leave one of them out")
        return list_runs(output)
    if to is not None:
        return _write(output, run, to)
    return _show(output, _read(output, run))


def _write(output: Output, run: str, to: Path) -> None:
    # Before a journal of an hour is read: the report must have a place to go.
    from labctl.reports.files import check_target, write_report

    check_target(to)
    written = _read(output, run)
    count = write_report(written, to)
    notes: list[Event] = [StackNoted(warning) for warning in written.warnings()]
    told = StackNoted(f"Wrote {to} ({size(count)}): the report of {written.journal.run}.")
    about = {name: written.document[name] for name in ("run", "state", "damage", "differences")}
    document = {**about, "report": str(to), "bytes": count}
    output.answer(document, *notes, told)


def _read(output: Output, run: str) -> "RunReport":
    from labctl.reports.run_report import read_report

    runs = open_runs(output.name, output.runtime)
    journal = runs.open(run)
    return read_report(
        journal,
        lambda done, total: output.show(Advanced("writes judged", done, total)),
        runs.trials(journal.run) if journal.environment.scenario == EXPERIMENT else None,
    )


def _show(output: Output, shown: "RunReport") -> None:
    if output.json:
        return output.answer(shown.document)
    notes: list[Event] = [StackNoted(warning) for warning in shown.warnings()]
    results = [event for _, event in shown.journal.events() if isinstance(event, _RESULTS)]
    return output.show(*notes, *_with_charts(_believed(results, shown), shown))


def _believed(results: Sequence[Event], report: "RunReport") -> list[Event]:
    """Without an outcome and with today's verdict, unless the whole run can be believed."""
    if report.whole:
        return list(results)
    ends = VerdictReached | ScenarioFinished
    kept: list[Event] = [event for event in results if not isinstance(event, ends)]
    if report.shown_verdict is not None:
        kept.append(VerdictReached(report.shown_verdict))
    return kept


def _with_charts(results: Sequence[Event], report: "RunReport") -> Iterator[Event]:
    """The charts stand where the conclusion begins, or at the end of a run that has none."""
    from labctl.reports.charts import charts_of, shown

    charts = [shown(chart) for chart in charts_of(report)]
    for event in results:
        if isinstance(event, VerdictReached | ScenarioFinished):
            yield from charts
            charts = []
        yield event
    yield from charts
