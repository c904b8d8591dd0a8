"""Row or system is decided by trying: what a real PostgreSQL refuses, and what becomes of it."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from service.writebehind.entry import Product
from stack.database import apply_schema
from stack.wait import wait_until
from tests.refusals import END_SESSIONS, ROLE, UNLUCKY, Refusing, bad, drained, flushing, good, raising
from tests.servers import Servers
from tests.write_path import OpenPath, WritePath
from worker.__main__ import MANNERS


@pytest.fixture
def database(servers: Servers, open_path: OpenPath) -> Iterator[Refusing]:
    refusing = Refusing(servers, open_path)
    try:
        yield refusing
    finally:
        refusing.restore()


# A row's fault

ROW_RULES = {
    "trigger": ("P0001", raising("P0001")),
    "check": ("23514", f"ALTER TABLE products ADD CHECK (quantity <> {UNLUCKY}) NOT VALID"),
    "trigger in a class of the system's": ("42P01", raising("42P01")),
    "trigger after the row": ("P0001", raising("P0001", timing="AFTER INSERT")),
    "trigger at the commit": (
        "P0001",
        raising("P0001", timing="AFTER INSERT").replace(
            "CREATE TRIGGER refuses AFTER INSERT ON products",
            "CREATE CONSTRAINT TRIGGER refuses AFTER INSERT ON products DEFERRABLE INITIALLY DEFERRED",
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("rule", ROW_RULES)
@pytest.mark.parametrize("empty", [False, True], ids=["with rows", "without rows"])
def test_a_bad_row_is_given_up_and_holds_up_nobody(database: Refusing, rule: str, empty: bool) -> None:
    sqlstate, statement = ROW_RULES[rule]
    database.ddl(statement, *(["TRUNCATE products"] if empty else []))
    path = database.path()
    before = database.create(path, [good(n) for n in range(10)])
    (unlucky,) = database.create(path, [bad()])
    behind = database.create(path, [good(n) for n in range(10)])
    path.flusher.run()
    (letter,) = database.assert_accounted(path, letters=[unlucky])
    assert f"(SQLSTATE {sqlstate})" in letter["error"]
    assert letter["attempts"] == 1
    assert set(before + behind) <= set(database.rows())


@pytest.mark.parametrize("rule", ROW_RULES)
@pytest.mark.parametrize("number", [1, 2, 20])
def test_bad_rows_alone_are_told_by_good_rows_that_are_tried(
    database: Refusing, rule: str, number: int
) -> None:
    """Nothing in the batch passes; what else PostgreSQL takes shows that it is not PostgreSQL's trouble."""
    database.ddl(ROW_RULES[rule][1])
    path = database.path(batch_size=10)
    unlucky = database.create(path, [bad(n) for n in range(number)])
    rows = database.rows()
    path.flusher.run()
    database.assert_accounted(path, letters=unlucky)
    assert database.rows() == rows, "a trial leaves nothing behind"


def test_rows_that_postgres_took_before_they_were_bad_mislead_nobody(database: Refusing) -> None:
    database.ddl(f"UPDATE products SET quantity = {UNLUCKY} WHERE id <> 'seed-005'", ROW_RULES["check"][1])
    path = database.path()
    unlucky = database.create(path, [bad()])
    path.update("seed-001", bad())
    path.flusher.run()
    assert {letter["id"] for letter in path.dead_letters.oldest(9)} == {*unlucky, "seed-001"}


def test_a_name_that_is_taken_is_that_rows_fault(database: Refusing) -> None:
    database.ddl("CREATE UNIQUE INDEX names ON products (name)")
    path = database.path()
    first, second = database.create(path, [Product("Same", 1.0, 1), Product("Same", 2.0, 2)])
    path.flusher.run()
    (letter,) = path.dead_letters.oldest(9)
    assert letter["id"] in (first, second)
    assert "23505" in letter["error"]
    database.assert_accounted(path, letters=[letter["id"]])


def test_row_level_security_refuses_rows(database: Refusing) -> None:
    path = database.path()
    database.ddl(
        "ALTER TABLE products ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE products FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY lucky ON products TO {ROLE} USING (true) WITH CHECK (quantity <> {UNLUCKY})",
    )
    (alone,) = database.create(path, [bad()])
    path.flusher.run()
    (unlucky, *_) = database.create(path, [bad(), good(1), good(2)])
    path.flusher.run()
    letters = database.assert_accounted(path, letters=[alone, unlucky])
    assert all("42501" in letter["error"] for letter in letters)


def test_a_delete_that_a_reference_forbids_is_that_products_fault(database: Refusing) -> None:
    database.ddl(
        "CREATE TABLE orders (product varchar(36) REFERENCES products)",
        "INSERT INTO orders VALUES ('seed-001')",
    )
    path = database.path()
    path.delete("seed-001")
    path.flusher.run()
    (letter,) = path.dead_letters.oldest(9)
    assert (letter["id"], "23503" in letter["error"]) == ("seed-001", True)
    path.delete("seed-002")
    path.flusher.run()
    assert "seed-002" not in database.rows()
    assert set(database.rows()) >= {"seed-001", "seed-003", "seed-004", "seed-005"}


@pytest.mark.parametrize("sqlstate", ["40001", "40P01", "55P03", "57014"])
def test_a_row_whose_trouble_may_pass_is_tried_again_and_given_up_at_last(
    database: Refusing, sqlstate: str
) -> None:
    database.ddl(raising(sqlstate))
    path = database.path(max_retries=2)
    (unlucky, *lucky) = database.create(path, [bad(), *(good(n) for n in range(20))])
    with flushing(path):
        database.await_rows(lucky)
        drained(path)
    (letter,) = database.assert_accounted(path, letters=[unlucky])
    assert letter["attempts"] == 3
    assert path.queue().totals["retried"] == 2


@pytest.mark.parametrize("sqlstate", ["53100", "58030", "XX001", "25006"])
def test_a_row_that_postgres_lacks_the_means_for_is_kept_uncounted(database: Refusing, sqlstate: str) -> None:
    database.ddl(raising(sqlstate))
    path = database.path(max_retries=0)
    (unlucky, *lucky) = database.create(path, [bad(), *(good(n) for n in range(20))])
    with flushing(path):
        database.await_rows(lucky)
        wait_until(lambda: path.queue().retrying == 1, seconds=3, reason="the row waits", hint="")
        database.ddl("DROP TRIGGER refuses ON products")
        database.await_rows([unlucky])
    database.assert_accounted(path)


# PostgreSQL's own trouble

SYSTEM_TROUBLE: dict[str, tuple[str, str, str]] = {
    "renamed table": (
        "42P01", "ALTER TABLE products RENAME TO away", "ALTER TABLE away RENAME TO products",
    ),
    "dropped column": (
        "42703",
        "ALTER TABLE products DROP COLUMN quantity CASCADE",
        "ALTER TABLE products ADD COLUMN quantity integer NOT NULL DEFAULT 0",
    ),
    "new column without a value": (
        "23502",
        "ALTER TABLE products ADD COLUMN sku text NOT NULL DEFAULT ''; "
        "ALTER TABLE products ALTER COLUMN sku DROP DEFAULT",
        "ALTER TABLE products ALTER COLUMN sku DROP NOT NULL",
    ),
    "trigger for all": ("P0001", raising("P0001", when="true"), "DROP TRIGGER refuses ON products"),
    "trigger for all, after the row": (
        "P0001", raising("P0001", when="true", timing="AFTER INSERT"), "DROP TRIGGER refuses ON products",
    ),
    "constraint that nothing meets": (
        "23514",
        "ALTER TABLE products ADD CONSTRAINT closed CHECK (quantity < 0) NOT VALID",
        "ALTER TABLE products DROP CONSTRAINT closed",
    ),
    "serialization failures": ("40001", raising("40001", when="true"), "DROP TRIGGER refuses ON products"),
    "no room": ("53100", raising("53100", when="true"), "DROP TRIGGER refuses ON products"),
    "no function": (
        "42883", "ALTER FUNCTION write_entries RENAME TO away", "ALTER FUNCTION away RENAME TO write_entries",
    ),
}  # fmt: skip


def _pauses_and_goes_on(database: Refusing, path: WritePath, sqlstate: str, mend: str) -> None:
    """Everything is kept, nothing is counted, the reason is known; mended, it goes on by itself."""
    database.create(path, [good(n) for n in range(20)])
    with flushing(path):
        wait_until(
            lambda: path.condition.said.state == "paused",
            seconds=5,
            reason="the worker says that it is paused",
            hint=str(path.condition.said),
        )
        assert path.condition.said.code == sqlstate
        assert path.condition.said.reason
        database.create(path, [good(n) for n in range(20)])
        state = path.queue()
        assert (state.dlq_size, state.retrying, state.totals["retried"]) == (0, 0, 0)
        assert state.queue_size + state.inflight == 40
        database.ddl(mend)
        drained(path)
        assert path.condition.said.state in ("flushing", "idle")
    database.assert_accounted(path)


@pytest.mark.parametrize("trouble", SYSTEM_TROUBLE)
@pytest.mark.parametrize("empty", [False, True], ids=["with rows", "without rows"])
def test_what_every_row_meets_pauses_and_loses_nothing(database: Refusing, trouble: str, empty: bool) -> None:
    sqlstate, spoil, mend = SYSTEM_TROUBLE[trouble]
    database.ddl(*(["TRUNCATE products"] if empty else []), spoil)
    _pauses_and_goes_on(database, database.path(max_retries=0), sqlstate, mend)


@pytest.mark.parametrize(
    ("sqlstate", "spoil", "mend"),
    [
        ("42501", f"REVOKE INSERT ON products FROM {ROLE}", f"GRANT INSERT ON products TO {ROLE}"),
        ("42501", f"REVOKE UPDATE ON products FROM {ROLE}", f"GRANT UPDATE ON products TO {ROLE}"),
        ("42501", f"REVOKE ALL ON products FROM {ROLE}", f"GRANT ALL ON products TO {ROLE}"),
        (
            "25006",
            f"ALTER ROLE {ROLE} SET default_transaction_read_only = on",
            f"SET default_transaction_read_only = off; ALTER ROLE {ROLE} RESET ALL; {END_SESSIONS}",
        ),
        (
            "unavailable",
            "ALTER DATABASE labdb CONNECTION LIMIT 0",
            "ALTER DATABASE labdb CONNECTION LIMIT -1",
        ),
        ("unavailable", f"ALTER ROLE {ROLE} PASSWORD 'x'", f"ALTER ROLE {ROLE} PASSWORD 'labpass'"),
    ],
    ids=["insert", "update", "all", "read only", "too many connections", "password"],
)
def test_rights_that_are_missing_pause_and_lose_nothing(
    database: Refusing, sqlstate: str, spoil: str, mend: str
) -> None:
    path = database.path()
    database.ddl(spoil)
    _pauses_and_goes_on(database, path, sqlstate, mend)


def test_a_rule_that_goes_while_a_batch_is_split_condemns_nobody(database: Refusing) -> None:
    """The rule that refused a row has gone when good rows are tried."""
    database.ddl(raising("P0001", when="true"))
    path = database.path(max_retries=0)
    rehearse = path.store.rehearse

    def mended(entries: Any, **options: Any) -> None:
        database.ddl("DROP TRIGGER IF EXISTS refuses ON products")
        rehearse(entries, **options)

    path.store.rehearse = mended  # type: ignore[method-assign]
    database.create(path, [good(n) for n in range(20)])
    path.flusher.run()
    database.assert_accounted(path)


def test_a_rule_that_comes_while_a_batch_is_split_condemns_nobody(database: Refusing) -> None:
    """Some rows have passed when the rule comes that refuses all others."""
    database.ddl(raising("P0001"))
    path = database.path(max_retries=9)
    write = path.store.write

    def spoiling(entries: Any, **options: Any) -> int:
        changed = write(entries, **options)
        database.ddl(f"DROP TRIGGER refuses ON products; {raising('P0001', when='true')}")
        path.store.write = write  # type: ignore[method-assign]
        return changed

    path.store.write = spoiling  # type: ignore[method-assign]
    database.create(path, [good(n) for n in range(10)])
    database.create(path, [bad()])
    database.create(path, [good(n) for n in range(10)])
    with flushing(path):
        wait_until(lambda: path.condition.said.state == "paused", seconds=3, reason="it is paused", hint="")
        assert path.queue().dlq_size == 0
        database.ddl("DROP TRIGGER refuses ON products")
        drained(path)
    database.assert_accounted(path)


def test_a_lone_row_that_every_trial_resembles_waits_for_the_mending(database: Refusing) -> None:
    database.ddl(SYSTEM_TROUBLE["trigger for all"][1])
    path = database.path(max_retries=0)
    database.create(path, [good()])
    with flushing(path):
        wait_until(lambda: path.condition.said.state == "paused", seconds=5, reason="it is paused", hint="")
        database.ddl("DROP TRIGGER refuses ON products")
        drained(path)
    database.assert_accounted(path)


def test_a_dropped_table_comes_back_with_the_schema(database: Refusing) -> None:
    database.ddl("DROP TABLE products CASCADE")
    path = database.path()
    database.create(path, [good(n) for n in range(5)])
    with flushing(path):
        wait_until(lambda: path.condition.said.code == "42P01", seconds=5, reason="it is paused", hint="")
        apply_schema(database.servers.database_url)
        drained(path)
    database.assert_accounted(path)


@pytest.mark.parametrize("setting", ["statement_timeout = '1ms'", "lock_timeout = '1ms'",
                                     "default_transaction_isolation = 'serializable'"])  # fmt: skip
def test_settings_of_the_role_do_not_decide(database: Refusing, setting: str) -> None:
    path = database.path()
    database.ddl(f"ALTER ROLE {ROLE} SET {setting}")
    database.create(path, [good(n) for n in range(500)])
    path.flusher.run()
    database.assert_accounted(path)


def test_a_deadlock_made_by_another_session_costs_nothing(database: Refusing) -> None:
    path = database.path(replace(MANNERS, lock_ms=8_000))
    other = psycopg.connect(database.servers.database_url)
    try:
        other.execute("UPDATE products SET quantity = 1 WHERE id = 'seed-005'")
        path.update("seed-001", good(1))
        path.update("seed-005", good(5))
        with flushing(path):
            # The flush holds seed-001 and waits for seed-005.
            wait_until(lambda: _waits(database), seconds=5, reason="the flush waits", hint="", poll=0.01)
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


def test_a_row_that_another_session_locks_holds_up_nobody_for_long(database: Refusing) -> None:
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
                lambda: path.condition.said.state == "blocked", seconds=5, reason="it is blocked", hint=""
            )
            state = path.queue()
            assert (state.dlq_size, state.totals["retried"]) == (0, 0)
            wait_until(lambda: _waits(database), seconds=5, reason="it queues for the lock", hint="")
            other.rollback()
            drained(path, seconds=1)
    database.assert_accounted(path)
