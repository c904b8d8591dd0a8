"""The environment and the options that a lab's state gives its services."""

from collections.abc import Mapping
from typing import Final

from service.writebehind.settings import Settings
from stack.spec.names import MAXMEMORY
from stack.state.lab import LabState

#: Memory of Redis, unless the lab's settings say otherwise.
_MAXMEMORY_DEFAULT: Final = "512mb"


def redis_memory(state: LabState) -> tuple[tuple[str, str], ...]:
    """The options of a lab's Redis that change while it runs: it must not lose its memory to get more."""
    return (("maxmemory", _overrides(state, "redis").get(MAXMEMORY, _MAXMEMORY_DEFAULT)),)


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
