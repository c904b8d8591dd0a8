"""Steps are numbered by the runner, and there are as many as the scenario says."""

import pytest

from scenarios.events import Event, Narrated, StepStarted
from scenarios.scenario import Conclusion, Play, Step
from scenarios.steps import numbered
from stack.errors import Inconclusive

END = Conclusion("expected", "as predicted")


def part() -> Play[None]:
    yield Step("Second", "two")


def play() -> Play[Conclusion]:
    yield Step("First", "one")
    yield Narrated("between")
    yield from part()
    return END


def run(playing: Play[Conclusion], total: int) -> tuple[list[Event], list[Conclusion]]:
    endings: list[Conclusion] = []

    def follow() -> Play[None]:
        endings.append((yield from numbered(playing, total)))

    return [event for event in follow() if not isinstance(event, Step)], endings


def test_steps_are_numbered_in_order_and_all_else_passes() -> None:
    events, endings = run(play(), 2)
    assert events == [StepStarted(1, "First", "one"), Narrated("between"), StepStarted(2, "Second", "two")]
    assert endings == [END]


@pytest.mark.parametrize(
    ("total", "message"),
    [(1, "declares 1 steps, and 'Second' is one more"), (3, "declares 3 steps and has 2")],
)
def test_a_wrong_number_of_steps_is_a_bug(total: int, message: str) -> None:
    with pytest.raises(RuntimeError, match=message):
        run(play(), total)


def test_a_measurement_that_could_not_be_made_may_end_before_the_last_step() -> None:
    def cut_short() -> Play[Conclusion]:
        yield Step("First", "one")
        raise Inconclusive("nothing to measure", hint="run it again")

    with pytest.raises(Inconclusive):
        run(cut_short(), 2)


def test_closing_it_closes_the_play() -> None:
    closed: list[bool] = []

    def guarded() -> Play[Conclusion]:
        try:
            yield from play()
        finally:
            closed.append(True)
        return END

    playing = numbered(guarded(), 2)
    next(playing)
    playing.close()
    assert closed == [True]
