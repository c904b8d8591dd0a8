"""report: an earlier run again."""

from typing import Annotated

import typer

from labctl.cli.lab_command import lab_command
from labctl.cli.session import Session
from labctl.render.text.figures import duration
from labctl.runs.record import replay
from labctl.runs.store import Runs, read_run, scenario_of
from scenarios.events import TableShown
from stack.errors import EnvironmentFault, StateUnusable
from stack.spec.events import StackNoted
from stack.spec.hints import labctl

app = typer.Typer()


@lab_command(app, tends=False)
def report(
    session: Session,
    run: Annotated[
        str | None,
        typer.Argument(metavar="RUN", help="A demo's name, or a run from --list; by default the latest run."),
    ] = None,
    listed: Annotated[bool, typer.Option("--list", help="List the recorded runs instead.")] = False,
) -> None:
    """Show an earlier run's figures and verdict again."""

    runs = Runs(session.lab.directory)
    if listed:
        return _list(session, runs)
    if run is None and not runs.paths():
        raise EnvironmentFault(
            f"the lab {session.lab.name} has no recorded run", hint=f"make one: {labctl('demo coalescing')}"
        )
    path = runs.find(run) if run is not None else runs.paths()[-1]
    document = read_run(path)
    try:
        events = list(replay(document))
    except ValueError as error:
        raise StateUnusable(f"{path}: {error}", hint="delete the file, or run the demo again") from error
    return session.answer(document, *events)


def _list(session: Session, runs: Runs) -> None:
    documents = [(path, read_run(path)) for path in runs.paths()]
    listed = [
        {
            "run": path.stem,
            "scenario": scenario_of(path),
            "recorded_at": document.get("recorded_at"),
            "seconds": document.get("seconds"),
            "outcome": document.get("outcome"),
        }
        for path, document in documents
    ]
    rows = tuple(
        (
            str(run["run"]),
            str(run["scenario"]),
            str(run["recorded_at"] or "-")[:19].replace("T", " "),
            duration(run["seconds"]) if isinstance(run["seconds"], int | float) else "-",
            str(run["outcome"]),
        )
        for run in listed
    )
    table = TableShown("runs", "", ("run", "scenario", "when (UTC)", "took", "outcome"), rows)
    session.answer({"runs": listed}, table if rows else StackNoted("No run is recorded yet."))
