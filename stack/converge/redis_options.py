"""Options of a running Redis, changed without starting it anew."""

from contextlib import suppress

from stack.errors import EnvironmentFault
from stack.redis_wire import answer_to
from stack.spec.hints import labctl
from stack.spec.service import HealthCheck, ServiceSpec


def read(redis: HealthCheck) -> dict[str, str]:
    """The options that `tune` may change, as Redis has them; empty if it does not answer."""
    with suppress(OSError, ValueError):
        answer = answer_to(redis, "CONFIG", "GET", "maxmemory")
        words = [word.decode() for word in answer if isinstance(word, bytes)]
        return dict(zip(words[::2], words[1::2], strict=True))
    return {}


def tune(spec: ServiceSpec) -> str:
    """Give a Redis that runs the options that it should have; what that changed, for a person.

    Raises:
        EnvironmentFault: it does not answer, or refuses.
    """
    changed = []
    try:
        for name, value in spec.tuned:
            before = answer_to(spec.health, "CONFIG", "GET", name)
            answer_to(spec.health, "CONFIG", "SET", name, value)
            if answer_to(spec.health, "CONFIG", "GET", name) != before:
                changed.append(f"{name} is {value} now")
    except (OSError, ValueError) as error:
        raise EnvironmentFault(
            f"redis can't be given its settings: {error}",
            hint=f"look at {labctl('status')} and {labctl('logs redis')}",
        ) from error
    return ", ".join(changed)
