"""Whether what is due gets done, as labctl sees it: asked of Redis itself, API or no API."""

from importlib.resources import files

from service.writebehind.condition import KEYS, Condition, read_condition
from service.writebehind.settings import Settings
from stack.redis_wire import answer_to
from stack.spec.service import HealthCheck


def condition(redis: HealthCheck) -> Condition:
    """The workers, and what waits for them.

    Raises:
        OSError: Redis does not answer.
        ValueError: it answers something else.
    """
    script = (files("service.writebehind") / "lua" / "condition.lua").read_bytes()
    return read_condition(answer_to(redis, "EVAL", script, len(KEYS), *KEYS), Settings())
