"""experiment: the same load in several settings, many times over."""

from collections import deque
from collections.abc import Generator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from labctl.cli.assignments import parse_assignments
from labctl.cli.context import invocation
from labctl.cli.options import Json, LabName, Quiet, Runtime
from labctl.cli.session import Session, open_session
from labctl.cli.settings import CliSettings
from labctl.commands.play import EXIT_CODES
from labctl.runs.store import Runs
from scenarios.early_end import EarlyEnd
from scenarios.events import Event
from scenarios.experiment.design import Design
from scenarios.experiment.exclusive import exclusively
from scenarios.experiment.file import read_design
from scenarios.experiment.journal import journal_of, noted
from scenarios.experiment.lab_trials import LabTrials, require_possible
from scenarios.experiment.play import Experiment, Result
from stack.spec.events import StackNoted
from stack.spec.names import DEFAULT_NAME

app = typer.Typer()

_DEFAULT: Final = Design()
#: The experiment without options is to end within five minutes, s.
_QUICK_S: Final = 285.0


@app.command()
def experiment(
    context: typer.Context,
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE.yaml]", help="A file that says what to compare; options win over it."),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=V1,V2",
            help="Values of a setting to compare, such as BATCH_SIZE=50,500. Repeatable.",
        ),
    ] = None,
    policy: Annotated[
        str | None,
        typer.Option(
            "--policy",
            metavar="P1,P2",
            help="write_behind, write_through, or both with a comma. (both)",
        ),
    ] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            "--fault",
            metavar="FAULT",
            help="What breaks in each trial, as for `load`, or none. Repeatable: each is a case of its own; "
            f"join those of one trial with +. ({_DEFAULT.faults[0]})",
        ),
    ] = None,
    trials: Annotated[
        int | None,
        typer.Option("--trials", help=f"Of each cell; fewer where they agree early. ({_DEFAULT.trials})"),
    ] = None,
    writes_per_second: Annotated[
        float | None,
        typer.Option(
            "--writes-per-second",
            metavar="RATE",
            help=f"The rate of writes; reads come on top. ({_DEFAULT.writes_per_second:g})",
        ),
    ] = None,
    duration: Annotated[
        float | None,
        typer.Option(
            "--duration", metavar="SECONDS", help=f"The load of each trial. ({_DEFAULT.duration:g})"
        ),
    ] = None,
    warm_up: Annotated[
        float | None,
        typer.Option(
            "--warm-up",
            metavar="SECONDS",
            help=f"Load before that, not counted. ({_DEFAULT.warm_up:g})",
        ),
    ] = None,
    time_limit: Annotated[
        float | None,
        typer.Option(
            "--time-limit",
            metavar="SECONDS",
            help=f"Begin no round of trials that would end later; 0: none. (0; without options {_QUICK_S:g})",
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", help=f"Decides the order of the trials. ({_DEFAULT.seed})")
    ] = None,
    name: LabName = None,
    runtime: Runtime = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Compare settings, policies and faults by many trials.

    Without options: windows of 500 and 50 ms, and write-through, under a crash of Redis.

    Each trial has a fresh lab, which is not the one that you use.
    It is taken down at the end.
    """
    given = {
        "settings": _settings(settings) if settings else None,
        "policies": tuple(_words(policy)) if policy is not None else None,
        "faults": tuple(fault) if fault else None,
        "trials": trials,
        "writes_per_second": writes_per_second,
        "duration": duration,
        "warm_up": warm_up,
        "time_limit": time_limit,
        "seed": seed,
    }
    changes: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    base = _DEFAULT if file is None else read_design(file)
    if file is None and not changes:
        base = replace(base, time_limit=_QUICK_S)
    design = replace(base, **changes).checked()
    require_possible(design)
    # Before anything is done: a mistake in it must not cost the experiment its exit code.
    keep = CliSettings.from_env().keep_runs
    call = invocation(context)
    lab = f"{name or call.name or DEFAULT_NAME}-experiment"
    session = open_session(context, name=lab, runtime=runtime, json=json, quiet=quiet)
    call.when_interrupted = "the experiment's lab is taken down; what it measured is in its journal"
    if not json:
        session.show(StackNoted(f"Trials use the {session.lab.kind} runtime ({session.lab.reason})."))
    with exclusively(session.lab.directory.parent):
        result = _run(session, design, call.early_end)
    Runs(session.lab.directory.parent).prune(keep)
    if json:
        session.answer({"runtime": session.lab.kind, **result.document()})
    session.renderer.close()
    raise typer.Exit(EXIT_CODES[result.outcome])


def _run(session: Session, design: Design, early_end: EarlyEnd) -> Result:
    """Run it, and take its lab down, however it ends."""
    found: list[Result] = []

    def work() -> Generator[Event, None, None]:
        with journal_of(session.lab, design, design.command) as (folder, note):
            trials = LabTrials(session.lab, design, folder)
            events = Experiment(design, trials, early_end=early_end).play()
            try:
                found.append((yield from noted(events, note)))
            finally:
                # Whoever interrupts a generator takes no more events from it.
                deque(trials.end(), maxlen=0)

    if session.json:
        with closing(work()) as silent:
            deque(silent, maxlen=0)
    else:
        session.follow(work())
    return found[0]


def _settings(words: list[str]) -> dict[str, tuple[str, ...]]:
    """KEY=V1,V2 words as values by setting."""
    assignments = parse_assignments(words, example="COALESCING_WINDOW_MS=500,50")
    return {name: tuple(_words(values)) for name, values in assignments.items()}


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",")]
