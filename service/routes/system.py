"""/health, /metrics and /openapi.json"""

from importlib.resources import files

from flask import Blueprint, Response, request

from service.health import Checkup, report
from service.routes.documents import document
from service.telemetry.exposition import Exposition


def system(checkup: Checkup, exposition: Exposition) -> Blueprint:
    """The routes that operators and tools use."""
    routes = Blueprint("system", __name__)
    openapi = (files("service") / "openapi.json").read_bytes()

    @routes.get("/health")
    def health() -> Response:
        status, body = report(checkup.answers())
        return document(body, status)

    @routes.get("/metrics")
    def metrics() -> Response:
        text, content_type = exposition.text(request.headers.get("Accept", ""))
        return Response(text, 200, content_type=content_type)

    @routes.get("/openapi.json")
    def describe() -> Response:
        return Response(openapi, 200, content_type="application/json")

    return routes
