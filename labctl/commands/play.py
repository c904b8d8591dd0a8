"""Runs scenarios for a command: starts the lab if needed, renders, records, and ends with the exit code."""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any, Final, cast

import typer

from labctl.cli.context import Invocation
from labctl.cli.session import Session
from labctl.commands.lab import start_lab
from labctl.render.text.figures import duration
from labctl.render.text.sentences import OUTCOMES
from labctl.runs.record import SEVERITY, RunRecord
from labctl.runs.store import Runs
from scenarios.events import Event, Outcome, ScenarioFinished, StepStarted, TableShown
from scenarios.runner import choose, run_scenario
from stack.errors import StateUnusable
from stack.spec.events import StackNoted
from stack.spec.runtime import Observed

EXIT_CODES: Final[dict[Outcome, int]] = {"expected": 0, "unexpected": 1, "inconclusive": 3}


def play(
    call: Invocation,
    session: Session,
    names: Sequence[str],
    options: Mapping[str, Any],
    *,
    pause: Callable[[], None] | None = None,
    repair: bool = True,
) -> None:
    """Run the scenarios one after the other and end with the exit code of the worst.

    Args:
        pause: Called after each step is announced, before it is done.
        repair: Whether a lab that runs in part is made whole first; one that does not run is always started.
    """

    for name in names:
        choose(name, options)
    _make_ready(session, repair=repair)
    call.when_interrupted = f"the lab is still up and works; take it down with {session.hint('down')}"
    finished: list[ScenarioFinished] = []
    for name in names:
        record = RunRecord()
        session.follow(_watched(run_scenario(session.lab, name, options), record, pause))
        _keep(session, record)
        finished.append(record.finished)
    if len(finished) > 1:
        session.show(_summary(finished))
    # The JSON document is written here, so that a failure to write it is not taken for success.
    session.renderer.close()
    worst = max((end.outcome for end in finished), key=SEVERITY.index)
    raise typer.Exit(EXIT_CODES[worst])


def _make_ready(session: Session, *, repair: bool) -> None:
    """Start or repair the lab, unless the measurement is about a fault that somebody made on purpose."""
    if session.lab.running():
        return
    status = session.lab.status()
    if _is_beyond_repair(session, status):
        # The run says so itself, and that nothing can be concluded.
        return
    if repair or not any(seen.pid for seen in status.values()):
        start_lab(session, {})
    else:
        ailing = (seen for seen in status.values() if seen.state != "healthy")
        states = ", ".join(f"{seen.service} is {seen.state}" for seen in ailing)
        text = f"Not everything is healthy: {states}. It stays so; {session.hint('up')} would repair it."
        session.show(StackNoted(text))


def _is_beyond_repair(session: Session, status: Mapping[str, Observed]) -> bool:
    """Whether everything runs and only the worker makes no progress, so that starting services would not
    help."""
    ailing = [seen for seen in status.values() if seen.state != "healthy"]
    condition = session.lab.condition()
    stuck = condition is not None and bool(condition.workers) and bool(condition.trouble())
    return stuck and all((seen.service, seen.state) == ("worker", "unhealthy") for seen in ailing)


def _summary(finished: Sequence[ScenarioFinished]) -> TableShown:
    rows = tuple((end.name, OUTCOMES[end.outcome], duration(end.seconds)) for end in finished)
    return TableShown("runs", "All of them", ("demo", "", "took"), rows)


def _keep(session: Session, record: RunRecord) -> None:
    """Record the run. A failure to do so does not change what was measured."""
    try:
        Runs(session.lab.directory).save(record.document)
    except StateUnusable as error:
        session.show(StackNoted(f"{error.message}; {error.hint}"))


def _watched(events: Iterator[Event], record: RunRecord, pause: Callable[[], None] | None) -> Iterator[Event]:
    # Scenarios are generators; typed as what they yield.
    with closing(cast("Generator[Event, None, None]", events)) as source:
        for event in source:
            record.on(event)
            yield event
            if pause is not None and isinstance(event, StepStarted):
                pause()
