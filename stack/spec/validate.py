"""Checks what users choose for a lab: its name, its ports, its settings."""

import re
from collections.abc import Collection, Mapping
from typing import Final

from service.writebehind.errors import InvalidSettings
from service.writebehind.setting import NOT_A_SETTING
from service.writebehind.settings import SETTINGS, Settings
from stack.errors import UsageError
from stack.spec.names import DEFAULT_NAME, MAXMEMORY
from stack.spec.services import CORE, DEFAULT_PORTS

_MEMORY_SIZE: Final = re.compile(r"([0-9]{1,15})([kmg]b?)?", re.IGNORECASE)
_UNITS: Final = {"": 1, "k": 1_000, "m": 10**6, "g": 10**9, "kb": 1 << 10, "mb": 1 << 20, "gb": 1 << 30}
#: More than any machine that runs a lab has.
_MAX_MEMORY_BYTES: Final = 1 << 40
#: What the specification decides; an override would only break the lab.
_SET_BY_THE_LAB: Final = frozenset(
    {
        *("REDIS_URL", "DATABASE_URL", "API_HOST", "API_PORT", "TELEMETRY_DIR", "METRICS_PORT"),
        *("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_SERVICE_NAME", "LAB_NAME", "LAB_RUNTIME"),
    }
)
_PROCESS_SETTINGS: Final = frozenset(setting.variable for setting in SETTINGS.values()) - _SET_BY_THE_LAB
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")


def check_name(name: str) -> str:
    """The name, if it can be part of the name of a directory and of a container.

    Raises:
        UsageError: it can't.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} can't be the name of a lab",
            hint="use up to 40 lowercase letters, digits, `-` and `_`, starting with a letter or a digit",
        )
    return name


def check_ports(
    ports: Mapping[str, int], endpoints: Collection[str] = tuple(DEFAULT_PORTS)
) -> dict[str, int]:
    """The ports that a user chose, checked.

    Args:
        ports: Port by service.
        endpoints: Services with a port.

    Raises:
        UsageError: for an unknown service, an impossible port, or the same port twice.
    """
    for endpoint, port in ports.items():
        if endpoint not in endpoints:
            raise UsageError(
                f"{endpoint!r} has no port that can be chosen", hint=f"choose one of {', '.join(endpoints)}"
            )
        if not 1 <= port <= 65_535:
            raise UsageError(f"{port} is not a port", hint="choose a port from 1 to 65535")
    if len(set(ports.values())) < len(ports):
        raise UsageError("two services can't have the same port", hint="choose different ports")
    return dict(ports)


def short_name(lab: str, service: str, services: Collection[str] = CORE) -> str:
    """The short name of a service: `worker` for `worker` and for `lab42-worker`.

    Raises:
        UsageError: the lab has no service of that name.
    """
    short = service.removeprefix(f"{lab}-").removeprefix(f"{DEFAULT_NAME}-")
    if short not in services:
        raise UsageError(f"there is no service {service!r}", hint=f"choose one of {', '.join(services)}")
    return short


def check_settings(settings: Mapping[str, str], service: str = "") -> dict[str, str]:
    """The settings that a user gave, checked.

    Args:
        settings: Value by name, as in the environment.
        service: The service that they are for; '' for the whole lab.

    Raises:
        UsageError: naming every setting that is unknown, malformed, or not for users to change.
    """
    possible = _settings_of(service)
    problems = {name: _refusal(name, service) for name in settings if name not in possible}
    if MAXMEMORY in settings and not 0 <= memory_bytes(settings[MAXMEMORY]) <= _MAX_MEMORY_BYTES:
        problems[MAXMEMORY] = f"must be a size like 256mb, at most 1024gb, not {settings[MAXMEMORY]!r}"
    parsed = {name.lower(): settings[name] for name in settings if name in _PROCESS_SETTINGS}
    try:
        Settings().changed(parsed, live_only=False)
    except InvalidSettings as error:
        problems |= {name.upper(): why for name, why in error.problems.items()}
    if problems:
        text = "; ".join(_sentence(name, why) for name, why in sorted(problems.items()))
        hint = f"settings are {', '.join(sorted(possible))}" if possible else f"{service} has no settings"
        raise UsageError(text, hint=hint)
    return dict(settings)


def memory_bytes(size: str) -> int:
    """The number of bytes in a size as Redis writes it (512mb, 2g, 1000000); -1 if it is not a size."""
    match = _MEMORY_SIZE.fullmatch(size)
    return int(match[1]) * _UNITS[(match[2] or "").lower()] if match else -1


def settable() -> frozenset[str]:
    """The names of the settings that users may give a lab."""
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


def _sentence(name: str, why: str) -> str:
    """ "'FOO' is not a setting", "BATCH_SIZE must be from 1 to 10000, not 0"."""
    return f"{name!r} {why}" if why.startswith("is ") else f"{name} {why}"


def _refusal(name: str, service: str) -> str:
    if name in _SET_BY_THE_LAB:
        return "is set by the lab itself"
    return f"is not a setting of {service}" if name in _settings_of("") else NOT_A_SETTING
