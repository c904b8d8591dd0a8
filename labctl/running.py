"""Running scenarios for a command: start the lab if need be, render, record, judge."""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any, Final, cast

import typer

from labctl.commands.lab import start_lab
from labctl.context import Invocation
from labctl.record import SEVERITY, RunRecord
from labctl.runs import Runs
from labctl.session import Session
from scenarios.events import Event, Outcome, StepStarted
from stack.errors import StateUnusable
from stack.events import StackNoted

EXIT_CODES: Final[dict[Outcome, int]] = {"expected": 0, "unexpected": 1, "inconclusive": 3}


def play(
    call: Invocation,
    session: Session,
    names: Sequence[str],
    options: Mapping[str, Any],
    *,
    pause: Callable[[], None] | None = None,
) -> None:
    """Run the scenarios one after the other and end with the exit code of the worst.

    Args:
        pause: Called after each step is announced, before it is done.
    """
    from scenarios.runner import choose, run

    for name in names:
        choose(name, options)
    if not session.stack.running():
        start_lab(session, {})
    call.when_interrupted = f"the lab is still up and works; take it down with {session.hint('down')}"
    outcomes: list[Outcome] = []
    for name in names:
        record = RunRecord()
        session.follow(_watched(run(session.stack, name, options), record, pause))
        _keep(session, record)
        outcomes.append(record.outcome)
    # A JSON document is written now: that it can't be must not pass for success.
    session.renderer.close()
    raise typer.Exit(EXIT_CODES[max(outcomes, key=SEVERITY.index)])


def _keep(session: Session, record: RunRecord) -> None:
    """Record the run. That it can't be recorded does not change what was measured."""
    try:
        Runs(session.stack.directory).save(record.document)
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
