"""/live and /admin/marks: what the page shows of runs, and what it may change. The stream has no route
here: see `service.live.stream`."""

from typing import Final

import msgspec
from flask import Blueprint, Response, request
from werkzeug.exceptions import Forbidden, UnsupportedMediaType

from service.answers import Config
from service.live.control import Control, parse_fault
from service.live.live import Live
from service.live.marks import parse_mark
from service.routes.documents import document, sent_settings
from service.writebehind.overview import Overview

#: A header that forms can't send, and that scripts of other sites may not.
CONTROL_HEADER: Final = "X-Lab-Control"


def marks(live: Live) -> Blueprint:
    """The routes /admin/marks and /live/runs."""
    routes = Blueprint("marks", __name__)

    @routes.post("/admin/marks")
    def mark() -> Response:
        live.mark(parse_mark(request.get_data(cache=False)))
        return document({}, 202)

    @routes.get("/live/runs")
    def read_runs() -> Response:
        watched = live.watched()
        body = b'{"viewers":%d,"sampled_at":%b,"runs":[%b]}' % (
            watched.viewers,
            msgspec.json.encode(watched.sampled_at),
            b",".join(live.history.runs()),
        )
        return Response(body, 200, content_type="application/json")

    return routes


def control(control: Control, overview: Overview, *, allowed: bool) -> Blueprint:
    """The routes under /live/control.

    Args:
        allowed: Whether the lab was started with `--allow-ui-control`.
    """
    routes = Blueprint("control", __name__, url_prefix="/live/control")

    @routes.before_request
    def check() -> None:
        if not allowed:
            raise Forbidden(
                "this lab can only be looked at; `labctl up --allow-ui-control` lets its page change "
                "settings and inject faults"
            )
        if CONTROL_HEADER not in request.headers:
            raise Forbidden(f"the header {CONTROL_HEADER} is missing")
        if request.mimetype != "application/json":
            raise UnsupportedMediaType("the body must be application/json")

    @routes.post("/settings")
    def change_settings() -> Response:
        control.change_settings(sent_settings())
        return document(Config(**overview.settings(), queue_size=overview.size()))

    @routes.post("/faults")
    def inject() -> Response:
        return document(control.inject(parse_fault(request.get_data(cache=False))))

    return routes
