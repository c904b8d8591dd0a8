"""The Flask application. Collaborators are created here, once per process, and passed to the routes."""

import asyncio
import atexit
import socket
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from flask import Flask, request

from service import problems
from service.browsers import BrowserGuard
from service.gateway import Gateway, Special
from service.health import Checkup
from service.live.control import Control
from service.live.live import Live
from service.live.stream import PATH
from service.routes.admin import admin, dlq
from service.routes.live import control, marks
from service.routes.page import page
from service.routes.products import products
from service.routes.system import system
from service.routes.traces import otlp, otlp_refusal, traces
from service.server import end_with_parent
from service.telemetry.exposition import Exposition
from service.telemetry.facts import facts_of, template
from service.telemetry.logs import configure_logging
from service.telemetry.requests import RequestMetrics
from service.telemetry.slots import claim_slot
from service.telemetry.traced import TracedFlushSignal, TracedScripts, TracedStore
from service.telemetry.traced_requests import TracedRequests, TracedWrites
from service.telemetry.tracing import Tracing
from service.traces.otlp import MAX_BYTES
from service.traces.present import present
from service.traces.store import TraceStore
from service.writebehind.buffer import Buffer
from service.writebehind.dead_letters import DeadLetters
from service.writebehind.limits import MAX_BODY_BYTES
from service.writebehind.overview import Overview
from service.writebehind.reads import Reads
from service.writebehind.scripts.observing import check_room
from service.writebehind.settings import Settings
from service.writebehind.store import Store

#: The extension under which the application keeps what `close` closes.
_OPEN: Final = "writebehind"
#: The extension that begins spans.
_TRACING: Final = "tracing"
#: ... what tells Prometheus.
_EXPOSITION: Final = "exposition"
#: ... and what serves the page.
_LIVE: Final = "live"


def create_app(
    settings: Settings, metrics: RequestMetrics | None = None, shared: Path | None = None
) -> Flask:
    """The API on the Redis and PostgreSQL of `settings`. It connects when first needed.

    Args:
        metrics: What this process counts; None if it counts nothing.
        shared: Where all server processes keep what they count; None if this is the only one.
    """
    scripts = TracedScripts(settings.redis_url)
    # Half of the threads are left for requests that only need Redis, above all for acknowledging writes.
    store = TracedStore(settings.database_url, slots=max(1, settings.api_threads // 2))
    overview = Overview(scripts, settings)
    signal_flush = TracedFlushSignal(scripts.client)
    app = Flask("service", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    # Don't redirect `//` to `/`: the answer would be HTML.
    app.url_map.merge_slashes = False
    app.before_request(_note_route)
    writes = TracedWrites(scripts, store, settings, signal_flush=signal_flush)
    app.register_blueprint(products(Reads(scripts, store, settings), writes))
    app.register_blueprint(admin(overview, Buffer(scripts), signal_flush))
    app.register_blueprint(dlq(DeadLetters(scripts, store), signal_flush))
    live = Live(settings)
    app.register_blueprint(marks(live))
    injector = Control(scripts.client, overview, Buffer(scripts), signal_flush, live.mark)
    app.register_blueprint(control(injector, overview, allowed=settings.allow_ui_control))
    app.register_blueprint(page())
    # Health has its own store, so it is not refused when many requests wait for PostgreSQL.
    own = Store(settings.database_url)
    checkup = Checkup({"redis": partial(check_room, scripts), "postgres": own.ping, "path": overview.view})
    exposition = Exposition(overview, metrics, shared)
    app.register_blueprint(system(checkup, exposition))
    kept = TraceStore(Path(settings.telemetry_dir) if settings.telemetry_dir else None)
    tracing = app.extensions[_TRACING] = Tracing(settings, kept)
    forward = tracing.outbox.offer if tracing.outbox else None
    app.register_blueprint(otlp(kept, forward))
    app.register_blueprint(traces(kept, partial(present, scripts.client, own)))
    problems.register(app)
    app.extensions[_LIVE] = live
    app.extensions[_EXPOSITION] = exposition
    app.extensions[_OPEN] = (live, tracing, kept, exposition, checkup, own, store, scripts)
    return app


def close(app: Flask) -> None:
    """Close everything that this application opened."""
    for each in app.extensions[_OPEN]:
        each.close()


def from_env() -> Gateway:
    """The application, as a server process loads it."""
    settings = Settings.from_env()
    configure_logging(settings)
    end_with_parent()
    return serving(settings)


def serving(settings: Settings, extend: Callable[[Flask], None] | None = None) -> Gateway:
    """The application with the metrics of a server process. Call it once in a process.

    Args:
        extend: Adds routes.
    """
    directory = Path(settings.telemetry_dir) / "metrics" if settings.telemetry_dir else None
    if directory is not None and claim_slot(directory) is None:
        directory = None
    metrics = RequestMetrics() if settings.metrics_enabled else None
    app = create_app(settings, metrics, directory)
    if extend:
        extend(app)
    tracing: Tracing = app.extensions[_TRACING]
    tracing.prepare()
    # A server process ends without closing anything else.
    atexit.register(tracing.close)
    live: Live = app.extensions[_LIVE]
    live.serve_in(asyncio.get_running_loop())
    exposition: Exposition = app.extensions[_EXPOSITION]
    exposition.watch()
    return Gateway(
        TracedRequests(app, tracing),
        threads=settings.api_threads,
        max_body=MAX_BODY_BYTES,
        observe=metrics.observe if metrics else None,
        special={"/v1/traces": Special(MAX_BYTES, otlp_refusal)},
        guard=_guard(settings),
        streams={PATH: live.stream},
        acks=live.acks,
    )


def _guard(settings: Settings) -> BrowserGuard:
    names = (settings.api_host, socket.gethostname(), f"{settings.lab_name}-api")
    return BrowserGuard(names, control=settings.allow_ui_control)


def _note_route() -> None:
    if request.url_rule is not None:
        facts_of(request.environ).route = template(request.url_rule.rule)
