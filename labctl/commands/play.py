"""Runs scenarios for a command: starts the lab if needed, renders, records, and ends with the exit code."""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Final, cast

import typer

from labctl.cli.context import Invocation
from labctl.cli.session import Session
from labctl.cli.settings import CliSettings
from labctl.commands.lab import start_lab
from labctl.render.text.figures import duration
from labctl.render.text.sentences import OUTCOMES
from labctl.runs.record import SEVERITY, RunRecord
from labctl.runs.store import Runs
from scenarios.events import Event, Outcome, ScenarioFinished, StepStarted, TableShown
from scenarios.options import Options
from scenarios.runner import run_scenario
from scenarios.scenario import Scenario
from stack.spec.events import StackNoted
from stack.spec.runtime import Observed

EXIT_CODES: Final[dict[Outcome, int]] = {"expected": 0, "unexpected": 1, "inconclusive": 3}


def play(
    call: Invocation,
    session: Session,
    chosen: Sequence[tuple[Scenario, Options]],
    *,
    pause: Callable[[], None] | None = None,
) -> None:
    """Run scenarios one after the other.

    Args:
        chosen: The scenarios, each with its options.
        pause: Called after each step is announced, before it is done.

    Raises:
        Exit: always, with the exit code of the worst outcome.
        UsageError: `LABCTL_KEEP_RUNS` is neither a number nor a size.
    """
    # Before anything is done: a mistake in it must not cost a run its exit code.
    keep = CliSettings.from_env().keep_runs
    _make_ready(session, repair=any(scenario.repair for scenario, _ in chosen))
    call.when_interrupted = f"the lab is still up and works; take it down with {session.hint('down')}"
    finished: list[ScenarioFinished] = []
    for scenario, options in chosen:
        record = RunRecord()
        session.follow(_watched(run_scenario(session.lab, scenario, options, call.early_end), record, pause))
        Runs(session.lab.directory.parent).prune(keep)
        finished.append(record.finished)
    if len(finished) > 1:
        session.show(_summary(finished))
    # A JSON document is written only now: if that fails, the command must not look successful.
    session.renderer.close()
    worst = max((end.outcome for end in finished), key=SEVERITY.index)
    raise typer.Exit(EXIT_CODES[worst])


def _make_ready(session: Session, *, repair: bool) -> None:
    """Start a lab that is not running.

    Args:
        repair: Whether a lab that runs in part is repaired, too: the measurement may be about its fault.
    """
    if session.lab.running():
        return
    status = session.lab.status()
    if _is_beyond_repair(session, status):
        # The run says so itself, and ends as inconclusive.
        return
    if repair or not any(service.pid for service in status.values()):
        start_lab(session, {})
    else:
        unhealthy = (service for service in status.values() if service.state != "healthy")
        states = ", ".join(f"{service.service} is {service.state}" for service in unhealthy)
        text = f"Not everything is healthy: {states}. It is left so; {session.hint('up')} would repair it."
        session.show(StackNoted(text))


def _is_beyond_repair(session: Session, status: Mapping[str, Observed]) -> bool:
    """Whether everything runs, but the worker gets nothing done: starting a service would not help."""
    unhealthy = [service for service in status.values() if service.state != "healthy"]
    condition = session.lab.condition()
    stuck = condition is not None and bool(condition.workers) and bool(condition.trouble())
    return stuck and all((service.service, service.state) == ("worker", "unhealthy") for service in unhealthy)


def _summary(finished: Sequence[ScenarioFinished]) -> TableShown:
    rows = tuple((end.name, OUTCOMES[end.outcome], duration(end.seconds)) for end in finished)
    return TableShown("runs", "All of them", ("demo", "", "took"), rows)


def _watched(events: Iterator[Event], record: RunRecord, pause: Callable[[], None] | None) -> Iterator[Event]:
    # Scenarios are generators; typed as what they yield.
    with closing(cast("Generator[Event, None, None]", events)) as source:
        for event in source:
            record.on(event)
            yield event
            if pause is not None and isinstance(event, StepStarted):
                pause()
