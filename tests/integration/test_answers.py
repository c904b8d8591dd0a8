"""What the API answers if PostgreSQL refuses or goes away. On real Redis and PostgreSQL."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient

from service import problems
from service.routes.products import products
from tests.servers import Servers
from tests.watched import every, for_a_while
from tests.write_path import WritePath

WIDGET = {"name": "Widget", "price": 29.99, "quantity": 13}
THROUGH = {"X-Write-Policy": "write_through"}


@pytest.fixture
def app(path: WritePath) -> Flask:
    app = Flask("answers")
    app.register_blueprint(products(path.reads, path.writes))
    problems.register(app)
    return app


@pytest.fixture
def api(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def sql(servers: Servers) -> Iterator[Any]:
    with psycopg.connect(servers.database_url, autocommit=True) as connection:
        yield connection.execute


@pytest.mark.parametrize(
    ("harm", "mend", "status", "reason"),
    [
        (
            "ALTER TABLE products ADD CONSTRAINT odd CHECK (quantity <> 13) NOT VALID",
            "ALTER TABLE products DROP CONSTRAINT odd",
            422,
            "odd",
        ),
        (
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE EXCEPTION 'no thirteen'; END $$;"
            "CREATE TRIGGER refuse BEFORE INSERT ON products"
            " FOR EACH ROW WHEN (NEW.quantity = 13) EXECUTE FUNCTION refuse()",
            "DROP FUNCTION refuse CASCADE",
            422,
            "no thirteen",
        ),
        ("ALTER TABLE products RENAME TO away", "ALTER TABLE away RENAME TO products", 503, "products"),
        (
            "ALTER TABLE products RENAME COLUMN price TO cost",
            "ALTER TABLE products RENAME COLUMN cost TO price",
            503,
            "price",
        ),
    ],
    ids=["constraint", "trigger", "no table", "no column"],
)
def test_a_write_through_that_is_refused(
    api: FlaskClient, sql: Any, harm: str, mend: str, status: int, reason: str
) -> None:
    api.get("/products/seed-001")
    sql(harm)
    try:
        for method, path in (("POST", "/products"), ("PUT", "/products/seed-001")):
            answer = api.open(path, method=method, json=WIDGET, headers=THROUGH)
            assert answer.status_code == status, answer.json
            assert answer.json
            assert reason in answer.json["detail"]
    finally:
        sql(mend)
    assert api.put("/products/seed-001", json=WIDGET, headers=THROUGH).status_code == 200
    assert api.get("/products/seed-001").json["quantity"] == 13  # type: ignore[index]


def test_no_write_answered_503_was_committed_and_no_read_has_an_unknown_outcome(app: Flask, sql: Any) -> None:
    """PostgreSQL ends all connections, again and again, while eight clients write through and four read."""
    answers: dict[str, list[tuple[int, int]]] = {"PUT": [], "GET": []}
    quantities = iter(range(1_000_000))

    def write() -> None:
        quantity = next(quantities)
        product = {"name": "W", "price": 1, "quantity": quantity}
        answer = app.test_client().post("/products", json=product, headers=THROUGH)
        answers["PUT"].append((answer.status_code, quantity))

    def read() -> None:
        answers["GET"].append((app.test_client().get("/products/not-there").status_code, 0))

    def end_all() -> None:
        sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE usename = current_user AND pid <> pg_backend_pid()"
        )

    def enough() -> bool:
        return sum(status == 201 for status, _ in answers["PUT"]) > 50

    for_a_while(1.2, *[write] * 8, *[read] * 4, every(0.06, end_all), enough=enough)
    rows = {row[0] for row in sql("SELECT quantity FROM products WHERE name = 'W'")}
    assert {status for status, _ in answers["PUT"]} <= {201, 503, 504}
    assert {status for status, _ in answers["GET"]} <= {404, 503}
    assert rows.isdisjoint(n for status, n in answers["PUT"] if status == 503)
    assert rows.issuperset(n for status, n in answers["PUT"] if status == 201)
