"""Names and addresses that every lab shares, on whichever runtime."""

from collections.abc import Mapping
from typing import Final

HOST: Final = "127.0.0.1"
#: The name of the lab that users get unless they ask for another; it has the well-known ports.
DEFAULT_NAME: Final = "lab42"
DEFAULT_PORTS: Final[Mapping[str, int]] = {"api": 8000, "redis": 6379, "postgres": 5432}
#: Services that every lab has, in the order that lists show them in.
CORE: Final = ("redis", "postgres", "api", "worker")
#: What a lab in Docker has beside them, and their well-known ports.
OBSERVABILITY: Final = ("prometheus", "grafana", "jaeger")
OBSERVABILITY_PORTS: Final[Mapping[str, int]] = {"prometheus": 9090, "grafana": 3001, "jaeger": 16686}
#: Services that keep something on disk.
WITH_DATA: Final = frozenset({"redis", "postgres"})

DATABASE: Final = "labdb"
USER: Final = "labuser"
PASSWORD: Final = "labpass"

#: Memory of Redis: a setting of the lab that is not one of the service's.
MAXMEMORY: Final = "REDIS_MAXMEMORY"


def urls(ports: Mapping[str, int]) -> dict[str, str]:
    """Where people and programs of this machine reach the lab."""
    watching = {name: f"http://{HOST}:{ports[name]}" for name in OBSERVABILITY if name in ports}
    return {
        "api": f"http://{HOST}:{ports['api']}",
        "redis": f"redis://{HOST}:{ports['redis']}/0",
        "postgres": f"postgresql://{USER}:{PASSWORD}@{HOST}:{ports['postgres']}/{DATABASE}",
        **watching,
    }


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
