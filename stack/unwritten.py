"""Acknowledged writes that are in Redis alone: what is lost if Redis is taken away now."""

from collections.abc import Callable
from contextlib import suppress
from typing import Final

from service.writebehind import keys
from stack.errors import DeadlinePassed
from stack.redis_wire import ask
from stack.spec import HealthCheck
from stack.wait import wait_until

#: s that a running worker gets to bring them to PostgreSQL.
_DRAIN_SECONDS: Final = 10.0


def unwritten(redis: HealthCheck) -> int:
    """How many products and older entries wait; 0 where Redis does not answer, so that nobody knows."""
    with suppress(OSError, ValueError):
        held = ask(redis, ("HLEN", keys.PENDING), ("ZCARD", keys.BACKLOG))
        return sum(number for number in held if isinstance(number, int))
    return 0


def drain(redis: HealthCheck, *, worker_runs: Callable[[], bool]) -> int:
    """Wait while a worker brings them to PostgreSQL; how many are left."""
    with suppress(DeadlinePassed):
        wait_until(
            lambda: unwritten(redis) == 0 or not worker_runs(),
            seconds=_DRAIN_SECONDS,
            reason="everything acknowledged is in PostgreSQL",
            hint="",
        )
    return unwritten(redis)
