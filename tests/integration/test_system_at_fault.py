"""If every row fails, PostgreSQL is at fault: flushing pauses, loses nothing, and resumes by itself."""

from typing import Any

import pytest

from stack.converge.schema import apply_schema
from stack.wait import wait_until
from tests.refusals import END_SESSIONS, ROLE, Refusing, bad, drained, flushing, good, raising
from tests.write_path import WritePath

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
    """Everything is kept, no attempt is counted, the reason is reported; once repaired, flushing resumes."""
    database.create(path, [good(n) for n in range(20)])
    with flushing(path):
        wait_until(
            lambda: path.condition.report.state == "paused",
            seconds=20,
            reason="the worker says that it is paused",
            hint=str(path.condition.report),
        )
        assert path.condition.report.code == sqlstate
        assert path.condition.report.reason
        database.create(path, [good(n) for n in range(20)])
        state = path.queue()
        assert (state.dlq_size, state.retrying, state.totals["retried"]) == (0, 0, 0)
        assert state.queue_size + state.inflight == 40
        database.ddl(mend)
        drained(path)
        assert path.condition.report.state in ("flushing", "idle")
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


def test_a_rule_that_goes_while_a_batch_is_split_condemns_no_row(database: Refusing) -> None:
    """The rule that refused a row is gone by the time good rows are tried."""
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


def test_a_rule_that_comes_while_a_batch_is_split_condemns_no_row(database: Refusing) -> None:
    """Some rows have passed before the rule comes that refuses all others."""
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
        wait_until(
            lambda: path.condition.report.state == "paused", seconds=20, reason="it is paused", hint=""
        )
        assert path.queue().dlq_size == 0
        database.ddl("DROP TRIGGER refuses ON products")
        drained(path)
    database.assert_accounted(path)


def test_a_lone_row_that_every_trial_resembles_waits_for_the_repair(database: Refusing) -> None:
    database.ddl(SYSTEM_TROUBLE["trigger for all"][1])
    path = database.path(max_retries=0)
    database.create(path, [good()])
    with flushing(path):
        wait_until(
            lambda: path.condition.report.state == "paused", seconds=20, reason="it is paused", hint=""
        )
        database.ddl("DROP TRIGGER refuses ON products")
        drained(path)
    database.assert_accounted(path)


def test_a_dropped_table_comes_back_with_the_schema(database: Refusing) -> None:
    database.ddl("DROP TABLE products CASCADE")
    path = database.path()
    database.create(path, [good(n) for n in range(5)])
    with flushing(path):
        wait_until(lambda: path.condition.report.code == "42P01", seconds=20, reason="it is paused", hint="")
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


def test_a_delete_of_a_hidden_row_is_not_acknowledged_while_the_row_is_there(database: Refusing) -> None:
    path = database.path()
    hidden, *_ = database.create(path, [good(n) for n in range(3)])
    path.flusher.run()
    database.ddl(
        "ALTER TABLE products ENABLE ROW LEVEL SECURITY", "ALTER TABLE products FORCE ROW LEVEL SECURITY"
    )
    path.writes.delete(hidden)
    with flushing(path):
        wait_until(
            lambda: path.condition.report.state == "paused" or path.queue().queue_size == 0,
            seconds=20,
            reason="the delete is tried",
            hint="",
        )
        database.ddl("ALTER TABLE products DISABLE ROW LEVEL SECURITY")
        drained(path)
    # Deleted, or given up with its reason; never acknowledged while the row is still there.
    letters = [letter["id"] for letter in path.dead_letters.oldest(10)]
    assert (hidden in database.rows()) == (hidden in letters)
    path.assert_balanced()
