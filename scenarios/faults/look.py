"""Looks at the target of a fault. It asks the lab itself, over connections of its own: what injects a fault
must not be what proves it."""

import re
import time
from collections.abc import Sequence
from typing import Any, Final

from scenarios.faults.action import SIMULATE, Target
from scenarios.faults.sight import Memory, Process, Sight
from service.writebehind import keys
from stack.errors import NotRunning
from stack.lab import Lab
from stack.redis_wire import ANSWER_SECONDS, Refused, Word, ask
from stack.spec.hints import labctl
from stack.spec.service import HealthCheck

#: The oldest entry is looked for among the head of the queue and this many that are claimed or retried.
_LOOKED_AT: Final = 5_000
_QUEUED_AT: Final = re.compile(rb'"queued_at":(\d{1,16})')


def look(lab: Lab, target: Target, *, seconds: float = ANSWER_SECONDS) -> Sight:
    """What the target is like now.

    Args:
        seconds: How long a client waits for its answer.

    Raises:
        LabError: it can't be seen.
    """
    if target == "failures":
        return _failures(lab)
    seen, reached = lab.observe(target), lab.reach(target, seconds=seconds)
    # The memory last, close to what will be done: it changes fastest.
    at = time.monotonic()
    return Sight(
        at=at,
        state=seen.state,
        process=None if seen.pid is None else Process(seen.pid, seen.started_at),
        reach=reached,
        memory=_memory(lab.redis, seconds) if target == "redis" else None,
    )


def _failures(lab: Lab) -> Sight:
    at = time.monotonic()
    try:
        setting, totals = _answers(
            lab.redis,
            ("HGET", keys.CONFIG, SIMULATE),
            ("HMGET", keys.TOTALS, "retried", "dead_lettered"),
            seconds=ANSWER_SECONDS,
        )
    except (OSError, ValueError) as error:
        raise NotRunning(
            f"Redis does not tell whether failures are on: {error}", hint=f"see {labctl('status')}"
        ) from error
    failed = sum(_number(total) for total in totals) if isinstance(totals, list) else 0
    return Sight(at=at, failing=setting == b"true", failed=failed)


def _memory(redis: HealthCheck, seconds: float) -> Memory | None:
    """None if Redis does not answer, or refuses to: what it does not tell is not an empty memory."""
    try:
        size, clock, pending, backlog, first, claimed, retried, now = _answers(
            redis,
            ("DBSIZE",),
            ("GET", keys.CLOCK),
            ("HLEN", keys.PENDING),
            ("ZCARD", keys.BACKLOG),
            ("LINDEX", keys.QUEUE, 0),
            ("ZRANGE", keys.INFLIGHT, 0, _LOOKED_AT),
            ("ZRANGE", keys.RETRY, 0, _LOOKED_AT),
            ("TIME",),
            seconds=seconds,
        )
        oldest = _oldest(redis, [first, *_list(claimed), *_list(retried)], seconds)
    except (OSError, ValueError):
        return None
    lab_clock = keys.parse_clock(clock if isinstance(clock, bytes) else None)
    age_s = 0.0
    if oldest is not None and lab_clock is not None and isinstance(now, list):
        wall = _number(now[0]) * 1_000_000 + _number(now[1])
        age_s = max(0, lab_clock.moment + wall - lab_clock.wall - oldest) / 1_000_000
    return Memory(
        epoch=lab_clock.epoch if lab_clock else None,
        keys=_number(size),
        unwritten=_number(pending) + _number(backlog),
        oldest_age_s=age_s,
    )


def _oldest(redis: HealthCheck, ids: list[Any], seconds: float) -> int | None:
    """When the oldest of these products' entries was first written, µs of lab time; None if none waits."""
    known = [each for each in ids if isinstance(each, bytes)]
    if not known:
        return None
    (entries,) = _answers(redis, ("HMGET", keys.PENDING, *known), seconds=seconds)
    matches = [_QUEUED_AT.search(entry) for entry in _list(entries) if isinstance(entry, bytes)]
    return min((int(match[1]) for match in matches if match), default=None)


def _answers(redis: HealthCheck, *commands: Sequence[Word], seconds: float) -> list[Any]:
    """What Redis answers to each command.

    Raises:
        OSError: it does not answer.
        ValueError: it refuses a command (BUSY, NOAUTH, …), or what answers is not Redis.
    """
    answers = ask(redis, *commands, seconds=seconds)
    for answer in answers:
        if isinstance(answer, Refused):
            raise answer
    return answers


def _list(answer: Any) -> list[Any]:
    return answer if isinstance(answer, list) else []


def _number(answer: Any) -> int:
    """What Redis counts; 0 for junk."""
    try:
        return int(answer or 0)
    except (TypeError, ValueError):
        return 0
