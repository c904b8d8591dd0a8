"""Settings of the service and the worker: one dataclass, parsed once per process.

`from_env` and `to_env` stand side by side so that the stack, which writes the environment, and the
processes, which read it, cannot drift apart.
"""

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import lru_cache
from typing import Any, Final, Literal, get_args

from service.writebehind.errors import InvalidSettings

_log = logging.getLogger(__name__)

WritePolicy = Literal["write_behind", "write_through"]
OverflowPolicy = Literal["reject", "write_through"]

_TRUE: Final = frozenset({"1", "true", "yes", "on"})
_FALSE: Final = frozenset({"0", "false", "no", "off"})


def _live(default: Any, low: float = 0, high: float = 0) -> Any:
    """A setting that PATCH /admin/config may change while the lab runs, within [low, high]."""
    return field(default=default, metadata={"live": True, "low": low, "high": high})


def _fixed(default: Any, low: float = 0, high: float = 0) -> Any:
    """A setting that a process takes from its environment once."""
    return field(default=default, metadata={"live": False, "low": low, "high": high})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The environment variable of a field is its name in capitals."""

    #: Who answers a write: Redis, with PostgreSQL behind, or PostgreSQL at once.
    write_policy: WritePolicy = _live("write_behind")
    #: Replace a pending entry by a newer one of the same product; off: every write reaches PostgreSQL.
    write_coalescing_enabled: bool = _live(True)
    #: With coalescing on: how long a product's first pending write waits for more, in ms.
    coalescing_window_ms: int = _live(500, 0, 600_000)
    #: With coalescing off: how long a write waits for the next flush, in ms.
    flush_interval_ms: int = _live(1000, 0, 600_000)
    #: Rows in one SQL statement, at most.
    batch_size: int = _live(500, 1, 5_000)
    #: Attempts after the first, for a row whose write failed but was not refused.
    max_retries: int = _live(3, 0, 100)
    #: Wait before the first retry, in ms; it doubles with each, and is jittered.
    retry_delay_ms: int = _live(500, 1, 600_000)
    #: Let the worker fail rows on purpose, each with probability `failure_rate`.
    simulate_db_failure: bool = _live(False)
    #: 0..1
    failure_rate: float = _live(0.3, 0, 1)
    #: Pending entries that are held at most; beyond, `overflow_policy` decides.
    max_pending: int = _live(100_000, 1, 100_000_000)
    overflow_policy: OverflowPolicy = _live("reject")
    #: Life of a cache entry, in s.
    cache_ttl_seconds: int = _live(3600, 1, 31_536_000)
    redis_url: str = _fixed("redis://127.0.0.1:6379/0")
    database_url: str = _fixed("postgresql://labuser:labpass@127.0.0.1:5432/labdb")
    #: How long a worker's claim holds, in ms; a killed worker's rows come back after it.
    lease_ms: int = _fixed(2_000, 100, 600_000)
    #: Address and size of the API's server.
    api_host: str = _fixed("127.0.0.1")
    api_port: int = _fixed(8000, 1, 65_535)
    api_processes: int = _fixed(2, 1, 64)
    api_threads: int = _fixed(8, 1, 256)

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> "Settings":
        """Parse the environment.

        Raises:
            InvalidSettings: naming every variable that is malformed or out of range.
        """
        given = {f.name: env[f.name.upper()] for f in fields(cls) if env.get(f.name.upper())}
        return cls().changed(given, live_only=False)

    def to_env(self) -> dict[str, str]:
        """The environment that `from_env` reads back as these settings."""
        return {f.name.upper(): _render(getattr(self, f.name)) for f in fields(self)}

    def changed(self, given: Mapping[str, object], *, live_only: bool = True) -> "Settings":
        """These settings with some replaced; values may be strings, as in an environment, or typed.

        Raises:
            InvalidSettings: naming every setting that is unknown, malformed, out of range, or fixed
                while `live_only`.
        """
        known = {f.name: f for f in fields(self)}
        values: dict[str, Any] = {}
        problems: dict[str, str] = {}
        for name, value in given.items():
            if name not in known:
                problems[name] = "unknown setting"
            elif live_only and not known[name].metadata["live"]:
                problems[name] = "is fixed when the process starts"
            else:
                try:
                    values[name] = _parse(value, known[name].type, known[name].metadata)
                except ValueError as error:
                    problems[name] = str(error)
        if problems:
            raise InvalidSettings(problems)
        return replace(self, **values)

    def with_stored(self, stored: Mapping[bytes, bytes]) -> "Settings":
        """These settings with what was changed live, as Redis holds it. What this version does not know or
        can't read is left out: it must not stop the flushing."""
        settings = self
        for name, value in stored.items():
            try:
                settings = settings.changed({name.decode(): value.decode()})
            except (InvalidSettings, UnicodeDecodeError) as error:
                _warn_once(f"a live setting is ignored: {error}")
        return settings

    def live(self) -> dict[str, Any]:
        """Name and value of every setting that can be changed live."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.metadata["live"]}

    @property
    def flush_delay_ms(self) -> int:
        """How long the first write of a product waits before it is flushed, in ms."""
        return self.coalescing_window_ms if self.write_coalescing_enabled else self.flush_interval_ms


@lru_cache(maxsize=100)
def _warn_once(message: str) -> None:
    """Live settings are read many times a second."""
    _log.warning("%s", message)


def _render(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _parse(value: object, kind: Any, limits: Mapping[str, Any]) -> object:
    if kind is bool:
        return _parse_bool(value)
    if kind in (int, float):
        return _parse_number(value, kind, limits["low"], limits["high"])
    choices = get_args(kind)
    if choices and value not in choices:
        raise ValueError(f"must be one of {', '.join(choices)}, not {value!r}")
    if not isinstance(value, str):
        raise ValueError(f"must be a string, not {value!r}")  # noqa: TRY004 - told like the rest
    return value


def _parse_bool(value: object) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lower() in _TRUE | _FALSE:
        return value.strip().lower() in _TRUE
    raise ValueError(f"must be true or false, not {value!r}")


def _parse_number(value: object, kind: type[int] | type[float], low: float, high: float) -> int | float:
    noun = "a whole number" if kind is int else "a number"
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"must be {noun}, not {value!r}")  # noqa: TRY004 - told like the rest
    if kind is int and isinstance(value, float):
        raise ValueError(f"must be {noun}, not {value!r}")
    try:
        number = kind(value)
    except (ValueError, OverflowError):
        raise ValueError(f"must be {noun}, not {value!r}") from None
    if not low <= number <= high:
        raise ValueError(f"must be from {low:g} to {high:g}, not {number}")
    return number
