"""What only Redis holds, acknowledged writes above all: it is lost if Redis is taken away now."""

from contextlib import suppress
from typing import Final

from service.writebehind import keys
from stack.converge.executor import CancelToken
from stack.converge.readiness import POLL_SECONDS
from stack.errors import DeadlinePassed, EnvironmentFault
from stack.redis_wire import ask
from stack.spec.events import StackEvents, StackNoted
from stack.spec.hints import labctl
from stack.spec.runtime import Runtime
from stack.spec.service import HealthCheck
from stack.wait import wait_until

#: s that a running worker gets to bring them to PostgreSQL.
_DRAIN_SECONDS: Final = 10.0


def unwritten(redis: HealthCheck) -> int | None:
    """How many products and older entries wait: 0 if no Redis runs, None if one runs and does not answer."""
    try:
        held = ask(redis, ("HLEN", keys.PENDING), ("ZCARD", keys.BACKLOG))
    except ConnectionRefusedError:
        return 0
    except (OSError, ValueError):
        return None
    return sum(number for number in held if isinstance(number, int))


def told(redis: HealthCheck, *, lost: bool) -> StackEvents:
    """Say how many there are, if any: before they are lost with Redis, or that they wait there."""
    count = unwritten(redis)
    if count is None or count:
        yield StackNoted(sentence(count, lost=lost))


def sentence(count: int | None, *, lost: bool) -> str:
    """What becomes of so many acknowledged writes; None: their number is unknown."""
    if count is None:
        fate = "is lost with it" if lost else "waits for a worker"
        return f"Redis does not answer: whatever it alone holds {fate}."
    one = count == 1
    fate = (
        ("goes with it" if one else "go with it") if lost else ("waits" if one else "wait") + " for a worker"
    )
    return f"{count:,} acknowledged {'write is' if one else 'writes are'} in Redis alone, and {fate}."


def drain(redis: HealthCheck, runtime: Runtime, token: CancelToken, *, best_effort: bool) -> None:
    """Wait while the lab's worker brings them to PostgreSQL.

    Args:
        redis: Where Redis is asked.
        runtime: What runs the worker.
        token: Told what is left, with `best_effort`.
        best_effort: Whether what is left may be lost.

    Raises:
        EnvironmentFault: something is left that may not be lost.
    """

    def over() -> bool:
        token.raise_if_cancelled()
        if unwritten(redis) == 0:
            return True
        worker = runtime.observe_service("worker")
        return worker is None or worker.state != "running"

    with suppress(DeadlinePassed):
        wait_until(
            over,
            seconds=_DRAIN_SECONDS,
            reason="everything acknowledged is in PostgreSQL",
            hint="",
            poll=POLL_SECONDS[runtime.kind],
        )
    left = unwritten(redis)
    if left is None and not best_effort:
        raise EnvironmentFault(
            "redis has to be started anew, and does not say what would be lost with it",
            hint=f"see {labctl('status')} and {labctl('logs redis')}; {labctl('fault kill redis')} gives up "
            "what it holds",
        )
    if left and not best_effort:
        raise EnvironmentFault(
            f"redis has to be started anew, and would lose {left} acknowledged writes",
            hint=f"let the worker write them ({labctl('worker start')}, {labctl('logs worker')}), or "
            f"give them up with {labctl('fault flushall')}; then try again",
        )
    if left is None or left:
        token.report(StackNoted(sentence(left, lost=True)))
