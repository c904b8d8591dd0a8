"""The environment and the options that a lab's state gives its services."""

from collections.abc import Mapping
from typing import Final

from service.writebehind.settings import Settings
from stack.spec.names import MAXMEMORY
from stack.spec.services import API, JAEGER, REDIS
from stack.state.lab import LabState

#: Memory of Redis, unless the lab's settings say otherwise.
_MAXMEMORY_DEFAULT: Final = "512mb"


def live_options(state: LabState, service: str) -> tuple[tuple[str, str], ...]:
    """The options of a service that change while it runs, by name: Redis must not lose its memory to get
    more. The others have none."""
    if service != REDIS.name:
        return ()
    return (("maxmemory", _overrides(state, service).get(MAXMEMORY, _MAXMEMORY_DEFAULT)),)


def settings_env(
    state: LabState,
    service: str,
    reached: Mapping[str, str],
    *,
    lab: str,
    address: str,
    port: int,
    telemetry: str,
    metrics_port: int,
) -> tuple[tuple[str, str], ...]:
    """The environment of the API or a worker, sorted by name.

    Args:
        state: The settings that the lab was given.
        service: `api` or `worker`.
        reached: The URLs of `redis`, `postgres` and `api`, and of `jaeger` if the lab has it, as that service
            reaches them.
        lab: The lab's name.
        address: Where the API listens.
        port: On which port it listens there.
        telemetry: The directory for traces, metrics and history.
        metrics_port: Where a worker offers its metrics; 0: on any free port.
    """
    # The API keeps all traces, and passes them on to Jaeger.
    collector = reached.get(JAEGER.name, "") if service == API.name else reached[API.name]
    overrides = _overrides(state, service)
    settings = Settings().changed(
        {
            **{name.lower(): value for name, value in overrides.items() if name != MAXMEMORY},
            "redis_url": reached["redis"],
            "database_url": reached["postgres"],
            "api_host": address,
            "api_port": port,
            "lab_name": lab,
            "lab_runtime": state.runtime,
            "telemetry_dir": telemetry,
            "metrics_port": metrics_port,
            "otel_exporter_otlp_endpoint": collector,
            "otel_service_name": f"write-behind-{service}",
        },
        live_only=False,
    )
    return tuple(sorted(settings.to_env().items()))


def _overrides(state: LabState, service: str) -> dict[str, str]:
    return {**state.settings, **state.service_settings.get(service, {})}
