"""/health, /metrics and /openapi.json"""

from importlib.resources import files

import msgspec
from flask import Blueprint, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from service.health import Checkup, report
from service.metrics import QueueCollector
from service.writebehind.overview import Overview


def system(checkup: Checkup, overview: Overview) -> Blueprint:
    """The routes that operators and tools use."""
    routes = Blueprint("system", __name__)
    registry = CollectorRegistry()
    registry.register(QueueCollector(overview))
    openapi = (files("service") / "openapi.json").read_bytes()

    @routes.get("/health")
    def health() -> Response:
        status, body = report(checkup.answers())
        return Response(msgspec.json.encode(body), status, content_type="application/json")

    @routes.get("/metrics")
    def metrics() -> Response:
        return Response(generate_latest(registry), 200, content_type=CONTENT_TYPE_LATEST)

    @routes.get("/openapi.json")
    def describe() -> Response:
        return Response(openapi, 200, content_type="application/json")

    return routes
