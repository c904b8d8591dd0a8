"""Rows that are at fault themselves, on a real PostgreSQL: they are given up and hold up no other row."""

import pytest

from service.writebehind.entry import Product
from stack.wait import wait_until
from tests.refusals import ROLE, UNLUCKY, Refusing, bad, drained, flushing, good, raising

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
def test_a_bad_row_is_given_up_and_holds_up_no_other(database: Refusing, rule: str, empty: bool) -> None:
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
def test_bad_rows_without_good_ones_are_recognised_by_trying_good_rows(
    database: Refusing, rule: str, number: int
) -> None:
    """Nothing in the batch passes, but PostgreSQL takes other rows, so it is not at fault."""
    database.ddl(ROW_RULES[rule][1])
    path = database.path(batch_size=10)
    unlucky = database.create(path, [bad(n) for n in range(number)])
    rows = database.rows()
    path.flusher.run()
    database.assert_accounted(path, letters=unlucky)
    assert database.rows() == rows, "a trial leaves nothing behind"


def test_rows_that_postgres_took_before_they_were_bad_do_not_mislead(database: Refusing) -> None:
    database.ddl(f"UPDATE products SET quantity = {UNLUCKY} WHERE id <> 'seed-005'", ROW_RULES["check"][1])
    path = database.path()
    unlucky = database.create(path, [bad()])
    path.update("seed-001", bad())
    path.flusher.run()
    assert {letter["id"] for letter in path.dead_letters.oldest(9)} == {*unlucky, "seed-001"}


def test_bad_rows_in_any_number_do_not_hide_the_good_one_behind_them(database: Refusing) -> None:
    """Only certain names are accepted, the table is empty, and the first batches hold no such name."""
    database.ddl("TRUNCATE products", "ALTER TABLE products ADD CHECK (name LIKE 'Acme%')")
    path = database.path(batch_size=5, max_retries=1)
    unlucky = database.create(path, [good(n) for n in range(40)])
    (lucky,) = database.create(path, [Product("Acme 1", 1.0, 1)])
    with flushing(path):
        database.await_rows([lucky], seconds=15)
        drained(path, seconds=15)
    database.assert_accounted(path, letters=unlucky)


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
def test_a_row_that_postgres_has_no_room_for_is_kept_and_not_counted(
    database: Refusing, sqlstate: str
) -> None:
    database.ddl(raising(sqlstate))
    path = database.path(max_retries=0)
    (unlucky, *lucky) = database.create(path, [bad(), *(good(n) for n in range(20))])
    with flushing(path):
        database.await_rows(lucky)
        wait_until(lambda: path.queue().retrying == 1, seconds=20, reason="the row waits", hint="")
        database.ddl("DROP TRIGGER refuses ON products")
        database.await_rows([unlucky])
    database.assert_accounted(path)
