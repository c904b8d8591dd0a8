"""The journal of an experiment: what happened, in the same form as that of a run. Each trial has its own."""

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final, TypeVar

from scenarios.events import Event
from scenarios.experiment.design import Design
from scenarios.journal import files
from scenarios.journal.environment import environment_of_experiment
from scenarios.journal.writer import JournalWriter
from scenarios.judge.ledger import Ledger
from stack.lab import Lab
from stack.spec.events import Advanced

T = TypeVar("T")

#: The scenario in the journals of experiments.
NAME: Final = "experiment"


@contextmanager
def journal_of(lab: Lab, design: Design, command: str) -> Iterator[tuple[Path, Callable[[Event], None]]]:
    """Write the journal of an experiment while the body runs.

    Args:
        lab: The lab of the trials.
        command: What a person types after `labctl`.

    Yields:
        The folder for the trials' journals, and what takes each event of the experiment.
    """
    folder = lab.directory.parent / files.FOLDER
    writer = JournalWriter(Ledger(), time.monotonic())

    def note(event: Event) -> None:
        # Progress is only for the screen.
        if not isinstance(event, Advanced):
            writer.note_event(event)

    run = writer.start_in(
        folder, NAME, lambda run: environment_of_experiment(run, NAME, command, design.options(), lab)
    )
    try:
        yield folder / run, note
    finally:
        writer.close()


def noted(events: Generator[Event, None, T], note: Callable[[Event], None]) -> Generator[Event, None, T]:
    """The same events, each noted first. Closing it closes them."""
    with closing(events):
        try:
            while True:
                event = next(events)
                note(event)
                yield event
        except StopIteration as end:
            result: T = end.value
            return result
