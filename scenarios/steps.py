"""Numbers the steps of a play."""

from collections.abc import Generator
from contextlib import closing

from scenarios.events import Event, StepStarted
from scenarios.scenario import Conclusion, Play, Step


def numbered(play: Play[Conclusion], total: int) -> Generator[Event, None, Conclusion]:
    """The play, each `Step` replaced by a `StepStarted` with its number.

    Args:
        total: How many steps the scenario declares. An audience is told "step 2 of 6" before the play has
            got that far, so the number must be right.

    Raises:
        RuntimeError: the play has more or fewer steps than its scenario declares.
    """
    number = 0
    with closing(play):
        while True:
            try:
                event = next(play)
            except StopIteration as end:
                if number != total:
                    raise RuntimeError(f"the scenario declares {total} steps and has {number}") from None
                conclusion: Conclusion = end.value
                return conclusion
            if not isinstance(event, Step):
                yield event
            elif number == total:
                raise RuntimeError(f"the scenario declares {total} steps, and {event.title!r} is one more")
            else:
                number += 1
                yield StepStarted(number, event.title, event.command)
