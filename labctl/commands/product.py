"""product: one at a time, through the HTTP API."""

from typing import Annotated, Any, Literal
from urllib.parse import quote

import typer

from labctl.command import lab_command
from labctl.session import Session

group = typer.Typer(help="Create, read, change and delete products.", no_args_is_help=True)

_Id = Annotated[str, typer.Argument(metavar="ID", help="The product's id, such as seed-001.")]
_Title = Annotated[str, typer.Option("--title", help="What it is called.")]
_Price = Annotated[float, typer.Option("--price", help="From 0, with at most two decimals.")]
_Quantity = Annotated[int, typer.Option("--quantity", help="How many there are.")]
_Policy = Annotated[
    Literal["write_behind", "write_through"] | None,
    typer.Option("--policy", help="For this write alone: acknowledged by Redis, or by PostgreSQL."),
]


@lab_command(group)
def create(
    session: Session,
    title: _Title = "Demo Widget",
    price: _Price = 29.99,
    quantity: _Quantity = 100,
    policy: _Policy = None,
) -> None:
    """Create a product."""
    body = _value(title, price, quantity)
    session.answer_fields(session.request("POST", "/products", body, headers=_headers(policy)))


@lab_command(group)
def get(session: Session, product: _Id) -> None:
    """Read a product; `source` says where it came from."""
    session.answer_fields(session.request("GET", _path(product)))


@lab_command(group)
def update(
    session: Session,
    product: _Id,
    title: _Title = "Demo Widget",
    price: _Price = 29.99,
    quantity: _Quantity = 100,
    policy: _Policy = None,
) -> None:
    """Replace a product's title, price and quantity."""
    body = _value(title, price, quantity)
    session.answer_fields(session.request("PUT", _path(product), body, headers=_headers(policy)))


@lab_command(group)
def delete(session: Session, product: _Id, policy: _Policy = None) -> None:
    """Delete a product."""
    session.answer_fields(session.request("DELETE", _path(product), headers=_headers(policy)))


@lab_command(group, "list")
def show_newest(
    session: Session,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="How many, newest first.")] = 10,
) -> None:
    """List the newest products."""
    from scenarios.events import TableShown

    answer = session.request("GET", f"/products?limit={limit}")
    columns = ("id", "name", "price", "quantity", "source")
    rows = tuple(tuple(str(product.get(column, "")) for column in columns) for product in answer["products"])
    session.answer(answer, TableShown("products", "", columns, rows))


def _path(product: str) -> str:
    return f"/products/{quote(product, safe='')}"


def _value(title: str, price: float, quantity: int) -> dict[str, Any]:
    return {"name": title, "price": price, "quantity": quantity}


def _headers(policy: str | None) -> dict[str, str]:
    return {"X-Write-Policy": policy} if policy else {}
