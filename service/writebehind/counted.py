"""What was counted on the write path, read at one moment."""

import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import redis

from service.writebehind import keys
from service.writebehind.scripts.runner import Scripts, map_redis_errors
from service.writebehind.totals import Totals, parse_totals

#: The name of the memory stands beside the totals, so it goes with them.
_MEMORY: Final = b"memory"


@dataclass(frozen=True, slots=True)
class Counted:
    """The totals, and what the workers say of themselves."""

    #: Identifies what the totals are counted in: another one after they were lost. 0 if it can't be recorded.
    memory: int
    totals: Totals
    #: What each worker has done since it started, by total. No two workers ever share a name.
    done: Mapping[str, Mapping[str, int]]


class _Worker(msgspec.Struct):
    """A part of a worker's state (see `keys.WORKERS`)."""

    started_at: float
    done: dict[str, int] = {}


def read_counted(scripts: Scripts) -> Counted:
    """Ask Redis for all of it in one step. Junk counts as nothing.

    Raises:
        CacheUnavailable: Redis does not answer.
    """
    with map_redis_errors(), scripts.client.pipeline(transaction=True) as pipe:
        pipe.hgetall(keys.TOTALS)
        pipe.hgetall(keys.WORKERS)
        totals, workers = (_or_nothing(reply) or {} for reply in pipe.execute(raise_on_error=False))
    done = (_done(name, document) for name, document in workers.items())
    memory = totals.get(_MEMORY) or _begin_memory(scripts)
    return Counted(int(memory) if memory.isdigit() else 0, parse_totals(totals), dict(filter(None, done)))


def _begin_memory(scripts: Scripts) -> bytes:
    """Name the memory that the totals are counted in; b"" if Redis takes no writes."""
    name = str(secrets.randbits(48) + 1).encode()
    # Redis may be full, or hold another type there.
    with map_redis_errors(), suppress(redis.ResponseError):
        if scripts.client.hsetnx(keys.TOTALS, _MEMORY.decode(), name):
            return name
    return b""


def _or_nothing(reply: Any) -> Any:
    """A key of the wrong type is answered with an error."""
    return None if isinstance(reply, Exception) else reply


def _done(name: bytes, document: bytes) -> tuple[str, dict[str, int]] | None:
    try:
        worker = msgspec.json.decode(document, type=_Worker)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return f"{name.decode(errors='replace')} since {worker.started_at}", worker.done
