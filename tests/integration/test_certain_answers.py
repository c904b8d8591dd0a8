"""The store says for certain what became of a write, or that it is unknown; and it says so soon."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from service.writebehind.connections import API, Manners
from service.writebehind.entry import Product, finish, product_head, timestamp, tombstone_head
from service.writebehind.errors import OutcomeUnknown, RowsRefused, StoreUnavailable, WriteBehindError
from service.writebehind.store import Store, StoredProduct, Tombstone
from stack.wait import wait_until
from tests.servers import Servers
from tests.write_path import WritePath
from worker.stopping import StopRequest

#: A program that gives up after 0.3 s, and gives PostgreSQL up a second later.
HASTY = Manners(application="hasty", lock_ms=200, statement_ms=300)


def entry(product_id: str, version: int, *, deleted: bool = False, quantity: int = 1) -> bytes:
    now = timestamp()
    head = tombstone_head(product_id) if deleted else product_head(product_id, Product("P", 1.5, quantity))
    return finish(head, created_at=now, updated_at=now, version=version)


@pytest.fixture
def opened(servers: Servers) -> Iterator[Callable[..., Store]]:
    stores: list[Store] = []

    def make(manners: Manners = API, **options: Any) -> Store:
        stores.append(Store(servers.database_url, manners, **options))
        return stores[-1]

    yield make
    for store in stores:
        store.close()


@contextmanager
def frozen_postgres(servers: Servers) -> Iterator[None]:
    servers.runtime.signal("postgres", "pause")
    try:
        yield
    finally:
        servers.runtime.signal("postgres", "resume")
        servers.wait_for("postgres")


def ask(servers: Servers, query: str, *params: object) -> list[Any]:
    with psycopg.connect(servers.database_url, autocommit=True) as connection:
        return connection.execute(query.encode(), params).fetchall()


@pytest.mark.parametrize("pause", [0.01, 0.03])
def test_no_write_reported_as_refused_was_accepted(
    servers: Servers, opened: Callable[..., Store], pause: float
) -> None:
    """Eight writers, while every session of theirs is ended again and again."""
    answers: dict[str, str] = {}
    stop = threading.Event()
    store = opened()

    def write(number: int) -> None:
        n = 0
        while not stop.is_set():
            name = f"{number}-{n}"
            try:
                store.write([entry(name, 1)])
            except WriteBehindError as error:
                answers[name] = type(error).__name__
            else:
                answers[name] = "taken"
            n += 1

    with ThreadPoolExecutor(8) as pool:
        writers = [pool.submit(write, number) for number in range(8)]
        ends = time.monotonic() + 1.2
        with psycopg.connect(servers.database_url, autocommit=True) as killer:
            while not stop.wait(pause) and time.monotonic() < ends:
                killer.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE application_name = 'write-behind api'"
                )
        stop.set()
        for writer in writers:
            writer.result()
    rows = {row[0] for row in ask(servers, "SELECT id FROM products")}
    assert not [name for name, said in answers.items() if said == "taken" and name not in rows]
    assert not [
        name for name, said in answers.items() if said not in ("taken", "OutcomeUnknown") and name in rows
    ]
    assert "taken" in answers.values(), "some get through"


def test_a_session_that_was_ended_while_idle_is_replaced_silently(
    servers: Servers, opened: Callable[..., Store]
) -> None:
    store = opened()
    store.write([entry("one", 1)])
    ask(
        servers,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s",
        API.application,
    )
    assert store.write([entry("two", 1)]) == 1, (
        "nothing was sent into the dead session, so nothing is repeated"
    )
    assert store.get("two") is not None


@pytest.mark.slow
def test_a_frozen_postgres_holds_no_caller_for_long(servers: Servers, opened: Callable[..., Store]) -> None:
    store = opened(HASTY)
    store.ping()
    with frozen_postgres(servers):
        for product_id, error in (("frozen", OutcomeUnknown), ("later", StoreUnavailable)):
            began = time.monotonic()
            with pytest.raises(error):
                store.write([entry(product_id, 1)])
            assert time.monotonic() - began < 6
    assert store.get("later") is None
    # Unknown means maybe: once PostgreSQL goes on, the statement or its cancellation may come first. Either
    # way, writing it again does no harm.
    wait_until(lambda: store.write([entry("frozen", 1)]) in (0, 1), seconds=20, reason="it writes", hint="")
    row = store.get("frozen")
    assert row is not None
    assert store.versions(["frozen"]) == {"frozen": 1}


def test_a_read_never_speaks_of_a_write(servers: Servers, opened: Callable[..., Store]) -> None:
    store = opened(HASTY)
    store.ping()
    with frozen_postgres(servers), pytest.raises(StoreUnavailable):
        store.get("seed-001")
    store.ping()
    servers.runtime.signal("postgres", "kill")
    for read in (lambda: store.get("seed-001"), lambda: store.versions(["seed-001"]), store.ping):
        with pytest.raises(StoreUnavailable):
            read()


def test_a_stop_does_not_wait_for_a_statement(
    servers: Servers, opened: Callable[..., Store], stop: StopRequest
) -> None:
    store = opened(API, stop_fd=stop.fd)
    with psycopg.connect(servers.database_url) as other, ThreadPoolExecutor(1) as pool:
        other.execute("LOCK TABLE products IN ACCESS EXCLUSIVE MODE")
        writing = pool.submit(store.write, [entry("cancelled", 1)])
        wait_until(lambda: _waiting(servers) == 1, seconds=20, reason="the write waits", hint="")
        stop.request()
        began = time.monotonic()
        with pytest.raises(RowsRefused) as refusal:
            writing.result()
        assert (refusal.value.sqlstate, time.monotonic() - began < 4) == ("57014", True)
        assert _waiting(servers) == 0
        other.rollback()
    assert ask(servers, "SELECT FROM products WHERE id = 'cancelled'") == []


def _waiting(servers: Servers) -> int:
    query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    return int(ask(servers, query)[0][0])


def test_a_stop_does_not_wait_for_a_frozen_postgres(
    servers: Servers, opened: Callable[..., Store], stop: StopRequest
) -> None:
    store = opened(API, stop_fd=stop.fd)
    store.ping()
    stop.request()
    with frozen_postgres(servers):
        began = time.monotonic()
        with pytest.raises(OutcomeUnknown):
            store.write([entry("frozen", 1)])
        assert time.monotonic() - began < 2.5


def test_a_lock_of_another_session_is_reported_and_not_waited_for(
    servers: Servers, opened: Callable[..., Store], path: WritePath
) -> None:
    with psycopg.connect(servers.database_url) as other:
        other.execute("LOCK TABLE products IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(RowsRefused, match="lock timeout") as refusal:
            opened(HASTY).write([entry("locked", 1)])
        assert refusal.value.passes_by_itself
        with pytest.raises(StoreUnavailable):
            opened(HASTY).get("seed-001")
    assert path.row("locked") is None


def test_the_lock_timeout_of_one_write_does_not_affect_the_next(
    servers: Servers, opened: Callable[..., Store]
) -> None:
    store = opened()
    with psycopg.connect(servers.database_url) as other:
        other.execute("LOCK TABLE products IN ACCESS EXCLUSIVE MODE")
        waits = []
        for lock_ms in (50, None):
            began = time.monotonic()
            with pytest.raises(RowsRefused):
                store.write([entry("locked", 1)], lock_ms=lock_ms)
            waits.append(time.monotonic() - began)
    assert waits[0] < 0.5 < API.lock_ms / 1000 - 0.1 < waits[1]


def test_a_statement_is_prepared_again_when_a_column_changes_its_type(
    servers: Servers, opened: Callable[..., Store]
) -> None:
    store = opened()
    try:
        for kind in ("bigint", "integer", "bigint"):
            # psycopg prepares what it has sent five times.
            for n in range(8):
                store.write([entry("seed-001", 10**15 + n)])
                assert store.get("seed-001") is not None
                assert store.newest(3)
                assert isinstance(store.look("seed-001"), StoredProduct)
            ask_nothing = "ALTER TABLE products ALTER COLUMN quantity TYPE " + kind
            with psycopg.connect(servers.database_url, autocommit=True) as connection:
                connection.execute("DROP VIEW IF EXISTS product_stats")
                connection.execute(ask_nothing.encode())
            assert store.get("seed-001") is not None
            assert isinstance(store.look("seed-001"), StoredProduct)
            store.write([entry("seed-001", 10**15 + 9)])
    finally:
        with psycopg.connect(servers.database_url, autocommit=True) as connection:
            connection.execute("ALTER TABLE products ALTER COLUMN quantity TYPE integer")


def test_a_look_distinguishes_a_row_from_a_delete_and_from_nothing(opened: Callable[..., Store]) -> None:
    store = opened()
    assert store.look("nowhere") is None
    assert store.write([entry("x", 5)]) == 1
    row = store.look("x")
    assert isinstance(row, StoredProduct)
    assert (row.id, row.version) == ("x", 5)
    assert store.write([entry("x", 7, deleted=True)]) == 1
    assert store.look("x") == Tombstone("x", 7)
    assert store.write([entry("x", 6)]) == 0
    assert store.look("x") == Tombstone("x", 7)
    assert store.write([entry("x", 9)]) == 1
    row = store.look("x")
    assert isinstance(row, StoredProduct)
    assert row.version == 9


@pytest.mark.parametrize("product_id", ["a\x00b", "\udcff"])
def test_what_postgres_cannot_hold_is_not_there(opened: Callable[..., Store], product_id: str) -> None:
    store = opened()
    assert store.get(product_id) is store.look(product_id) is None
    assert store.versions([product_id, "seed-001"]).keys() == {"seed-001"}


@pytest.mark.parametrize(
    ("content", "sqlstate"),
    [(b'{"id":"n","name":"\\u0000","version":1}', "22P05"), (b"\xff", "22000"), (b"{", "22P02")],
)
def test_entries_that_postgres_cannot_read_are_refused(
    opened: Callable[..., Store], content: bytes, sqlstate: str
) -> None:
    with pytest.raises(RowsRefused) as refusal:
        opened().write([content])
    assert refusal.value.sqlstate == sqlstate
    assert refusal.value.blames_the_row


def test_a_write_through_that_postgres_refuses_says_whose_fault_it_is(
    servers: Servers, path: WritePath
) -> None:
    with psycopg.connect(servers.database_url, autocommit=True) as connection:
        connection.execute("ALTER TABLE products ADD CONSTRAINT unlucky CHECK (quantity <> 13)")
        try:
            with pytest.raises(RowsRefused, match="unlucky"):
                path.create(Product("P", 1.0, 13), policy="write_through")
        finally:
            connection.execute("ALTER TABLE products DROP CONSTRAINT unlucky")


def test_every_session_has_a_name_and_bounds(servers: Servers, opened: Callable[..., Store]) -> None:
    opened().ping()
    ((name,),) = ask(
        servers, "SELECT application_name FROM pg_stat_activity WHERE application_name = %s", API.application
    )
    assert name == "write-behind api"
    settings = opened().connections.run(
        lambda connection: connection.execute(
            "SELECT current_setting('lock_timeout') AS a, current_setting('statement_timeout') AS b,"
            " current_setting('idle_in_transaction_session_timeout') AS c"
        ).fetchone()
    )
    assert settings == ("2s", "3s", "5s")
