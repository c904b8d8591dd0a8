"""The services of a lab, each described once: processes, containers, compose.yaml, ports, URLs and health
checks come from here.

In a network of containers every service goes by its short name and listens on a port of its own.
"""

from collections.abc import Mapping
from typing import Final

from service.writebehind import keys
from stack.spec.container import ContainerSpec, Mount, Probe
from stack.spec.description import Health, Service
from stack.spec.names import DATABASE, HOST, PASSWORD, USER
from stack.spec.service import ProgramSpec

_API_PORT: Final = 8000
_REDIS_PORT: Final = 6379
#: Where the API's container keeps traces, metrics and the history of the lab's page, so that they outlive it.
#: The image has this directory, and Docker gives a new volume the owner of what it covers.
API_TELEMETRY: Final = "/var/lib/write-behind"
#: Where a worker in a container offers its metrics.
WORKER_METRICS_PORT: Final = 8001
#: Where Jaeger takes traces over HTTP and over gRPC, in its container.
_OTLP_HTTP_PORT: Final = 4318
_OTLP_GRPC_PORT: Final = 4317

#: The API and the worker run as this user in their container, which their image has no name for.
_OWN_USER: Final = "10001:10001"
# Without the site packages, Python starts in a third of the time.
_ASK: Final = ("python", "-I", "-S", "-c")

REDIS: Final = Service(
    name="redis",
    program="redis",
    port=_REDIS_PORT,
    url="redis://{host}:{port}/0",
    # Only keys with a TTL can be evicted: cache entries have one, the queue has none. Nothing is kept on
    # disk: the lab is there to show what a crash of Redis costs.
    args=(
        *("--bind", "{host}", "--port", "{port}"),
        *("--save", "", "--appendonly", "no", "--maxmemory-policy", "volatile-lru"),
    ),
    # All logs tell the time in UTC, so that they can be read side by side.
    env=(("TZ", "UTC"),),
    health=Health(protocol="redis"),
    has_data=True,
    container=ContainerSpec(
        image="redis:8-alpine",
        # Protected mode would refuse the other containers; the port is open to this machine only.
        command=("redis-server", "--protected-mode", "no"),
        port=_REDIS_PORT,
        user="redis",
        # In memory, because the image would otherwise leave an unnamed volume behind.
        tmpfs=("/data", "/tmp"),
        probe=Probe(argv=("redis-cli", "ping")),
        # Redis refuses writes at its own limit, which can be raised while it runs. At a limit of the
        # container it would be killed, with all the writes that wait in it.
        memory_bytes=None,
    ),
)

POSTGRES: Final = Service(
    name="postgres",
    program="postgres",
    port=5432,
    url=f"postgresql://{USER}:{PASSWORD}@{{host}}:{{port}}/{DATABASE}",
    # fsync stays on: the lab makes claims about durability.
    args=(
        *("-c", "max_connections=60", "-c", "shared_buffers=64MB"),
        *("-c", "log_checkpoints=off", "-c", "log_timezone=UTC"),
    ),
    process_args=(
        *("-c", "listen_addresses={host}", "-c", "port={port}", "-c", "unix_socket_directories="),
        # Shared memory in files of the data directory: a killed server would leave segments behind elsewhere.
        *("-c", "dynamic_shared_memory_type=mmap"),
    ),
    env=(("POSTGRES_DB", DATABASE), ("POSTGRES_PASSWORD", PASSWORD), ("POSTGRES_USER", USER)),
    health=Health(protocol="postgres", user=USER, database=DATABASE, seconds=30.0),
    has_data=True,
    stop_signal="SIGINT",
    container=ContainerSpec(
        image="postgres:18-alpine",
        command=("postgres",),
        port=5432,
        # The entry point gives the volume to the user `postgres` and becomes that user. An init would stay
        # root, and without the capability to signal others it could not pass the stop on.
        init=False,
        capabilities=("CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"),
        mounts=(
            Mount(kind="volume", source="postgres-data", target="/var/lib/postgresql"),
            Mount(
                kind="asset",
                source="../service/writebehind/schema.sql",
                target="/docker-entrypoint-initdb.d/schema.sql",
            ),
        ),
        tmpfs=("/tmp", "/var/run/postgresql"),
        # Over TCP: while the entry point sets the database up, it answers on its socket only.
        probe=Probe(argv=("pg_isready", "-h", "127.0.0.1", "-U", USER, "-d", DATABASE), start_period=60),
    ),
)

API: Final = Service(
    name="api",
    program="python",
    port=_API_PORT,
    url="http://{host}:{port}",
    args=("-m", "service"),
    depends_on=("redis", "postgres"),
    health=Health(protocol="http"),
    # Requests take milliseconds; a server process that is told to end while it starts hangs.
    stop_seconds=3.0,
    container=ContainerSpec(
        image="",
        command=("python",),
        port=_API_PORT,
        user=_OWN_USER,
        mounts=(Mount(kind="volume", source="telemetry", target=API_TELEMETRY),),
        tmpfs=("/tmp",),
        probe=Probe(
            argv=(
                *_ASK,
                f"import urllib.request as r; r.urlopen('http://127.0.0.1:{_API_PORT}/health', timeout=2)",
            ),
            interval=5,
        ),
    ),
)

WORKER: Final = Service(
    name="worker",
    program="python",
    args=("-m", "worker"),
    depends_on=("redis", "postgres"),
    health=Health(protocol="worker", at="redis"),
    container=ContainerSpec(
        image="",
        command=("python",),
        user=_OWN_USER,
        tmpfs=("/tmp",),
        probe=Probe(
            argv=(
                *_ASK,
                # A bare socket: importing a client library takes longer than asking.
                f"import socket; s = socket.create_connection(('redis', {_REDIS_PORT}), 2); "
                f"s.sendall(b'HKEYS {keys.WORKERS}\\r\\n'); "
                "raise SystemExit(f'{socket.gethostname()}-'.encode() not in s.recv(65536))",
            ),
            interval=5,
        ),
    ),
)

PROMETHEUS: Final = Service(
    name="prometheus",
    program="image",
    port=9090,
    url="http://{host}:{port}",
    health=Health(protocol="http", path="/-/ready"),
    container=ContainerSpec(
        image="prom/prometheus:v3.7.3",
        command=(
            "--config.file=/etc/prometheus/prometheus.yml",
            "--storage.tsdb.path=/prometheus",
            "--storage.tsdb.retention.time=1d",
            # Exemplars: what leads from a latency to a trace.
            "--enable-feature=exemplar-storage",
        ),
        port=9090,
        mounts=(
            Mount(kind="asset", source="assets/prometheus", target="/etc/prometheus"),
            Mount(kind="volume", source="prometheus-data", target="/prometheus"),
        ),
        tmpfs=("/tmp",),
    ),
)

#: Where Grafana finds its data sources and dashboards.
_PROVISIONING: Final = "/etc/grafana/provisioning"
GRAFANA: Final = Service(
    name="grafana",
    program="image",
    port=3001,
    url="http://{host}:{port}",
    env=(
        ("GF_ANALYTICS_CHECK_FOR_UPDATES", "false"),
        ("GF_ANALYTICS_REPORTING_ENABLED", "false"),
        ("GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH", f"{_PROVISIONING}/dashboards/write-behind.json"),
        # A dashboard may be refreshed as often as Prometheus scrapes.
        ("GF_DASHBOARDS_MIN_REFRESH_INTERVAL", "1s"),
        ("GF_PLUGINS_PREINSTALL_DISABLED", "true"),
        ("GF_SECURITY_ADMIN_PASSWORD", "admin"),
        ("GF_SECURITY_ADMIN_USER", "admin"),
    ),
    health=Health(protocol="http", path="/api/health", seconds=60.0),
    container=ContainerSpec(
        image="grafana/grafana:12.3.1",
        port=3000,
        mounts=(Mount(kind="asset", source="assets/grafana/provisioning", target=_PROVISIONING),),
        # What the lab shows is provisioned from files: nothing there needs to last.
        tmpfs=("/tmp", "/var/lib/grafana"),
    ),
)

JAEGER: Final = Service(
    name="jaeger",
    program="image",
    port=16686,
    url="http://{host}:{port}",
    health=Health(protocol="http", path="/"),
    container=ContainerSpec(
        image="jaegertracing/jaeger:2.14.1",
        # Unless told otherwise, it takes traces only from its own container.
        command=(
            f"--set=receivers.otlp.protocols.http.endpoint=0.0.0.0:{_OTLP_HTTP_PORT}",
            f"--set=receivers.otlp.protocols.grpc.endpoint=0.0.0.0:{_OTLP_GRPC_PORT}",
        ),
        port=16686,
        tmpfs=("/tmp",),
    ),
)

#: Where Jaeger takes traces, in the network of a lab's containers.
JAEGER_OTLP_URL: Final = f"http://{JAEGER.name}:{_OTLP_HTTP_PORT}"

#: Where k6 finds its scripts in its container.
K6_SCRIPTS: Final = "/scripts"
#: The load generator: it runs once at a time and stays up for nothing, so it has no health.
K6: Final = ProgramSpec(
    name="k6",
    program="image",
    env=(
        ("BASE_URL", API.container_url()),
        ("CLIENTS", ""),
        ("DURATION", ""),
        ("K6_NO_USAGE_REPORT", "true"),
    ),
    stop_seconds=2.0,
    container=ContainerSpec(
        image="grafana/k6:1.7.1",
        mounts=(Mount(kind="asset", source="assets/k6", target=K6_SCRIPTS),),
        tmpfs=("/tmp",),
        # Its log is what the ledger is made from, and goes with the container after minutes.
        rotates_log=False,
        profile="loadtest",
    ),
)

#: What every lab has, and what a lab in Docker has beside it, in the order that lists show them in.
CORE_SERVICES: Final = (REDIS, POSTGRES, API, WORKER)
OBSERVABILITY_SERVICES: Final = (PROMETHEUS, GRAFANA, JAEGER)
CORE: Final = tuple(service.name for service in CORE_SERVICES)
OBSERVABILITY: Final = tuple(service.name for service in OBSERVABILITY_SERVICES)
#: Services that keep something on disk.
WITH_DATA: Final = frozenset(service.name for service in CORE_SERVICES if service.has_data)

#: Services with a URL, in the order that people look for them.
_REACHED: Final = (API, REDIS, POSTGRES, *OBSERVABILITY_SERVICES)


def _ports(services: tuple[Service, ...]) -> Mapping[str, int]:
    return {service.name: service.port for service in services if service.port is not None}


#: The well-known ports, by service.
DEFAULT_PORTS: Final = _ports((API, REDIS, POSTGRES))
OBSERVABILITY_PORTS: Final = _ports(OBSERVABILITY_SERVICES)


def urls(ports: Mapping[str, int]) -> dict[str, str]:
    """Where people and programs of this machine reach the services that have a port."""
    return {
        service.name: service.url_at(HOST, ports[service.name])
        for service in _REACHED
        if service.name in ports
    }
