"""A database that refuses rows, for tests of whether a row or PostgreSQL is at fault."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import psycopg

from service.writebehind.connections import Manners
from service.writebehind.entry import Product
from service.writebehind.store import Store
from stack.converge.schema import apply_schema
from stack.wait import wait_until
from tests.servers import Servers
from tests.write_path import OpenPath, Parts, WritePath
from worker.__main__ import MANNERS

#: The quantity that these tests make PostgreSQL refuse.
UNLUCKY: Final = 13
#: The lab's own role. It owns the tables, but its rights can still be revoked.
ROLE: Final = "labuser"
#: Ends every other session of a client. PostgreSQL's own, such as autovacuum, are not ours to end.
END_SESSIONS: Final = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend' "
    "AND datname = current_database() AND pid <> pg_backend_pid()"
)


def good(number: int = 0) -> Product:
    return Product(f"Good {number}", 1.5, 100 + number)


def bad(number: int = 0) -> Product:
    return Product(f"Bad {number}", 1.5, UNLUCKY)


def raising(sqlstate: str, when: str = f"NEW.quantity = {UNLUCKY}", timing: str = "BEFORE INSERT") -> str:
    """A trigger that refuses rows."""
    return f"""
        CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'no such quantity' USING ERRCODE = '{sqlstate}'; END $$;
        CREATE TRIGGER refuses {timing} ON products FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION refuse()"""


@dataclass
class Refusing:
    """PostgreSQL with rules that a test changes; restored afterwards."""

    servers: Servers
    open_path: OpenPath
    #: Every write that was acknowledged, by product: its newest version.
    written: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # Opened beforehand, because later nothing else may be able to connect.
        self.connection = psycopg.connect(self.servers.database_url, autocommit=True)

    def ddl(self, *statements: str) -> None:
        for statement in statements:
            self.connection.execute(statement.encode())

    def path(self, manners: Manners = MANNERS, **settings: object) -> WritePath:
        """A write path with a worker's manners."""
        return self.open_path(
            Parts(store=lambda url: Store(url, manners)), **{"retry_delay_ms": 1} | settings
        )

    def create(self, path: WritePath, products: Sequence[Product]) -> list[str]:
        made = [path.create(product) for product in products]
        self.written |= {product["id"]: product["version"] for product in made}
        return [str(product["id"]) for product in made]

    def rows(self) -> dict[str, int]:
        return dict(self.connection.execute("SELECT id, version FROM products").fetchall())

    def await_rows(self, ids: Sequence[str], seconds: float = 5) -> None:
        wait_until(
            lambda: set(ids) <= set(self.rows()), seconds=seconds, reason="these rows are written", hint=""
        )

    def assert_accounted(self, path: WritePath, *, letters: Sequence[str] = ()) -> list[Any]:
        """Every acknowledged write is in PostgreSQL or, where named, a dead letter. Returns the letters."""
        found = path.dead_letters.oldest(10_000)
        assert sorted(letter["id"] for letter in found) == sorted(letters)
        rows = self.rows()
        lost = {i for i, version in self.written.items() if rows.get(i) != version} - set(letters)
        assert not lost
        path.assert_balanced()
        state = path.queue()
        assert (state.queue_size, state.inflight, state.retrying) == (0, 0, 0)
        return found

    def restore(self) -> None:
        self.ddl(
            "DROP SCHEMA public CASCADE",
            "CREATE SCHEMA public",
            f"ALTER ROLE {ROLE} RESET ALL",
            f"ALTER ROLE {ROLE} PASSWORD 'labpass'",
            "ALTER DATABASE labdb CONNECTION LIMIT -1",
            END_SESSIONS,
        )
        self.connection.close()
        apply_schema(self.servers.database_url)


@contextmanager
def flushing(*paths: WritePath) -> Iterator[None]:
    """Flush in threads until the end of the block, as workers do."""

    def flush(path: WritePath) -> None:
        while not path.stop.pause(0.01):
            path.flusher.attempt()

    threads = [threading.Thread(target=flush, args=(path,)) for path in paths]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for path in paths:
            path.stop.request()
        for thread in threads:
            thread.join(timeout=15)
            assert not thread.is_alive()


def drained(path: WritePath, seconds: float = 5) -> None:
    def empty() -> bool:
        state = path.queue()
        return state.queue_size + state.inflight + state.retrying == 0

    wait_until(empty, seconds=seconds, reason="the queue is empty", hint=str(path.condition.report))
