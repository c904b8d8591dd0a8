"""The Flask application. Collaborators are created here, once per process, and passed to the routes."""

from functools import partial
from typing import Final

from flask import Flask

from service import problems
from service.flush_signal import FlushSignal
from service.gateway import Gateway
from service.health import Checkup
from service.routes.admin import admin, dlq
from service.routes.products import products
from service.routes.system import system
from service.server import configure_logging, end_with_parent
from service.writebehind.buffer import Buffer
from service.writebehind.dead_letters import DeadLetters
from service.writebehind.limits import MAX_BODY_BYTES
from service.writebehind.overview import Overview
from service.writebehind.reads import Reads
from service.writebehind.scripts.observing import check_room
from service.writebehind.scripts.runner import Scripts
from service.writebehind.settings import Settings
from service.writebehind.store import Store
from service.writebehind.writes import Writes

#: The extension under which the application keeps what `close` closes.
_OPEN: Final = "writebehind"


def create_app(settings: Settings) -> Flask:
    """The API on the Redis and PostgreSQL of `settings`. It connects when first needed."""
    scripts = Scripts(settings.redis_url)
    # Half of the threads are left for requests that only need Redis, above all for acknowledging writes.
    store = Store(settings.database_url, slots=max(1, settings.api_threads // 2))
    overview = Overview(scripts, settings)
    signal_flush = FlushSignal(scripts.client)
    app = Flask("service", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    # Don't redirect `//` to `/`: the answer would be HTML.
    app.url_map.merge_slashes = False
    app.register_blueprint(
        products(Reads(scripts, store, settings), Writes(scripts, store, settings, signal_flush=signal_flush))
    )
    app.register_blueprint(admin(overview, Buffer(scripts), signal_flush))
    app.register_blueprint(dlq(DeadLetters(scripts, store), signal_flush))
    # Health has its own store, so it is not refused when many requests wait for PostgreSQL.
    own = Store(settings.database_url)
    checkup = Checkup({"redis": partial(check_room, scripts), "postgres": own.ping, "path": overview.view})
    app.register_blueprint(system(checkup, overview))
    problems.register(app)
    app.extensions[_OPEN] = (checkup, own, store, scripts)
    return app


def close(app: Flask) -> None:
    """Close everything that this application opened."""
    for each in app.extensions[_OPEN]:
        each.close()


def from_env() -> Gateway:
    """The application, as a server process loads it."""
    settings = Settings.from_env()
    configure_logging()
    end_with_parent()
    return Gateway(create_app(settings), threads=settings.api_threads, max_body=MAX_BODY_BYTES)
