"""What the service and the worker log whatever goes wrong: whole records, and no products."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest
import redis

from service.writebehind import keys
from stack.wait import wait_until
from tests.api_process import Api, running_api
from tests.live_worker import WorkerProcess, workers
from tests.raw_http import Answer, RawClient, post, request
from tests.servers import Servers

#: The name, the price and the quantity of every product, and the password of Redis. None may appear in a log.
NAME, PRICE, QUANTITY, PASSWORD = "Confidential gadget", "31415.92", "27182", "troutfish"
TRACE: Final = "4bf92f3577b34da6a3ce929d0e0e4736"
SECRETS: Final = (NAME, "onfidential", PRICE, QUANTITY, PASSWORD, "labpass")

_REFUSES = """
    CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION '% for % is not allowed', NEW.name, NEW.price; END $$;
    CREATE OR REPLACE TRIGGER refuses BEFORE INSERT ON products FOR EACH ROW
    WHEN ({when}) EXECUTE FUNCTION refuse()"""


class Logged:
    """The API and a worker that log as JSON, use a password of Redis, and give no row a second attempt."""

    def __init__(self, servers: Servers, api: Api, worker: WorkerProcess, log: Path) -> None:
        self.servers = servers
        self.api = api
        self.worker = worker
        self._log = log

    def ddl(self, statement: str) -> None:
        with psycopg.connect(self.servers.database_url) as connection:
            connection.execute(statement.encode())

    def ask(self, data: bytes) -> Answer:
        with RawClient(self.api.port) as client:
            return client.ask(data)

    def write(self, *headers: str, quantity: str = QUANTITY) -> Answer:
        body = f'{{"name": "{NAME}", "price": {PRICE}, "quantity": {quantity}}}'
        return self.ask(post(body.encode(), *headers))

    def text(self) -> str:
        return self._log.read_text() + self.worker.text()

    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text().splitlines()]

    def await_message(self, part: str, *, times: int = 1) -> None:
        wait_until(
            lambda: self.text().count(part) >= times,
            seconds=15,
            reason=f"{part!r} is logged",
            hint=self.text(),
        )


@pytest.fixture
def logged(servers: Servers, tmp_path: Path) -> Iterator[Logged]:
    url = servers.redis_url.replace("//", f"//lab:{PASSWORD}@")
    settings: dict[str, object] = {"redis_url": url, "log_format": "json", "max_retries": 0}
    log = tmp_path / "api.log"
    _add_user(servers)
    with (
        workers(servers, tmp_path, 1, **settings) as (worker,),
        running_api(servers, log, api_processes=1, **settings) as api,
    ):
        logged = Logged(servers, api, worker, log)
        logged.await_message("Started server process")
        yield logged
    _start(servers)
    logged.ddl("DROP FUNCTION IF EXISTS refuse CASCADE")
    with redis.Redis.from_url(servers.redis_url) as client:
        client.execute_command("ACL", "DELUSER", "lab")


def _add_user(servers: Servers) -> None:
    with redis.Redis.from_url(servers.redis_url) as client:
        client.execute_command("ACL", "SETUSER", "lab", "on", f">{PASSWORD}", "~*", "&*", "+@all")


def _start(servers: Servers) -> None:
    for name in ("redis", "postgres"):
        if servers.runtime.observe()[name].state != "running":
            servers.runtime.start(servers.specs[name])
        servers.wait_for(name)


def test_no_log_holds_a_product_or_a_password(logged: Logged, servers: Servers) -> None:
    _refused_requests(logged)
    _refused_rows(logged)
    _junk_in_redis(logged, servers)
    _outages(logged, servers)
    text = logged.text()
    assert not [secret for secret in SECRETS if secret in text]
    records = logged.records()
    assert all({"at", "level", "logger", "message", "process"} <= record.keys() for record in records)
    assert {record["logger"] for record in records} >= {"worker", "worker.flush", "uvicorn.error"}
    # The worker, the API's server process and its parent.
    assert len({record["process"] for record in records}) == 3


def _refused_requests(logged: Logged) -> None:
    """What the client gets wrong is the client's business: it is not logged at all."""
    before = len(logged.records())
    path = f"/products/{NAME.replace(' ', '%20')}"
    answers = [
        logged.write(quantity="27182000000"),
        logged.write(quantity='"27182'),
        logged.ask(request("PUT", path)),
        logged.ask(request("GET", path)),
        logged.ask(b"POST /products HTTP/1.1\r\n" + NAME.encode() + b"\r\n\r\n"),
    ]
    assert all(400 <= answer.status < 500 for answer in answers)
    assert len(logged.records()) == before


def _refused_rows(logged: Logged) -> None:
    assert logged.write().status == 201
    logged.await_message("flushed 1 entry, 1 row changed")
    # A row at fault: other rows pass.
    logged.ddl(_REFUSES.format(when=f"NEW.quantity = {QUANTITY}"))
    assert logged.write("X-Write-Policy: write_through").status == 422
    assert logged.write().status == 201
    logged.await_message("dead-lettered 1 entry: PostgreSQL refuses the row: SQLSTATE P0001")
    # PostgreSQL at fault: no row passes.
    logged.ddl(_REFUSES.format(when="true"))
    assert logged.write().status == 201
    logged.await_message("flushing is paused: PostgreSQL refuses every row: SQLSTATE P0001")
    logged.ddl("DROP FUNCTION refuse CASCADE")
    logged.await_message("flushing goes on")


def _junk_in_redis(logged: Logged, servers: Servers) -> None:
    """A request that is traced repairs it, and what is logged of that names the trace."""
    # The worker would repair it as well.
    logged.worker.signal(signal.SIGSTOP)
    with redis.Redis.from_url(servers.redis_url) as client:
        client.delete(keys.PENDING)
        client.set(keys.PENDING, NAME)
    assert logged.write(f"traceparent: 00-{TRACE}-00f067aa0ba902b7-01").status == 201
    logged.await_message("deleted keys that held the wrong type: write_behind:pending")
    logged.worker.signal(signal.SIGCONT)
    repaired = [each for each in logged.records() if each["message"].startswith("deleted keys")]
    assert [each["trace_id"] for each in repaired] == [TRACE]


def _outages(logged: Logged, servers: Servers) -> None:
    servers.runtime.signal("postgres", "kill")
    assert logged.write("X-Write-Policy: write_through").status in (503, 504)
    assert logged.write().status == 201
    # PostgreSQL broke off, or can't be reached.
    logged.await_message("flushing is paused: PostgreSQL", times=2)
    servers.runtime.signal("redis", "kill")
    assert logged.write().status in (503, 504)
    logged.await_message("Redis is away")
    _start(servers)
    _add_user(servers)
    logged.await_message("RQ works again")
