"""/products"""

from typing import Final

from flask import Blueprint, Response, request
from werkzeug.exceptions import BadRequest

from service.writebehind.entry import Product, check_id, parse_product
from service.writebehind.errors import InvalidProduct
from service.writebehind.reads import Reads
from service.writebehind.writes import Writes, Written

_POLICIES: Final = ("", "write_behind", "write_through")
_MAX_LIMIT: Final = 1000
_JSON: Final = "application/json"


def products(reads: Reads, writes: Writes) -> Blueprint:
    """The routes under /products."""
    routes = Blueprint("products", __name__)

    @routes.post("/products")
    def create() -> Response:
        written = writes.create(_product(), policy=_policy())
        return Response(written.body, 201, [("Location", f"/products/{written.id}")], content_type=_JSON)

    @routes.put("/products/<product_id>")
    def update(product_id: str) -> Response:
        return _ok(writes.update(check_id(product_id), _product(), policy=_policy()))

    @routes.delete("/products/<product_id>")
    def delete(product_id: str) -> Response:
        return _ok(writes.delete(check_id(product_id), policy=_policy()))

    @routes.get("/products/<product_id>")
    def read(product_id: str) -> Response:
        return Response(reads.get(check_id(product_id)), 200, content_type=_JSON)

    @routes.get("/products")
    def read_newest() -> Response:
        documents = reads.newest(_limit(request.args.get("limit", "100")))
        return Response(b'{"products":[%b]}' % b",".join(documents), 200, content_type=_JSON)

    return routes


def _ok(written: Written) -> Response:
    return Response(written.body, 200, content_type=_JSON)


def _product() -> Product:
    try:
        return parse_product(request.get_data(cache=False))
    except ValueError as error:
        raise BadRequest(str(error)) from error


def _policy() -> str:
    policy = request.environ.get("HTTP_X_WRITE_POLICY", "")
    if policy not in _POLICIES:
        raise BadRequest(f"X-Write-Policy must be write_behind or write_through, not {policy!r}")
    return str(policy)


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= _MAX_LIMIT):
        raise InvalidProduct({"limit": f"must be a whole number from 1 to {_MAX_LIMIT}, not {text!r}"})
    return int(text)
