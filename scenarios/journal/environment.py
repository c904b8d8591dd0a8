"""What a run is made on: versions, settings, machine, clock. What can't be found out is left out."""

import os
import platform
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from shlex import quote
from typing import Any, Final, TypeVar

import psutil

from scenarios.journal.lines import Environment
from scenarios.lab.client import Client
from scenarios.lab.probe import Probe
from scenarios.options import Options
from stack.errors import LabError
from stack.lab import Lab
from stack.local.process import identify

T = TypeVar("T")

_PACKAGES: Final = ("write-behind-lab", "flask", "uvicorn", "redis", "rq", "psycopg", "msgspec")
#: What our own services run on, by service.
_PROGRAMS: Final = {"api": "uvicorn", "worker": "rq"}
_MB: Final = 1 << 20


def environment_of_experiment(
    run: str, scenario: str, command: str, options: Mapping[str, Any], lab: Lab
) -> Environment:
    """The first line of the journal of an experiment that begins now: its trials have their own, with what
    depends on a lab that runs.

    Args:
        options: What it compares, and how.
        lab: The lab that its trials will have.
    """
    me = identify(os.getpid())
    return Environment(
        run=run,
        command=command,
        scenario=scenario,
        lab=lab.name,
        runtime=lab.kind,
        started_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        options=dict(options),
        versions={"python": platform.python_version(), **_packages()},
        machine=_machine(),
        pid=os.getpid(),
        process_started=me.start_time if me else "",
    )


def environment(
    run: str, command: str, scenario: str, options: Options, *, lab: Lab, client: Client, probe: Probe
) -> Environment:
    """The first line of the journal of a run that begins now."""
    me = identify(os.getpid())
    return Environment(
        run=run,
        command=" ".join([command, *map(quote, options.words())]),
        scenario=scenario,
        lab=lab.name,
        runtime=lab.kind,
        started_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        redis_clock_ahead_ms=_known(lambda: _clock_ahead_ms(probe), None),
        options=options.chosen(),
        settings=_known(lambda: _settings(client.config()), {}),
        versions={"python": platform.python_version(), **_packages()},
        services=_known(lambda: _services(lab, probe), {}),
        machine=_machine(),
        pid=os.getpid(),
        process_started=me.start_time if me else "",
    )


def _known(look: Callable[[], T], otherwise: T) -> T:
    try:
        return look()
    except LabError:
        return otherwise


def _clock_ahead_ms(probe: Probe) -> float:
    before = time.time()
    ahead = probe.time() - (before + time.time()) / 2
    return round(1000 * ahead, 1)


def _settings(config: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in config.items() if name != "queue_size"}


def _packages() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        try:
            found["labctl" if package == "write-behind-lab" else package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _services(lab: Lab, probe: Probe) -> dict[str, str]:
    """By service, what runs there: the image if it has one, and what the program says of itself."""
    images = {name: seen.image for name, seen in lab.services().items() if seen.image}
    packages = _packages()
    programs = {
        # Under Docker, the image has the versions that are installed here.
        **{name: f"{package} {packages.get(package, '')}".strip() for name, package in _PROGRAMS.items()},
        "redis": _known(probe.redis_version, ""),
        "postgres": _known(probe.postgres_version, ""),
    }
    names = dict.fromkeys([*images, *programs])
    named = {name: ", ".join(filter(None, (programs.get(name), images.get(name)))) for name in names}
    return {name: what for name, what in named.items() if what}


def _machine() -> dict[str, Any]:
    return {
        "system": f"{platform.system()} {platform.release()}",
        "processor": platform.machine(),
        "cpus": os.cpu_count() or 0,
        "memory_mb": psutil.virtual_memory().total // _MB,
    }
