"""Journals for the export, written as a run writes them."""

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from scenarios.events import Event
from scenarios.journal.lines import Environment
from scenarios.journal.reader import Journal, open_journal
from scenarios.journal.writer import JournalWriter
from scenarios.judge.ledger import Ledger

_RUN = "20260131T180000Z-data-loss"


def journal_of(folder: Path, events: Iterable[Event], **environment: Any) -> Journal:
    """The journal of a run with these events.

    Args:
        environment: What is not that of `demo data-loss` on the lab lab42.
    """
    folder.mkdir(parents=True, exist_ok=True)
    given = {
        "run": _RUN,
        "command": "demo data-loss",
        "scenario": "data-loss",
        "lab": "lab42",
        "runtime": "local",
        "started_at": "2026-01-31T18:00:00.000+00:00",
        **environment,
    }
    writer = JournalWriter(folder / f"{_RUN}.jsonl", Ledger(), time.monotonic())
    writer.start(Environment(**given))
    for event in events:
        writer.note_event(event)
    writer.close()
    return open_journal(folder / f"{_RUN}.jsonl.gz")
