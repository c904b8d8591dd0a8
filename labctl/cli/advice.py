"""What a person can do about a lab that is not healthy."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any, Final

from service.writebehind.condition import Condition
from stack.spec.hints import labctl
from stack.spec.runtime import Observed

#: States of a worker, and what makes it flush again.
_WAY_OUT: Final = {
    "blocked": "It goes on by itself once that session commits, rolls back or ends.",
    "paused": f"It goes on by itself once PostgreSQL takes its writes: {labctl('logs worker')} says more.",
    "suspended": f"{labctl('exec redis -- redis-cli DEL rq:suspended')} lets it go on, as `rq resume` does.",
    "overdue": f"{labctl('worker restart')} may help; {labctl('logs worker')} says more.",
}


def advice(observed: Mapping[str, Observed], condition: Condition | None) -> Iterator[str]:
    """What is wrong and what to do about it, one sentence for each problem."""
    if all(seen.state == "missing" for seen in observed.values()):
        yield f"The lab is not running: start it with {labctl('up')}."
        return
    trouble = condition.trouble() if condition else ""
    if condition and trouble:
        waiting = f" ({condition.unwritten:,} in Redis alone)" if condition.unwritten else ""
        yield f"{trouble[0].upper()}{trouble[1:]}{waiting}. {_WAY_OUT.get(condition.worker(), '')}".strip()
    redis = observed.get("redis")
    full = redis is not None and redis.detail.startswith("is full")
    if full:
        yield (
            "Redis is full: the worker makes room by flushing, or give it more memory while it runs, with "
            f"{labctl('up --set REDIS_MAXMEMORY=1gb')}."
        )
    # These need more than starting a service.
    explained = {"worker"} if trouble and condition and condition.workers else set()
    explained |= {"redis", "api"} if full else set()
    ailing = [
        name
        for name, seen in observed.items()
        if seen.state != "healthy" and not _is_explained(seen, explained)
    ]
    if ailing:
        yield f"Not everything is healthy: {labctl('up')} repairs the lab."


def _is_explained(seen: Observed, explained: set[str]) -> bool:
    return seen.state == "unhealthy" and seen.service in explained


def flushing(condition: Condition | None) -> dict[str, Any] | None:
    """For JSON documents: whether what is due gets done; None where Redis does not answer."""
    if condition is None:
        return None
    workers = [
        {name: value for name, value in asdict(worker).items() if name != "settings"}
        for worker in condition.workers
    ]
    return {
        "trouble": condition.trouble(),
        "oldest_due_ms": condition.oldest_due_ms,
        "unwritten": condition.unwritten,
        "workers": workers,
    }
