"""/health, /metrics and /openapi.json"""

from collections.abc import Callable
from importlib.resources import files

import msgspec
from flask import Blueprint, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from service.metrics import QueueCollector
from service.writebehind import keys
from service.writebehind.errors import WriteBehindError
from service.writebehind.overview import Overview
from service.writebehind.scripts import Scripts, plain_commands
from service.writebehind.store import Store


def system(scripts: Scripts, store: Store, overview: Overview) -> Blueprint:
    """The routes that operators and tools use."""
    routes = Blueprint("system", __name__)
    registry = CollectorRegistry()
    registry.register(QueueCollector(overview))
    openapi = (files("service") / "openapi.json").read_bytes()

    def worker_alive() -> bool:
        with plain_commands():
            return bool(scripts.client.exists(keys.WORKER))

    @routes.get("/health")
    def health() -> Response:
        def ping_redis() -> None:
            with plain_commands():
                scripts.client.ping()

        checks = {"redis": _check(ping_redis), "postgres": _check(store.ping)}
        down = [name for name, answer in checks.items() if answer["status"] != "ok"]
        body: dict[str, object] = {"status": "down" if down else "ok", **checks}
        if down:
            body["detail"] = f"{' and '.join(down)} down"
        else:
            # Without a worker writes are still taken: worth knowing, but no reason to be unhealthy.
            body["worker"] = {"status": "ok" if worker_alive() else "absent"}
        return Response(msgspec.json.encode(body), 503 if down else 200, content_type="application/json")

    @routes.get("/metrics")
    def metrics() -> Response:
        return Response(generate_latest(registry), 200, content_type=CONTENT_TYPE_LATEST)

    @routes.get("/openapi.json")
    def describe() -> Response:
        return Response(openapi, 200, content_type="application/json")

    return routes


def _check(ping: Callable[[], None]) -> dict[str, str]:
    try:
        ping()
    except WriteBehindError as error:
        return {"status": "down", "detail": str(error)}
    return {"status": "ok"}
