"""db and cache: PostgreSQL and Redis themselves, past the API."""

from typing import Annotated, Final

import typer

from labctl.cli.lab_command import lab_command
from labctl.cli.session import Session
from service.writebehind import keys
from stack.errors import UsageError
from stack.spec.hints import labctl

#: psql's exit code where the server refuses the SQL.
_SQL_ERROR: Final = 1

db_group = typer.Typer(help="Look straight into PostgreSQL, with psql.", no_args_is_help=True)
cache_group = typer.Typer(help="Look straight into Redis, with redis-cli.", no_args_is_help=True)
app = typer.Typer()
app.add_typer(db_group, name="db")
app.add_typer(cache_group, name="cache")


@lab_command(db_group)
def count(session: Session) -> None:
    """Count the products in the database."""
    _psql(session, "SELECT COUNT(*) AS total_products FROM products;")


@lab_command(db_group)
def recent(
    session: Session,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="How many.")] = 10,
) -> None:
    """Show the products that were written last."""
    _psql(
        session,
        f"SELECT id, name, price, quantity, updated_at FROM products ORDER BY updated_at DESC LIMIT {limit};",
    )


@lab_command(db_group)
def stats(session: Session) -> None:
    """Show the totals over all products."""
    _psql(session, "SELECT * FROM product_stats;")


@lab_command(db_group)
def query(session: Session, sql: Annotated[str, typer.Argument(metavar="SQL", help="In quotes.")]) -> None:
    """Run any SQL."""
    _psql(session, sql)


@lab_command(cache_group)
def get(session: Session, product: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """Show the cache entry of a product, as Redis holds it."""

    text = session.execute("redis", ["redis-cli", "GET", keys.cache(product)])
    if not text.strip():
        raise UsageError(f"{product} is not in the cache", hint=f"list what is with {labctl('cache keys')}")
    session.answer_text("value", text)


@lab_command(cache_group, "keys")
def show_keys(
    session: Session,
    pattern: Annotated[str, typer.Argument(metavar="PATTERN", help="* stands for anything.")] = "",
) -> None:
    """List the keys of the cache, or those that a pattern matches."""

    session.answer_text("keys", session.execute("redis", ["redis-cli", "KEYS", pattern or keys.cache("*")]))


def _psql(session: Session, sql: str) -> None:
    options = ["--csv"] if session.json else []
    argv = ["psql", "-X", *options, "-c", sql]
    session.answer_text("output", session.execute("postgres", argv, refusal=_SQL_ERROR))
