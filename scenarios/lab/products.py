"""How the API is asked for products: methods, routes and paths."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from scenarios.judge.ledger import Operation

_METHODS: Final[Mapping[Operation, str]] = {"create": "POST", "update": "PUT", "delete": "DELETE"}


def method_of(operation: Operation) -> str:
    """The HTTP method that asks for a write."""
    return _METHODS[operation]


def route_of(operation: Operation) -> str:
    """The route that takes a write, as spans name it: "/products/{id}"."""
    return "/products" if operation == "create" else "/products/{id}"


def path_of(product: str | None) -> str:
    """The path of a product; None: of all of them, as a create asks for it."""
    return "/products" if product is None else f"/products/{quote(product, safe='')}"
