"""The service with two more routes, which serve as ceilings for POST /products.

Run as `python -m bench.app` with the environment of a service.
"""

from flask import Response, request

from service.app import create_app
from service.gateway import Gateway
from service.server import serve
from service.writebehind.entry import MAX_BODY_BYTES
from service.writebehind.scripts.runner import Scripts
from service.writebehind.settings import Settings


def from_env() -> Gateway:
    """What a server process loads: the service, a route that only reads the body, and one that asks
    Redis for a bare PING over a connection of the same kind besides."""
    settings = Settings.from_env()
    app = create_app(settings)
    scripts = Scripts(settings.redis_url)

    @app.post("/bench/noop")
    def noop() -> Response:
        request.get_data(cache=False)
        return Response(b"{}", 201, content_type="application/json")

    @app.post("/bench/ping")
    def ping() -> Response:
        request.get_data(cache=False)
        scripts.ask("PING")
        return Response(b"{}", 201, content_type="application/json")

    return Gateway(app, threads=settings.api_threads, max_body=MAX_BODY_BYTES)


def main() -> None:
    serve("bench.app:from_env", Settings.from_env())


if __name__ == "__main__":
    main()
