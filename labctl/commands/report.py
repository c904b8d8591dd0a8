"""report: an earlier run again."""

from typing import Annotated

import typer

from labctl.cli import completions
from labctl.cli.lab_command import output_command
from labctl.cli.session import Output
from labctl.commands.runs import list_runs
from labctl.runs.record import RunRecord
from labctl.runs.store import LAST, open_runs
from scenarios.events import (
    Checked,
    Event,
    Measured,
    ScenarioFinished,
    ScenarioStarted,
    TableShown,
    VerdictReached,
)
from stack.spec.events import StackNoted

app = typer.Typer()

_RESULTS = (ScenarioStarted, Measured, TableShown, Checked, VerdictReached, ScenarioFinished)


@output_command(app)
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
    listed: Annotated[bool, typer.Option("--list", help="List the recorded runs instead.")] = False,
) -> None:
    """Show an earlier run's figures and verdict again."""
    if listed:
        return list_runs(output)
    journal = open_runs(output.name, output.runtime).open(run)
    record, results = RunRecord(), list[Event]()
    for _, event in journal.events():
        record.on(event)
        if isinstance(event, _RESULTS):
            results.append(event)
    if journal.state != "complete":
        results.insert(0, StackNoted(f"The run {journal.run} is {journal.state}."))
    return output.answer(record.document, *results)
