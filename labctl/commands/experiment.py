"""experiment: the same load in several settings, many times over."""

from collections import deque
from collections.abc import Generator
from contextlib import closing
from typing import Annotated

import typer

from labctl.cli.assignments import parse_assignments
from labctl.cli.context import invocation
from labctl.cli.options import Json, LabName, Quiet, Runtime
from labctl.cli.session import Session, open_session
from labctl.commands.play import EXIT_CODES
from scenarios.events import Event
from scenarios.experiment.design import Design
from scenarios.experiment.event_figures import recorded
from scenarios.experiment.exclusive import exclusively
from scenarios.experiment.lab_trials import LabTrials
from scenarios.experiment.play import Experiment, Result
from stack.spec.names import DEFAULT_NAME

app = typer.Typer()

_DEFAULT = Design()


@app.command()
def experiment(
    context: typer.Context,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=V1,V2",
            help="Values of a setting to compare, by comma. Repeatable. [COALESCING_WINDOW_MS=500,50]",
            show_default=False,
        ),
    ] = None,
    policy: Annotated[
        str,
        typer.Option("--policy", metavar="P1,P2", help="The write policies to compare."),
    ] = ",".join(_DEFAULT.policies),
    fault: Annotated[
        list[str] | None,
        typer.Option(
            "--fault",
            metavar="FAULT",
            help="What breaks in each trial, as `load --fault` takes it, or `none`. Repeatable: all are "
            "compared; join those of one trial with +. [redis:kill@4s:start@5s]",
            show_default=False,
        ),
    ] = None,
    trials: Annotated[
        int, typer.Option("--trials", help="Of each cell; fewer where they agree early.")
    ] = _DEFAULT.trials,
    writes_per_second: Annotated[
        float, typer.Option("--writes-per-second", help="The rate of writes; reads come on top.")
    ] = _DEFAULT.writes_per_second,
    duration: Annotated[
        float, typer.Option("--duration", metavar="SECONDS", help="The load of each trial.")
    ] = _DEFAULT.duration,
    warm_up: Annotated[
        float, typer.Option("--warm-up", metavar="SECONDS", help="The load before it that does not count.")
    ] = _DEFAULT.warm_up,
    seed: Annotated[int, typer.Option("--seed", help="Decides the order of the trials.")] = _DEFAULT.seed,
    name: LabName = None,
    runtime: Runtime = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Compare settings, policies and faults by many trials.

    Without options: what a crash of Redis loses at 500 writes a second with a window of 500 or 50 ms, and
    what write-through costs.

    Each trial has a fresh lab of its own, which is taken down at the end. A lab that runs is left alone.
    """
    design = Design(
        settings=_settings(settings) if settings else _DEFAULT.settings,
        policies=tuple(_words(policy)),  # type: ignore[arg-type]  # checked with the rest
        faults=tuple(fault or _DEFAULT.faults),
        trials=trials,
        writes_per_second=writes_per_second,
        duration=duration,
        warm_up=warm_up,
        seed=seed,
    ).checked()
    call = invocation(context)
    base = name or call.name or DEFAULT_NAME
    session = open_session(context, name=f"{base}-experiment", runtime=runtime, json=json, quiet=quiet)
    call.when_interrupted = "the experiment's lab is taken down"
    with exclusively(session.lab.directory.parent):
        result = _run(session, design)
    if json:
        session.answer(result.document())
    session.renderer.close()
    raise typer.Exit(EXIT_CODES[result.outcome])


def _run(session: Session, design: Design) -> Result:
    """Run it, and take its lab down, however it ends."""
    trials = LabTrials(session.lab, design, recorded)
    found: list[Result] = []

    def work() -> Generator[Event, None, None]:
        try:
            found.append((yield from Experiment(design, trials).play()))
        finally:
            # Whoever interrupts a generator takes no more events from it.
            deque(trials.end(), maxlen=0)

    if session.json:
        with closing(work()) as events:
            deque(events, maxlen=0)
    else:
        session.follow(work())
    return found[0]


def _settings(words: list[str]) -> dict[str, tuple[str, ...]]:
    """KEY=V1,V2 words as values by setting."""
    assignments = parse_assignments(words, example="COALESCING_WINDOW_MS=500,50")
    return {name: tuple(_words(values)) for name, values in assignments.items()}


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",")]
