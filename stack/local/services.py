"""The lab's services. The one place that says what each is started with, and which settings it gets."""

import re
from collections.abc import Collection, Mapping
from dataclasses import fields
from typing import Final

from service.writebehind.errors import InvalidSettings
from service.writebehind.settings import Settings
from stack.errors import UsageError
from stack.ports import HOST
from stack.spec.service import HealthCheck, ServiceSpec
from stack.state.lab import MAXMEMORY, LabState

#: The name of the lab that users get unless they ask for another; it has the well-known ports.
DEFAULT_NAME: Final = "lab42"
DEFAULT_PORTS: Final[Mapping[str, int]] = {"api": 8000, "redis": 6379, "postgres": 5432}
#: Services that every lab has, in the order in which people list them.
CORE: Final = ("redis", "postgres", "api", "worker")
#: What a lab in Docker has beside them, and their well-known ports.
OBSERVABILITY: Final = ("prometheus", "grafana", "jaeger")
OBSERVABILITY_PORTS: Final[Mapping[str, int]] = {"prometheus": 9090, "grafana": 3001, "jaeger": 16686}
#: Those that keep something on disk.
WITH_DATA: Final = frozenset({"redis", "postgres"})

DATABASE: Final = "labdb"
USER: Final = "labuser"
PASSWORD: Final = "labpass"

#: Memory of Redis, unless the lab's settings say otherwise.
_MAXMEMORY_DEFAULT: Final = "512mb"
_MEMORY_SIZE: Final = re.compile(r"([0-9]{1,15})([kmg]b?)?", re.IGNORECASE)
_UNITS: Final = {"": 1, "k": 1_000, "m": 10**6, "g": 10**9, "kb": 1 << 10, "mb": 1 << 20, "gb": 1 << 30}
#: No machine that runs a lab has more.
_MEMORY_MOST: Final = 1 << 40
#: What the topology itself decides; an override would only break the lab.
_DECIDED: Final = frozenset({"REDIS_URL", "DATABASE_URL", "API_HOST", "API_PORT"})
_PROCESS_SETTINGS: Final = frozenset(field.name.upper() for field in fields(Settings)) - _DECIDED
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")


def check_name(name: str) -> str:
    """Raises UsageError unless the name can be part of a directory's and a container's name."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} can't be the name of a lab",
            hint="use up to 40 small letters, digits, `-` and `_`, beginning with a letter or digit",
        )
    return name


def check_ports(
    given: Mapping[str, int], endpoints: Collection[str] = tuple(DEFAULT_PORTS)
) -> dict[str, int]:
    """Raises UsageError for an unknown endpoint, an impossible port, or one that is given twice."""
    for endpoint, port in given.items():
        if endpoint not in endpoints:
            raise UsageError(
                f"{endpoint!r} has no port to choose", hint=f"name one of {', '.join(endpoints)}"
            )
        if not 1 <= port <= 65_535:
            raise UsageError(f"{port} is not a port", hint="ports go from 1 to 65535")
    if len(set(given.values())) < len(given):
        raise UsageError("two services can't have the same port", hint="choose different ports")
    return dict(given)


def short_name(lab: str, service: str, services: Collection[str] = CORE) -> str:
    """`worker`, for `worker` as well as for `lab42-worker`.

    Raises:
        UsageError: there is no such service.
    """
    short = service.removeprefix(f"{lab}-").removeprefix(f"{DEFAULT_NAME}-")
    if short not in services:
        raise UsageError(f"there is no service {service!r}", hint=f"choose one of {', '.join(services)}")
    return short


def check_settings(given: Mapping[str, str], service: str = "") -> dict[str, str]:
    """Environment overrides, checked; for one service, those that it reads.

    Raises:
        UsageError: naming every one that is unknown, malformed, or not for users to set.
    """
    possible = _settings_of(service)
    problems = {name: _refusal(name, service) for name in given if name not in possible}
    if MAXMEMORY in given and not 0 <= memory_bytes(given[MAXMEMORY]) <= _MEMORY_MOST:
        problems[MAXMEMORY] = f"must be a size like 256mb, at most 1024gb, not {given[MAXMEMORY]!r}"
    parsed = {name.lower(): given[name] for name in given if name in _PROCESS_SETTINGS}
    try:
        Settings().changed(parsed, live_only=False)
    except InvalidSettings as error:
        problems |= {name.upper(): why for name, why in error.problems.items()}
    if problems:
        text = "; ".join(f"{name}: {why}" for name, why in sorted(problems.items()))
        hint = f"settings are {', '.join(sorted(possible))}" if possible else f"{service} has no settings"
        raise UsageError(text, hint=hint)
    return dict(given)


def memory_bytes(size: str) -> int:
    """Redis's notation: 512mb, 2g, 1000000; -1 for what is no size."""
    found = _MEMORY_SIZE.fullmatch(size)
    return int(found[1]) * _UNITS[(found[2] or "").lower()] if found else -1


def settable() -> frozenset[str]:
    """The settings that users may give a lab."""
    return _settings_of("")


def _settings_of(service: str) -> frozenset[str]:
    match service:
        case "redis":
            return frozenset({MAXMEMORY})
        case "postgres":
            return frozenset()
        case "api" | "worker":
            return _PROCESS_SETTINGS
        case _:
            return _PROCESS_SETTINGS | {MAXMEMORY}


def _refusal(name: str, service: str) -> str:
    if name in _DECIDED:
        return "is decided by the lab"
    return f"no setting of {service}" if name in _settings_of("") else "unknown setting"


def urls(ports: Mapping[str, int]) -> dict[str, str]:
    """Where people and programs of this machine reach the lab."""
    watching = {name: f"http://{HOST}:{ports[name]}" for name in OBSERVABILITY if name in ports}
    return {
        "api": f"http://{HOST}:{ports['api']}",
        "redis": f"redis://{HOST}:{ports['redis']}/0",
        "postgres": f"postgresql://{USER}:{PASSWORD}@{HOST}:{ports['postgres']}/{DATABASE}",
        **watching,
    }


def lab_specs(state: LabState) -> dict[str, ServiceSpec]:
    """The services of a lab whose processes share this machine's loopback, by short name."""
    reached, api_port = urls(state.ports), state.ports["api"]
    specs = (
        _redis(state.ports["redis"], redis_tuning(state)),
        _postgres(state.ports["postgres"]),
        ServiceSpec(
            name="api",
            program="python",
            args=("-m", "service"),
            env=settings_env(state, "api", reached, HOST, api_port),
            port=api_port,
            depends_on=("redis", "postgres"),
            health=HealthCheck(protocol="http", host=HOST, port=api_port),
            # Requests take milliseconds; a server process that is told to end while it starts hangs.
            stop_seconds=3.0,
        ),
        ServiceSpec(
            name="worker",
            program="python",
            args=("-m", "worker"),
            env=settings_env(state, "worker", reached, HOST, api_port),
            depends_on=("redis", "postgres"),
            health=HealthCheck(protocol="worker", host=HOST, port=state.ports["redis"]),
        ),
    )
    return {spec.name: spec for spec in specs}


def redis_tuning(state: LabState) -> tuple[tuple[str, str], ...]:
    """The options of a lab's Redis that change while it runs: it must not lose its memory to get more."""
    return (("maxmemory", _overrides(state, "redis").get(MAXMEMORY, _MAXMEMORY_DEFAULT)),)


def redis_args(address: str, port: int) -> tuple[str, ...]:
    """The other options of every Redis of a lab, wherever it runs."""
    # Only keys with a TTL can be evicted, which cache entries have and the queue has not. Without
    # persistence: what a crash of Redis costs is what the lab is there to show.
    options = {
        "bind": address,
        "port": str(port),
        "save": "",
        "appendonly": "no",
        "maxmemory-policy": "volatile-lru",
    }
    return tuple(word for name, value in options.items() for word in (f"--{name}", value))


def _redis(port: int, tuned: tuple[tuple[str, str], ...]) -> ServiceSpec:
    return ServiceSpec(
        name="redis",
        program="redis",
        args=redis_args(HOST, port),
        tuned=tuned,
        port=port,
        health=HealthCheck(protocol="redis", host=HOST, port=port),
    )


def _postgres(port: int) -> ServiceSpec:
    # fsync stays on: the lab makes claims about durability. Shared memory in files of the data directory,
    # because a killed server would leave segments behind elsewhere.
    options = {
        "listen_addresses": HOST,
        "port": str(port),
        "unix_socket_directories": "",
        "max_connections": "60",
        "shared_buffers": "64MB",
        "dynamic_shared_memory_type": "mmap",
        "log_checkpoints": "off",
    }
    return ServiceSpec(
        name="postgres",
        program="postgres",
        args=tuple(word for name, value in options.items() for word in ("-c", f"{name}={value}")),
        env=(("POSTGRES_DB", DATABASE), ("POSTGRES_PASSWORD", PASSWORD), ("POSTGRES_USER", USER)),
        port=port,
        health=HealthCheck(protocol="postgres", host=HOST, port=port, seconds=30.0),
        stop_signal="SIGINT",
    )


def settings_env(
    state: LabState, service: str, reached: Mapping[str, str], address: str, port: int
) -> tuple[tuple[str, str], ...]:
    """The environment of the API or a worker: who is `reached` where, and where the API listens."""
    given = {name.lower(): value for name, value in _overrides(state, service).items() if name != MAXMEMORY}
    settings = Settings().changed(
        {
            **given,
            "redis_url": reached["redis"],
            "database_url": reached["postgres"],
            "api_host": address,
            "api_port": port,
        },
        live_only=False,
    )
    return tuple(sorted(settings.to_env().items()))


def _overrides(state: LabState, service: str) -> dict[str, str]:
    return {**state.settings, **state.service_settings.get(service, {})}
