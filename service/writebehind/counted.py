"""What was counted on the write path, read at one moment."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from service.writebehind import keys
from service.writebehind.scripts.runner import Scripts, map_redis_errors
from service.writebehind.totals import Totals, parse_totals


@dataclass(frozen=True, slots=True)
class Counted:
    """The totals, and what the workers say of themselves."""

    #: When Redis' memory began, in µs of its TIME; 0 if no script has recorded it yet.
    epoch: int
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
        pipe.get(keys.CLOCK)
        pipe.hgetall(keys.WORKERS)
        totals, clock, workers = (_or_nothing(reply) for reply in pipe.execute(raise_on_error=False))
    parsed = keys.parse_clock(clock or None)
    done = (_done(name, document) for name, document in (workers or {}).items())
    return Counted(parsed.epoch if parsed else 0, parse_totals(totals or {}), dict(filter(None, done)))


def _or_nothing(reply: Any) -> Any:
    """A key of the wrong type is answered with an error."""
    return None if isinstance(reply, Exception) else reply


def _done(name: bytes, document: bytes) -> tuple[str, dict[str, int]] | None:
    try:
        worker = msgspec.json.decode(document, type=_Worker)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return f"{name.decode(errors='replace')} since {worker.started_at}", worker.done
