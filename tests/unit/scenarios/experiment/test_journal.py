"""What an experiment tells is noted on its way, and whoever stops listening ends it."""

from collections.abc import Generator

import pytest

from scenarios.events import Event, Narrated
from scenarios.experiment.journal import noted


def test_events_are_noted_and_the_result_comes_through() -> None:
    def story() -> Generator[Event, None, int]:
        yield Narrated("one")
        yield Narrated("two")
        return 3

    notes: list[Event] = []
    telling = noted(story(), notes.append)
    assert [next(telling), next(telling)] == notes == [Narrated("one"), Narrated("two")]
    with pytest.raises(StopIteration) as end:
        next(telling)
    assert end.value.value == 3


def test_closing_it_closes_its_source() -> None:
    closed: list[bool] = []

    def story() -> Generator[Event, None, None]:
        try:
            yield Narrated("one")
            yield Narrated("two")
        finally:
            closed.append(True)

    source = story()
    telling = noted(source, lambda event: None)
    next(telling)
    telling.close()
    # `source` still refers to it, so it was closed, and not merely collected.
    assert closed == [True]
    assert next(source, None) is None
