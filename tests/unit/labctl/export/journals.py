"""Journals for the export."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from scenarios.events import Event, VerdictReached
from scenarios.journal.reader import Journal, open_journal
from scenarios.judge.final_read import Findings
from scenarios.judge.history import History
from scenarios.judge.verdict import judge
from tests.journals import ENVIRONMENT, write_journal


def journal_of(folder: Path, events: Sequence[Event], **environment: Any) -> Journal:
    """The journal of a run with these events, and without writes.

    Args:
        environment: What is not that of `demo data-loss` on the lab lab42.
    """
    folder.mkdir(parents=True, exist_ok=True)
    given = msgspec.structs.replace(ENVIRONMENT, **environment)
    history, found = History(writes=()), Findings()
    path = write_journal(folder, history, found, events=events, environment=given)
    return open_journal(path)


def nothing_lost() -> VerdictReached:
    """The verdict of such a run."""
    return VerdictReached(judge(History(writes=()), Findings()))
