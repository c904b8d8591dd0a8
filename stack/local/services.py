"""The lab's services as processes that share this machine's loopback."""

from stack.spec.names import DATABASE, HOST, PASSWORD, USER, redis_args, urls
from stack.spec.service import HealthCheck, ServiceSpec
from stack.state.environment import redis_memory, settings_env
from stack.state.lab import LabState


def lab_specs(state: LabState) -> dict[str, ServiceSpec]:
    """The services of a lab whose processes share this machine's loopback, by short name."""
    reached, api_port = urls(state.ports), state.ports["api"]
    specs = (
        _redis(state.ports["redis"], redis_memory(state)),
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
