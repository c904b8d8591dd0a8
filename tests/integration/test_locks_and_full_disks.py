"""A PostgreSQL that others use as well: their locks, slow statements, full disks."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from service.writebehind.entry import Product
from service.writebehind.store import Store
from stack.wait import wait_until
from tests.refusals import Refusing, drained, flushing, good
from tests.servers import Servers, running
from tests.write_path import Parts, WritePath
from worker.__main__ import MANNERS


def test_a_deadlock_with_another_session_loses_nothing(database: Refusing) -> None:
    path = database.path(replace(MANNERS, lock_ms=8_000))
    other = psycopg.connect(database.servers.database_url)
    try:
        other.execute("UPDATE products SET quantity = 1 WHERE id = 'seed-005'")
        path.update("seed-001", good(1))
        path.update("seed-005", good(5))
        with flushing(path):
            # The flush holds seed-001 and waits for seed-005.
            wait_until(lambda: _waits(database), seconds=20, reason="the flush waits", hint="", poll=0.01)
            # PostgreSQL ends the one that waited first, and this one goes on.
            other.execute("UPDATE products SET quantity = 1 WHERE id = 'seed-001'")
            other.commit()
            drained(path)
    finally:
        other.close()
    assert path.queue().dlq_size == 0
    names = {path.row(seed)["name"] for seed in ("seed-001", "seed-005")}  # type: ignore[index]
    assert names == {"Good 1", "Good 5"}


def _waits(database: Refusing) -> bool:
    with psycopg.connect(database.servers.database_url) as connection:
        query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        found: Any = connection.execute(query).fetchone()
        return bool(found[0])


def test_a_row_that_another_session_locks_does_not_hold_up_others_for_long(database: Refusing) -> None:
    path = database.path(max_retries=10, retry_delay_ms=200)
    with psycopg.connect(database.servers.database_url) as other:
        other.execute("SELECT FROM products WHERE id = 'seed-001' FOR UPDATE")
        path.update("seed-001", good(1))
        lucky = database.create(path, [good(n) for n in range(200)])
        with flushing(path):
            database.await_rows(lucky, seconds=4)
            other.rollback()
            drained(path)
    database.assert_accounted(path)
    row = path.row("seed-001")
    assert row is not None
    assert row["name"] == "Good 1"


def test_a_locked_table_pauses_and_drains_the_moment_it_is_free(database: Refusing) -> None:
    path = database.path(max_retries=0)
    with psycopg.connect(database.servers.database_url) as other:
        other.execute("LOCK TABLE products IN ACCESS EXCLUSIVE MODE")
        database.create(path, [good(n) for n in range(20)])
        with flushing(path):
            wait_until(
                lambda: path.condition.report.state == "blocked", seconds=20, reason="it is blocked", hint=""
            )
            state = path.queue()
            assert (state.dlq_size, state.totals["retried"]) == (0, 0)
            wait_until(lambda: _waits(database), seconds=20, reason="it queues for the lock", hint="")
            other.rollback()
            drained(path, seconds=5)
    database.assert_accounted(path)


def test_a_batch_that_takes_too_long_is_written_in_parts(database: Refusing) -> None:
    database.ddl(
        "CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN PERFORM pg_sleep(0.02); RETURN NEW; END $$",
        "CREATE TRIGGER dawdles BEFORE INSERT ON products FOR EACH ROW EXECUTE FUNCTION dawdle()",
    )
    path = database.path(replace(MANNERS, statement_ms=150), max_retries=0)
    database.create(path, [good(n) for n in range(20)])
    path.flusher.run()
    database.assert_accounted(path)
    assert path.queue().totals["batches"] > 1


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="only root can mount a small disk")
def test_a_full_disk_pauses_and_loses_nothing(tmp_path: Path) -> None:
    with running(tmp_path) as servers, _small_disk(servers, tmp_path) as disk:
        path = WritePath.on(servers, Parts(store=lambda url: Store(url, MANNERS)), max_retries=0)
        try:
            filler = disk / "filler"
            with filler.open("wb", buffering=0) as file, suppress(OSError):
                while file.write(bytes(4096)) == 4096:
                    pass
            wide = [path.create(Product("x" * 255, 1.0, n)) for n in range(300)]
            with flushing(path):
                wait_until(
                    lambda: path.condition.report.code == "53100", seconds=20, reason="it is full", hint=""
                )
                assert "No space left" in path.condition.report.reason
                filler.unlink()
                drained(path)
            assert (path.queue().dlq_size, path.queue().totals["persisted"]) == (0, 300)
            assert all(path.row(product["id"]) for product in wide[::30])
            path.assert_balanced()
        finally:
            path.close()


@contextmanager
def _small_disk(servers: Servers, directory: Path) -> Iterator[Path]:
    """Put the tables, but not the WAL, on a file system of 64 MB."""
    (base,) = directory.glob("**/base")
    copy = base.with_name("base.copy")
    servers.runtime.signal("postgres", "kill")
    shutil.copytree(base, copy)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m,mode=700", "tmpfs", str(base)], check=True)
    try:
        subprocess.run(["cp", "-a", f"{copy}/.", str(base)], check=True)
        owner = base.parent.stat()
        subprocess.run(["chown", "-R", f"{owner.st_uid}:{owner.st_gid}", str(base)], check=True)
        servers.runtime.start(servers.specs["postgres"])
        servers.wait_for("postgres")
        yield base
    finally:
        servers.runtime.signal("postgres", "kill")
        subprocess.run(["umount", "-l", str(base)], check=True)
