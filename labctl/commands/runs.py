"""runs: the journals of earlier runs, listed, shown and removed."""

from typing import Annotated

import msgspec
import typer

from labctl.cli import completions
from labctl.cli.lab_command import output_command
from labctl.cli.options import Json, LabName, Runtime
from labctl.cli.session import Output, open_output
from labctl.render.text.figures import figure
from labctl.render.text.sentences import OUTCOMES
from labctl.runs.facts import facts
from labctl.runs.store import LAST, Runs, is_running, open_runs
from labctl.runs.summary import RunSummary
from scenarios.events import Event, TableShown
from scenarios.journal import files
from stack.errors import UsageError
from stack.spec.events import StackNoted
from stack.spec.hints import for_lab, labctl
from stack.spec.names import DEFAULT_NAME

runs_group = typer.Typer(help="Earlier runs: their journals, listed, shown and removed.")
app = typer.Typer()
app.add_typer(runs_group, name="runs")

_COLUMNS = ("run (UTC)", "command", "runtime", "policy", "window", "writes/s", "p99, ms", "lost", "verdict")
Run = Annotated[
    str,
    typer.Argument(
        metavar="RUN",
        autocompletion=completions.runs,
        help="A run of the list, `last`, or a demo's name for its newest run; also a journal's file.",
    ),
]


@runs_group.callback(invoke_without_command=True)
def begin(context: typer.Context, name: LabName = None, runtime: Runtime = None, json: Json = False) -> None:
    # The options stand here as well as at each command, so that either order works.
    output = open_output(context, name=name, runtime=runtime, json=json)
    if context.invoked_subcommand is None:
        list_runs(output)


def list_runs(output: Output) -> None:
    """All runs, oldest first."""
    summaries = open_runs(output.name, output.runtime).summaries()
    document = {"runs": [msgspec.to_builtins(each) for each in summaries]}
    table = TableShown("runs", "", _COLUMNS, tuple(map(_row, summaries)))
    hint = for_lab(f"No run is recorded yet; make one: {labctl('demo coalescing')}.", DEFAULT_NAME)
    output.answer(document, table if summaries else StackNoted(hint))


@output_command(runs_group)
def show(output: Output, run: Run = LAST) -> None:
    """Show what a run was made on, and what became of it."""
    journal = open_runs(output.name, output.runtime).open(run)
    state = journal.state
    file = {"file": str(journal.path), "state": state, "damage": "; ".join(journal.damage)}
    output.answer_fields({**file, **facts(journal.environment)})


@output_command(runs_group)
def rm(
    output: Output,
    runs: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN...", autocompletion=completions.runs, help="Runs, or `last`; see `labctl runs`."
        ),
    ],
) -> None:
    """Remove runs for good."""
    store = open_runs(output.name, output.runtime)
    # A mistake in one of the words must not cost the runs that the others name.
    removed = list(dict.fromkeys(_removable(store, word) for word in runs))
    for run in removed:
        store.remove(run)
    notes: list[Event] = [StackNoted(f"Removed {run}.") for run in removed]
    output.answer({"removed": removed}, *notes)


def _removable(store: Runs, word: str) -> str:
    """The run that a word names.

    Raises:
        UsageError: it names none, or one that still goes on.
    """
    path = store.find(word)
    run = next((name for name, kept in store.journals().items() if kept == path), None)
    if run is None:
        raise UsageError(f"{word} is not one of the recorded runs", hint=f"see {labctl('runs')}")
    if is_running(path):
        raise UsageError(f"{run} is still running", hint="end it first, with Ctrl-C")
    return run


def _row(summary: RunSummary) -> tuple[str, ...]:
    return (
        files.short_name(summary.run),
        summary.command or "-",
        summary.runtime or "-",
        _policy(summary.policy),
        "-" if summary.window_ms is None else f"{summary.window_ms} ms",
        _figure(summary.writes_per_second),
        _figure(summary.p99_ms),
        _figure(summary.lost),
        _verdict(summary),
    )


def _policy(policy: str | None) -> str:
    """`behind`, `through`, or `both` for an experiment that compares them."""
    if policy and "," in policy:
        return "both"
    return (policy or "-").removeprefix("write_")


def _verdict(summary: RunSummary) -> str:
    """The verdict, and what keeps it from being as expected."""
    if summary.damage:
        return "damaged"
    if summary.state != "complete":
        return summary.state
    if summary.outcome in ("unexpected", "inconclusive"):
        return f"{summary.verdict or 'none'}, {OUTCOMES[summary.outcome].lower()}"
    return summary.verdict or "none"


def _figure(value: int | float | None) -> str:
    return "-" if value is None else figure(value)
