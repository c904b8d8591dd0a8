"""What a reader knows of a journal after a pass through it."""

from collections import deque
from pathlib import Path

import pytest

from scenarios.journal.lines import WriteLine
from scenarios.journal.reader import Journal
from scenarios.judge.history import History
from tests.journals import FINISHED, journal_of, write_journal


class Counted(Journal):
    """Counts the passes."""

    passes = 0

    def _raw(self):  # type: ignore[no-untyped-def]
        self.passes += 1
        return super()._raw()


@pytest.mark.parametrize("close", [True, False])
def test_its_state_takes_one_pass(tmp_path: Path, close: bool) -> None:
    path = write_journal(tmp_path, History(), None, events=[FINISHED], close=close)
    journal = Counted(path)
    states = {journal.state for _ in range(3)}
    assert states == {"complete" if close else "cut off"}
    # One more was for its first line.
    assert journal.passes == 2


def test_a_pass_that_was_left_does_not_change_its_state(tmp_path: Path) -> None:
    journal = journal_of(tmp_path, History(), None, events=[FINISHED])
    deque(journal.lines(), maxlen=0)
    next(journal.lines())
    assert journal.state == "complete"


@pytest.mark.parametrize(("due", "begun"), [(None, 2.0), (1.0, 1.0), (3.0, 2.0)])
def test_a_latency_begins_when_the_write_was_due(due: float | None, begun: float) -> None:
    line = WriteLine(operation="create", answer="refused", sent=2.0, finished=4.0, due=due)
    assert line.begun == begun
