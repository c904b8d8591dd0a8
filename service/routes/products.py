"""/products"""

from typing import TYPE_CHECKING, Final, get_args

from flask import Blueprint, Response, request
from werkzeug.datastructures import Headers
from werkzeug.exceptions import BadRequest

from service.routes.listing import asked_limit
from service.telemetry.facts import facts_of
from service.writebehind.entry import Product, check_id, parse_product, source_of
from service.writebehind.reads import Reads
from service.writebehind.settings import WritePolicy
from service.writebehind.writes import Writes, Written

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_POLICIES: Final = get_args(WritePolicy)


class _Finished(Response):
    """An answer whose headers are complete and plain ASCII. It skips Werkzeug's final pass over them, which
    parses and rebuilds the Location and would take a tenth of a write's time."""

    def get_wsgi_headers(self, environ: "WSGIEnvironment") -> Headers:
        return self.headers


def products(reads: Reads, writes: Writes) -> Blueprint:
    """The routes under /products."""
    routes = Blueprint("products", __name__)

    @routes.post("/products")
    def create() -> Response:
        policy = _policy()
        written = writes.create(_product(), policy=policy)
        return _acknowledge(written, 201, ("Location", f"/products/{written.id}"))

    @routes.put("/products/<product_id>")
    def update(product_id: str) -> Response:
        policy = _policy()
        return _acknowledge(writes.update(check_id(product_id), _product(), policy=policy))

    @routes.delete("/products/<product_id>")
    def delete(product_id: str) -> Response:
        policy = _policy()
        return _acknowledge(writes.delete(check_id(product_id), policy=policy))

    @routes.get("/products/<product_id>")
    def read(product_id: str) -> Response:
        document = reads.get(check_id(product_id))
        facts_of(request.environ).found(source_of(document))
        return _answer(document)

    @routes.get("/products")
    def read_newest() -> Response:
        documents = reads.newest(asked_limit())
        return _answer(b'{"products":[%b]}' % b",".join(documents))

    return routes


def _answer(body: bytes, status: int = 200, *headers: tuple[str, str]) -> _Finished:
    length = ("Content-Length", str(len(body)))
    return _Finished(body, status, [("Content-Type", "application/json"), length, *headers])


def _acknowledge(written: Written, status: int = 200, *headers: tuple[str, str]) -> _Finished:
    facts = facts_of(request.environ)
    facts.policy = "write_behind" if written.queued else "write_through"
    facts.coalesced = written.coalesced
    return _answer(written.body, status, *headers)


def _product() -> Product:
    try:
        return parse_product(request.get_data(cache=False))
    except ValueError as error:
        raise BadRequest(str(error)) from error


def _policy() -> str:
    """The policy that this write asked for; '' for none."""
    facts = facts_of(request.environ)
    facts.policy = "unknown"
    policy = request.environ.get("HTTP_X_WRITE_POLICY")
    if policy is None:
        return ""
    if policy not in _POLICIES:
        raise BadRequest(f"X-Write-Policy must be {' or '.join(_POLICIES)}, not {policy!r}")
    facts.policy = policy
    return str(policy)
