"""The service with two more routes: the ceilings that POST /products is measured against.

Run as `python -m bench.app` with the environment of a service.
"""

from typing import Final

from flask import Flask, Response, request

from service.app import serving
from service.gateway import Gateway
from service.server import serve
from service.writebehind.scripts.runner import Scripts
from service.writebehind.settings import Settings

#: A product, as POST /products answers: the load generator reads each answer's id and version.
_PRODUCT: Final = (
    b'{"id":"00000000-0000-4000-8000-000000000000","name":"Demo Widget","price":29.99,"quantity":100,'
    b'"created_at":"2026-01-01T00:00:00.000000Z","updated_at":"2026-01-01T00:00:00.000000Z",'
    b'"version":1767225600000000,"source":"cache"}'
)


def from_env() -> Gateway:
    """What a server process loads: the service, a route that only reads the body, and a route that also
    sends Redis one PING, over the kind of connection that the service uses."""
    settings = Settings.from_env()
    scripts = Scripts(settings.redis_url)

    def add_ceilings(app: Flask) -> None:
        @app.post("/bench/noop")
        def noop() -> Response:
            request.get_data(cache=False)
            return Response(_PRODUCT, 201, content_type="application/json")

        @app.post("/bench/ping")
        def ping() -> Response:
            request.get_data(cache=False)
            scripts.ask("PING")
            return Response(_PRODUCT, 201, content_type="application/json")

    return serving(settings, add_ceilings)


def main() -> None:
    serve("bench.app:from_env", Settings.from_env())


if __name__ == "__main__":
    main()
