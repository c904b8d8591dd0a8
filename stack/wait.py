"""The one wait: a condition, a deadline and a reason. Nothing else in the lab sleeps."""

import time
from collections.abc import Callable, Iterator

from stack.errors import DeadlinePassed


def wait_until(
    condition: Callable[[], bool],
    *,
    seconds: float,
    reason: str,
    hint: str,
    poll: float = 0.02,
) -> None:
    """Return as soon as `condition()` is true.

    Args:
        reason: What is waited for, so that "waiting until …" goes before it: "the row is in PostgreSQL".

    Raises:
        DeadlinePassed: the condition was not true after `seconds`.
    """
    for _ in waiting(condition, seconds=seconds, reason=reason, hint=hint, poll=poll):
        pass


def waiting(
    condition: Callable[[], bool],
    *,
    seconds: float,
    reason: str,
    hint: str,
    poll: float = 0.02,
) -> Iterator[float]:
    """Like `wait_until`, but yields the seconds waited so far before each pause, so that a caller
    can show progress.

    Raises:
        DeadlinePassed: the condition was not true after `seconds`.
    """
    start = time.monotonic()
    while not condition():
        waited = time.monotonic() - start
        if waited >= seconds:
            raise DeadlinePassed(f"timed out after {seconds:g} s waiting until {reason}", hint=hint)
        yield waited
        time.sleep(min(poll, max(0.0, seconds - waited)))  # noqa: TID251 - this is the one place
