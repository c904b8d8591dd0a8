"""Settings of the service and the worker: declared once, parsed once per process.

The fields of `LiveSettings` and `Settings` are the only place that names a setting, its default, range and
meaning. `from_env`, `PATCH /admin/config`, `labctl config`, the README's table and the OpenAPI document are
derived from them.
"""

import logging
import os
from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from service.writebehind.errors import InvalidSettings
from service.writebehind.setting import NOT_A_SETTING, Setting, render, settings_of

_log = logging.getLogger(__name__)

WritePolicy = Literal["write_behind", "write_through"]
OverflowPolicy = Literal["reject", "write_through"]
LabRuntime = Literal["local", "docker"]
LogFormat = Literal["human", "json"]


class LiveSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What PATCH /admin/config can change while the lab runs, for every process at once."""

    write_policy: Annotated[
        WritePolicy,
        Meta(
            description="What acknowledges a write: Redis, with PostgreSQL behind it, or PostgreSQL itself."
        ),
    ] = "write_behind"
    write_coalescing_enabled: Annotated[
        bool,
        Meta(
            description="Whether a newer write replaces a pending one of the same product. "
            "If not, every write reaches PostgreSQL."
        ),
    ] = True
    coalescing_window_ms: Annotated[
        int,
        Meta(
            ge=0,
            le=600_000,
            description="With coalescing: how long a product's first pending write waits for more, in ms.",
        ),
    ] = 500
    flush_interval_ms: Annotated[
        int,
        Meta(
            ge=0,
            le=600_000,
            description="Without coalescing: how long a write waits for the next flush, in ms.",
        ),
    ] = 1000
    batch_size: Annotated[
        int, Meta(ge=1, le=5_000, description="The largest number of rows in one SQL statement.")
    ] = 500
    max_retries: Annotated[
        int,
        Meta(
            ge=0,
            le=100,
            description="How often a failed row is tried again before it becomes a dead letter.",
        ),
    ] = 3
    retry_delay_ms: Annotated[
        int,
        Meta(
            ge=1,
            le=600_000,
            description="The wait before the first retry, in ms. It doubles with each retry, with jitter.",
        ),
    ] = 500
    simulate_db_failure: Annotated[
        bool, Meta(description="Whether the worker fails rows on purpose, with probability FAILURE_RATE.")
    ] = False
    failure_rate: Annotated[
        float, Meta(ge=0, le=1, description="The probability that a row fails while failures are simulated.")
    ] = 0.3
    max_pending: Annotated[
        int,
        Meta(
            ge=1,
            le=100_000_000,
            description="The largest number of pending entries; beyond it, OVERFLOW_POLICY decides.",
        ),
    ] = 100_000
    overflow_policy: Annotated[
        OverflowPolicy,
        Meta(
            description="What happens to a write when the queue is full: refused (503), or written through."
        ),
    ] = "reject"
    cache_ttl_seconds: Annotated[
        int, Meta(ge=1, le=31_536_000, description="How long a cache entry lives, in s.")
    ] = 3600


class Settings(LiveSettings, frozen=True, kw_only=True):
    """All settings. The environment variable of a field is its name in capitals."""

    redis_url: Annotated[str, Meta(description="Where Redis is.")] = "redis://127.0.0.1:6379/0"
    database_url: Annotated[str, Meta(description="Where PostgreSQL is.")] = (
        "postgresql://labuser:labpass@127.0.0.1:5432/labdb"
    )
    lease_ms: Annotated[
        int,
        Meta(
            ge=100,
            le=600_000,
            description="How long a worker's claim holds, in ms. A killed worker's rows come back after it.",
        ),
    ] = 2_000
    api_host: Annotated[str, Meta(description="The address that the API listens on.")] = "127.0.0.1"
    api_port: Annotated[int, Meta(ge=1, le=65_535, description="The port that the API listens on.")] = 8000
    api_processes: Annotated[int, Meta(ge=1, le=64, description="How many processes serve the API.")] = 2
    api_threads: Annotated[int, Meta(ge=1, le=256, description="How many threads each of them has.")] = 8
    lab_name: Annotated[str, Meta(description="The name of the lab, for its page.")] = ""
    lab_runtime: Annotated[
        LabRuntime, Meta(description="What the lab runs on, for its page: processes or containers.")
    ] = "local"
    telemetry_dir: Annotated[
        str,
        Meta(description="Where traces, metrics and the page's history are kept; empty: nowhere that lasts."),
    ] = ""
    metrics_enabled: Annotated[
        bool, Meta(description="Whether requests and flushes are counted for Prometheus.")
    ] = True
    metrics_port: Annotated[
        int,
        Meta(
            ge=0, le=65_535, description="The port of a worker's own metrics; 0 means any port that is free."
        ),
    ] = 8001
    otel_sdk_disabled: Annotated[bool, Meta(description="Whether no request or flush is traced.")] = False
    otel_traces_sampler_arg: Annotated[
        float,
        Meta(
            ge=0,
            le=1,
            description="Which share of requests is traced that arrive without a trace of their own.",
        ),
    ] = 0.0
    otel_exporter_otlp_endpoint: Annotated[
        str, Meta(description="Where traces are sent, by OTLP over HTTP; empty: nowhere else.")
    ] = ""
    otel_service_name: Annotated[str, Meta(description="The name under which this process's traces go.")] = ""
    log_format: Annotated[
        LogFormat, Meta(description="How log lines are written: for people, or as JSON.")
    ] = "human"
    allow_ui_control: Annotated[
        bool, Meta(description="Whether the lab's page may change settings and inject faults.")
    ] = False

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> "Settings":
        """Parse the environment; a variable that is unset or empty means the default.

        Raises:
            InvalidSettings: naming every variable that is malformed or out of range.
        """
        given = {name: env[each.variable] for name, each in SETTINGS.items() if env.get(each.variable)}
        try:
            return cls().changed(given, live_only=False)
        except InvalidSettings as error:
            raise InvalidSettings(
                {SETTINGS[name].variable: why for name, why in error.problems.items()}
            ) from None

    def to_env(self) -> dict[str, str]:
        """The environment that `from_env` reads back as these settings."""
        return {each.variable: render(getattr(self, name)) for name, each in SETTINGS.items()}

    def changed(self, given: Mapping[str, object], *, live_only: bool = True) -> "Settings":
        """These settings with some replaced.

        Args:
            given: New values by field name: text, as in an environment, or typed, as in JSON.
            live_only: Refuse those that are fixed when a process starts.

        Raises:
            InvalidSettings: naming every setting that is unknown, malformed, out of range, or fixed.
        """
        values: dict[str, Any] = {}
        problems: dict[str, str] = {}
        for name, value in given.items():
            if name not in SETTINGS:
                problems[name] = NOT_A_SETTING
            elif live_only and name not in LIVE_SETTINGS:
                problems[name] = "is fixed when the process starts"
            else:
                try:
                    values[name] = SETTINGS[name].parse(value)
                except ValueError as error:
                    problems[name] = str(error)
        if problems:
            raise InvalidSettings(problems)
        return msgspec.structs.replace(self, **values)

    def with_stored(self, stored: Mapping[bytes, bytes]) -> "Settings":
        """These settings with what was changed live, as Redis holds it. A setting that this version does not
        know or can't read is left out: it must not stop the flushing."""
        settings = self
        for name, value in stored.items():
            try:
                settings = settings.changed({name.decode(): value.decode()})
            except (InvalidSettings, UnicodeDecodeError) as error:
                _warn_once(f"a live setting is ignored: {error}")
        return settings

    def live(self) -> dict[str, Any]:
        """Name and value of every setting that can be changed live."""
        return {name: getattr(self, name) for name in LIVE_SETTINGS}

    @property
    def flush_delay_ms(self) -> int:
        """How long the first write of a product waits before it is flushed, in ms."""
        return self.coalescing_window_ms if self.write_coalescing_enabled else self.flush_interval_ms


#: Every setting by name, live ones first; and the live ones alone.
SETTINGS: Final[Mapping[str, Setting]] = settings_of(Settings)
LIVE_SETTINGS: Final[Mapping[str, Setting]] = settings_of(LiveSettings)


@lru_cache(maxsize=100)
def _warn_once(message: str) -> None:
    """Live settings are read many times a second."""
    _log.warning("%s", message)
