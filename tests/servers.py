"""Real Redis and PostgreSQL for tests of the write path, without an API or a worker."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import redis

from service.writebehind.settings import Settings
from stack.converge.schema import apply_schema
from stack.local.runtime import LocalRuntime
from stack.local.services import lab_specs
from stack.ports import choose_free
from stack.settings import StackSettings
from stack.spec.service import ServiceSpec
from stack.spec.services import urls
from stack.state.lab import LabState
from stack.wait import wait_until


@dataclass(frozen=True, slots=True)
class Servers:
    """The two servers of one test process."""

    runtime: LocalRuntime
    specs: dict[str, ServiceSpec]
    redis_url: str
    database_url: str

    def settings(self, **changes: object) -> Settings:
        """Settings of a service or worker on these servers."""
        own = Settings(redis_url=self.redis_url, database_url=self.database_url)
        return own.changed(changes, live_only=False)

    def wait_for(self, service: str) -> None:
        def answers() -> bool:
            try:
                if service == "redis":
                    with redis.Redis.from_url(self.redis_url) as client:
                        client.ping()
                else:
                    psycopg.connect(self.database_url, connect_timeout=1).close()
            except (redis.RedisError, psycopg.Error):
                return False
            return True

        wait_until(answers, seconds=20, reason=f"{service} answers", hint="see its log")

    def empty(self) -> None:
        """Reset both: no keys, and only the seed rows."""
        with redis.Redis.from_url(self.redis_url) as client:
            client.flushall()
        with psycopg.connect(self.database_url) as connection:
            connection.execute("TRUNCATE products, product_tombstones")
        apply_schema(self.database_url)


@contextmanager
def running(directory: Path) -> Iterator[Servers]:
    """Start both servers, and stop both whatever happens."""
    if os.geteuid() == 0:
        # PostgreSQL runs as the user `nobody`, who must be able to enter.
        directory.chmod(0o755)
    ports = dict(zip(("api", "redis", "postgres"), choose_free(3), strict=True))
    specs = lab_specs(LabState(runtime="local", ports=ports), directory)
    runtime = LocalRuntime(directory, StackSettings(home=directory))
    reached = urls(ports)
    servers = Servers(runtime, specs, reached["redis"], reached["postgres"])
    try:
        for name in ("redis", "postgres"):
            runtime.start(specs[name])
        for name in ("redis", "postgres"):
            servers.wait_for(name)
        apply_schema(servers.database_url)
        yield servers
    finally:
        for name in runtime.observe():
            runtime.signal(name, "kill")
        runtime.remove(keep_data=False)
