"""Whether what is due gets done, as labctl sees it: asked of Redis itself, API or no API."""

from service.writebehind.condition import Condition, read_condition
from service.writebehind.scripts.observing import ConditionFacts, condition_command
from service.writebehind.settings import Settings
from stack.redis_wire import answer_to
from stack.spec.service import HealthCheck


def condition(redis: HealthCheck) -> Condition:
    """The workers, and what waits for them.

    Raises:
        OSError: Redis does not answer.
        ValueError: it answers something else.
    """
    return read_condition(ConditionFacts.parse(answer_to(redis, *condition_command())), Settings())
