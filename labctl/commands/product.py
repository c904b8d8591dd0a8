"""product: one at a time, through the HTTP API."""

import math
from typing import Annotated, Any, Literal

import typer

from labctl.cli.api import request
from labctl.cli.lab_command import lab_command
from labctl.cli.session import Session
from labctl.cli.traced import request_write
from scenarios.events import TableShown
from scenarios.lab.products import path_of
from service.writebehind.limits import MAX_LISTED

group = typer.Typer(help="Create, read, change and delete products.", no_args_is_help=True)
app = typer.Typer()
app.add_typer(group, name="product")


def _number(text: str) -> float:
    """`nan` and `inf` are numbers to Python, but not to JSON."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise typer.BadParameter(f"{text!r} is not a valid float.")
    return number


_Id = Annotated[str, typer.Argument(metavar="ID", help="The product's id, such as seed-001.")]
_title = typer.Option("--title", help="What it is called.")
_price = typer.Option("--price", parser=_number, metavar="FLOAT", help="From 0, with at most two decimals.")
_quantity = typer.Option("--quantity", help="How many there are.")
_Policy = Annotated[
    Literal["write_behind", "write_through"] | None,
    typer.Option("--policy", help="For this write only: acknowledged by Redis, or by PostgreSQL."),
]


@lab_command(group)
def create(
    session: Session,
    title: Annotated[str, _title] = "Demo Widget",
    price: Annotated[float, _price] = 29.99,
    quantity: Annotated[int, _quantity] = 100,
    policy: _Policy = None,
) -> None:
    """Create a product."""
    body = _value(title, price, quantity)
    session.answer_fields(request_write(session, "create", None, body, headers=_headers(policy)))


@lab_command(group)
def get(session: Session, product: _Id) -> None:
    """Read a product; `source` says where it came from."""
    session.answer_fields(request(session, "GET", path_of(product)))


@lab_command(group)
def update(
    session: Session,
    product: _Id,
    title: Annotated[str | None, _title] = None,
    price: Annotated[float | None, _price] = None,
    quantity: Annotated[int | None, _quantity] = None,
    policy: _Policy = None,
) -> None:
    """Change a product's title, price or quantity; what is not named stays as it is."""
    held = request(session, "GET", path_of(product)) if None in (title, price, quantity) else {}
    body = _value(
        held["name"] if title is None else title,
        held["price"] if price is None else price,
        held["quantity"] if quantity is None else quantity,
    )
    session.answer_fields(request_write(session, "update", product, body, headers=_headers(policy)))


@lab_command(group)
def delete(session: Session, product: _Id, policy: _Policy = None) -> None:
    """Delete a product."""
    session.answer_fields(request_write(session, "delete", product, headers=_headers(policy)))


@lab_command(group, "list")
def show_newest(
    session: Session,
    limit: Annotated[
        int, typer.Option("--limit", min=1, max=MAX_LISTED, help="How many, newest first.")
    ] = 10,
) -> None:
    """List the newest products."""

    answer = request(session, "GET", f"/products?limit={limit}")
    columns = ("id", "name", "price", "quantity", "source")
    rows = tuple(tuple(str(product.get(column, "")) for column in columns) for product in answer["products"])
    session.answer(answer, TableShown("products", "", columns, rows))


def _value(title: str, price: float, quantity: int) -> dict[str, Any]:
    return {"name": title, "price": price, "quantity": quantity}


def _headers(policy: str | None) -> dict[str, str]:
    return {"X-Write-Policy": policy} if policy else {}
