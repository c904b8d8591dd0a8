"""The lab's services as containers. The one specification: the Docker runtime starts them from it, and
compose.yaml is written from it (see compose.py).

Inside the lab's network every service is reached by its short name on its own well-known port.
"""

from typing import Final

from service.writebehind import keys
from stack.spec.container import ContainerSpec, Mount, Probe
from stack.spec.names import DATABASE, HOST, PASSWORD, USER, redis_args
from stack.spec.service import HealthCheck, ServiceSpec
from stack.state.environment import redis_memory, settings_env
from stack.state.lab import LabState

REDIS_IMAGE: Final = "redis:8-alpine"
POSTGRES_IMAGE: Final = "postgres:18-alpine"
PROMETHEUS_IMAGE: Final = "prom/prometheus:v3.7.3"
GRAFANA_IMAGE: Final = "grafana/grafana:12.3.1"
JAEGER_IMAGE: Final = "jaegertracing/jaeger:2.14.1"
K6_IMAGE: Final = "grafana/k6:1.7.1"

#: Volumes of a lab, by short name.
POSTGRES_DATA: Final = "postgres-data"
PROMETHEUS_DATA: Final = "prometheus-data"

#: Where k6 finds its scripts, and the API.
K6_SCRIPTS: Final = "/scripts"
K6_BASE_URL: Final = "http://api:8000"

_EVERY_ADDRESS: Final = "0.0.0.0"
_REDIS_URL: Final = "redis://redis:6379/0"
_DATABASE_URL: Final = f"postgresql://{USER}:{PASSWORD}@postgres:5432/{DATABASE}"
_TRACES_URL: Final = "http://jaeger:4318"


def docker_specs(state: LabState, image: str) -> dict[str, ServiceSpec]:
    """The services that `up` starts, by short name, in the order in which people list them.

    Args:
        state: Ports on this machine, settings, and whether Prometheus, Grafana and Jaeger are wanted.
        image: The image of the API and the worker.
    """
    specs = [_redis(state), _postgres(state), _api(state, image), _worker(state, image)]
    if state.observability:
        specs += [_prometheus(state), _grafana(state), _jaeger(state)]
    return {spec.name: spec for spec in specs}


def k6_spec() -> ServiceSpec:
    """The load generator: nothing that stays up, started for one run at a time."""
    return ServiceSpec(
        name="k6",
        program="image",
        env=(
            ("BASE_URL", K6_BASE_URL),
            ("CLIENTS", ""),
            ("DURATION", ""),
            ("K6_NO_USAGE_REPORT", "true"),
        ),
        health=HealthCheck(protocol="http", host=HOST, port=0),
        container=ContainerSpec(
            image=K6_IMAGE,
            mounts=(Mount(kind="asset", source="assets/k6", target=K6_SCRIPTS),),
            tmpfs=("/tmp",),
            # Its log is what the ledger is made from, and goes with the container after minutes.
            rotates_log=False,
            profile="loadtest",
        ),
    )


def _redis(state: LabState) -> ServiceSpec:
    return ServiceSpec(
        name="redis",
        program="redis",
        tuned=redis_memory(state),
        port=state.ports["redis"],
        health=HealthCheck(protocol="redis", host=HOST, port=state.ports["redis"]),
        container=ContainerSpec(
            image=REDIS_IMAGE,
            # Protected mode would refuse the other containers; the port is open to this machine alone.
            command=(
                "redis-server",
                *redis_args(_EVERY_ADDRESS, 6379),
                "--protected-mode",
                "no",
            ),
            port=6379,
            user="redis",
            # In memory, because the image would otherwise leave an unnamed volume behind.
            tmpfs=("/data", "/tmp"),
            probe=Probe(argv=("redis-cli", "ping")),
            # Redis refuses writes at its own limit, which can be raised while it runs; at one of the
            # container it would be killed, with all that waits in it.
            memory_bytes=None,
        ),
    )


def _postgres(state: LabState) -> ServiceSpec:
    options = ("max_connections=60", "shared_buffers=64MB", "log_checkpoints=off")
    return ServiceSpec(
        name="postgres",
        program="postgres",
        env=(("POSTGRES_DB", DATABASE), ("POSTGRES_PASSWORD", PASSWORD), ("POSTGRES_USER", USER)),
        port=state.ports["postgres"],
        health=HealthCheck(protocol="postgres", host=HOST, port=state.ports["postgres"], seconds=60.0),
        stop_signal="SIGINT",
        container=ContainerSpec(
            image=POSTGRES_IMAGE,
            command=("postgres", *(word for option in options for word in ("-c", option))),
            port=5432,
            # The entry point gives the volume to the user `postgres` and becomes that user. An init would
            # stay root, and without the capability to signal others it could not pass the stop on.
            init=False,
            capabilities=("CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"),
            mounts=(
                Mount(kind="volume", source=POSTGRES_DATA, target="/var/lib/postgresql"),
                Mount(
                    kind="asset",
                    source="../service/writebehind/schema.sql",
                    target="/docker-entrypoint-initdb.d/schema.sql",
                ),
            ),
            tmpfs=("/tmp", "/var/run/postgresql"),
            # Over TCP: while the entry point sets the database up, it answers on its socket alone.
            probe=Probe(argv=("pg_isready", "-h", "127.0.0.1", "-U", USER, "-d", DATABASE), start_period=60),
        ),
    )


def _api(state: LabState, image: str) -> ServiceSpec:
    ask = "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/health', timeout=2)"
    return ServiceSpec(
        name="api",
        program="python",
        args=("-m", "service"),
        env=_own_env(state, "api"),
        port=state.ports["api"],
        depends_on=("redis", "postgres"),
        health=HealthCheck(protocol="http", host=HOST, port=state.ports["api"]),
        stop_seconds=3.0,
        container=_own_container(image, ("python", "-m", "service"), ask, port=8000),
    )


def _worker(state: LabState, image: str) -> ServiceSpec:
    # A bare socket: importing a client library takes longer than asking.
    ask = (
        "import socket; s = socket.create_connection(('redis', 6379), 2); "
        f"s.sendall(b'HKEYS {keys.WORKERS}\\r\\n'); "
        "raise SystemExit(f'{socket.gethostname()}-'.encode() not in s.recv(65536))"
    )
    return ServiceSpec(
        name="worker",
        program="python",
        args=("-m", "worker"),
        env=_own_env(state, "worker"),
        depends_on=("redis", "postgres"),
        health=HealthCheck(protocol="worker", host=HOST, port=state.ports["redis"]),
        container=_own_container(image, ("python", "-m", "worker"), ask),
    )


def _own_container(
    image: str, command: tuple[str, ...], ask: str, *, port: int | None = None
) -> ContainerSpec:
    return ContainerSpec(
        image=image,
        command=command,
        port=port,
        user="10001:10001",
        tmpfs=("/tmp",),
        # Without the site packages, Python starts in a third of the time.
        probe=Probe(argv=("python", "-I", "-S", "-c", ask), interval=5),
    )


def _own_env(state: LabState, service: str) -> tuple[tuple[str, str], ...]:
    reached = {"redis": _REDIS_URL, "postgres": _DATABASE_URL}
    env = dict(settings_env(state, service, reached, _EVERY_ADDRESS, 8000))
    if state.observability:
        env |= {
            "OTEL_EXPORTER_OTLP_ENDPOINT": _TRACES_URL,
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_SERVICE_NAME": f"write-behind-{service}",
        }
    return tuple(sorted(env.items()))


def _prometheus(state: LabState) -> ServiceSpec:
    return ServiceSpec(
        name="prometheus",
        program="image",
        port=state.ports["prometheus"],
        health=HealthCheck(protocol="http", host=HOST, port=state.ports["prometheus"], path="/-/ready"),
        container=ContainerSpec(
            image=PROMETHEUS_IMAGE,
            command=(
                "--config.file=/etc/prometheus/prometheus.yml",
                "--storage.tsdb.path=/prometheus",
                "--storage.tsdb.retention.time=1d",
            ),
            port=9090,
            mounts=(
                Mount(
                    kind="asset",
                    source="assets/prometheus/prometheus.yml",
                    target="/etc/prometheus/prometheus.yml",
                ),
                Mount(kind="volume", source=PROMETHEUS_DATA, target="/prometheus"),
            ),
            tmpfs=("/tmp",),
        ),
    )


def _grafana(state: LabState) -> ServiceSpec:
    return ServiceSpec(
        name="grafana",
        program="image",
        env=(
            ("GF_ANALYTICS_CHECK_FOR_UPDATES", "false"),
            ("GF_ANALYTICS_REPORTING_ENABLED", "false"),
            ("GF_PLUGINS_PREINSTALL_DISABLED", "true"),
            ("GF_SECURITY_ADMIN_PASSWORD", "admin"),
            ("GF_SECURITY_ADMIN_USER", "admin"),
        ),
        port=state.ports["grafana"],
        health=HealthCheck(
            protocol="http", host=HOST, port=state.ports["grafana"], path="/api/health", seconds=60.0
        ),
        container=ContainerSpec(
            image=GRAFANA_IMAGE,
            port=3000,
            mounts=(
                Mount(
                    kind="asset",
                    source="assets/grafana/provisioning",
                    target="/etc/grafana/provisioning",
                ),
            ),
            # What the lab shows is provisioned from files: nothing there needs to last.
            tmpfs=("/tmp", "/var/lib/grafana"),
        ),
    )


def _jaeger(state: LabState) -> ServiceSpec:
    return ServiceSpec(
        name="jaeger",
        program="image",
        port=state.ports["jaeger"],
        health=HealthCheck(protocol="http", host=HOST, port=state.ports["jaeger"], path="/"),
        container=ContainerSpec(
            image=JAEGER_IMAGE,
            # By itself it takes traces from its own machine alone.
            command=(
                "--set=receivers.otlp.protocols.http.endpoint=0.0.0.0:4318",
                "--set=receivers.otlp.protocols.grpc.endpoint=0.0.0.0:4317",
            ),
            port=16686,
            tmpfs=("/tmp",),
        ),
    )
