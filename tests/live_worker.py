"""A worker in a process of its own, as it really runs, on the servers of a test."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import redis

from service.writebehind import keys
from stack.wait import wait_until
from tests.servers import Servers


@dataclass(frozen=True, slots=True)
class WorkerProcess:
    process: "subprocess.Popen[bytes]"
    servers: Servers
    log: Path

    def said(self) -> dict[str, Any]:
        """What it reports about itself; empty if it reports nothing."""
        with redis.Redis.from_url(self.servers.redis_url, socket_timeout=2) as client:
            held: Any = client.hgetall(keys.WORKERS)
        documents = [json.loads(document) for document in held.values()]
        return next((said for said in documents if said["pid"] == self.process.pid), {})

    def await_state(self, state: str, seconds: float = 5) -> dict[str, Any]:
        wait_until(
            lambda: self.said().get("state") == state,
            seconds=seconds,
            reason=f"the worker says that it is {state}",
            hint=f"{self.said()}\n{self.text()}",
        )
        return self.said()

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def text(self) -> str:
        return self.log.read_text()

    def lines(self, part: str) -> list[str]:
        return [line for line in self.text().splitlines() if part in line]

    def end(self) -> None:
        """End it, whatever state it is in."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


@contextmanager
def workers(
    servers: Servers, directory: Path, number: int = 1, **settings: object
) -> Iterator[list[WorkerProcess]]:
    """Start workers, and end them whatever happens. By default everything is due at once."""
    own = servers.settings(**({"coalescing_window_ms": 0, "flush_interval_ms": 0} | settings))
    env = {"PATH": os.environ["PATH"], **own.to_env()}
    with ExitStack() as opened:
        started = []
        for n in range(number):
            log = directory / f"worker-{n}.log"
            file = opened.enter_context(log.open("wb"))
            argv = [sys.executable, "-m", "worker"]
            process = subprocess.Popen(argv, env=env, stderr=file, stdout=file, cwd=Path.cwd())
            worker = WorkerProcess(process, servers, log)
            opened.callback(worker.end)
            started.append(worker)
        for worker in started:
            wait_until(
                lambda worker=worker: bool(worker.said()),  # type: ignore[misc]
                seconds=20,
                reason="the worker says that it lives",
                hint="see its log",
            )
        yield started


LOCK = "LOCK TABLE products IN ACCESS EXCLUSIVE MODE"


@contextmanager
def locked(servers: Servers) -> Iterator["psycopg.Connection[Any]"]:
    with psycopg.connect(servers.database_url, application_name="psql") as other:
        other.execute(LOCK.encode())
        yield other


def written(servers: Servers) -> set[str]:
    with psycopg.connect(servers.database_url) as connection:
        return {row[0] for row in connection.execute("SELECT id FROM products")}


def ends_within(worker: WorkerProcess, seconds: float) -> int:
    return worker.process.wait(timeout=seconds)


def waiting_flushes(servers: Servers) -> int:
    with psycopg.connect(servers.database_url) as connection:
        found: Any = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'write-behind worker'"
            " AND state = 'active'"
        ).fetchone()
    return int(found[0])
