"""What users may say of a lab: its name, its ports, its settings."""

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
_MEMORY_MOST: Final = 1 << 40
#: What the topology itself decides; an override would only break the lab.
_DECIDED: Final = frozenset({"REDIS_URL", "DATABASE_URL", "API_HOST", "API_PORT"})
_PROCESS_SETTINGS: Final = frozenset(setting.variable for setting in SETTINGS.values()) - _DECIDED
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
        UsageError: the lab has no service of that name.
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
    """Bytes of a size in Redis' notation: 512mb, 2g, 1000000; -1 if it is not a size."""
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
    return f"is not a setting of {service}" if name in _settings_of("") else NOT_A_SETTING
